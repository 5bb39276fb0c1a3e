"""How far each edge moves the logits, whether or not another class wins.

That no output changes does not mean that an edge does nothing: it may move the logits
and leave the order of the largest ones. Two figures say how far, as means over
positions that both inputs have:

    gap   by how much the lead of the largest logit over the next one moves; for an
          output that is a number, by how much that number moves
    KL    the divergence of the patched distribution from the plain one, in nats
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from compiler.machine.jit import QUICK_TO_COMPILE
from compiler.machine.names import Edge
from compiler.machine.rerun.rerun import (
    Target,
    edge_targets,
    perturbed_logits,
    stack,
    stack_runs,
    unstack,
)
from compiler.machine.transformer import Transformer, precise
from zoo.auditing.behaviour import labels_of
from zoo.auditing.subject import Subject
from zoo.causal.pairs import AuditPairs
from zoo.causal.runs import compiled_runs

ROWS = 256
"""Pairs that are run at a time."""


@dataclass(frozen=True)
class LogitEffect:
    """How far one edge moves the logits when it alone is patched.

    Attributes:
        gap: mean change of the lead of the largest logit, in logits.
        kl: mean divergence, in nats; 0 for numbers.
    """

    gap: float
    kl: float


@dataclass(frozen=True)
class LogitEffects:
    """The effects of every edge on the logits.

    Attributes:
        pairs: how many pairs of inputs were run.
        circuit: by edge of the circuit.
        outside: by edge outside the circuit.
    """

    pairs: int
    circuit: Mapping[str, LogitEffect]
    outside: Mapping[str, LogitEffect]

    @property
    def above_weakest(self) -> tuple[str, ...]:
        """The edges outside that move the gap more than the circuit's weakest edge."""
        weakest = min((e.gap for e in self.circuit.values()), default=0.0)
        return tuple(n for n, e in self.outside.items() if e.gap > weakest)


def logit_effects_of(subject: Subject, pairs: AuditPairs) -> LogitEffects:
    """Return how far each edge moves the logits, over pairs of inputs.

    Args:
        subject: the model and its circuit.
        pairs: pairs of inputs, with the shifts of the donor runs. An edge is patched
            from the run with and without the shift, and the larger effect is its.
    """
    names = subject.config.names
    table = edge_targets(names)
    total = np.zeros((2, len(table), 2))
    places = 0.0
    for start in range(0, len(pairs.base), ROWS):
        size = min(ROWS, len(pairs.base))
        rows = np.arange(start, start + size) % len(pairs.base)
        fresh = np.arange(size) < len(pairs.base) - start
        found, count = _piece(subject, pairs, rows, fresh, table)
        total += found
        places += count
    means = total.max(0) / max(places, 1.0)
    effects = {
        str(Edge(names.sources[s], names.readers[r])): LogitEffect(
            float(f"{gap:.4g}"), float(f"{kl:.4g}")
        )
        for (r, s), (gap, kl) in zip(table[:, :2].tolist(), means, strict=True)
    }
    inside = {str(edge) for edge in subject.circuit.edges}
    return LogitEffects(
        pairs=len(pairs.base),
        circuit={n: e for n, e in effects.items() if n in inside},
        outside={n: e for n, e in effects.items() if n not in inside},
    )


def _piece(
    subject: Subject,
    pairs: AuditPairs,
    rows: np.ndarray,
    fresh: np.ndarray,
    table: np.ndarray,
) -> tuple[np.ndarray, float]:
    """Return ([unshifted or shifted, edge, figure] sums, number of positions)."""
    ids, lengths = np.asarray(pairs.pool.ids), np.asarray(pairs.pool.lengths)
    base, donor, shifts = pairs.base[rows], pairs.donor[rows], pairs.shifts[rows]
    shared = np.minimum(lengths[base], lengths[donor])
    where = np.arange(subject.config.n_ctx) < shared[:, None]
    valid = where & (labels_of(subject, pairs.pool)[base] >= 0) & fresh[:, None]
    run = compiled_runs(subject.transformer, ids[base], np.zeros_like(shifts))
    sums = [
        _effects(
            subject.transformer,
            subject.readout.kind == "classes",
            ids[base],
            run.writes,
            run.logits,
            compiled_runs(subject.transformer, ids[donor], shift).writes,
            where,
            valid,
            table,
        )
        for shift in (np.zeros_like(shifts), shifts)
    ]
    return np.asarray(sums, np.float64), float(valid.sum())


@partial(jax.jit, static_argnums=1, compiler_options=QUICK_TO_COMPILE)
@precise
def _effects(
    transformer: Transformer,
    classes: bool,
    ids: Any,
    writes: Any,
    clean: Any,
    donors: Any,
    where: Any,
    valid: Any,
    table: Any,
) -> Float[Array, "edge figure"]:
    base = stack_runs(transformer, ids, writes)
    moves = stack(donors - writes) * jnp.asarray(where, writes.dtype).T
    valid = jnp.asarray(valid, writes.dtype)

    def effect(row: Array) -> Array:
        _, source, _, *place = row
        moved = perturbed_logits(transformer, base, Target(*place), moves[source])
        logits = unstack(moved)
        gap, kl = _moved(logits, clean) if classes else _shifted(logits, clean)
        return jnp.stack([(gap * valid).sum(), (kl * valid).sum()])

    return jax.lax.map(effect, jnp.asarray(table))


def _moved(
    logits: Float[Array, "*n class"], clean: Float[Array, "*n class"]
) -> tuple[Float[Array, "*n"], Float[Array, "*n"]]:
    """Return how far the gap of the plain run's two largest logits moves, and KL."""
    _, top = jax.lax.top_k(clean, 2)
    before, after = (jnp.take_along_axis(a, top, -1) for a in (clean, logits))
    gap = jnp.abs((after[..., 0] - after[..., 1]) - (before[..., 0] - before[..., 1]))
    plain, patched = jax.nn.log_softmax(clean), jax.nn.log_softmax(logits)
    return gap, (jnp.exp(plain) * (plain - patched)).sum(-1)


def _shifted(
    logits: Float[Array, "*n class"], clean: Float[Array, "*n class"]
) -> tuple[Float[Array, "*n"], Float[Array, "*n"]]:
    """Return how far a number moves, and no divergence."""
    gap = jnp.abs(logits[..., 0] - clean[..., 0])
    return gap, jnp.zeros_like(gap)
