"""One batch of training, drawn on the device: inputs, a patch each, labels.

Every example is the same call of the forward pass with a mask of its own:

    behaviour       nothing patched; the label is the program's output
    interchange     nodes of the circuit from a source run; the label is the output
                    with the variables on them overridden
    strict nodes    random nodes outside the circuit; the label does not change
    strict edges    random (source, reader) entries outside it; likewise

While the circuit is being closed, all entries outside it are patched besides.
Patches act on the positions that both inputs have, BOS among them. Position
embeddings are the same in every run, and so is whatever nodes copy of them: nothing
would keep what lies outside the circuit from reading them. So source runs have their
positions turned by some places, except where variables are taken from them.
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
from zoo.causal.pool import Pool, draw_inputs, draw_sources, draw_turns
from zoo.training.placement import Placement
from zoo.training.recipe import Recipe


class Batch(NamedTuple):
    """Examples: base and source inputs, masks, labels.

    Attributes:
        ids: of the bases.
        source_ids: of the sources.
        turns: by how many places the positions of each source run are turned.
        mask: 1 where a reader sees the source's write.
        where: 1 at positions that both have.
        labels: index of the value to put out, -1 for none.
        values: what each variable is to hold, -1 for none and where it is replaced.
        selected: which keys compute each variable in the sources, if a recipe asks.
    """

    ids: Int[Array, "batch ctx"]
    source_ids: Int[Array, "batch ctx"]
    turns: Int[Array, " batch"]
    mask: Float[Array, "batch reader source"]
    where: Float[Array, "batch ctx"]
    labels: Int[Array, "batch ctx"]
    values: Int[Array, "batch variable ctx"]
    selected: Bool[Array, "batch variable ctx key"] | None = None


@dataclass(frozen=True, eq=False)
class Layout:
    """The circuit as arrays over readers, sources and variables.

    Attributes:
        outside: [reader, source] visible entries that are not in the circuit.
        sources_of: [variable] index of the source that writes it.
        circuit_nodes: indices of the sources that carry variables.
        other_nodes: [source] heads and MLPs that carry none.
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
) -> Batch:
    """Return one batch.

    Args:
        model: gives the labels.
        recipe: gives the shares and the size.
        layout: the circuit.
        pool: inputs.
        key: of this step.
        closed: share of examples with everything outside the circuit patched.
    """
    keys = jax.random.split(key, 8)
    size = recipe.batch
    base = draw_inputs(pool, keys[0], size)
    source = draw_sources(pool, keys[1], base, recipe.same_length)
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
    shared = jnp.minimum(pool.lengths[base], pool.lengths[source])
    where = jnp.arange(model.n_ctx)[None, :] < shared[:, None]
    values = interchanged(model, layout, pool, base, source, chosen, where)
    replaced = chosen[:, layout.sources_of][:, :, None]
    selected = None
    if recipe.attending and isinstance(model, Selecting):
        selected = jax.vmap(model.selected)(pool.ids[source])
    return Batch(
        pool.ids[base],
        pool.ids[source],
        jnp.where(kind == 1, 0, draw_turns(keys[7], size, model.n_ctx)),
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
    source: Int[Array, " batch"],
    chosen: Bool[Array, "batch source"],
    where: Bool[Array, "batch ctx"],
) -> Int[Array, "batch variable ctx"]:
    """Return all variables, those on chosen nodes being taken from the sources."""
    set_here = chosen[:, layout.sources_of][:, :, None] & where[:, None, :]
    overrides = jnp.where(set_here, pool.values[source], COMPUTED)
    return jax.vmap(model.run)(pool.ids[base], overrides)


def _kinds(recipe: Recipe) -> Int[np.ndarray, " batch"]:
    """Return the kind of each example of a batch: shares as whole numbers."""
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
