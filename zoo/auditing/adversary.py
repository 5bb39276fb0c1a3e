"""A search for the pair of inputs that breaks a claim, with a stated budget.

A sample of pairs says how often a patch changes an output; a search says whether one
can. It starts from the pairs of a sample, and goes on from those at which the patched
output came nearest to being another one (hill climbing): with another base input,
another donor input, one token of either changed, or another shift of the positions. For
all edges outside at once it also searches over subsets of them: the gradient of the
margin in the edge mask says which edges help to break the output.

The *margin* of an output is the lead of the right logit over the largest other one; for
a number it is the distance from the border of what counts as the same number. A pair
breaks a claim if its margin is below 0 by more than rounding can be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from compiler.lower.readout import Readout
from compiler.machine.forward import forward_batch
from compiler.machine.jit import QUICK_TO_COMPILE
from compiler.machine.patch import Patch
from compiler.machine.transformer import Transformer, precise
from compiler.rasp.values import Value
from zoo.auditing.behaviour import labels_of, tokens_of
from zoo.auditing.decisions import tie_of
from zoo.auditing.subject import Subject
from zoo.causal.outputs import CLOSE, leads, numbers_of
from zoo.causal.pairs import AuditPairs
from zoo.causal.pool import Pool
from zoo.causal.runs import shifted_runs
from zoo.causal.strata import Space, draw_stratified

ROWS = 1024
"""Pairs that are run at a time."""


@dataclass(frozen=True)
class Budget:
    """How long the search goes on.

    Attributes:
        starts: pairs of the sample that each target starts from.
        chains: pairs that each round goes on from, the nearest to breaking.
        rounds: how often each of them is changed.
    """

    starts: int = 64
    chains: int = 16
    rounds: int = 8


@dataclass(frozen=True)
class Break:
    """The pair of inputs that came nearest to breaking a claim.

    Attributes:
        target: what was patched: an edge, a node, or all edges outside at once.
        margin: the margin of the worst output, below 0 if it is wrong.
        tries: how many pairs were run against this target.
        base: the base input.
        donor: the donor input.
        shift: by how many places the positions of the donor run are shifted.
        position: of the token with that output, from 0.
        edges: the edges that were patched, where these are a subset that the search
            chose; empty otherwise.
    """

    target: str
    margin: float
    tries: int
    base: tuple[Value, ...]
    donor: tuple[Value, ...]
    shift: int
    position: int
    edges: tuple[str, ...] = ()

    @property
    def broken(self) -> bool:
        """Whether the output is wrong under the patch."""
        return self.margin < 0


class _Chains(NamedTuple):
    """Pairs that are under search, with the margins that they reached.

    Attributes:
        target: [chain] index of the target.
        base: [chain] index of the base input.
        donor: [chain] index of the donor input.
        shift: [chain].
        mask: [chain, reader, source] what is patched.
        margin: [chain] the least margin over positions, +inf where no output is right.
        position: [chain] where that is.
        slope: [chain, reader, source] gradient of that margin in the mask.
    """

    target: Int[np.ndarray, " chain"]
    base: Int[np.ndarray, " chain"]
    donor: Int[np.ndarray, " chain"]
    shift: Int[np.ndarray, " chain"]
    mask: Bool[np.ndarray, "chain r s"]
    margin: Float[np.ndarray, " chain"]
    position: Int[np.ndarray, " chain"]
    slope: Float[np.ndarray, "chain r s"]

    def at(self, rows: Any) -> _Chains:
        return _Chains(*(array[rows] for array in self))


def attack(
    subject: Subject,
    space: Space,
    start: AuditPairs,
    masks: Mapping[str, Bool[np.ndarray, "reader source"]],
    budget: Budget | None = None,
    *,
    subsets: bool = False,
    seed: int = 0,
) -> dict[str, Break]:
    """Return the nearest that a search came to breaking each of several targets.

    Args:
        subject: the model.
        space: all its inputs.
        start: pairs to start from, of the same inputs.
        masks: by target, the edges that are patched.
        budget: how long to search.
        subsets: whether parts of each mask may be patched as well.
        seed: of the search.
    """
    search = _Search(subject, space, masks, budget or Budget(), subsets, seed)
    chains = search.begin(start)
    best = search.nearest(chains)
    for _ in range(search.budget.rounds):
        fresh = search.changed(best)
        best = search.nearest(_joined(best, fresh))
    tries = search.budget.starts + search.budget.rounds * search.budget.chains
    return {
        name: search.report(name, index, best, tries)
        for index, name in enumerate(masks)
    }


class _Search:
    """What is fixed in one search, and its random numbers."""

    def __init__(
        self,
        subject: Subject,
        space: Space,
        masks: Mapping[str, Bool[np.ndarray, "reader source"]],
        budget: Budget,
        subsets: bool,
        seed: int,
    ) -> None:
        self.subject, self.space, self.budget = subject, space, budget
        self.masks = np.stack(list(masks.values()))
        self.subsets = subsets
        self.rng = np.random.default_rng(seed)
        self.ids = np.asarray(space.pool.ids)
        self.lengths = np.asarray(space.pool.lengths)
        self.rows = {row.tobytes(): i for i, row in enumerate(self.ids)}

    def begin(self, start: AuditPairs) -> _Chains:
        """Return the first pairs of every target, taken from a sample."""
        targets, size = len(self.masks), len(start.base)
        rows = self.rng.integers(size, size=targets * self.budget.starts)
        target = np.repeat(np.arange(targets), self.budget.starts)
        return self.run(
            target,
            start.base[rows],
            start.donor[rows],
            start.shifts[rows],
            self.masks[target],
        )

    def run(
        self,
        target: Int[np.ndarray, " chain"],
        base: Int[np.ndarray, " chain"],
        donor: Int[np.ndarray, " chain"],
        shift: Int[np.ndarray, " chain"],
        mask: Bool[np.ndarray, "chain r s"],
    ) -> _Chains:
        """Return pairs with the margins that they reach."""
        pool = self.space.pool
        held, slope = pair_margins(self.subject, pool, base, donor, shift, mask)
        place = held.argmin(-1)
        return _Chains(target, base, donor, shift, mask, held.min(-1), place, slope)

    def nearest(self, chains: _Chains) -> _Chains:
        """Return the chains of each target that came nearest to breaking it."""
        order = np.lexsort((chains.margin, chains.target))
        count = np.bincount(chains.target, minlength=len(self.masks))
        first = np.cumsum(count) - count
        kept = [
            order[f : f + min(n, self.budget.chains)]
            for f, n in zip(first, count, strict=True)
        ]
        return chains.at(np.concatenate(kept))

    def changed(self, chains: _Chains) -> _Chains:
        """Return each pair with one thing about it changed, and its new margin."""
        size = len(chains.base)
        way = self.rng.integers(6 if self.subsets else 5, size=size)
        base = np.where(way == 0, self.drawn(size), chains.base)
        base = np.where(way == 1, self.neighbours(chains.base), base)
        donor = np.where(way == 2, self.drawn(size), chains.donor)
        donor = np.where(way == 3, self.neighbours(chains.donor), donor)
        shifts = self.rng.integers(max(self.subject.config.n_ctx - 1, 1), size=size)
        shift = np.where(way == 4, shifts, chains.shift)
        mask = chains.mask
        if self.subsets:
            mask = np.where((way == 5)[:, None, None], self.subset(chains), mask)
        return self.run(
            chains.target,
            base.astype(np.int32),
            donor.astype(np.int32),
            shift.astype(np.int32),
            mask,
        )

    def drawn(self, size: int) -> Int[np.ndarray, " chain"]:
        """Return inputs drawn evenly over the strata."""
        return draw_stratified(self.space, self.rng, size)

    def neighbours(self, inputs: Int[np.ndarray, " chain"]) -> np.ndarray:
        """Return inputs that differ at one token, or the same where that is none."""
        ids = self.ids[inputs].copy()
        place = 1 + (self.rng.random(len(ids)) * (self.lengths[inputs] - 1)).astype(int)
        other = self.ids[self.drawn(len(ids)), 1]
        ids[np.arange(len(ids)), place] = other
        pairs = zip(ids, inputs, strict=True)
        return np.array([self.rows.get(row.tobytes(), i) for row, i in pairs])

    def subset(self, chains: _Chains) -> Bool[np.ndarray, "chain r s"]:
        """Return the edges that the gradient says to patch, and some at random.

        The margin falls along an edge whose slope is negative: it is patched, and one
        whose slope is positive is not, each with a chance of three in four.
        """
        wanted = chains.slope < 0
        follow = self.rng.random(wanted.shape) < 0.75
        return np.where(follow, wanted, chains.mask) & self.masks[chains.target]

    def report(self, name: str, index: int, chains: _Chains, tries: int) -> Break:
        """Return the nearest of one target's chains."""
        rows = np.flatnonzero(chains.target == index)
        row = rows[chains.margin[rows].argmin()]
        names = self.subject.config.names
        mask = chains.mask[row]
        edges: tuple[str, ...] = ()
        if self.subsets and not np.array_equal(mask, self.masks[index]):
            edges = tuple(
                f"{names.sources[s]}->{names.readers[r]}" for r, s in np.argwhere(mask)
            )
        return Break(
            target=name,
            margin=float(f"{float(chains.margin[row]):.3g}"),
            tries=tries,
            base=tokens_of(self.subject, self.ids[chains.base[row]]),
            donor=tokens_of(self.subject, self.ids[chains.donor[row]]),
            shift=int(chains.shift[row]),
            position=int(chains.position[row]) - 1,
            edges=edges,
        )


def _joined(first: _Chains, second: _Chains) -> _Chains:
    return _Chains(*map(np.concatenate, zip(first, second, strict=True)))


# Margins --------------------------------------------------------------------------


def pair_margins(
    subject: Subject,
    pool: Pool,
    base: Int[np.ndarray, " pair"],
    donor: Int[np.ndarray, " pair"],
    shift: Int[np.ndarray, " pair"],
    mask: Bool[np.ndarray, "pair r s"],
) -> tuple[Float[np.ndarray, "pair ctx"], Float[np.ndarray, "pair r s"]]:
    """Return the margins of each pair, and the gradient of the least in the mask.

    A margin is +inf where the output is not right without the patch.

    Args:
        subject: the model.
        pool: its inputs.
        base: index of each base input.
        donor: index of each donor input.
        shift: by how many places the positions of each donor run are shifted.
        mask: [pair, reader, source] what is patched.
    """
    ids, lengths = np.asarray(pool.ids), np.asarray(pool.lengths)
    labels = labels_of(subject, pool)
    found = []
    for begin in range(0, len(base), ROWS):
        rows = np.arange(begin, begin + ROWS) % len(base)
        shared = np.minimum(lengths[base[rows]], lengths[donor[rows]])
        where = np.arange(subject.config.n_ctx) < shared[:, None]
        margins = _margins(
            subject.transformer,
            subject.readout,
            tie_of(subject.config),
            ids[base[rows]],
            labels[base[rows]],
            ids[donor[rows]],
            shift[rows],
            mask[rows].astype(np.float32),
            where.astype(np.float32),
        )
        kept = min(ROWS, len(base) - begin)
        found.append([np.asarray(array)[:kept] for array in margins])
    held, slope = map(np.concatenate, zip(*found, strict=True))
    return held, slope


@partial(jax.jit, static_argnames=("readout", "tie"), compiler_options=QUICK_TO_COMPILE)
@precise
def _margins(
    transformer: Transformer,
    readout: Readout,
    tie: float,
    ids: Any,
    labels: Any,
    donor_ids: Any,
    shifts: Any,
    mask: Any,
    where: Any,
) -> tuple[Float[Array, "pair ctx"], Float[Array, "pair r s"]]:
    """Return (margins, the gradient of the least in the mask) of each pair."""
    donors = shifted_runs(transformer, donor_ids, shifts).writes
    labels = jnp.asarray(labels)
    plain = _margin(readout, forward_batch(transformer, ids).logits, labels, tie)
    right = (labels >= 0) & (plain > 0)

    def least(mask: Array) -> tuple[Array, Array]:
        patch = Patch.edges(mask, donors, where=jnp.asarray(where))
        logits = forward_batch(transformer, ids, patch).logits
        margins = _margin(readout, logits, labels, tie)
        held = jnp.where(right, margins, jnp.inf)
        place = held.argmin(-1)
        chosen = jnp.take_along_axis(margins, place[:, None], -1)[:, 0]
        return chosen.sum(), held

    slope, held = jax.grad(least, has_aux=True)(jnp.asarray(mask))
    return held, slope


def _margin(
    readout: Readout,
    logits: Float[Array, "*n class"],
    labels: Int[Array, "*n"],
    tie: float,
) -> Float[Array, "*n"]:
    """Return by how much each output is right; a tie is neither right nor wrong."""
    known = jnp.maximum(labels, 0)
    if readout.kind == "classes":
        return leads(logits, known) + tie * (1.0 + jnp.abs(logits).max(-1))
    numbers, span = numbers_of(readout)
    goal = jnp.asarray(numbers)[known]
    near = CLOSE * span - jnp.abs(logits[..., 0] - jnp.where(jnp.isnan(goal), 0, goal))
    if readout.kind == "number":
        return near + tie * (span + jnp.abs(logits[..., 0]))
    none = jnp.isnan(goal)
    says = jnp.where(none, logits[..., 1], -logits[..., 1])
    return jnp.where(none, says, jnp.minimum(near, says))


def masks_of(subject: Subject) -> dict[str, Bool[np.ndarray, "reader source"]]:
    """Return the mask of every node and of every edge outside the circuit, by name."""
    names = subject.config.names
    found = subject.node_masks()
    for reader, source in np.argwhere(subject.outside):
        mask = np.zeros_like(names.visible)
        mask[reader, source] = True
        found[f"{names.sources[source]}->{names.readers[reader]}"] = mask
    return found


def worst_of(breaks: Mapping[str, Break]) -> Break | None:
    """Return the break that came nearest, or None of none."""
    if not breaks:
        return None
    return min(breaks.values(), key=lambda b: (b.margin, b.target))
