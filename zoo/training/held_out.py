"""The worst figures on held-out inputs, which decide when training stops."""

from __future__ import annotations

from collections.abc import Iterator
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
from zoo.causal.pool import Pool
from zoo.causal.runs import compiled_runs
from zoo.training.check import Check
from zoo.training.examples import Layout, interchanged
from zoo.training.held_out_pairs import HeldOutPairs, draw_pairs, structured_pairs
from zoo.training.recipe import Recipe
from zoo.training.replacements import mean_writes

# Single edges are tried once all other figures have come this far.
_WORTH_EDGES = 0.97


class Checker:
    """Runs the checks of one training; everything that is fixed is compiled once.

    Args:
        model: the causal model that is learnt.
        config: the transformer's shape.
        recipe: what is checked, and on how many pairs.
        layout: the circuit.
        pool: the held-out inputs.
        trained: the inputs that are trained on; structured ones among them are checked
            too, since few are held out.
    """

    def __init__(
        self,
        model: CausalModel,
        config: Config,
        recipe: Recipe,
        layout: Layout,
        pool: Pool,
        trained: Pool | None = None,
    ) -> None:
        self.model, self.layout, self.recipe = model, layout, recipe
        self.names = config.names
        seed = recipe.seed + 1_000_003
        self.pairs = draw_pairs(pool, seed, recipe.pairs, model.n_ctx)
        self.edges = np.argwhere(layout.outside)
        self.groups: dict[str, slice] = {}
        if recipe.stratified and trained is not None:
            self.structured, self.groups = structured_pairs(
                model, trained, recipe.pairs, recipe.seed
            )

    def __call__(self, transformer: Transformer, step: int, loss: float) -> Check:
        """Return the check of a transformer, without what is searched for."""
        names, layout = self.names, self.layout
        size = len(names.sources)
        columns = np.eye(size, dtype=bool)
        nobody, nothing = np.zeros(size, bool), np.zeros_like(layout.outside)
        straight, donor = (
            compiled_runs(transformer, self.pairs.donor_ids, s).writes
            for s in (jnp.zeros_like(self.pairs.shifts), self.pairs.shifts)
        )
        inside, others = layout.circuit_nodes, np.flatnonzero(layout.other_nodes)
        accuracy = partial(self.accuracy, transformer)
        variables = {
            names.sources[n]: accuracy(straight, self.node(n), columns[n])
            for n in inside
        }
        nodes = {
            names.sources[n]: accuracy(donor, self.node(n), nobody) for n in others
        }
        behaviour = accuracy(straight, nothing, nobody)
        all_edges = accuracy(donor, layout.outside, nobody)
        ablations = (
            dict(self.ablations(transformer, straight))
            if self.recipe.ablations_at_least
            else {}
        )
        structured = self.by_group(transformer) if self.groups else {}
        figures = [behaviour, all_edges, *variables.values(), *nodes.values()]
        figures += [*ablations.values(), *structured.values()]
        edges, worst = None, ""
        if min(figures) >= _WORTH_EDGES:
            edges, worst = self.worst_edge(transformer, donor)
        return Check(
            step=step,
            loss=loss,
            behaviour=behaviour,
            interchange=variables,
            nodes=nodes,
            worst_edge=worst,
            edges=edges,
            all_edges=all_edges,
            structured=structured,
            ablations=ablations,
        )

    def node(self, index: Any) -> Bool[np.ndarray, "reader source"]:
        """Return the mask of all edges out of one node."""
        return (np.arange(len(self.names.sources)) == index) & self.names.visible

    def ablations(
        self, transformer: Transformer, writes: Float[Any, "pair source ctx d_model"]
    ) -> Iterator[tuple[str, float]]:
        """Yield the accuracies with constants in place of what is outside.

        Args:
            transformer: its shape and its arrays.
            writes: those of the donor runs, without shifts; they give the means.
        """
        live = jnp.asarray(self.pairs.donor_ids != self.model.pad_id)
        mean = mean_writes(jnp.asarray(writes), live)
        others = np.flatnonzero(self.layout.other_nodes)
        together = self.layout.other_nodes & self.names.visible
        nobody = np.zeros(len(self.names.sources), bool)
        every = np.ones(self.model.n_ctx, bool)
        words = np.arange(self.model.n_ctx) > 0  # BOS keeps its write
        for name, constant in (("zero", jnp.zeros_like(mean)), ("mean", mean)):
            patched = jnp.broadcast_to(constant, writes.shape)
            run = partial(self.accuracy, transformer, patched)
            found = [run(self.node(n), nobody, every) for n in others]
            yield f"{name}, worst node", min(found, default=1.0)
            yield f"{name}, all nodes", run(together, nobody, every)
            yield f"{name}, all edges", run(self.layout.outside, nobody, words)

    def by_group(self, transformer: Transformer) -> dict[str, float]:
        """Return the accuracy by group, with all edges outside patched at once."""
        pairs = self.structured
        donor = compiled_runs(transformer, pairs.donor_ids, pairs.shifts)
        right, count = self.count(
            transformer, pairs, donor.writes, self.layout.outside, None
        )
        return {
            name: float(right[part].sum() / max(count[part].sum(), 1))
            for name, part in self.groups.items()
        }

    def worst_edge(
        self, transformer: Transformer, donor: Float[Any, "pair source ctx d_model"]
    ) -> tuple[float, str]:
        """Return the least accuracy with one edge outside patched, and that edge."""
        if len(self.edges) == 0:
            return 1.0, ""
        nobody = np.zeros(len(self.names.sources), bool)
        found = []
        for reader, source in self.edges:
            single = np.zeros_like(self.layout.outside)
            single[reader, source] = True
            found.append(self.accuracy(transformer, donor, single, nobody))
        return min(found), str(self.edge(int(np.argmin(found))))

    def edge(self, index: int) -> Edge:
        """Return the edge outside the circuit that has this number."""
        reader, source = self.edges[index]
        return Edge(self.names.sources[source], self.names.readers[reader])

    def accuracy(
        self,
        transformer: Transformer,
        donor: Float[Any, "pair source ctx d_model"],
        mask: Bool[np.ndarray, "reader source"],
        chosen: Bool[np.ndarray, " source"],
        where: Bool[np.ndarray, " ctx"] | None = None,
    ) -> float:
        """Return the accuracy under one patch, over all held-out pairs.

        Args:
            transformer: its shape and its arrays.
            donor: what is patched in.
            mask: which readers see it, of which sources.
            chosen: nodes whose variables are set to the donor's.
            where: the positions that the patch acts on; those that both inputs have if
                None.
        """
        right, count = self.count(transformer, self.pairs, donor, mask, chosen, where)
        return float(right.sum() / max(count.sum(), 1))

    def count(
        self,
        transformer: Transformer,
        pairs: HeldOutPairs,
        donor: Float[Any, "pair source ctx d_model"],
        mask: Bool[np.ndarray, "reader source"],
        chosen: Bool[np.ndarray, " source"] | None = None,
        where: Bool[np.ndarray, " ctx"] | None = None,
    ) -> tuple[Int[np.ndarray, " pair"], Int[np.ndarray, " pair"]]:
        """Return (right outputs, outputs) of each pair under one patch.

        Outputs at positions that only the base input has dilute a figure; recipes of
        earlier versions count them.
        """
        nobody = np.zeros(len(self.names.sources), bool)
        if where is None:
            places = np.arange(self.model.n_ctx) < pairs.shared[:, None]
        else:
            places = np.broadcast_to(where, pairs.ids.shape)
        found = _count(
            self.model,
            self.layout,
            transformer,
            pairs,
            donor,
            mask,
            nobody if chosen is None else chosen,
            places,
            np.asarray(not self.recipe.stratified),
        )
        right, counted = (np.asarray(part) for part in found)
        return right, counted


@partial(
    jax.jit,
    static_argnames=("model", "layout"),
    compiler_options=QUICK_TO_COMPILE,
)
def _count(
    model: CausalModel,
    layout: Layout,
    transformer: Transformer,
    pairs: HeldOutPairs,
    donor_writes: Float[Any, "pair source ctx d_model"],
    mask: Bool[Any, "reader source"],
    chosen: Bool[Any, " source"],
    where: Bool[Any, "pair ctx"],
    all_places: Bool[Any, ""],
) -> tuple[Int[Array, " pair"], Int[Array, " pair"]]:
    """Return (right outputs, labelled outputs) of each pair under one patch."""
    size = len(pairs.ids)
    picked = jnp.broadcast_to(chosen, (size, *chosen.shape))
    values = interchanged(model, layout, pairs.ids, pairs.values, picked, where)
    labels = values[:, layout.output]
    masks = jnp.broadcast_to(mask.astype(jnp.float32), (size, *mask.shape))
    patch = Patch.edges(masks, donor_writes, where=where.astype(jnp.float32))
    logits = logits_batch(transformer, pairs.ids, patch)
    valid = (labels >= 0) & (where | all_places)
    right = is_right(model.readout, logits, jnp.maximum(labels, 0))
    return (right & valid).sum(axis=1), valid.sum(axis=1)
