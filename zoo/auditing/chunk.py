"""One chunk of pairs: its runs, and the compiled functions that patch and count.

Each function is compiled once for a model: the patched edge, node or variable is an
argument. The pairs of a chunk are packed into blocks of rows that fit a core's cache.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Shaped

from compiler.lower.readout import Readout
from compiler.machine.config import Config
from compiler.machine.jit import CACHE_BYTES, QUICK_TO_COMPILE
from compiler.machine.rerun.bounds import curvatures, has_radii, radii, winners
from compiler.machine.rerun.packed import Packing, pack, take
from compiler.machine.rerun.rerun import (
    BaseRuns,
    Donors,
    Target,
    last_logits,
    masked_logits,
    pack_runs,
    propagate,
    run_masked,
)
from compiler.machine.transformer import Transformer, precise
from zoo.auditing.decisions import (
    Verdict,
    decide,
    other_class,
    other_number,
    same_class,
    same_number,
    tie_of,
)
from zoo.causal.model import COMPUTED, CausalModel
from zoo.causal.pool import Pool
from zoo.causal.population import run_all
from zoo.causal.runs import compiled_runs

LEAST_BLOCKS = 4  # in a chunk; the last one filled has places with nothing in them

_jit = partial(jax.jit, compiler_options=QUICK_TO_COMPILE)
NEVER = np.iinfo(np.int32).max


class Chunk(NamedTuple):
    """A chunk of pairs, ready to be patched.

    Attributes:
        ids: [pair, ctx] token ids of the base inputs.
        lengths: [pair] lengths of the base inputs, BOS included; 0 for a pair that was
            counted in an earlier chunk.
        where: [pair, ctx] positions that both inputs have, BOS included.
        values: [pair, variable, ctx] values of the variables in the donor inputs.
        writes: [pair, source, ctx, d_model] writes of the base runs.
        straight: [pair, source, ctx, d_model] writes of the unshifted donor runs.
        shifted: the same, of donor runs with shifted positions.
        clean: [pair, ctx, class] logits of the base runs.
        labels: [pair, ctx] index of the output, -1 for none.
        spread: [without or with shifted positions, source] the greatest change of a
            source's write from a base run to its donor run.
    """

    ids: Any
    lengths: Any
    where: Any
    values: Any
    writes: Any
    straight: Any
    shifted: Any
    clean: Any
    labels: Any
    spread: Any


class Groups(NamedTuple):
    """Variables that are interchanged.

    Attributes:
        chosen: [group, variable] which belong to each group.
        sources: [group] index of the source that writes them.
        directions: [group, d_model] 1 where a direction is theirs.
        basis: [d_model, d_model] rows are the directions; None for the stream's axes.
    """

    chosen: Bool[Any, "group variable"]
    sources: Int[Any, " group"]
    directions: Float[Any, "group d_model"]
    basis: Float[Any, "d_model d_model"] | None


class PatchResults(NamedTuple):
    """What patches did in a chunk, one entry a patch; see `counts.Count`.

    Attributes:
        right: (hits, ties, close) of positions at which the output is the label.
        changed: (hits, ties, close) of positions at which the output is not that of the
            base run.
        total: number of positions with a label.
        first: pair * n_ctx + position of the first that changed, none of them close.
        shown: logits of that pair before and after.
    """

    right: Int[Any, "patch 3"]
    changed: Int[Any, "patch 3"]
    total: Int[Any, " patch"]
    first: Int[Any, " patch"]
    shown: Float[Any, "patch 2 ctx class"]


def prepare(
    transformer: Transformer,
    pool: Pool,
    base: Int[np.ndarray, " pair"],
    donor: Int[np.ndarray, " pair"],
    shifts: Int[np.ndarray, " pair"],
    fresh: Bool[np.ndarray, " pair"],
    output: int,
) -> Chunk:
    """Return a chunk.

    Args:
        transformer: its shape and its arrays.
        pool: the inputs.
        base: indices of the base inputs in the pool.
        donor: indices of the donor inputs in the pool.
        shifts: by how many places the positions of each donor run are shifted.
        fresh: which pairs count; the others only fill the chunk.
        output: index of the output variable.
    """
    config = transformer.config
    ids, values, lengths = map(np.asarray, (pool.ids, pool.values, pool.lengths))
    shared = np.minimum(lengths[base], lengths[donor])
    where = np.arange(config.n_ctx)[None, :] < shared[:, None]
    unshifted = np.zeros_like(shifts)
    run = compiled_runs(transformer, ids[base], unshifted)
    straight = compiled_runs(transformer, ids[donor], unshifted).writes
    shifted = compiled_runs(transformer, ids[donor], shifts).writes
    return Chunk(
        ids=ids[base],
        lengths=np.where(fresh, lengths[base], 0),
        where=where,
        values=values[donor],
        writes=run.writes,
        straight=straight,
        shifted=shifted,
        clean=run.logits,
        labels=np.where(fresh[:, None], values[base, output], -1),
        spread=_spread(run.writes, straight, shifted, where),
    )


@_jit
def _spread(
    writes: Array, straight: Array, shifted: Array, where: Array
) -> Float[Array, "2 source"]:
    """Return how far each source's write moves, in unshifted and shifted donor runs."""
    at = where[:, None, :, None]
    moved = [jnp.where(at, jnp.abs(d - writes), 0.0) for d in (straight, shifted)]
    scale = jnp.maximum(jnp.abs(writes).max(axis=(0, 2, 3)), 1e-30)
    return jnp.stack([m.max(axis=(0, 2, 3)) / scale for m in moved])


def make_blocks(config: Config, part: Chunk) -> tuple[Packing, int]:
    """Return the packing of a chunk, cut into blocks, and how many are filled.

    Args:
        config: the transformer's shape.
        part: the chunk.

    Returns:
        [block, row, place] arrays, of the same shape for all chunks of that size.
    """
    lengths = np.asarray(part.lengths)
    most, live = len(lengths), np.arange(config.n_ctx) < lengths[:, None]
    pad_id = -1 if config.pad_id is None else config.pad_id
    if (live != (part.ids != pad_id))[lengths > 0].any():
        # What stands behind the input is no PAD to this transformer.
        lengths = np.where(lengths, config.n_ctx, 0)
    # Within a row NaN spreads, through attention of weight 0.
    finite = np.isfinite(part.spread).all() and np.isfinite(part.writes).all()
    packing = pack(config, lengths, alone=not finite)
    widest = 4 * config.n_ctx * max(config.d_mlp, 4 * config.d_model)
    count = max(LEAST_BLOCKS, round(most * widest / CACHE_BYTES))
    height = -(-most // min(count, most))
    filled = len(packing.sequence)
    blocks = []
    for array, nothing in zip(packing, (-1, 0), strict=True):
        block = np.full((-(-most // height), height, config.n_ctx), nothing, np.int32)
        block.reshape(-1, config.n_ctx)[:filled] = array
        blocks.append(block)
    return Packing(*blocks), -(-filled // height)


def labels_of(
    causal: CausalModel, part: Chunk, groups: Groups
) -> Int[np.ndarray, "pair ctx labels"]:
    """Return the bases' labels, and those with each group's variables interchanged."""
    output = [v.name for v in causal.variables].index(causal.output)
    found = [part.labels]
    for chosen in np.asarray(groups.chosen):
        at = chosen[None, :, None] & part.where[:, None, :]
        values = run_all(causal, part.ids, np.where(at, part.values, COMPUTED))
        found.append(np.where(part.labels >= 0, values[:, output], -1))
    return np.stack(found, axis=-1)


class _Block(NamedTuple):
    """A block of a chunk, packed: [place, row] at the end of every array.

    Attributes:
        runs: of the bases.
        where: positions that are patched.
        straight: writes of the unshifted donor runs.
        shifted: the same, of donor runs with shifted positions.
        clean: logits of the bases, [class, place, row].
        winner: which of these is largest, as `decide` says it.
        sequence: which pair; -1 for none.
        position: in it.
        packing: both of these, rows first.
    """

    runs: BaseRuns
    where: Any
    straight: Any
    shifted: Any
    clean: Any
    winner: Any
    sequence: Any
    position: Any
    packing: Packing


def _make_block(
    transformer: Transformer, part: Chunk, blocks: Packing, number: Array
) -> _Block:
    packing = Packing(*(jnp.asarray(a)[number] for a in blocks))
    straight, shifted, clean = (
        take(packing, array) for array in (part.straight, part.shifted, part.clean)
    )
    return _Block(
        runs=pack_runs(transformer, packing, part.writes),
        where=take(packing, part.where[..., None])[0],
        straight=straight,
        shifted=shifted,
        clean=clean,
        winner=decide(clean, tie_of(transformer.config)),
        sequence=packing.sequence.T,
        position=packing.position.T,
        packing=packing,
    )


def _labels_in(block: _Block, labels: Array) -> Array:
    """Return labels at each place, [pair, ctx, label] -> [label, place, row], or -1."""
    return jnp.where(block.sequence >= 0, take(block.packing, labels), -1)


class _Outcome(NamedTuple):
    """What a patch made of a block.

    Attributes:
        outputs: logits; or which class wins, as `decide` says it.
        labels: [place, row] what the outputs are held to.
        logits_of: gives the logits, for a witness; run where there is a new one.
    """

    outputs: Shaped[Array, "*class place row"]
    labels: Int[Array, "place row"]
    logits_of: Callable[[], Float[Array, "class place row"]]


def _add(
    config: Config,
    readout: Readout,
    block: _Block,
    found: PatchResults,
    index: Array,
    outcome: _Outcome,
) -> PatchResults:
    """Add what the patch `index` did in a block."""
    outputs, labels, logits_of = outcome
    valid = labels >= 0
    if readout.kind == "classes":
        known = outputs.ndim == labels.ndim
        codes = outputs if known else decide(outputs, tie_of(config))
        right, changed = same_class(codes, labels), other_class(codes, block.winner)
    else:
        logits, clean = (jnp.moveaxis(a, 0, -1) for a in (outputs, block.clean))
        right = same_number(readout, logits, jnp.maximum(labels, 0))
        changed = other_number(readout, logits, clean)
    order = block.sequence * config.n_ctx + block.position
    first = jnp.where(changed.hit & ~changed.close & valid, order, NEVER).min()

    def show() -> Array:
        at = jnp.where(block.sequence == first // config.n_ctx, block.position, -1)
        both = jnp.moveaxis(jnp.stack([block.clean, logits_of()]), 1, -1)
        empty = jnp.zeros((2, config.n_ctx + 1, both.shape[-1]), both.dtype)
        return empty.at[:, at].set(both)[:, :-1]  # what is not of that pair goes last

    earlier = first < found.first[index]
    shown = jax.lax.cond(earlier, show, lambda: found.shown[index])
    return PatchResults(
        found.right.at[index].add(_sums(right, valid)),
        found.changed.at[index].add(_sums(changed, valid)),
        found.total.at[index].add(valid.sum()),
        found.first.at[index].min(first),
        found.shown.at[index].set(shown),
    )


def _sums(verdict: Verdict, valid: Array) -> Int[Array, 3]:
    return jnp.stack([(part & valid).sum() for part in verdict])


def _count(
    transformer: Transformer,
    readout: Readout,
    part: Chunk,
    blocks: Packing,
    n_blocks: Any,
    size: int,
    patches_of: Callable[[_Block], Callable[[Array], _Outcome]],
) -> PatchResults:
    """Return what `size` patches do: in every block, one after the other.

    Args:
        transformer: its shape and its arrays, of jax.
        readout: how logits are turned into outputs.
        part: a chunk.
        blocks: packings of the chunk, from `make_blocks`.
        n_blocks: how many of the blocks are filled, from `make_blocks`.
        size: how many patches there are.
        patches_of: given a block, returns what gives the outcome of each patch.
    """
    config, weights = transformer.config, transformer.weights

    def count_block(number: Array, found: PatchResults) -> PatchResults:
        block = _make_block(transformer, part, blocks, number)
        outcome_of = patches_of(block)

        def count(index: Array, found: PatchResults) -> PatchResults:
            return _add(config, readout, block, found, index, outcome_of(index))

        return jax.lax.fori_loop(0, size, count, found)

    none = jnp.zeros(size, np.int32)
    shape = size, 2, config.n_ctx, config.d_vocab_out
    shown = jnp.zeros(shape, weights.W_E.dtype)
    three = jnp.zeros((size, 3), np.int32)
    nothing = PatchResults(three, three, none, none + NEVER, shown)
    return jax.lax.fori_loop(0, n_blocks, count_block, nothing)


def curvature_of(
    transformer: Transformer, readout: Readout
) -> Float[np.ndarray, "class class"] | None:
    """Return what `count_changes` wants to know of a model."""
    config, weights = transformer.config, transformer.weights
    if not has_radii(config) or readout.kind != "classes":
        return None
    if not all(np.isfinite(array).all() for array in weights):
        return None
    return curvatures(weights).astype(np.float32)


@partial(_jit, static_argnames="readout")
@precise
def count_changes(
    transformer: Transformer,
    readout: Readout,
    part: Chunk,
    labels: Int[Array, "pair ctx labels"],
    groups: Groups,
    curvature: Float[Any, "class class"] | None,
    blocks: Packing,
    n_blocks: Any,
    table: Int[Any, "change 6"],
) -> PatchResults:
    """Return what single changes of the stream do.

    Args:
        transformer: its shape and its arrays.
        readout: how logits are turned into outputs.
        part: a chunk.
        labels: of `labels_of`.
        groups: as there.
        curvature: `bounds.curvatures`, or None to run the last MLP for all positions.
        blocks: packings of the chunk, from `make_blocks`.
        n_blocks: how many of the blocks are filled, from `make_blocks`.
        table: rows of (kind, layer, head, slot, change, labels): a `Target`, a change
            as in `change_of`, and which labels the outputs are held to.
    """
    table = jnp.asarray(table)

    def patches_of(block: _Block) -> Callable[[Array], _Outcome]:
        given = transformer, block.runs
        held_to = _labels_in(block, labels)
        straight, shifted = (
            jnp.where(block.where, writes - block.runs.writes, 0.0)
            for writes in (block.straight, block.shifted)
        )
        own = _project(straight[groups.sources], groups)
        changes = jnp.concatenate([straight, shifted, own])
        if curvature is not None:
            radius = radii(*given, block.clean, curvature)

        def outcome_of(index: Array) -> _Outcome:
            *place, change, label = table[index]
            arrived, path = propagate(*given, Target(*place), changes[change])

            def logits_of() -> Array:
                return last_logits(transformer, block.runs.stream[-2], arrived, path)

            if curvature is None:
                outputs = logits_of()
            else:
                asked = held_to[0] >= 0
                known = block.winner, radius, asked
                outputs = winners(*given, arrived, path, *known, decide)
            return _Outcome(outputs, held_to[label], logits_of)

        return outcome_of

    given = transformer, readout, part, blocks, n_blocks
    return _count(*given, len(table), patches_of)


def change_of(config: Config, kind: str, index: int) -> int:
    """Return which change of `count_changes` is meant.

    Args:
        config: the transformer's shape.
        kind: `straight` for donor runs without a shift, `shifted` for those with one;
            `group` for interchanged variables.
        index: of the source, or the group.
    """
    order = ("straight", "shifted", "group")
    return order.index(kind) * len(config.names.sources) + index


def _project(
    change: Float[Array, "group d_model place row"], groups: Groups
) -> Float[Array, "group d_model place row"]:
    """Return the part of each change along the directions of its group."""
    directions = jnp.asarray(groups.directions)[..., None, None]
    if groups.basis is None:
        return change * directions
    inside = jnp.einsum("bd,gdpr->gbpr", groups.basis, change)
    return jnp.einsum("bd,gbpr->gdpr", groups.basis, inside * directions)


@partial(_jit, static_argnames="readout")
@precise
def count_under(
    transformer: Transformer,
    readout: Readout,
    part: Chunk,
    blocks: Packing,
    n_blocks: Any,
    outside: Float[Any, "reader source"],
    table: Int[Any, "edge 3"],
) -> PatchResults:
    """Return what single edges do besides everything outside the circuit.

    Args:
        transformer: its shape and its arrays.
        readout: how logits are turned into outputs.
        part: a chunk.
        blocks: packings of the chunk, from `make_blocks`.
        n_blocks: how many of the blocks are filled, from `make_blocks`.
        outside: 1 at edges outside.
        table: (reader, source, layer) of each edge; source -1 for no edge. The layer is
            the reader's, or any before it.
    """
    table = jnp.asarray(table)
    outside = jnp.asarray(outside)

    def patches_of(block: _Block) -> Callable[[Array], _Outcome]:
        labels = _labels_in(block, part.labels[..., None])[0]
        given = transformer, block.runs
        donors = Donors(block.shifted, block.where)
        whole = run_masked(*given, outside, donors)

        def outcome_of(index: Array) -> _Outcome:
            reader, source, layer = table[index]
            more = jnp.where(source >= 0, 1.0, 0.0).astype(outside.dtype)
            mask = outside.at[reader, source].max(more)
            logits = masked_logits(*given, mask, donors, whole, layer)
            return _Outcome(logits, labels, lambda: logits)

        return outcome_of

    given = transformer, readout, part, blocks, n_blocks
    return _count(*given, len(table), patches_of)
