"""How many pairs of inputs a patch hurts, and how long these pairs are.

A patch acts on the positions that both inputs have. A mean over all positions counts
those that it cannot reach as kept, and short pairs as much as long ones. So the share
of right outputs is taken over shared positions, by how many there are, and beside it
stands the share of pairs of which any output became wrong.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from compiler.lower.readout import Readout
from compiler.machine.forward import logits_batch
from compiler.machine.jit import QUICK_TO_COMPILE
from compiler.machine.patch import Patch
from compiler.machine.rerun.rerun import (
    Target,
    edge_targets,
    perturbed_logits,
    stack,
    stack_runs,
    unstack,
)
from compiler.machine.transformer import Transformer, precise
from zoo.auditing.behaviour import judged, labels_of, verdict_of
from zoo.auditing.decisions import Verdict, tie_of
from zoo.auditing.rates import Rate, rate
from zoo.auditing.subject import Subject
from zoo.causal.pairs import AuditPairs
from zoo.causal.runs import compiled_runs

ROWS = 256
"""Pairs that are run at a time."""


@dataclass(frozen=True)
class Hurt:
    """What one patch does to pairs of inputs.

    Attributes:
        kept: share of right outputs at positions that both inputs have, among those
            that are right without the patch.
        by_length: by the number of tokens that both inputs have, the same share; of
            single nodes and edges only the length at which the least is kept.
        pairs: share of pairs with an output that is right without the patch and wrong
            with it, at any position.
        first: index of the first such pair, or None.
    """

    kept: Rate
    by_length: Mapping[int, Rate]
    pairs: Rate
    first: int | None

    @property
    def worst_length(self) -> tuple[int, Rate]:
        """The number of shared tokens at which the least is kept, and that share."""
        length = min(self.by_length, key=lambda n: (self.by_length[n].share, n))
        return length, self.by_length[length]


def hurt_by(
    subject: Subject,
    pairs: AuditPairs,
    masks: Mapping[str, Bool[np.ndarray, "r s"]],
    every_length: Collection[str] = (),
) -> dict[str, Hurt]:
    """Return what each of several edge masks does to pairs of inputs.

    Args:
        subject: the model.
        pairs: pairs of inputs; their shifts apply to all donor runs.
        masks: by name, [reader, source] which edges are patched.
        every_length: the names of those whose share is kept for every length.
    """
    pieces: dict[str, list[tuple[np.ndarray, ...]]] = {name: [] for name in masks}
    total = len(pairs.base)
    for start in range(0, total, ROWS):
        rows = np.arange(start, start + min(ROWS, total)) % total
        fresh = min(ROWS, total - start)
        for name, found in _piece(subject, pairs, rows, masks).items():
            pieces[name].append(tuple(array[:fresh] for array in found))
    shared = _shared(pairs, np.arange(total))
    return {
        name: _summed(
            shared,
            name in every_length,
            *map(np.concatenate, zip(*found, strict=True)),
        )
        for name, found in pieces.items()
    }


def _shared(pairs: AuditPairs, rows: np.ndarray) -> np.ndarray:
    lengths = np.asarray(pairs.pool.lengths)
    return np.minimum(lengths[pairs.base[rows]], lengths[pairs.donor[rows]])


def _piece(
    subject: Subject,
    pairs: AuditPairs,
    rows: np.ndarray,
    masks: Mapping[str, Bool[np.ndarray, "r s"]],
) -> dict[str, tuple[np.ndarray, ...]]:
    """Return (right before, kept, tied, close) of each mask, [pair, ctx] each."""
    ids = np.asarray(pairs.pool.ids)
    base, donor = pairs.base[rows], pairs.donor[rows]
    labels = labels_of(subject, pairs.pool)[base]
    places = np.arange(subject.config.n_ctx)
    where = (places < _shared(pairs, rows)[:, None]).astype(np.float32)
    still = np.zeros_like(pairs.shifts[rows])
    plain = compiled_runs(subject.transformer, ids[base], still)
    writes = compiled_runs(subject.transformer, ids[donor], pairs.shifts[rows]).writes
    before = verdict_of(subject, plain.logits, labels)
    right = np.asarray(before.hit) & (labels >= 0)
    found = {}
    for name, after in _verdicts(
        subject, ids[base], labels, plain.writes, writes, where, masks
    ):
        hit, tie, close = (np.asarray(part) for part in after)
        near = right & (close | np.asarray(before.close))
        found[name] = right, right & hit, right & tie, near
    return found


def _verdicts(
    subject: Subject,
    ids: np.ndarray,
    labels: np.ndarray,
    writes: Float[Array, "pair source ctx d_model"],
    donors: Float[Array, "pair source ctx d_model"],
    where: np.ndarray,
    masks: Mapping[str, Bool[np.ndarray, "r s"]],
) -> Iterator[tuple[str, Verdict]]:
    """Yield whether outputs are right under each mask; single edges go together."""
    single = [name for name, mask in masks.items() if mask.sum() == 1]
    if single:
        table = edge_targets(subject.config.names)
        row_of = {(r, s): i for i, (r, s) in enumerate(table[:, :2].tolist())}
        found = _edge_verdicts(
            subject.transformer,
            subject.readout,
            tie_of(subject.config),
            ids,
            labels,
            writes,
            donors,
            where,
            table[[row_of[_edge_of(masks[name])] for name in single]],
        )
        arrays = [np.asarray(part) for part in found]
        for number, name in enumerate(single):
            yield name, Verdict(*(part[number] for part in arrays))
    for name in [n for n in masks if n not in set(single)]:
        logits = patched_logits(subject, ids, masks[name], donors, where)
        yield name, verdict_of(subject, logits, labels)


def patched_logits(
    subject: Subject,
    ids: Int[np.ndarray, "pair ctx"],
    mask: Bool[np.ndarray, "r s"],
    donors: Float[Array, "pair source ctx d_model"],
    where: Float[np.ndarray, "pair ctx"],
) -> Float[Array, "pair ctx class"]:
    """Return the logits with edges patched; `ROWS` inputs at a time are compiled once.

    Args:
        subject: the model.
        ids: token ids of the inputs.
        mask: [reader, source] which edges are patched.
        donors: the writes that the readers see.
        where: 1 at positions that are patched, else 0.
    """
    edges = jnp.asarray(mask, donors.dtype)
    patch = Patch.edges(edges, donors, where=jnp.asarray(where))
    return logits_batch(subject.transformer, ids, patch, shared_mask=True)


def _edge_of(mask: Bool[np.ndarray, "r s"]) -> tuple[int, int]:
    """Return (reader, source) of the one edge of a mask."""
    ((reader, source),) = np.argwhere(mask).tolist()
    return reader, source


@partial(jax.jit, static_argnames=("readout", "tie"), compiler_options=QUICK_TO_COMPILE)
@precise
def _edge_verdicts(
    transformer: Transformer,
    readout: Readout,
    tie: float,
    ids: Any,
    labels: Any,
    writes: Any,
    donors: Any,
    where: Any,
    table: Any,
) -> Verdict:
    """Return verdicts [edge, pair, ctx] with one edge patched at a time."""
    base = stack_runs(transformer, ids, writes)
    moves = stack(donors - writes) * jnp.asarray(where, writes.dtype).T
    labels = jnp.asarray(labels)

    def verdict(row: Array) -> Verdict:
        _, source, _, *place = row
        moved = perturbed_logits(transformer, base, Target(*place), moves[source])
        return judged(readout, tie, unstack(moved), labels)

    return jax.lax.map(verdict, jnp.asarray(table))


def _summed(
    shared: np.ndarray,
    every_length: bool,
    right: np.ndarray,
    kept: np.ndarray,
    tied: np.ndarray,
    close: np.ndarray,
) -> Hurt:
    at = np.arange(right.shape[1]) < shared[:, None]
    lost = np.asarray((right & ~kept & ~tied).any(1))

    def share(chosen: np.ndarray) -> Rate:
        return rate(
            int((kept & chosen).sum()),
            int((right & chosen).sum()),
            int((tied & chosen).sum()),
            int((close & chosen).sum()),
        )

    lengths = np.unique(shared)
    by_length = {int(n) - 1: share(at & (shared == n)[:, None]) for n in lengths}
    by_length = {n: r for n, r in by_length.items() if r.total}
    if not every_length and by_length:
        worst = min(by_length, key=lambda n: (by_length[n].share, n))
        by_length = {worst: by_length[worst]}
    return Hurt(
        kept=share(at),
        by_length=by_length,
        pairs=rate(int(lost.sum()), len(right), 0, int(close.any(1).sum())),
        first=int(lost.argmax()) if lost.any() else None,
    )
