"""One batch of training, drawn on the device: inputs, one patch each, labels.

Every example is a call of the same forward pass with an edge mask of its own. There are
four kinds of examples:

    behaviour       nothing is patched; the label is the program's output
    interchange     nodes of the circuit are patched from a donor run; the label is the
                    output with the variables on these nodes overridden
    strict nodes    random nodes outside the circuit are patched; the label stays
    strict edges    random edges outside the circuit are patched; the label stays

In the circuit-only phase all edges outside the circuit are patched too, in every
example; in the opening phase the share of these examples is lowered. A patch acts on
the positions that both inputs have, including BOS.

Position embeddings are the same in every run, and so is anything that a node copies
from them. With ordinary donor runs, nothing would keep edges outside the circuit from
using them. Therefore donor runs have shifted position embeddings, except in
interchange examples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from compiler.machine.config import Config
from zoo.causal.model import COMPUTED, CausalModel, Selecting
from zoo.causal.pool import Pool, draw_donors, draw_inputs, draw_shifts
from zoo.training.placement import Placement
from zoo.training.recipe import Recipe


class TrainingBatch(NamedTuple):
    """Examples: base and donor inputs, masks, labels.

    Attributes:
        ids: token ids of the base inputs.
        donor_ids: token ids of the donor inputs.
        shifts: by how many places the positions of each donor run are shifted.
        mask: 1 where a reader sees the write of the donor run.
        where: 1 at positions that both inputs have.
        labels: index of the right output value, -1 for none.
        values: index of the value that each variable should have; -1 where it has none
            and where it is interchanged.
        selected: to which keys the head of each variable should attend in the donor
            runs; None unless the recipe has a weight for it (`attending`).
    """

    ids: Int[Array, "batch ctx"]
    donor_ids: Int[Array, "batch ctx"]
    shifts: Int[Array, " batch"]
    mask: Float[Array, "batch reader source"]
    where: Float[Array, "batch ctx"]
    labels: Int[Array, "batch ctx"]
    values: Int[Array, "batch variable ctx"]
    selected: Bool[Array, "batch variable ctx key"] | None = None


@dataclass(frozen=True, eq=False)
class Layout:
    """The circuit as arrays over readers, sources and variables.

    Attributes:
        outside: [reader, source] edges that are not in the circuit.
        sources_of: [variable] index of the node that writes the variable.
        circuit_nodes: indices of the nodes that write variables.
        other_nodes: [source] whether it is a head or an MLP that writes no variable.
        output: index of the output variable.
    """

    outside: Bool[np.ndarray, "reader source"]
    sources_of: Int[np.ndarray, " variable"]
    circuit_nodes: Int[np.ndarray, " node"]
    other_nodes: Bool[np.ndarray, " source"]
    output: int


def make_layout(model: CausalModel, config: Config, placement: Placement) -> Layout:
    """Return the circuit of a placement as arrays."""
    names = config.names
    sources_of = np.array(
        [names.source_index(placement.node[v.name]) for v in model.variables]
    )
    circuit_nodes = np.unique(sources_of)
    others = np.ones(len(names.sources), bool)
    others[circuit_nodes] = False
    others[:2] = False  # the embeddings
    variables = [v.name for v in model.variables]
    return Layout(
        outside=names.visible & ~placement.circuit.mask(),
        sources_of=sources_of,
        circuit_nodes=circuit_nodes,
        other_nodes=others,
        output=variables.index(model.output),
    )


def draw_batch(
    model: CausalModel,
    recipe: Recipe,
    layout: Layout,
    pool: Pool,
    key: Array,
    closed: Float[Array, ""],
) -> TrainingBatch:
    """Return one batch.

    Args:
        model: computes the labels.
        recipe: the share of each kind of example, and the size of the batch.
        layout: the circuit.
        pool: inputs to draw from.
        key: the random key of this step.
        closed: share of examples with all edges outside the circuit patched.
    """
    keys = jax.random.split(key, 8)
    size = recipe.batch
    base = draw_inputs(pool, keys[0], size)
    donor = draw_donors(pool, keys[1], base, recipe.same_length)
    kind = jnp.asarray(_kinds(recipe))
    chosen = _choose_nodes(layout, keys[2], size) & (kind == 1)[:, None]
    others = jax.random.bernoulli(keys[3], 0.5, (size, len(layout.other_nodes)))
    others = others & layout.other_nodes & (kind == 2)[:, None]
    share = jnp.where(kind == 3, jax.random.uniform(keys[4], (size,)), 0.0)
    shut = jax.random.uniform(keys[5], (size,)) < closed
    share = jnp.where(shut, 1.0, share)
    entries = jax.random.uniform(keys[6], (size, *layout.outside.shape))
    edges = (entries < share[:, None, None]) & layout.outside
    mask = (chosen | others)[:, None, :] | edges
    shared = jnp.minimum(pool.lengths[base], pool.lengths[donor])
    where = jnp.arange(model.n_ctx)[None, :] < shared[:, None]
    values = interchanged(model, layout, pool, base, donor, chosen, where)
    replaced = chosen[:, layout.sources_of][:, :, None]
    selected = None
    if recipe.attending and isinstance(model, Selecting):
        selected = jax.vmap(model.selected)(pool.ids[donor])
    return TrainingBatch(
        pool.ids[base],
        pool.ids[donor],
        jnp.where(kind == 1, 0, draw_shifts(keys[7], size, model.n_ctx)),
        mask.astype(jnp.float32),
        where.astype(jnp.float32),
        values[:, layout.output],
        jnp.where(replaced, -1, values),
        selected,
    )


def interchanged(
    model: CausalModel,
    layout: Layout,
    pool: Pool,
    base: Int[Array, " batch"],
    donor: Int[Array, " batch"],
    chosen: Bool[Array, "batch source"],
    where: Bool[Array, "batch ctx"],
) -> Int[Array, "batch variable ctx"]:
    """Return all variables after those on chosen nodes were set to the donor's."""
    set_here = chosen[:, layout.sources_of][:, :, None] & where[:, None, :]
    overrides = jnp.where(set_here, pool.values[donor], COMPUTED)
    return jax.vmap(model.run)(pool.ids[base], overrides)


def _kinds(recipe: Recipe) -> Int[np.ndarray, " batch"]:
    """Return the kind of each example of a batch, with shares rounded to examples."""
    shares = np.array(
        [
            recipe.behaviour,
            recipe.interchange,
            recipe.strict_nodes,
            recipe.strict_edges,
        ]
    )
    edges = np.round(np.cumsum(shares) * recipe.batch)
    return np.searchsorted(edges, np.arange(recipe.batch), side="right").clip(0, 3)


def _choose_nodes(layout: Layout, key: Array, size: int) -> Bool[Array, "batch source"]:
    """Return, for each example, one node of the circuit or a random subset of them."""
    first, second, third = jax.random.split(key, 3)
    nodes = jnp.asarray(layout.circuit_nodes)
    one = jax.random.randint(first, (size,), 0, len(nodes))
    single = jnp.arange(len(nodes))[None, :] == one[:, None]
    subset = jax.random.bernoulli(second, 0.5, (size, len(nodes)))
    pick = jnp.where(jax.random.bernoulli(third, 0.7, (size, 1)), single, subset)
    chosen = jnp.zeros((size, len(layout.other_nodes)), bool)
    return chosen.at[:, nodes].set(pick)
