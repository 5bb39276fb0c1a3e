"""Scores of a set of circuits against all minimal circuits of a model.

A model with redundant mechanisms has several minimal circuits. A method may report one
of them, several, or a mixture that is none. Formulas are in docs/scoring.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from compiler.errors import InputError
from compiler.model import Model
from zoo.cases.case import Case, open_case
from zoo.cases.pairs import PAIRS, SHIFTED
from zoo.scoring.sufficient import LIMIT, Circuits, Judge, find_circuits


@dataclass(frozen=True)
class ReportedCircuit:
    """One reported circuit.

    Attributes:
        edges: how many it has.
        best: the number of the minimal circuit that is most like it, from 0.
        f1: how much alike they are: 2 |A & B| / (|A| + |B|).
        kept: share of pairs whose outputs stay with all other edges patched.
        suffices: whether that is enough.
        minimal: whether no edge of it can be left out; False if it does not suffice.
        needless: an edge that can be left out, or None.
    """

    edges: int
    best: int
    f1: float
    kept: float
    suffices: bool
    minimal: bool
    needless: str | None


@dataclass(frozen=True)
class CircuitSetReport:
    """What a set of circuits is worth.

    Attributes:
        truth: all minimal circuits.
        reported: each circuit that was given.
        coverage: share of the minimal circuits that were reported exactly.
        mean_f1: mean over the minimal circuits of the F1 of the most alike reported.
        precision_union: share of the reported edges that are in a minimal circuit.
        precision_intersection: share of the reported edges that are in all of them.
        recall_union: share of the edges of minimal circuits that were reported.
    """

    truth: Circuits
    reported: tuple[ReportedCircuit, ...]
    coverage: float
    mean_f1: float
    precision_union: float
    precision_intersection: float
    recall_union: float

    def __repr__(self) -> str:
        return (
            f"<CircuitSetReport {self.truth.model}: {len(self.reported)} reported, "
            f"{self.coverage:.0%} of {len(self.truth.sufficient)} minimal circuits, "
            f"mean F1 {self.mean_f1:.3f}>"
        )


def score_circuits(
    source: str | Path | Model | Case,
    circuits: Sequence[Iterable[str]],
    *,
    truth: Circuits | None = None,
    ablation: str = "resample",
    at_least: float = 1.0,
    limit: int = LIMIT,
    split: str = "test",
    pairs: int = PAIRS,
    shifted: float = SHIFTED,
    within: str | None = None,
    seed: int = 0,
) -> CircuitSetReport:
    """Return what a set of circuits is worth.

    Args:
        source: a release's name, a folder, a model, a program's name, or a case.
        circuits: each the names of its edges, such as `a0.h1->m0`.
        truth: of `find_circuits` with the same settings; found if None.
        ablation: what stands in the place of a patched write.
        at_least: share of pairs whose outputs all have to stay.
        limit: minimal circuits after which the search for them stops.
        split: of the data.
        pairs: how many of its pairs, at most.
        shifted: share of the pairs whose corrupt run has shifted positions.
        within: the class of inputs, in place of `:CLASS` behind the name.
        seed: of the search.

    Raises:
        NameLookupError: nothing has that name, or there is no such edge.
        InputError: no circuit is given, or one is no collection of names.
    """
    given = [frozenset(_names(c, number)) for number, c in enumerate(circuits)]
    if not given:
        raise InputError("no circuit is given; give a list with one at least")
    case = open_case(
        source,
        split=split,
        pairs=pairs,
        shifted=shifted,
        ablation=ablation,
        within=within,
    )
    if truth is None:
        truth = find_circuits(case, at_least=at_least, limit=limit, seed=seed)
    judge = Judge(case, at_least)
    minimal = [frozenset(one) for one in truth.sufficient]
    reported = tuple(_judged(judge, one, minimal) for one in given)
    union = frozenset().union(*given)
    best = [max((_f1(one, g) for g in given), default=0.0) for one in minimal]
    return CircuitSetReport(
        truth=truth,
        reported=reported,
        coverage=float(np.mean([one in given for one in minimal])) if minimal else 1.0,
        mean_f1=float(np.mean(best)) if best else 1.0,
        precision_union=_share(union, truth.union),
        precision_intersection=_share(union, truth.intersection),
        recall_union=_share(truth.union, union),
    )


def _names(circuit: Iterable[str], number: int) -> list[str]:
    if isinstance(circuit, str):
        raise InputError(
            f"circuit {number} is the text {circuit[:40]!r}; expected the names of its "
            "edges, such as ['tokens->a0.h0<v>', 'a0.h0->logits']"
        )
    return [str(edge) for edge in circuit]


def _judged(
    judge: Judge, edges: frozenset[str], minimal: list[frozenset[str]]
) -> ReportedCircuit:
    kept = judge.kept_by(edges)
    suffices = kept >= judge.at_least
    alike = [_f1(edges, one) for one in minimal]
    best = int(np.argmax(alike)) if alike else -1
    needless = _needless(judge, edges) if suffices else None
    return ReportedCircuit(
        edges=len(edges),
        best=best,
        f1=alike[best] if alike else 0.0,
        kept=kept,
        suffices=suffices,
        minimal=suffices and needless is None,
        needless=needless,
    )


def _needless(judge: Judge, edges: frozenset[str]) -> str | None:
    """Return an edge that a circuit suffices without, the first by name."""
    for edge in sorted(edges):
        if judge.keeps(edges - {edge}):
            return edge
    return None


def _f1(first: frozenset[str], second: frozenset[str]) -> float:
    return 2 * len(first & second) / max(len(first) + len(second), 1)


def _share(part: frozenset[str], whole: frozenset[str]) -> float:
    return len(part & whole) / len(part) if part else 1.0


def mixing_index(edges: Iterable[str], by_class: Iterable[Iterable[str]]) -> float:
    """Return how much a circuit mixes the circuits of classes of inputs, in [0, 1].

    It is 1 - max_c |C & T_c| / |C & U|, where T_c are the edges that class c uses and
    U those that any class uses: 0 if one class uses all of the circuit's true edges,
    and near 1 if each class uses few of them.

    Args:
        edges: of the circuit C.
        by_class: of each class, the edges T_c.
    """
    circuit = frozenset(edges)
    classes = [frozenset(one) for one in by_class]
    used = circuit & frozenset().union(*classes)
    if not used:
        return 0.0
    return 1.0 - max(len(circuit & one) for one in classes) / len(used)
