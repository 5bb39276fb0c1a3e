"""What a patch does to the logits, from the first spot that it changes on.

Patching a node, a single edge or a variable adds something to the stream at one spot,
and nothing before that spot changes. What the stream holds at every spot is computed
once (`make_rows`); then a change costs the sublayers behind it (`move`, up to the last
MLP, and `last_logits`). A further edge of a run under an edge mask changes nothing
before its reader's layer either (`run_under`, `logits_under`). Spots and layers are
data, so that one compilation serves all of a transformer. Arrays are packed, see
`packed.py`.

All of this has its definition in `forward`: `last_logits` gives its logits under a node
mask or a mask of one edge, `logits_under` under any edge mask. The audit of circuits
calls it.
"""

from functools import reduce
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from compiler.machine.layers import slots
from compiler.machine.names import SLOTS, Names
from compiler.machine.packed import (
    Packing,
    allow_within,
    mix,
    norm_heads,
    project,
    take,
    times,
    transform,
    unembed_rows,
)
from compiler.machine.transformer import Transformer, precise

HEAD, MLP, BETWEEN, AFTER = range(4)
"""Who sees a change: one reader of a head; the MLP alone; the MLP and all behind it;
all behind the MLP. The last, in the last layer, is the reader `logits`."""


class Spot(NamedTuple):
    """Where a change goes in; each may be traced.

    Args:
        kind: HEAD, MLP, BETWEEN or AFTER.
        layer: of the sublayer.
        head: for HEAD, else 0.
        slot: for HEAD, 0 for q, 1 for k and 2 for v.
    """

    kind: Any
    layer: Any
    head: Any = 0
    slot: Any = 0


class Rows(NamedTuple):
    """Unpatched runs, packed.

    Args:
        stream: [spot, d_model, place, row] in front of the heads of layer 0, its MLP,
            the heads of layer 1, .. and in front of the logits.
        writes: [source, d_model, place, row].
        qkv: [layer, slot, head, d_head, place, row] of the heads.
        allowed: [place, key, row] who may attend to whom.
    """

    stream: Float[Array, "spot d_model place row"]
    writes: Float[Array, "source d_model place row"]
    qkv: Float[Array, "layer slot head d_head place row"]
    allowed: Bool[Array, "place key row"]


def spot_of_reader(names: Names, reader: str) -> Spot:
    """Return where something is added that one reader sees.

    Raises:
        NameLookupError: no reader has that name.
    """
    names.reader_index(reader)
    part = names.reader_parts[reader]
    if part.layer is None:
        return Spot(AFTER, names.n_layers - 1)
    if part.kind == "mlp":
        return Spot(MLP, part.layer)
    return Spot(HEAD, part.layer, part.head, SLOTS.index(part.slot or "q"))


def spot_behind(names: Names, node: str) -> Spot:
    """Return where something is added that all readers behind a head or an MLP see.

    Raises:
        NameLookupError: no source has that name.
    """
    part = names.source_parts[names.sources[names.source_index(node)]]
    return Spot(BETWEEN if part.kind == "head" else AFTER, part.layer)


@precise
def make_rows(
    transformer: Transformer,
    packing: Packing,
    writes: Float[Any, "sequence source position d_model"],
) -> Rows:
    """Return packed runs.

    Args:
        transformer: its shape and its arrays.
        packing: of the sequences.
        writes: `Run.writes` of each.
    """
    config = transformer.config
    # Else XLA gathers anew for every sum.
    packed = jax.lax.optimization_barrier(take(packing, writes))
    stream = _streams(transformer, packed)
    qkv = [
        project(transformer, layer, stream[2 * layer])
        for layer in range(config.n_layers)
    ]
    return Rows(stream, packed, jnp.stack(qkv), allow_within(config, packing))


def _streams(
    transformer: Transformer, writes: Float[Array, "source d_model place row"]
) -> Float[Array, "spot d_model place row"]:
    """Return the stream in front of every sublayer, and of the logits."""
    config, weights = transformer.config, transformer.weights
    before, total = 0, jnp.zeros(writes.shape[1:], writes.dtype)
    streams = []
    for layer in range(config.n_layers + 1):
        for heads_too in (False, True):
            after = config.names.sources_before(layer, heads_too)
            total = reduce(jnp.add, writes[before:after], total)
            streams.append(total)
            before = after
            if not heads_too and layer < config.n_layers:
                total = total + weights.b_O[layer][:, None, None]
    return jnp.stack(streams[:-1])


BOTH, SEEN, PASSED = range(3)
"""What moves in front of the last MLP: what it sees and what passes it by; only the
one; only the other."""


@precise
def move(
    transformer: Transformer,
    rows: Rows,
    spot: Spot,
    change: Float[Array, "d_model place row"],
) -> tuple[Float[Array, "d_model place row"], Int[Array, ""]]:
    """Return by how much the stream in front of the last MLP moves.

    Args:
        transformer: its shape and its arrays.
        rows: unpatched runs.
        spot: who sees the change.
        change: what is added there.

    Returns:
        the movement, and what of it moves: BOTH, SEEN or PASSED.
    """
    config, weights = transformer.config, transformer.weights
    kind, layer, last = spot.kind, spot.layer, config.n_layers - 1

    def go_on(here: Any, total: Array) -> Array:
        """Run an MLP, and the heads of the layer after it."""
        first = here == layer
        seen = total + jnp.where(first & (kind == MLP), own, 0.0)
        out = jax.lax.cond(
            first & (kind == AFTER),
            lambda: jnp.zeros_like(total),
            lambda: transform(transformer, here, seen),
        )
        total = total + out
        q, k, v = project(transformer, here + 1, total)
        mixed = mix(config, q, k, v, rows.allowed).reshape(-1, *total.shape[1:])
        W_O = weights.W_O[here + 1].reshape(-1, config.d_model)
        return total + times(W_O, mixed) + weights.b_O[here + 1][:, None, None]

    own = jax.lax.cond(
        kind == HEAD,
        lambda: _head_change(transformer, rows, spot, change),
        lambda: change,
    )
    total = rows.stream[2 * layer + jnp.where(kind == AFTER, 2, 1)]
    total = total + jnp.where(kind == MLP, 0.0, own)
    total = jax.lax.fori_loop(layer, last, go_on, total)
    moved = jnp.where(layer == last, own, total - rows.stream[-2])
    ways = jnp.array([BOTH, SEEN, BOTH, PASSED])
    return moved, jnp.where(layer == last, ways[kind], BOTH)


@precise
def last_logits(
    transformer: Transformer,
    front: Float[Array, "d_model place row"],
    moved: Float[Array, "d_model place row"],
    way: Any,
) -> Float[Array, "d_vocab_out place row"]:
    """Return the logits after a movement in front of the last MLP.

    Args:
        transformer: its shape and its arrays.
        front: what stands there without it, `Rows.stream[-2]`; or some of its columns.
        moved: of `move`.
        way: likewise.
    """
    config = transformer.config
    nothing = jnp.zeros_like(moved)
    total = front + jnp.where(way == SEEN, nothing, moved)
    seen = front + jnp.where(way == PASSED, nothing, moved)
    out = transform(transformer, config.n_layers - 1, seen)
    return unembed_rows(transformer, total + out)


def _head_change(
    transformer: Transformer,
    rows: Rows,
    spot: Spot,
    change: Float[Array, "d_model place row"],
) -> Float[Array, "d_model place row"]:
    """Return by how much a head's write changes when one of its inputs does."""
    config, weights = transformer.config, transformer.weights
    _, layer, head, slot = spot
    W, b = slots(weights, layer)
    seen = norm_heads(transformer, layer, rows.stream[2 * layer] + change)
    fresh = times(W[slot, head], seen) + b[slot, head][:, None, None]
    chosen = (slot == jnp.arange(len(SLOTS)))[:, None, None, None]
    q, k, v = jnp.where(chosen, fresh, rows.qkv[layer][:, head])[:, None]
    mixed = mix(config, q, k, v, rows.allowed)[0]
    source = _first_source(config.names, layer) + head
    return times(weights.W_O[layer, head], mixed) - rows.writes[source]


def _first_source(names: Names, layer: Any) -> Any:
    """Return the index of a layer's first head; the layer may be traced."""
    first = names.sources_before(0)
    return first + layer * (names.sources_before(1) - first)


class Under(NamedTuple):
    """A run under an edge mask, packed.

    Args:
        streams: [front, d_model, place, row] what was written in front of each
            layer, and in front of the logits.
        differences: [source, d_model, place, row] donor less write, 0 where the
            positions are not patched.
    """

    streams: Float[Array, "front d_model place row"]
    differences: Float[Array, "source d_model place row"]


def run_under(
    transformer: Transformer,
    rows: Rows,
    mask: Float[Array, "reader source"],
    donors: Float[Array, "source d_model place row"],
    where: Bool[Array, "place row"],
) -> Under:
    """Return a run of all layers under an edge mask.

    Args:
        transformer: its shape and its arrays.
        rows: unpatched runs; what embeddings write is theirs.
        mask: 1 where a reader sees the donor, 0 where it sees the write and wherever a
            source is not before its reader.
        donors: what the sources write in the donor runs.
        where: which positions are patched.
    """
    config = transformer.config
    first = config.names.sources_before(0)
    differences = jnp.where(where, donors - rows.writes, 0.0)
    streams = jnp.zeros((config.n_layers + 1, *donors.shape[1:]), donors.dtype)
    start = Under(streams.at[0].set(rows.writes[:first].sum(0)), differences)
    return _go_on(transformer, rows, mask, donors, where, start, 0)


@precise
def logits_under(
    transformer: Transformer,
    rows: Rows,
    mask: Float[Array, "reader source"],
    donors: Float[Array, "source d_model place row"],
    where: Bool[Array, "place row"],
    under: Under,
    first: Any,
) -> Float[Array, "d_vocab_out place row"]:
    """Return the logits under a mask, given a run that is the same before a layer.

    Args:
        transformer: as for `run_under`.
        rows: as for `run_under`.
        mask: as for `run_under`.
        donors: as for `run_under`.
        where: as for `run_under`.
        under: a run under a mask with the same rows before that layer.
        first: the layer, traced or not; `n_layers` for none.
    """
    end = _go_on(transformer, rows, mask, donors, where, under, first)
    seen = end.streams[-1] + _weigh(mask[-1:], end.differences)[0]
    return unembed_rows(transformer, seen)


@precise
def _go_on(
    transformer: Transformer,
    rows: Rows,
    mask: Array,
    donors: Array,
    where: Array,
    under: Under,
    first: Any,
) -> Under:
    """Run the layers from `first` on."""
    config, weights = transformer.config, transformer.weights
    n_heads, n_slots = config.n_heads, len(SLOTS)
    readers = config.names.reader_index("m0") + 1  # of one layer

    def put(differences: Array, start: Any, writes: Array) -> Array:
        new = jax.lax.dynamic_slice_in_dim(donors, start, len(writes)) - writes
        new = jnp.where(where, new, 0.0)
        return jax.lax.dynamic_update_slice_in_dim(differences, new, start, 0)

    def one(layer: Any, under: Under) -> Under:
        streams, differences = under
        total = streams[layer]
        own = jax.lax.dynamic_slice_in_dim(mask, layer * readers, readers)
        seen = total + _weigh(own[:-1], differences)  # [head * slot, ..]
        seen = norm_heads(transformer, layer, seen)
        seen = seen.reshape(n_heads, n_slots, config.d_model, -1)
        W, b = slots(weights, layer)
        qkv = jnp.einsum("hsdn,shde->shen", seen, W) + b[..., None]
        q, k, v = qkv.reshape(*b.shape, *total.shape[1:])
        mixed = mix(config, q, k, v, rows.allowed)
        heads = jnp.einsum("hepn,hed->hdpn", mixed, weights.W_O[layer])
        start = _first_source(config.names, layer)
        differences = put(differences, start, heads)
        total = total + heads.sum(0) + weights.b_O[layer][:, None, None]
        seen = total + _weigh(own[-1:], differences)[0]
        out = transform(transformer, layer, seen)
        differences = put(differences, start + n_heads, out[None])
        return Under(streams.at[layer + 1].set(total + out), differences)

    return jax.lax.fori_loop(first, config.n_layers, one, under)


def _weigh(
    mask: Float[Array, "reader source"],
    differences: Float[Array, "source d_model place row"],
) -> Float[Array, "reader d_model place row"]:
    """Return what a mask adds to what each reader sees."""
    return jnp.einsum("rs,sdpn->rdpn", mask, differences)
