"""One batch of training, drawn on the device: inputs, one patch each, labels.

Every example is a call of the same forward pass with an edge mask of its own. There are
five kinds of examples:

    behaviour       nothing is patched; the label is the program's output
    interchange     nodes of the circuit are patched from a donor run; the label is the
                    output with the variables on these nodes overridden
    strict nodes    random nodes outside the circuit are patched; the label stays
    strict edges    random edges outside the circuit are patched; the label stays

    hard             inputs and patches that a check found hard, see `hard.py`

Of the strict examples, a share is patched with zeros or means (`replacements.py`).

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
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from compiler.machine.config import Config
from zoo.causal.model import COMPUTED, CausalModel, Selecting
from zoo.causal.pool import Pool, draw_donors, draw_inputs, draw_shifts
from zoo.training.hard import Hard, Patched, recall
from zoo.training.placement import Placement
from zoo.training.recipe import Recipe
from zoo.training.replacements import (
    DONOR,
    MEAN,
    ZERO,
    draw_mixed,
    patched_places,
)

EMBEDDINGS = 2
"""The first sources: the token and the position embeddings."""
BEHAVIOUR, INTERCHANGE, NODES, EDGES, HARD_INPUT, HARD_PATCH = range(6)


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
        replaced: what stands in place of a patched write (`replacements.py`); None if
            it is the write of the donor run in all examples.
        mixed: how many examples further the donor run of each patched write is; None
            if each example has one donor run (`replacements.draw_mixed`).
    """

    ids: Int[Array, "batch ctx"]
    donor_ids: Int[Array, "batch ctx"]
    shifts: Int[Array, " batch"]
    mask: Float[Array, "batch reader source"]
    where: Float[Array, "batch ctx"]
    labels: Int[Array, "batch ctx"]
    values: Int[Array, "batch variable ctx"]
    selected: Bool[Array, "batch variable ctx key"] | None = None
    replaced: Int[Array, " batch"] | None = None
    mixed: Int[Array, "batch source ctx"] | None = None


@dataclass(frozen=True, eq=False)
class Layout:
    """The circuit as arrays over readers, sources and variables.

    Attributes:
        outside: [reader, source] edges that are not in the circuit.
        sources_of: [variable] index of the node that writes the variable; 0 where none
            does: the tuple of several outputs.
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
        [
            names.source_index(placement.node.get(v.name, "tokens"))
            for v in model.variables
        ]
    )
    circuit_nodes = np.unique(sources_of[sources_of >= EMBEDDINGS])
    others = np.ones(len(names.sources), bool)
    others[circuit_nodes] = False
    others[:EMBEDDINGS] = False
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
    hard: Hard | None = None,
) -> TrainingBatch:
    """Return one batch.

    Args:
        model: computes the labels.
        recipe: the share of each kind of example, and the size of the batch.
        layout: the circuit.
        pool: inputs to draw from.
        key: the random key of this step.
        closed: share of examples with all edges outside the circuit patched.
        hard: hard examples, if the recipe replays any.
    """
    keys = jax.random.split(key, 8)
    kind = jnp.asarray(kinds_of(recipe))
    size = recipe.batch
    shut = jax.random.uniform(keys[5], (size,)) < closed
    drawn = _draw_examples(model, recipe, layout, pool, keys, kind, shut)
    if recipe.replay and hard is not None:
        apart = jax.random.fold_in(key, _APART)
        drawn = recall(hard, apart, drawn, kind == HARD_INPUT, kind == HARD_PATCH)
        everything = shut[:, None, None] & layout.outside
        drawn = drawn._replace(edges=drawn.edges | everything)
    chosen = _choose_nodes(layout, keys[2], size) & (kind == INTERCHANGE)[:, None]
    others = _draw_others(recipe, layout, keys[3]) & (kind == NODES)[:, None]
    mask = (chosen | others)[:, None, :] | drawn.edges
    base, donor = drawn.base, drawn.donor
    shared = jnp.minimum(pool.lengths[base], pool.lengths[donor])
    of_edges = shut | (kind != NODES)
    where = patched_places(shared, drawn.replaced, of_edges, model.n_ctx)
    values = interchanged(
        model, layout, pool.ids[base], pool.values[donor], chosen, where
    )
    unwritten = layout.sources_of < EMBEDDINGS
    hidden = (chosen[:, layout.sources_of] | unwritten)[:, :, None]
    selected = None
    if recipe.attending and isinstance(model, Selecting):
        selected = jax.vmap(model.selected)(pool.ids[donor])
    return TrainingBatch(
        pool.ids[base],
        pool.ids[donor],
        drawn.shifts,
        mask.astype(jnp.float32),
        where.astype(jnp.float32),
        values[:, layout.output],
        jnp.where(hidden, -1, values),
        selected,
        drawn.replaced if recipe.zeros + recipe.means > 0 else None,
        _draw_mixed(recipe, layout, model.n_ctx, keys[1], kind),
    )


_APART = 1
"""Draws that were added later have keys of their own: older recipes draw as before."""


def _draw_examples(
    model: CausalModel,
    recipe: Recipe,
    layout: Layout,
    pool: Pool,
    keys: Array,
    kind: Int[Array, " batch"],
    shut: Bool[Array, " batch"],
) -> Patched:
    """Return inputs, shifts, replacements and patched edges of each example."""
    size = recipe.batch
    base = draw_inputs(pool, keys[0], size)
    shifts = draw_shifts(keys[7], size, model.n_ctx)
    share = jnp.where(kind >= EDGES, jax.random.uniform(keys[4], (size,)), 0.0)
    if recipe.replay:  # half of the hard inputs are not patched
        left = jax.random.bernoulli(jax.random.fold_in(keys[4], _APART), 0.5, (size,))
        share = jnp.where((kind == HARD_INPUT) & left, 0.0, share)
    share = jnp.where(shut, 1.0, share)
    entries = jax.random.uniform(keys[6], (size, *layout.outside.shape))
    return Patched(
        base=base,
        donor=draw_donors(pool, keys[1], base, recipe.same_length),
        shifts=jnp.where(kind == INTERCHANGE, 0, shifts),
        replaced=_draw_replaced(recipe, keys[3], kind),
        edges=(entries < share[:, None, None]) & layout.outside,
    )


def _draw_replaced(
    recipe: Recipe, key: Array, kind: Int[Array, " batch"]
) -> Int[Array, " batch"]:
    """Return what stands in place of a patched write in each example."""
    donor = jnp.full(kind.shape, DONOR, jnp.int32)
    if recipe.zeros + recipe.means == 0:
        return donor
    drawn = jax.random.uniform(jax.random.fold_in(key, _APART), kind.shape)
    limits = np.cumsum([recipe.zeros, recipe.means])
    constants = jnp.asarray([ZERO, MEAN, DONOR], jnp.int32)
    chosen = constants[
        jnp.searchsorted(jnp.asarray(limits, jnp.float32), drawn, "right")
    ]
    return jnp.where(kind == INTERCHANGE, donor, chosen)


def _draw_mixed(
    recipe: Recipe, layout: Layout, n_ctx: int, key: Array, kind: Int[Array, " batch"]
) -> Int[Array, "batch source ctx"] | None:
    """Return which donor run each patched write is from, None if nothing is mixed."""
    if not recipe.mixed:
        return None
    coin, which = jax.random.split(jax.random.fold_in(key, _APART))
    free = (kind == BEHAVIOUR) | (kind == EDGES) | (kind == HARD_INPUT)
    mixed = free & jax.random.bernoulli(coin, recipe.mixed, kind.shape)
    return draw_mixed(which, mixed, len(layout.other_nodes), n_ctx)


def interchanged(
    model: CausalModel,
    layout: Layout,
    ids: Int[Any, "batch ctx"],
    donor_values: Int[Any, "batch variable ctx"],
    chosen: Bool[Array, "batch source"],
    where: Bool[Any, "batch ctx"],
) -> Int[Array, "batch variable ctx"]:
    """Return all variables after those on chosen nodes were set to the donor's.

    Args:
        model: computes the others.
        layout: which node writes which variable.
        ids: token ids of the base inputs.
        donor_values: the values of all variables in the donor inputs.
        chosen: the nodes whose variables are set.
        where: the positions at which they are.
    """
    set_here = chosen[:, layout.sources_of][:, :, None] & where[:, None, :]
    overrides = jnp.where(set_here, donor_values, COMPUTED)
    return jax.vmap(model.run)(ids, overrides)


def kinds_of(recipe: Recipe) -> Int[np.ndarray, " batch"]:
    """Return the kind of each example of a batch, with shares rounded to examples."""
    shares = np.array(
        [
            recipe.behaviour,
            recipe.interchange,
            recipe.strict_nodes,
            recipe.strict_edges,
        ]
    )
    rest, half = 1 - recipe.replay, recipe.replay / 2
    shares = np.array([*(shares * rest), half, half])
    edges = np.round(np.cumsum(shares) * recipe.batch)
    last = HARD_PATCH if recipe.replay else EDGES
    kinds = np.searchsorted(edges, np.arange(recipe.batch), side="right")
    return kinds.clip(0, last)


def _draw_others(
    recipe: Recipe, layout: Layout, key: Array
) -> Bool[Array, "batch source"]:
    """Return, for each example, some of the nodes outside the circuit.

    Half of them. If constants are patched in, all of them for a share of the examples,
    one of them for another, and else a share of them that is drawn first: a model whose
    unused nodes all tell it the same about BOS notices nothing while half of them are
    left, and one whose unused nodes balance each other nothing while all are patched.
    """
    shape = recipe.batch, len(layout.other_nodes)
    if recipe.zeros + recipe.means == 0:
        return jax.random.bernoulli(key, 0.5, shape) & layout.other_nodes
    apart = jax.random.fold_in(key, 2 * _APART)
    coin, share = jax.random.uniform(apart, (2, recipe.batch, 1))
    share = jnp.where(coin < _ALL_NODES, 1.0, share)
    drawn = jax.random.uniform(key, shape)
    first = jnp.where(layout.other_nodes, drawn, 2.0).argmin(axis=1)
    single = jnp.arange(shape[1]) == first[:, None]
    chosen = jnp.where(coin > 1.0 - _ONE_NODE, single, drawn < share)
    return chosen & layout.other_nodes


_ALL_NODES, _ONE_NODE = 0.3, 0.3


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
