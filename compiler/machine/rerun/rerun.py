"""The logits after a perturbation of the stream, or under an edge mask.

Patching a node, a single edge or a variable adds a perturbation to what some readers
see. These readers are its *target*. Nothing before the target changes. The stream of
the base run is computed once (`stack_runs`, `pack_runs`); each perturbation then only
runs the sublayers from its target on (`perturbed_logits`). Adding an edge to an edge
mask changes nothing before the layer of its reader either (`run_masked`,
`masked_logits`). Targets and layers are arguments of compiled functions, so one
compilation serves all edges of a transformer. Arrays are packed, see `packed.py`.

All of this has its definition in `forward`: `perturbed_logits` gives its logits under a
node mask or a mask of one edge, `masked_logits` under any edge mask.
"""

from collections.abc import Callable
from functools import reduce
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Shaped

from compiler.machine.layers import allow, slots
from compiler.machine.names import SLOTS, Names
from compiler.machine.rerun.packed import (
    Packing,
    allow_within,
    mix,
    norm_heads,
    project,
    take,
    times,
    transform,
    unembed,
)
from compiler.machine.transformer import Transformer, precise

HEAD_INPUT, MLP_INPUT, AFTER_HEADS, AFTER_MLP = range(4)
"""Kinds of targets: one input (q, k or v) of one head; the input of an MLP alone; an
MLP and everything after it; everything after an MLP. The last one, in the last layer,
is the reader `logits`."""


class Target(NamedTuple):
    """Which readers see a perturbation; each field may be traced.

    Args:
        kind: HEAD_INPUT, MLP_INPUT, AFTER_HEADS or AFTER_MLP.
        layer: of the sublayer.
        head: for HEAD_INPUT, else 0.
        slot: for HEAD_INPUT, 0 for q, 1 for k and 2 for v.
    """

    kind: Any
    layer: Any
    head: Any = 0
    slot: Any = 0


def target_of_reader(names: Names, reader: str) -> Target:
    """Return the target that is one reader.

    Raises:
        NameLookupError: no reader has that name.
    """
    names.reader_index(reader)
    part = names.reader_parts[reader]
    if part.layer is None:
        return Target(AFTER_MLP, names.n_layers - 1)
    if part.kind == "mlp":
        return Target(MLP_INPUT, part.layer)
    return Target(HEAD_INPUT, part.layer, part.head, SLOTS.index(part.slot or "q"))


def target_of_node(names: Names, node: str) -> Target:
    """Return the target that is all readers of what a source writes.

    Raises:
        NameLookupError: no source has that name.
    """
    part = names.source_parts[names.sources[names.source_index(node)]]
    if part.layer is None:
        return target_of_stream(0)
    return Target(AFTER_HEADS if part.kind == "head" else AFTER_MLP, part.layer)


def target_of_stream(layer: int) -> Target:
    """Return the target that is all readers of a layer and of those after it.

    Args:
        layer: the layer; the number of layers stands for the logits.
    """
    return Target(AFTER_MLP, layer - 1)


def edge_targets(names: Names) -> Int[np.ndarray, "edge 7"]:
    """Return (reader, source, first layer, *target) of every edge of `names.edges`.

    The first layer is the first that an edge can change: its reader's, or one past the
    last for the logits.
    """
    layers = [part.layer for part in names.reader_parts.values()]
    rows = [
        (r, s, names.n_layers if layers[r] is None else layers[r], *target)
        for r, s in np.argwhere(names.visible).tolist()
        for target in [target_of_reader(names, names.readers[r])]
    ]
    return np.array(rows, np.int32)


# Base runs ------------------------------------------------------------------------


class BaseRuns(NamedTuple):
    """Unpatched runs, packed.

    Args:
        stream: [sublayer, d_model, place, row] in front of the heads of layer 0, its
            MLP, the heads of layer 1, .. and in front of the logits.
        writes: [source, d_model, place, row].
        qkv: [layer, slot, head, d_head, place, row] of the heads.
        allowed: [place, key, row] who may attend to whom.
    """

    stream: Float[Array, "sublayer d_model place row"]
    writes: Float[Array, "source d_model place row"]
    qkv: Float[Array, "layer slot head d_head place row"]
    allowed: Bool[Array, "place key row"]


@precise
def stack_runs(
    transformer: Transformer,
    ids: Int[Any, "sequence seq"],
    writes: Float[Any, "sequence source seq d_model"],
) -> BaseRuns:
    """Return the runs of sequences, each in a row of its own.

    Args:
        transformer: its shape and its arrays.
        ids: tokens of each sequence.
        writes: `Run.writes` of each.
    """
    allowed = jax.vmap(lambda tokens: allow(transformer.config, tokens), 0, -1)
    return _base_runs(transformer, stack(writes), allowed(jnp.asarray(ids)))


@precise
def pack_runs(
    transformer: Transformer,
    packing: Packing,
    writes: Float[Any, "sequence source position d_model"],
) -> BaseRuns:
    """Return the runs of sequences, several of which may share a row.

    Args:
        transformer: its shape and its arrays.
        packing: of the sequences.
        writes: `Run.writes` of each.
    """
    # Else XLA gathers anew for every sum.
    packed = jax.lax.optimization_barrier(take(packing, writes))
    return _base_runs(transformer, packed, allow_within(transformer.config, packing))


def stack(
    values: Shaped[Any, "sequence *rest seq d"],
) -> Shaped[Array, "*rest d seq sequence"]:
    """Return what belongs to sequences of which each has a row of its own."""
    return jnp.moveaxis(jnp.asarray(values), (-2, 0), (-2, -1))


def unstack(
    values: Float[Array, "d place row"],
) -> Float[Array, "row place d"]:
    """Undo `stack`: return, for instance, logits sequence by sequence."""
    return values.transpose(2, 1, 0)


def _base_runs(
    transformer: Transformer,
    writes: Float[Array, "source d_model place row"],
    allowed: Bool[Array, "place key row"],
) -> BaseRuns:
    stream = _streams(transformer, writes)
    layers = range(transformer.config.n_layers)
    qkv = [project(transformer, layer, stream[2 * layer]) for layer in layers]
    return BaseRuns(stream, writes, jnp.stack(qkv), allowed)


def _streams(
    transformer: Transformer, writes: Float[Array, "source d_model place row"]
) -> Float[Array, "sublayer d_model place row"]:
    """Return the stream in front of every sublayer, and of the logits."""
    config, b_O = transformer.config, transformer.weights.b_O
    before, total = 0, jnp.zeros(writes.shape[1:], writes.dtype)
    streams = []
    for layer in range(config.n_layers + 1):
        for heads_too in (False, True):
            after = config.names.sources_before(layer, heads_too)
            total = reduce(jnp.add, writes[before:after], total)
            streams.append(total)
            before = after
            if not heads_too and layer < config.n_layers:
                total = total + b_O[layer][:, None, None]
    return jnp.stack(streams[:-1])


# One perturbation -----------------------------------------------------------------


MLP_AND_RESIDUAL, MLP_ONLY, RESIDUAL_ONLY = range(3)
"""What a perturbation in front of the last MLP changes: the input of the MLP and the
residual stream that passes it by; only the one; only the other."""


def perturbed_logits(
    transformer: Transformer,
    base: BaseRuns,
    target: Target,
    perturbation: Float[Array, "d_model place row"],
) -> Float[Array, "d_vocab_out place row"]:
    """Return the logits when something is added to what a target's readers see.

    With m * (donor[s] - write[s]) added for one reader r, these are the logits of
    `forward` under an edge mask that is m at (r, s) and 0 elsewhere.

    Args:
        transformer: its shape and its arrays.
        base: unpatched runs.
        target: who sees the perturbation.
        perturbation: what is added.
    """
    arrived, path = propagate(transformer, base, target, perturbation)
    return last_logits(transformer, base.stream[-2], arrived, path)


@precise
def propagate(
    transformer: Transformer,
    base: BaseRuns,
    target: Target,
    perturbation: Float[Array, "d_model place row"],
) -> tuple[Float[Array, "d_model place row"], Int[Array, ""]]:
    """Return how a perturbation arrives in front of the last MLP.

    Args:
        transformer: its shape and its arrays.
        base: unpatched runs.
        target: who sees the perturbation.
        perturbation: what is added there.

    Returns:
        by how much the stream moves in front of the last MLP, and what of it moves:
        MLP_AND_RESIDUAL, MLP_ONLY or RESIDUAL_ONLY.
    """
    kind, layer, last = target.kind, target.layer, transformer.config.n_layers - 1
    weights = transformer.weights

    def run_mlp_and_heads(here: Any, total: Array) -> Array:
        """Run the MLP of a layer, and the heads of the layer after it."""
        first = here == layer
        seen = total + jnp.where(first & (kind == MLP_INPUT), own, 0.0)
        out = _choose(
            first & (kind == AFTER_MLP),
            lambda: jnp.zeros_like(total),
            lambda: transform(transformer, here, seen),
        )
        total = total + out
        q, k, v = project(transformer, here + 1, total)
        mixed = mix(transformer.config, q, k, v, base.allowed)
        W_O = weights.W_O[here + 1].reshape(-1, len(total))
        out = times(W_O, mixed.reshape(-1, *total.shape[1:]))
        return total + out + weights.b_O[here + 1][:, None, None]

    own = _choose(
        kind == HEAD_INPUT,
        lambda: head_change(transformer, base, target, perturbation),
        lambda: perturbation,
    )
    total = base.stream[2 * layer + jnp.where(kind == AFTER_MLP, 2, 1)]
    total = total + jnp.where(kind == MLP_INPUT, 0.0, own)
    total = _repeat(layer, last, run_mlp_and_heads, total)
    arrived = jnp.where(layer == last, own, total - base.stream[-2])
    paths = jnp.array([MLP_AND_RESIDUAL, MLP_ONLY, MLP_AND_RESIDUAL, RESIDUAL_ONLY])
    return arrived, jnp.where(layer == last, paths[kind], MLP_AND_RESIDUAL)


def _choose(known: Any, yes: Callable[[], Array], no: Callable[[], Array]) -> Array:
    """Return one of two results; only that one is traced where it is known which."""
    if isinstance(known, bool):
        return yes() if known else no()
    return jax.lax.cond(known, yes, no)


def _repeat(
    start: Any, stop: int, step: Callable[[Any, Array], Array], value: Array
) -> Array:
    """Return a value after the steps from `start` to `stop`.

    With a number as the start, the steps stand one after the other in the compiled
    code: it is made in less time, and has a gradient.
    """
    if not isinstance(start, int):
        return jax.lax.fori_loop(start, stop, step, value)
    return reduce(lambda value, here: step(here, value), range(start, stop), value)


@precise
def last_logits(
    transformer: Transformer,
    front: Float[Array, "d_model place row"],
    arrived: Float[Array, "d_model place row"],
    path: Any,
) -> Float[Array, "d_vocab_out place row"]:
    """Return the logits after a perturbation in front of the last MLP.

    Args:
        transformer: its shape and its arrays.
        front: what stands there without it, `BaseRuns.stream[-2]`; or some of its
            columns.
        arrived: by how much that moves, as `propagate` says.
        path: what of the stream moves, as `propagate` returns it.
    """
    nothing = jnp.zeros_like(arrived)
    total = front + jnp.where(path == MLP_ONLY, nothing, arrived)
    seen = front + jnp.where(path == RESIDUAL_ONLY, nothing, arrived)
    out = transform(transformer, transformer.config.n_layers - 1, seen)
    return unembed(transformer, total + out)


@precise
def head_change(
    transformer: Transformer,
    base: BaseRuns,
    target: Target,
    perturbation: Float[Array, "d_model place row"],
) -> Float[Array, "d_model place row"]:
    """Return by how much a head's write changes when one of its inputs does.

    Args:
        transformer: its shape and its arrays.
        base: unpatched runs.
        target: the input; its kind is HEAD_INPUT.
        perturbation: what is added to what it sees.
    """
    config, weights = transformer.config, transformer.weights
    _, layer, head, slot = target
    W, b = slots(weights, layer)
    seen = norm_heads(transformer, layer, base.stream[2 * layer] + perturbation)
    fresh = times(W[slot, head], seen) + b[slot, head][:, None, None]
    chosen = (slot == jnp.arange(len(SLOTS)))[:, None, None, None]
    q, k, v = jnp.where(chosen, fresh, base.qkv[layer][:, head])[:, None]
    mixed = mix(config, q, k, v, base.allowed)[0]
    source = first_head(config.names, layer) + head
    return times(weights.W_O[layer, head], mixed) - base.writes[source]


def first_head(names: Names, layer: Any) -> Any:
    """Return the source index of a layer's first head; the layer may be traced."""
    first = names.sources_before(0)
    return first + layer * (names.sources_before(1) - first)


# An edge mask ---------------------------------------------------------------------


class MaskedRuns(NamedTuple):
    """Runs under an edge mask, packed.

    Args:
        streams: [layer, d_model, place, row] what was written in front of each layer,
            and in front of the logits.
        differences: [source, d_model, place, row] donor less write, 0 where the
            positions are not patched.
    """

    streams: Float[Array, "layer d_model place row"]
    differences: Float[Array, "source d_model place row"]


class Donors(NamedTuple):
    """What patched edges carry, packed.

    Args:
        writes: [source, d_model, place, row] what the sources write in the donor runs.
        where: [place, row] which positions are patched; None for all.
    """

    writes: Float[Array, "source d_model place row"]
    where: Bool[Array, "place row"] | None = None

    def less(self, start: Any, writes: Float[Array, "source d_model place row"]) -> Any:
        """Return donor less write, of sources from `start` on; it may be traced."""
        donors = jax.lax.dynamic_slice_in_dim(self.writes, start, len(writes))
        found = donors - writes
        return found if self.where is None else jnp.where(self.where, found, 0.0)


def unmasked(base: BaseRuns, donors: Donors) -> MaskedRuns:
    """Return the base runs as runs under an edge mask of zeros."""
    return MaskedRuns(base.stream[::2], donors.less(0, base.writes))


def run_masked(
    transformer: Transformer,
    base: BaseRuns,
    mask: Float[Array, "reader source"],
    donors: Donors,
) -> MaskedRuns:
    """Return runs of all layers under an edge mask.

    Args:
        transformer: its shape and its arrays.
        base: unpatched runs; what embeddings write is theirs.
        mask: 1 where a reader sees the donor, 0 where it sees the write and wherever a
            source is not before its reader.
        donors: what a reader sees there.
    """
    return _run_layers(transformer, base, mask, donors, unmasked(base, donors), 0)


@precise
def masked_logits(
    transformer: Transformer,
    base: BaseRuns,
    mask: Float[Array, "reader source"],
    donors: Donors,
    known: MaskedRuns,
    first: Any,
) -> Float[Array, "d_vocab_out place row"]:
    """Return the logits under an edge mask, given runs that are equal before a layer.

    Args:
        transformer: its shape and its arrays.
        base: unpatched runs.
        mask: 1 where a reader sees the donor, 0 where it sees the write and wherever a
            source is not before its reader.
        donors: what a reader sees where the mask is 1.
        known: runs under a mask with the same rows before that layer.
        first: the layer, traced or not; `n_layers` for none.
    """
    end = _run_layers(transformer, base, mask, donors, known, first)
    return unembed(transformer, end.streams[-1] + _weigh(mask[-1:], end.differences)[0])


@precise
def _run_layers(
    transformer: Transformer,
    base: BaseRuns,
    mask: Array,
    donors: Donors,
    known: MaskedRuns,
    first: Any,
) -> MaskedRuns:
    """Run the layers from `first` on."""
    config, weights = transformer.config, transformer.weights
    n_heads, n_slots = config.n_heads, len(SLOTS)
    readers = config.names.reader_index("m0") + 1  # of one layer

    def put(differences: Array, start: Any, writes: Array) -> Array:
        new = donors.less(start, writes)
        return jax.lax.dynamic_update_slice_in_dim(differences, new, start, 0)

    def run_layer(layer: Any, runs: MaskedRuns) -> MaskedRuns:
        streams, differences = runs
        total = streams[layer]
        own = jax.lax.dynamic_slice_in_dim(mask, layer * readers, readers)
        seen = total + _weigh(own[:-1], differences)  # [head * slot, ..]
        seen = norm_heads(transformer, layer, seen)
        seen = seen.reshape(n_heads, n_slots, config.d_model, -1)
        W, b = slots(weights, layer)
        qkv = jnp.einsum("hsdn,shde->shen", seen, W) + b[..., None]
        q, k, v = qkv.reshape(*b.shape, *total.shape[1:])
        mixed = mix(config, q, k, v, base.allowed)
        heads = jnp.einsum("hepn,hed->hdpn", mixed, weights.W_O[layer])
        start = first_head(config.names, layer)
        differences = put(differences, start, heads)
        total = total + heads.sum(0) + weights.b_O[layer][:, None, None]
        seen = total + _weigh(own[-1:], differences)[0]
        out = transform(transformer, layer, seen)
        differences = put(differences, start + n_heads, out[None])
        return MaskedRuns(streams.at[layer + 1].set(total + out), differences)

    return jax.lax.fori_loop(first, config.n_layers, run_layer, known)


def _weigh(
    mask: Float[Array, "reader source"],
    differences: Float[Array, "source d_model place row"],
) -> Float[Array, "reader d_model place row"]:
    """Return what a mask adds to what each reader sees."""
    return jnp.einsum("rs,sdpn->rdpn", mask, differences)
