"""One reader at a time: the logits when a single reader sees something else.

A patch of one edge changes nothing before its reader, and the node that it feeds is
the only one to see the change itself. So given the writes of an unpatched run, only
that node and the layers after it are computed: for all edges of a transformer this is
a third of the work of the full forward pass, which stays the definition:

    logits_after(.., reader, m * (donor[s] - writes[s])) = forward(.., patch).logits

where the patch is an edge mask with m at (reader, s). Exact edge
patching calls this; an audit has many inputs at once, and calls `behind.py`.
"""

from collections.abc import Iterable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from compiler.machine.config import Config
from compiler.machine.layers import (
    allow,
    mix_values,
    mlp_output,
    normalise,
    run_layers,
    transform,
    unembed,
)
from compiler.machine.names import SLOTS, Names
from compiler.machine.patch import Patch
from compiler.machine.stream import Stream
from compiler.machine.transformer import Transformer, precise


def by_place(
    names: Names, entries: Iterable[tuple[int, int]]
) -> dict[tuple[str, int | None], list[tuple[int, int]]]:
    """Return (reader, source) entries by what `logits_after_part` is compiled for.

    Returns:
        entries by (kind, layer) of their readers.
    """
    parts = list(names.reader_parts.values())
    places: dict[tuple[str, int | None], list[tuple[int, int]]] = {}
    for entry in entries:
        part = parts[entry[0]]
        places.setdefault((part.kind, part.layer), []).append(entry)
    return places


def place_indices(
    names: Names, entries: Iterable[tuple[int, int]]
) -> Int[np.ndarray, "edge 3"]:
    """Return (source, head, slot) of edges; the last two are 0 for other readers."""
    parts = list(names.reader_parts.values())
    rows = [
        (
            source,
            parts[r].head or 0,
            SLOTS.index(slot) if (slot := parts[r].slot) else 0,
        )
        for r, source in entries
    ]
    return np.array(rows, np.int32).reshape(-1, 3)


def logits_after(
    transformer: Transformer,
    tokens: Int[Array, " seq"],
    writes: Float[Array, "source seq d_model"],
    reader: str,
    change: Float[Array, "seq d_model"],
) -> Float[Array, "seq d_vocab_out"]:
    """Return the logits of one sequence when `change` is added to what a reader sees.

    Args:
        transformer: its shape and its arrays.
        tokens: of the unpatched run.
        writes: what each source wrote in it (`Run.writes`).
        reader: a name of `Names.readers`.
        change: what is added.

    Raises:
        NameLookupError: no reader has that name.
    """
    config = transformer.config
    config.names.reader_index(reader)
    part = config.names.reader_parts[reader]
    index = (part.head or 0, SLOTS.index(part.slot) if part.slot else 0)
    return logits_after_part(
        transformer, tokens, writes, part.kind, part.layer, index, change
    )


@precise
def logits_after_part(
    transformer: Transformer,
    tokens: Int[Array, " seq"],
    writes: Float[Array, "source seq d_model"],
    kind: str,
    layer: int | None,
    index: tuple[Any, Any],
    change: Float[Array, "seq d_model"],
) -> Float[Array, "seq d_vocab_out"]:
    """Return `logits_after` of a reader that is given by its place.

    Args:
        transformer: as for `logits_after`.
        tokens: as for `logits_after`.
        writes: as for `logits_after`.
        kind: `head`, `mlp` or `logits`.
        layer: the reader's; None for the logits.
        index: (head, slot) of a head's reader; these may be traced, so that one
            compilation serves all heads of a layer.
        change: as for `logits_after`.
    """
    config = transformer.config
    if kind == "logits" or layer is None:
        seen = stream_before(transformer, writes, config.n_layers, False) + change
        return unembed(transformer, seen)
    allowed = allow(config, tokens)
    total = stream_before(transformer, writes, layer, True)
    if kind == "head":
        head, slot = index
        total = total - _head_row(config, writes, layer, head)
        total = total + _head_write(
            transformer, writes, layer, head, slot, change, allowed
        )
        stream = Stream(config.names, None, total)
        transform(transformer, layer, stream)
    else:
        stream = Stream(config.names, None, total)
        stream.write(mlp_output(transformer, layer, total + change)[None])
    return run_layers(transformer, layer + 1, stream, allowed)


def stream_before(
    transformer: Transformer,
    writes: Float[Array, "source seq d_model"],
    layer: int,
    heads_too: bool,
) -> Float[Array, "seq d_model"]:
    """Return the stream in front of a layer, or of its MLP."""
    config, weights = transformer.config, transformer.weights
    before = config.names.sources_before(layer, heads_too)
    return writes[:before].sum(0) + weights.b_O[: layer + heads_too].sum(0)


def _head_row(
    config: Config,
    writes: Float[Array, "source seq d_model"],
    layer: int,
    head: Any,
) -> Float[Array, "seq d_model"]:
    """Return what a head wrote."""
    return writes[config.names.sources_before(layer) + head]


def _head_write(
    transformer: Transformer,
    writes: Float[Array, "source seq d_model"],
    layer: int,
    head: Any,
    slot: Any,
    change: Float[Array, "seq d_model"],
    allowed: Bool[Array, "seq key"],
) -> Float[Array, "seq d_model"]:
    """Return what a head writes when one of its three inputs has changed."""
    total = stream_before(transformer, writes, layer, False)
    chosen = jnp.asarray(slot == jnp.arange(len(SLOTS)), change.dtype)
    seen = total + chosen[:, None, None] * change
    return head_write(transformer, layer, head, seen, allowed)


def head_write(
    transformer: Transformer,
    layer: int,
    head: Any,
    seen: Float[Array, "slot seq d_model"],
    allowed: Bool[Array, "seq key"],
) -> Float[Array, "seq d_model"]:
    """Return what a head writes that sees this; `head` may be traced."""
    config, weights = transformer.config, transformer.weights
    seen = normalise(config, seen, weights.ln1_w[layer], weights.ln1_b[layer])
    q, k, v = (
        (seen[place] @ W[layer][head] + b[layer][head])[None]
        for place, (W, b) in enumerate(
            (
                (weights.W_Q, weights.b_Q),
                (weights.W_K, weights.b_K),
                (weights.W_V, weights.b_V),
            )
        )
    )
    return mix_values(config, q, k, v, allowed)[0] @ weights.W_O[layer][head]


@precise
def logits_beyond(
    transformer: Transformer,
    tokens: Int[Array, " seq"],
    total: Float[Array, "seq d_model"],
    block: Float[Array, "source seq d_model"],
    kind: str,
    layer: int,
    patch: Patch,
    nudge: Float[Array, "reader seq d_model"],
) -> Float[Array, "seq d_vocab_out"]:
    """Return the logits when a sublayer writes `block` and later readers are patched.

    Args:
        transformer: its shape and its arrays.
        tokens: of the run.
        total: the stream in front of the sublayer.
        block: what its heads write, or its MLP.
        kind: `head` or `mlp`.
        layer: the sublayer's.
        patch: an edge mask; columns of sources in front of the block are not looked
            at, nor rows of readers there.
        nudge: what patches of those sources add to what each later reader sees.
    """
    config, weights = transformer.config, transformer.weights
    names = config.names
    shape = len(names.sources), tokens.shape[0], config.d_model
    patch = patch.expanded(len(names.readers), shape, total.dtype)
    before = names.sources_before(layer, kind == "mlp")
    stream = Stream(names, patch, total, nudge, before)
    stream.write(block)
    allowed = allow(config, tokens)
    if kind == "head":
        stream.shift(weights.b_O[layer])
        transform(transformer, layer, stream)
    return run_layers(transformer, layer + 1, stream, allowed)


@precise
def rewrite(
    transformer: Transformer,
    tokens: Int[Array, " seq"],
    block: Float[Array, "source seq d_model"],
    layer: int,
    head: Any,
    seen: Float[Array, "slot seq d_model"],
) -> Float[Array, "source seq d_model"]:
    """Return what a sublayer writes when one of its nodes sees something else.

    Args:
        transformer: as for `logits_beyond`.
        tokens: as for `logits_beyond`.
        block: what the heads of the layer write, or its MLP.
        layer: theirs.
        head: which one, traced or not; None for the MLP.
        seen: what the head's three readers see; the MLP's one.
    """
    config = transformer.config
    if head is None:
        return mlp_output(transformer, layer, seen[0])[None]
    allowed = allow(config, tokens)
    return block.at[head].set(head_write(transformer, layer, head, seen, allowed))


def first_reader(config: Config, kind: str, layer: int) -> int:
    """Return the index of the first reader among the heads of a layer, or its MLP's."""
    name = f"a{layer}.h0<{SLOTS[0]}>" if kind == "head" else f"m{layer}"
    return config.names.reader_index(name)


@precise
def head_change(
    transformer: Transformer,
    tokens: Int[Array, " seq"],
    writes: Float[Array, "source seq d_model"],
    layer: int,
    index: tuple[Any, Any],
    change: Float[Array, "seq d_model"],
) -> Float[Array, "seq d_model"]:
    """Return by how much a head's write changes when one of its inputs does.

    Args:
        transformer: as for `logits_after`.
        tokens: as for `logits_after`.
        writes: as for `logits_after`.
        layer: the head's.
        index: (head, slot).
        change: what is added to what the slot sees.
    """
    config = transformer.config
    head, slot = index
    allowed = allow(config, tokens)
    new = _head_write(transformer, writes, layer, head, slot, change, allowed)
    return new - _head_row(config, writes, layer, head)
