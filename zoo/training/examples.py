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
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from compiler.machine.config import Config
from zoo.causal.model import COMPUTED, CausalModel, Selecting
from zoo.training.placement import Placement
from zoo.training.recipe import Recipe


class Pool(NamedTuple):
    """Inputs to draw from, sorted by length and result, with all variables' values.

    Attributes:
        ids: [input, ctx].
        values: [input, variable, ctx].
        lengths: [input] tokens, BOS included.
        starts: [length] first input of each distinct length.
        counts: [length] how many there are.
        result_starts: [result] likewise of each length and output at the last token.
        result_counts: [result] how many there are.
    """

    ids: Int[Any, "input ctx"]
    values: Int[Any, "input variable ctx"]
    lengths: Int[Any, " input"]
    starts: Int[Any, " length"]
    counts: Int[Any, " length"]
    result_starts: Int[Any, " result"]
    result_counts: Int[Any, " result"]


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


def make_pool(model: CausalModel, ids: Int[np.ndarray, "input ctx"]) -> Pool:
    """Return inputs with the values of all variables, sorted by length and result."""
    clean = jnp.full((len(model.variables), model.n_ctx), COMPUTED)
    run = jax.jit(jax.vmap(lambda row: model.run(row, clean)))
    chunks = [np.asarray(run(ids[i : i + 4096])) for i in range(0, len(ids), 4096)]
    values = np.concatenate(chunks)
    lengths = (ids != model.pad_id).sum(axis=1)
    output = [v.name for v in model.variables].index(model.output)
    last = values[np.arange(len(ids)), output, lengths - 1]
    order = np.lexsort((last, lengths))
    strata = np.stack([lengths, last], axis=1)[order]
    _, starts, counts = np.unique(strata[:, 0], return_index=True, return_counts=True)
    _, *results = np.unique(strata, axis=0, return_index=True, return_counts=True)
    arrays = (ids[order], values[order], strata[:, 0], starts, counts, *results)
    return Pool(*(jnp.asarray(a, jnp.int32) for a in arrays))


def split_inputs(
    ids: Int[np.ndarray, "input ctx"], seed: int
) -> tuple[Int[np.ndarray, "a ctx"], Int[np.ndarray, "b ctx"], bool]:
    """Return (training inputs, held-out inputs, whether they are disjoint).

    A tenth is held out. Where there are fewer than 500 inputs all serve for both:
    a model that is to be right on every input has to see them.
    """
    if len(ids) < 500:
        return ids, ids, False
    order = np.random.default_rng(seed).permutation(len(ids))
    cut = max(200, len(ids) // 10)
    return ids[order[cut:]], ids[order[:cut]], True


def draw_key(seed: int) -> Array:
    """Return a random key of XLA's own generator: threefry takes seconds to compile."""
    return jax.random.key(seed, impl="unsafe_rbg")


def draw_inputs(pool: Pool, key: Array, count: int) -> Int[Array, " count"]:
    """Return indices of inputs: half of them of every length, half of every result.

    Results that are rare among random inputs (a palindrome, a balanced bracket) are
    drawn as often as the others.
    """
    first, second, third = jax.random.split(key, 3)
    drawn = jax.random.uniform(second, (2, count))

    def pick(starts: Array, counts: Array, row: int) -> Array:
        which = jax.random.randint(first, (count,), 0, starts.shape[0])
        return _within(starts[which], counts[which], drawn[row])

    by_length = pick(pool.starts, pool.counts, 0)
    by_result = pick(pool.result_starts, pool.result_counts, 1)
    return jnp.where(jax.random.bernoulli(third, 0.5, (count,)), by_length, by_result)


def draw_sources(
    pool: Pool, key: Array, base: Int[Array, " count"], same_length: float
) -> Int[Array, " count"]:
    """Return indices of inputs: this share of them is as long as their bases.

    Where few inputs say the same thing at one place (in sentences of many templates a
    subject meets a subject in one pair of eight) this is how variables get contrasts.
    """
    drawn = draw_inputs(pool, key, len(base))
    if same_length == 0:
        return drawn
    first, second = jax.random.split(jax.random.fold_in(key, 1))
    stratum = jnp.searchsorted(pool.starts, base, side="right") - 1
    drawn_there = jax.random.uniform(first, base.shape)
    alike = _within(pool.starts[stratum], pool.counts[stratum], drawn_there)
    contrasts = jax.random.bernoulli(second, same_length, base.shape)
    return jnp.where(contrasts, alike, drawn)


def _within(
    starts: Int[Array, " n"], counts: Int[Array, " n"], share: Float[Array, " n"]
) -> Int[Array, " n"]:
    """Return the index at a share in [0, 1) of the way through each run of inputs."""
    return starts + (share * counts.astype(share.dtype)).astype(jnp.int32)


def draw_turns(key: Array, count: int, n_ctx: int) -> Int[Array, " count"]:
    """Return by how many places positions are turned: 0 for a third of them."""
    first, second = jax.random.split(key)
    turns = jax.random.randint(first, (count,), 1, max(n_ctx - 1, 2))
    return jnp.where(jax.random.bernoulli(second, 2 / 3, (count,)), turns, 0)


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
