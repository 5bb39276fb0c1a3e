"""All minimal circuits of a model with redundant parts, and how each edge is used.

An edge of a redundant part has no effect alone, though a set of edges may need it. So
where an edge of the circuit is `unused` by itself, the audit looks for all minimal sets
of edges that suffice, and says of each edge how it is used:

    alone                  patching it alone changes outputs
    in a minimal circuit   a minimal circuit has it: the rest of that circuit is not
                           enough without it
    on the gap             it moves the lead of the answer and leaves the answer, in a
                           program that sums evidence up (`compiler/rasp/evidence.py`)
    none                   nothing of these

Sufficiency of each circuit in the list, minimality and completeness of the list are
tested by themselves, so that the list need not be taken from the search on trust.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

from compiler.ir import typed as t
from zoo.auditing.dualize import Items, dualize
from zoo.auditing.edge_sets import Ablation, EdgeSets
from zoo.auditing.findings import EdgeFinding
from zoo.auditing.rates import Rate
from zoo.auditing.subject import Subject
from zoo.causal.pairs import draw_audit_pairs

PAIRS = 500
"""Pairs on which sets are looked for; each listed circuit is run on as many others."""
LIMIT, ASKED = 16, 500
"""Minimal circuits, and sets of edges, after which a search stops."""
EXHAUSTIVE, DRAWN = 8, 64
"""Edges up to which all subsets are run; else so many are drawn."""
TRAINED_LEVEL = 0.95
"""Share of pairs whose outputs all stay, for a set to suffice in a trained model."""
LEAST_GAP = 0.01
"""Logits by which an edge has to move the lead of the answer, at least."""

UseKind = Literal["alone", "in a minimal circuit", "on the gap", "none"]


@dataclass(frozen=True)
class SubsetTest:
    """How many sets of edges suffice, or do not, as a list of circuits says.

    Attributes:
        right: how many do as it says.
        total: how many were run.
        exhaustive: whether these are all.
    """

    right: int
    total: int
    exhaustive: bool


@dataclass(frozen=True)
class ListedCircuit:
    """One minimal circuit.

    Attributes:
        edges: its edges.
        kept: share of pairs whose outputs stay with all other edges patched.
        minimal: proper subsets, of which none should suffice.
    """

    edges: tuple[str, ...]
    kept: Rate
    minimal: SubsetTest


@dataclass(frozen=True)
class CircuitList:
    """All minimal circuits under one ablation.

    Attributes:
        complete: whether the search ended because there are no more.
        sufficient: the minimal circuits, the smallest first.
        necessary: the minimal sets of edges without which the rest does not suffice.
        alternatives: subsets of the edges that some of the circuits have and others do
            not, beside those that all have.
        outside: drawn subsets of all edges of the claimed circuit.
    """

    complete: bool
    sufficient: tuple[ListedCircuit, ...]
    necessary: tuple[tuple[str, ...], ...]
    alternatives: SubsetTest
    outside: SubsetTest

    @property
    def union(self) -> frozenset[str]:
        """The edges that some minimal circuit has."""
        return frozenset(edge for one in self.sufficient for edge in one.edges)


@dataclass(frozen=True)
class EdgeUse:
    """How an edge of the circuit is used.

    Attributes:
        kind: see the module.
        ablation: under which it is in a minimal circuit; None for other kinds.
        gap: mean growth of the answer's lead when the edge alone is patched, in logits;
            None where that was not measured.
    """

    kind: UseKind
    ablation: str | None
    gap: float | None


@dataclass(frozen=True)
class CircuitLists:
    """The minimal circuits of a model, and how each edge of its circuit is used.

    Attributes:
        pairs: of inputs on which every set of edges was run in the search. Each listed
            circuit was run on as many others.
        at_least: share of them whose outputs all have to stay for a set to suffice.
        lists: by ablation, the minimal circuits.
        uses: by edge of the circuit; an undetectable one is left out.
    """

    pairs: int
    at_least: float
    lists: Mapping[str, CircuitList]
    uses: Mapping[str, EdgeUse]


def weighs_evidence(subject: Subject) -> bool:
    """Return whether the program of a model sums evidence up."""
    typed = getattr(subject.causal, "typed", None)
    variables = () if typed is None else typed.variables
    return any(t.weights_of(v.operation) is not None for v in variables)


def find_circuit_lists(
    subject: Subject,
    circuit: Sequence[EdgeFinding],
    *,
    pairs: int = PAIRS,
    seed: int = 0,
) -> CircuitLists | None:
    """Return all minimal circuits; None if every edge is used by itself.

    Ablations other than `resample` are run for programs that sum evidence up: there
    what decides depends on them.

    Args:
        subject: the model and its circuit.
        circuit: what an audit found of each edge.
        pairs: on which sets are looked for; each listed circuit is run on as many more.
        seed: of the pairs and of the subsets that are drawn.
    """
    if all(finding.status != "unused" for finding in circuit):
        return None
    weighs = weighs_evidence(subject)
    at_least = 1.0 if subject.claims["behaviour"] >= 1.0 else TRAINED_LEVEL
    ablations: tuple[Ablation, ...] = ("resample", "mean", "zero")
    lists = {
        ablation: _list_under(subject, ablation, at_least, pairs, seed)
        for ablation in (ablations if weighs else ablations[:1])
    }
    gaps = _gaps(subject, circuit, pairs, seed) if weighs else {}
    return CircuitLists(
        pairs=pairs,
        at_least=at_least,
        lists=lists,
        uses=dict(_uses(circuit, lists, gaps)),
    )


def _list_under(
    subject: Subject, ablation: Ablation, at_least: float, pairs: int, seed: int
) -> CircuitList:
    sets, more = (
        EdgeSets(subject, draw_audit_pairs(subject.causal, pairs, seed + n), ablation)
        for n in (0, 1)
    )

    def named(chosen: Items) -> tuple[str, ...]:
        return tuple(sets.edges[item] for item in sorted(chosen))

    @cache
    def suffices(chosen: Items) -> bool:
        return sets.kept(named(chosen)).share >= at_least

    found = dualize(suffices, len(sets.edges), LIMIT, ASKED)
    rng = np.random.default_rng([*b"circuits", seed])

    def tested(
        tried: Iterable[Items], every: bool, said: Sequence[Items]
    ) -> SubsetTest:
        each = [suffices(s) == any(one <= s for one in said) for s in tried]
        return SubsetTest(sum(each), len(each), every)

    shared = frozenset.intersection(*found.sufficient) if found.sufficient else Items()
    apart = frozenset().union(*found.sufficient) - shared
    drawn = [
        Items(np.flatnonzero(rng.random(len(sets.edges)) < share).tolist())
        for share in rng.random(DRAWN)
    ]
    return CircuitList(
        complete=found.complete,
        sufficient=tuple(
            ListedCircuit(
                named(one),
                more.kept(named(one)),
                tested(*_proper_subsets(one, rng), ()),
            )
            for one in found.sufficient
        ),
        necessary=tuple(named(one) for one in found.necessary),
        alternatives=tested(*_subsets(apart, shared, rng), found.sufficient),
        outside=tested(drawn, False, found.sufficient),
    )


def _subsets(
    items: Items, beside: Items, rng: np.random.Generator
) -> tuple[list[Items], bool]:
    """Return (subsets of some items, each with others beside it; whether all)."""
    ordered = sorted(items)
    if len(ordered) <= EXHAUSTIVE:
        sizes = range(len(ordered) + 1)
        every = (c for n in sizes for c in itertools.combinations(ordered, n))
        return [beside | frozenset(one) for one in every], True
    drawn = rng.random((DRAWN, len(ordered))) < 0.5
    return [
        beside | frozenset(itertools.compress(ordered, row)) for row in drawn
    ], False


def _proper_subsets(items: Items, rng: np.random.Generator) -> tuple[list[Items], bool]:
    """Return (proper subsets, whether these are all)."""
    found, every = _subsets(items, Items(), rng)
    found = [one for one in found if one != items]
    single = [] if every else [items - {item} for item in sorted(items)]
    return [*single, *found], every


def _gaps(
    subject: Subject, circuit: Sequence[EdgeFinding], pairs: int, seed: int
) -> dict[str, float]:
    """Return by how much unused edges, and any outside (""), move the answer's lead."""
    sets = EdgeSets(subject, draw_audit_pairs(subject.causal, pairs, seed))
    found = {f.edge: sets.gap(f.edge) for f in circuit if f.status == "unused"}
    names = subject.config.names
    outside = [str(e) for e in names.edges if str(e) not in set(sets.edges)]
    found[""] = max((abs(sets.gap(edge)) for edge in outside), default=0.0)
    return {edge: float(f"{gap:.4g}") for edge, gap in found.items()}


def _uses(
    circuit: Sequence[EdgeFinding],
    lists: Mapping[str, CircuitList],
    gaps: Mapping[str, float],
) -> Iterator[tuple[str, EdgeUse]]:
    """Yield how each edge is used, the first kind that holds."""
    floor = max(LEAST_GAP, gaps.get("", 0.0))
    for finding in circuit:
        edge, gap = finding.edge, gaps.get(finding.edge)
        within = [name for name, found in lists.items() if edge in found.union]
        if finding.status == "undetectable":
            continue
        if finding.status == "used":
            yield edge, EdgeUse("alone", None, None)
        elif within:
            yield edge, EdgeUse("in a minimal circuit", within[0], gap)
        elif gap is not None and abs(gap) > floor:
            yield edge, EdgeUse("on the gap", None, gap)
        else:
            yield edge, EdgeUse("none", None, gap)
