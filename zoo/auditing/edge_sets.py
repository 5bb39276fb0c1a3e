"""Whether outputs stay when all edges but some of the circuit's are patched.

A set of edges suffices if they do. What stands in the place of a patched write is part
of the question: the write of another run (`resample`), the mean write, or nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from compiler.machine.forward import logits_batch
from compiler.machine.jit import QUICK_TO_COMPILE
from compiler.machine.patch import Patch, edge_mask
from compiler.machine.transformer import Transformer
from zoo.auditing.ablations import INPUTS, mean_writes
from zoo.auditing.behaviour import labels_of
from zoo.auditing.decisions import decide, other_number, tie_of
from zoo.auditing.rates import Rate, rate
from zoo.auditing.subject import Subject
from zoo.causal.pairs import AuditPairs
from zoo.causal.runs import compiled_runs

Ablation = Literal["resample", "mean", "zero"]


class EdgeSets:
    """Runs sets of edges of a circuit, with everything else patched.

    Args:
        subject: the model and its circuit.
        pairs: of inputs; donor runs are shifted as they say.
        ablation: what stands in the place of patched writes.

    Attributes:
        edges: the names of the circuit's edges, in the order of the transformer's.
    """

    def __init__(
        self, subject: Subject, pairs: AuditPairs, ablation: Ablation = "resample"
    ) -> None:
        self.subject, self.names = subject, subject.config.names
        claimed = set(subject.circuit.edges)
        self.edges = tuple(str(e) for e in self.names.edges if e in claimed)
        self._tie = tie_of(subject.config)
        self._ids = np.asarray(pairs.pool.ids)[pairs.base]
        self._where = _shared(subject, pairs, ablation)
        self._donors = _donors(subject, pairs, ablation)
        self._live = labels_of(subject, pairs.pool)[pairs.base] >= 0
        self._clean = self.logits(np.zeros(self.names.visible.shape, bool))

    def logits(
        self, patched: Bool[np.ndarray, "reader source"]
    ) -> Float[np.ndarray, "pair ctx class"]:
        """Return the logits with the edges of a mask patched."""
        return np.asarray(
            masked_logits(
                self.subject.transformer,
                self._ids,
                jnp.asarray(patched, self._donors.dtype),
                self._donors,
                self._where,
            )
        )

    def kept(self, edges: Iterable[str]) -> Rate:
        """Return the share of pairs whose outputs stay with all other edges patched.

        A pair with an output that a rounding decides does not count as one that stays.
        """
        keep = edge_mask(self.names, edges) > 0
        lost, close = self._moved(self.logits(self.names.visible & ~keep))
        unsure = close.any(axis=1)
        stays = int((~lost.any(axis=1)).sum())
        return rate(stays, len(lost), 0, int(unsure.sum()))

    def gap(self, edge: str) -> float:
        """Return by how much the lead of an answer grows when one edge is patched.

        It is a mean over positions, in logits; of an output that is a number it is by
        how much that number moves, either way.
        """
        patched = edge_mask(self.names, [edge]) > 0
        after = self.logits(patched)
        if self.subject.readout.kind != "classes":
            moved = np.abs(after - self._clean)[..., 0]
        else:
            moved = _lead(after, self._clean) - _lead(self._clean, self._clean)
        return float(moved[self._live].mean())

    def _moved(
        self, logits: Float[np.ndarray, "pair ctx class"]
    ) -> tuple[Bool[np.ndarray, "pair ctx"], Bool[np.ndarray, "pair ctx"]]:
        """Return (which outputs are others or a tie, which are close to a tie)."""
        if self.subject.readout.kind != "classes":
            found = other_number(self.subject.readout, logits, self._clean)
            hit, tie, close = (np.asarray(part) for part in found)
            return (hit | tie) & self._live, close & self._live
        codes, clean = (self._decided(x) for x in (logits, self._clean))
        lost = (codes >> 1) != (clean >> 1)
        return lost & self._live, (codes % 2 == 1) & self._live

    def _decided(
        self, logits: Float[np.ndarray, "pair ctx class"]
    ) -> Int[np.ndarray, "pair ctx"]:
        return np.asarray(decide(jnp.moveaxis(jnp.asarray(logits), -1, 0), self._tie))


def _shared(
    subject: Subject, pairs: AuditPairs, ablation: Ablation
) -> Float[np.ndarray, "pair ctx"]:
    """Return 1 at positions that are patched: those that both inputs have."""
    lengths = np.asarray(pairs.pool.lengths)
    shared = lengths[pairs.base]
    if ablation == "resample":
        shared = np.minimum(shared, lengths[pairs.donor])
    places = np.arange(subject.config.n_ctx)
    return (places < shared[:, None]).astype(np.float32)


def _donors(
    subject: Subject, pairs: AuditPairs, ablation: Ablation
) -> Float[Array, "pair source ctx d_model"]:
    """Return what stands in the place of the writes of each pair."""
    ids = np.asarray(pairs.pool.ids)
    runs = compiled_runs(subject.transformer, ids[pairs.donor], pairs.shifts)
    if ablation == "resample":
        return runs.writes
    if ablation == "zero":
        return jnp.zeros_like(runs.writes)
    means = mean_writes(subject, pairs.pool, _spread(len(ids)))
    return jnp.broadcast_to(means.astype(runs.writes.dtype), runs.writes.shape)


def _spread(inputs: int) -> Int[np.ndarray, " row"]:
    """Return the inputs that a mean is over: evenly spread, whatever the pairs are."""
    return np.unique(
        np.linspace(0, inputs - 1, min(inputs, INPUTS)).round().astype(int)
    )


def _lead(
    logits: Float[np.ndarray, "pair ctx class"],
    clean: Float[np.ndarray, "pair ctx class"],
) -> Float[np.ndarray, "pair ctx"]:
    """Return by how much the clean run's answer is ahead of all other classes."""
    answer = clean.argmax(-1)[..., None]
    own = np.take_along_axis(logits, answer, -1)[..., 0]
    others = np.where(np.arange(logits.shape[-1]) == answer, -np.inf, logits)
    return own - others.max(-1)


@partial(jax.jit, compiler_options=QUICK_TO_COMPILE)
def masked_logits(
    transformer: Transformer,
    ids: Int[Any, "pair ctx"],
    mask: Float[Any, "reader source"],
    donors: Float[Any, "pair source ctx d_model"],
    where: Float[Any, "pair ctx"] | None = None,
) -> Float[Array, "pair ctx class"]:
    """Return the logits with the edges of a mask patched.

    Args:
        transformer: its shape and its arrays.
        ids: of the inputs.
        mask: 1 for an edge that is patched.
        donors: what stands in the place of writes.
        where: 1 at positions that are patched; all of them if None.
    """
    patch = Patch.edges(mask, donors, where=where)
    return logits_batch(transformer, ids, patch, shared_mask=True)
