"""All minimal circuits of a model: the smallest sets of edges that suffice.

    circuits = find_circuits("reverse_by_vote")
    circuits.sufficient          the minimal sets of edges that keep the output
    circuits.necessary           the minimal sets of edges without which it is lost
    circuits.single              by edge, the share of outputs that it changes alone

A set of edges suffices if the outputs stay as they are when all other edges are patched
at once. What an edge is patched with is the case's ablation, and the answer depends on
it: of two copies of a variable, one is enough if the other is set to the mean, and
neither can be told from the other if it carries another input's value.

Sufficiency is taken to be monotone: a larger set suffices too. `monotone` says how
often a larger set was tried, and whether it did.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Int

from compiler.errors import InputError, count
from compiler.lower.readout import decode_indices
from compiler.machine.names import Edge
from compiler.machine.patch import edge_mask
from compiler.model import Model
from zoo.auditing.dualize import Dual, Items, dualize
from zoo.auditing.edge_sets import masked_logits
from zoo.cases.case import Case, open_case
from zoo.cases.pairs import PAIRS, SHIFTED

LIMIT = 64
"""Minimal circuits that are listed."""
SUPERSETS = 32
"""Larger sets that are tried, to see whether they suffice too."""


@dataclass(frozen=True)
class Circuits:
    """All minimal circuits of a model under one ablation.

    Attributes:
        model: the name of the case.
        ablation: what stands in the place of patched writes.
        at_least: share of pairs of inputs whose outputs all have to stay.
        pairs: how many pairs each set of edges was run on.
        sufficient: the minimal sets of edges that suffice, the smallest first.
        necessary: the minimal sets of edges without which the rest does not suffice.
        single: by edge, the share of pairs with an output that this edge alone changes.
        complete: whether the lists have all; False if there are more than the limit.
        tried: how many sets of edges were run.
        monotone: share of larger sets, of `SUPERSETS` drawn, that suffice too.
    """

    model: str
    ablation: str
    at_least: float
    pairs: int
    sufficient: tuple[tuple[str, ...], ...]
    necessary: tuple[tuple[str, ...], ...]
    single: dict[str, float]
    complete: bool
    tried: int
    monotone: float

    def __repr__(self) -> str:
        more = "" if self.complete else " or more"
        return (
            f"<Circuits {self.model}, {self.ablation}: "
            f"{count(len(self.sufficient), 'minimal circuit')}{more}>"
        )

    @property
    def union(self) -> frozenset[str]:
        """The edges that are in some minimal circuit."""
        return frozenset(edge for one in self.sufficient for edge in one)

    @property
    def intersection(self) -> frozenset[str]:
        """The edges that are in every minimal circuit."""
        sets = [frozenset(one) for one in self.sufficient]
        return frozenset.intersection(*sets) if sets else frozenset()


def find_circuits(
    source: str | Path | Model | Case,
    *,
    ablation: str = "resample",
    at_least: float = 1.0,
    limit: int = LIMIT,
    split: str = "test",
    pairs: int = PAIRS,
    shifted: float = SHIFTED,
    within: str | None = None,
    seed: int = 0,
) -> Circuits:
    """Return all minimal circuits of a model, among the edges of its claimed circuit.

    Args:
        source: a release's name, a folder, a model, a program's name, or a case.
        ablation: what stands in the place of a patched write: `resample`, `mean`,
            `zero` or `optimal`.
        at_least: share of pairs whose outputs all have to stay for a set to suffice.
        limit: minimal circuits after which the search stops.
        split: of the data.
        pairs: how many of its pairs, at most.
        shifted: share of the pairs whose corrupt run has shifted positions.
        within: the class of inputs, in place of `:CLASS` behind the name.
        seed: of the larger sets that are tried.

    Raises:
        NameLookupError: nothing has that name, or there is no such ablation.
        InputError: `limit` or `at_least` cannot be used.
    """
    if limit < 1 or not 0 < at_least <= 1:
        raise InputError(
            f"limit={limit}, at_least={at_least}: expected a limit of 1 or more, and a "
            "share above 0 and at most 1"
        )
    case = open_case(
        source,
        split=split,
        pairs=pairs,
        shifted=shifted,
        ablation=ablation,
        within=within,
    )
    judge = Judge(case, at_least)
    found = dualize(judge.suffices, len(judge.edges), limit)
    return _circuits(case, judge, found, seed)


class Judge:
    """Says which sets of a case's circuit edges suffice.

    Args:
        case: the model, the pairs and the ablation.
        at_least: share of pairs whose outputs all have to stay.
    """

    def __init__(self, case: Case, at_least: float) -> None:
        self.case, self.at_least = case, at_least
        self.edges: tuple[Edge, ...] = tuple(
            edge for edge in case.names.edges if edge in case.truth.known
        )
        self._batch = case.batch
        self._machine = case.machine()
        self._live = np.asarray(self._batch.goal.live) > 0
        self._clean = self._outputs(np.zeros(case.names.visible.shape, bool))

    def kept(self, keep: Bool[np.ndarray, "reader source"]) -> float:
        """Return the share of pairs whose outputs stay with the others patched."""
        outputs = self._outputs(self.case.names.visible & ~keep)
        return float(((outputs == self._clean) | ~self._live).all(axis=-1).mean())

    def _outputs(
        self, patched: Bool[np.ndarray, "reader source"]
    ) -> Int[np.ndarray, "pair ctx"]:
        batch, mask = self._batch, jnp.asarray(patched.astype(np.float32))
        logits = masked_logits(self._machine.transformer, batch.ids, mask, batch.donors)
        return decode_indices(self.case.model.readout, np.asarray(logits))

    def suffices(self, chosen: Items) -> bool:
        """Return whether a set of circuit edges, given by number, suffices."""
        return self.keeps(self.edges[item] for item in chosen)

    def keeps(self, edges: Iterable[Edge | str]) -> bool:
        """Return whether a set of edges suffices.

        Raises:
            NameLookupError: the model has no such edge.
        """
        return self.kept_by(edges) >= self.at_least

    def kept_by(self, edges: Iterable[Edge | str]) -> float:
        """Return the share of pairs whose outputs stay with all other edges patched."""
        return self.kept(edge_mask(self.case.names, edges) > 0)


def _circuits(case: Case, judge: Judge, found: Dual, seed: int) -> Circuits:
    names = [str(edge) for edge in judge.edges]

    def named(sets: tuple[Items, ...]) -> tuple[tuple[str, ...], ...]:
        return tuple(tuple(names[i] for i in sorted(one)) for one in sets)

    every = case.names.visible
    single = {
        name: 1.0 - judge.kept(every & (edge_mask(case.names, name) == 0))
        for name in names
    }
    return Circuits(
        model=case.name,
        ablation=case.ablation,
        at_least=judge.at_least,
        pairs=len(case.pairs),
        sufficient=named(found.sufficient),
        necessary=named(found.necessary),
        single=single,
        complete=found.complete,
        tried=found.asked,
        monotone=_monotone(judge, found, seed),
    )


def _monotone(judge: Judge, found: Dual, seed: int) -> float:
    """Return the share of drawn larger sets that suffice, as monotony has it."""
    rng = np.random.default_rng(seed)
    size, right, tried = len(judge.edges), 0, 0
    for number in range(SUPERSETS if found.sufficient else 0):
        base = found.sufficient[number % len(found.sufficient)]
        more = frozenset(np.flatnonzero(rng.random(size) < rng.random()).tolist())
        right, tried = right + judge.suffices(base | more), tried + 1
    return right / tried if tried else 1.0
