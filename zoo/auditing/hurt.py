"""How many pairs of inputs a patch hurts, and how long these pairs are.

A patch acts on the positions that both inputs have. A mean over all positions counts
those that it cannot reach as kept, and short pairs as much as long ones. So the share
of right outputs is taken over shared positions, by how many there are, and beside it
stands the share of pairs of which any output became wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool

from compiler.machine.forward import logits_batch
from compiler.machine.patch import Patch
from zoo.auditing.behaviour import labels_of, verdict_of
from zoo.auditing.rates import Rate, rate
from zoo.auditing.subject import Subject
from zoo.causal.pairs import AuditPairs
from zoo.causal.runs import compiled_runs

ROWS = 512
"""Pairs that are run at a time."""


@dataclass(frozen=True)
class Hurt:
    """What one patch does to pairs of inputs.

    Attributes:
        kept: share of right outputs at positions that both inputs have, among those
            that are right without the patch.
        by_length: by the number of tokens that both inputs have, the same share.
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
    subject: Subject, pairs: AuditPairs, masks: Mapping[str, Bool[np.ndarray, "r s"]]
) -> dict[str, Hurt]:
    """Return what each of several edge masks does to pairs of inputs.

    Args:
        subject: the model.
        pairs: pairs of inputs; their shifts apply to all donor runs.
        masks: by name, [reader, source] which edges are patched.
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
        name: _summed(shared, *map(np.concatenate, zip(*found, strict=True)))
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
    """Return (right before, kept, tied) of each mask, [pair, ctx] each."""
    ids = np.asarray(pairs.pool.ids)
    base, donor = pairs.base[rows], pairs.donor[rows]
    labels = labels_of(subject, pairs.pool)[base]
    writes = compiled_runs(subject.transformer, ids[donor], pairs.shifts[rows]).writes
    places = np.arange(subject.config.n_ctx)
    where = (places < _shared(pairs, rows)[:, None]).astype(np.float32)
    before = verdict_of(subject, logits_batch(subject.transformer, ids[base]), labels)
    right = np.asarray(before.hit) & (labels >= 0)
    found = {}
    for name, mask in masks.items():
        edges = jnp.asarray(mask, writes.dtype)
        patch = Patch.edges(edges, writes, where=jnp.asarray(where))
        logits = logits_batch(subject.transformer, ids[base], patch, shared_mask=True)
        after = verdict_of(subject, logits, labels)
        hit, tie = np.asarray(after.hit), np.asarray(after.tie)
        found[name] = right, right & hit, right & tie
    return found


def _summed(
    shared: np.ndarray, right: np.ndarray, kept: np.ndarray, tied: np.ndarray
) -> Hurt:
    at = np.arange(right.shape[1]) < shared[:, None]
    lost = np.asarray((right & ~kept & ~tied).any(1))

    def share(chosen: np.ndarray) -> Rate:
        return rate(
            int((kept & chosen).sum()),
            int((right & chosen).sum()),
            int((tied & chosen).sum()),
        )

    lengths = np.unique(shared)
    by_length = {int(n) - 1: share(at & (shared == n)[:, None]) for n in lengths}
    return Hurt(
        kept=share(at),
        by_length={n: r for n, r in by_length.items() if r.total},
        pairs=rate(int(lost.sum()), len(right)),
        first=int(lost.argmax()) if lost.any() else None,
    )
