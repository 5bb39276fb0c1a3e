"""The worst figures on held-out inputs, which decide when training stops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from compiler.machine.config import Config
from compiler.machine.forward import logits_batch
from compiler.machine.jit import QUICK_TO_COMPILE
from compiler.machine.names import Edge
from compiler.machine.patch import Patch
from compiler.machine.transformer import Transformer
from zoo.causal.model import CausalModel
from zoo.causal.outputs import is_right
from zoo.causal.pool import Pool, draw_inputs, draw_key, draw_shifts
from zoo.causal.runs import compiled_runs
from zoo.training.examples import Layout, interchanged
from zoo.training.recipe import Recipe

# Single edges are tried once all other figures have come this far.
_WORTH_EDGES = 0.97


@dataclass(frozen=True)
class Check:
    """Accuracies over positions of held-out pairs, fractions in [0, 1].

    Attributes:
        step: number of optimizer steps before the check.
        loss: mean training loss since the last check.
        behaviour: accuracy without a patch.
        interchange: by node of the circuit, accuracy with its variables interchanged.
        nodes: by node outside the circuit, accuracy with the node patched.
        worst_edge: the edge outside the circuit that harms most when patched alone.
        edges: accuracy with that edge patched; None if other figures are so low that
            single edges were not tried.
        all_edges: accuracy with all edges outside the circuit patched at once.
    """

    step: int
    loss: float
    behaviour: float
    interchange: dict[str, float]
    nodes: dict[str, float]
    worst_edge: str
    edges: float | None
    all_edges: float

    @property
    def worst_interchange(self) -> float:
        """The worst node of the circuit."""
        return min(self.interchange.values(), default=1.0)

    @property
    def worst_node(self) -> float:
        """The worst node outside the circuit."""
        return min(self.nodes.values(), default=1.0)

    def passes(self, recipe: Recipe) -> bool:
        """Return whether every worst case meets the recipe's thresholds."""
        return (
            self.behaviour >= recipe.behaviour_at_least
            and self.worst_interchange >= recipe.interchange_at_least
            and self.worst_node >= recipe.nodes_at_least
            and self.all_edges >= recipe.edges_at_least
            and (self.edges or 0.0) >= recipe.edges_at_least
        )


class Checker:
    """Runs the checks of one training; everything that is fixed is compiled once."""

    def __init__(
        self,
        model: CausalModel,
        config: Config,
        recipe: Recipe,
        layout: Layout,
        pool: Pool,
    ) -> None:
        self.model, self.layout, self.pool = model, layout, pool
        self.names = config.names
        key = draw_key(recipe.seed + 1_000_003)
        self.base, self.donor, self.shifts = _draw_held_out(
            pool, key, recipe.pairs, model.n_ctx
        )
        self.edges = np.argwhere(layout.outside)

    def __call__(self, transformer: Transformer, step: int, loss: float) -> Check:
        """Return the check of a transformer."""
        size = len(self.names.sources)
        columns = np.eye(size, dtype=bool)
        nodes = [*self.layout.circuit_nodes, *np.flatnonzero(self.layout.other_nodes)]
        masks = [columns[n][None, :] * self.names.visible for n in nodes]
        masks += [self.layout.outside, np.zeros_like(self.layout.outside)]
        chosen = [
            columns[n] if n in self.layout.circuit_nodes else np.zeros(size, bool)
            for n in nodes
        ]
        chosen += [np.zeros(size, bool)] * 2
        count = len(self.layout.circuit_nodes)
        ids = self.pool.ids[self.donor]
        straight, shifted = (
            compiled_runs(transformer, ids, shifts).writes
            for shifts in (jnp.zeros_like(self.shifts), self.shifts)
        )
        found = [
            *self.accuracies(transformer, straight, masks[:count], chosen[:count]),
            *self.accuracies(transformer, shifted, masks[count:], chosen[count:]),
        ]
        by_name = [self.names.sources[n] for n in nodes]
        values = [float(v) for v in found]
        edges, worst = None, ""
        if min(values) >= _WORTH_EDGES:
            edges, worst = self.worst_edge(transformer, shifted)
        return Check(
            step=step,
            loss=loss,
            behaviour=values[-1],
            interchange=dict(zip(by_name[:count], values[:count], strict=True)),
            nodes=dict(zip(by_name[count:], values[count:-2], strict=True)),
            worst_edge=worst,
            edges=edges,
            all_edges=values[-2],
        )

    def worst_edge(
        self,
        transformer: Transformer,
        donor_writes: Float[Any, "pair source ctx d_model"],
    ) -> tuple[float, str]:
        """Return the least accuracy with one edge outside patched, and that edge."""
        if len(self.edges) == 0:
            return 1.0, ""
        singles = np.zeros((len(self.edges), *self.layout.outside.shape), bool)
        singles[np.arange(len(self.edges)), self.edges[:, 0], self.edges[:, 1]] = True
        nothing = [np.zeros(len(self.names.sources), bool)] * len(singles)
        found = self.accuracies(transformer, donor_writes, list(singles), nothing)
        return float(found.min()), str(self.edge(int(found.argmin())))

    def edge(self, index: int) -> Edge:
        """Return the edge outside the circuit that has this number."""
        reader, source = self.edges[index]
        return Edge(self.names.sources[source], self.names.readers[reader])

    def accuracies(
        self,
        transformer: Transformer,
        donor_writes: Float[Any, "pair source ctx d_model"],
        masks: Sequence[Bool[np.ndarray, "reader source"]],
        chosen: Sequence[Bool[np.ndarray, " source"]],
    ) -> Float[np.ndarray, " patch"]:
        """Return the accuracy under each of several patches, over all pairs."""
        pairs = self.base, self.donor, donor_writes
        fixed = self.model, self.layout
        return np.array(
            [
                float(_accuracy(*fixed, self.pool, transformer, *pairs, mask, picked))
                for mask, picked in zip(masks, chosen, strict=True)
            ]
        )


@partial(jax.jit, static_argnames=("count", "n_ctx"), compiler_options=QUICK_TO_COMPILE)
def _draw_held_out(
    pool: Pool, key: Array, count: int, n_ctx: int
) -> tuple[Int[Array, " pair"], Int[Array, " pair"], Int[Array, " pair"]]:
    """Return base inputs, donor inputs, and by how much the donors' are shifted."""
    first, second, third = jax.random.split(key, 3)
    base, donor = draw_inputs(pool, first, count), draw_inputs(pool, second, count)
    return base, donor, draw_shifts(third, count, n_ctx)


@partial(
    jax.jit,
    static_argnames=("model", "layout"),
    compiler_options=QUICK_TO_COMPILE,
)
def _accuracy(
    model: CausalModel,
    layout: Layout,
    pool: Pool,
    transformer: Transformer,
    base: Int[Any, " pair"],
    donor: Int[Any, " pair"],
    donor_writes: Float[Any, "pair source ctx d_model"],
    mask: Bool[Any, "reader source"],
    chosen: Bool[Any, " source"],
) -> Float[Array, ""]:
    """Return the share of labelled positions that are right under one patch."""
    shared = jnp.minimum(pool.lengths[base], pool.lengths[donor])
    where = jnp.arange(model.n_ctx)[None, :] < shared[:, None]
    size = len(base)
    picked = jnp.broadcast_to(chosen, (size, *chosen.shape))
    values = interchanged(model, layout, pool, base, donor, picked, where)
    labels = values[:, layout.output]
    masks = jnp.broadcast_to(mask.astype(jnp.float32), (size, *mask.shape))
    patch = Patch.edges(masks, donor_writes, where=where)
    logits = logits_batch(transformer, pool.ids[base], patch)
    valid = labels >= 0
    right = is_right(model.readout, logits, jnp.maximum(labels, 0))
    return (right & valid).sum() / jnp.maximum(valid.sum(), 1)
