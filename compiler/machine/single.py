"""One reader at a time: the logits when a single reader sees something else.

A patch of one edge changes nothing before its reader, and the node that it feeds is
the only one to see the change itself. So given the writes of an unpatched run, only
that node and the layers after it are computed: for all edges of a transformer this is
a third of the work of the full forward pass, which stays the definition:

    logits_after(.., reader, m * (donor[s] - writes[s])) = forward(.., patch).logits

where the patch is an edge mask with m at (reader, s). The audit of circuits and exact
edge patching call this.
"""

import jax
from jaxtyping import Array, Bool, Float, Int

from compiler.machine.config import Config
from compiler.machine.layers import (
    allow,
    attend,
    mix_values,
    mlp_output,
    normalise,
    transform,
    unembed,
)
from compiler.machine.names import SLOTS, Part
from compiler.machine.stream import Stream
from compiler.machine.weights import Weights


def logits_after(
    config: Config,
    weights: Weights,
    tokens: Int[Array, " seq"],
    writes: Float[Array, "source seq d_model"],
    reader: str,
    change: Float[Array, "seq d_model"],
) -> Float[Array, "seq d_vocab_out"]:
    """Return the logits of one sequence when `change` is added to what a reader sees.

    Args:
        config: the transformer's shape.
        weights: its arrays.
        tokens: of the unpatched run.
        writes: what each source wrote in it (`Run.writes`).
        reader: a name of `Names.readers`.
        change: what is added.

    Raises:
        NameLookupError: no reader has that name.
    """
    names = config.names
    names.reader_index(reader)
    part = names.reader_parts[reader]
    with jax.default_matmul_precision("highest"):
        if part.layer is None:
            seen = _total(config, weights, writes, config.n_layers, False) + change
            return unembed(config, weights, seen)
        allowed = allow(config, tokens)
        if part.kind == "head":
            total = _after_head(config, weights, writes, part, change, allowed)
        else:
            total = _total(config, weights, writes, part.layer, True)
        stream = Stream(names, None, total)
        if part.kind == "head":
            transform(config, weights, part.layer, stream)
        else:
            seen = total + change
            stream.write(mlp_output(config, weights, part.layer, seen)[None])
        for layer in range(part.layer + 1, config.n_layers):
            attend(config, weights, layer, stream, allowed)
            transform(config, weights, layer, stream)
        return unembed(config, weights, stream.read("logits"))


def _total(
    config: Config,
    weights: Weights,
    writes: Float[Array, "source seq d_model"],
    layer: int,
    heads_too: bool,
) -> Float[Array, "seq d_model"]:
    """Return the stream in front of a layer, or of its MLP."""
    layers = layer + heads_too
    before = 2 + layer * (config.n_heads + 1) + heads_too * config.n_heads
    return writes[:before].sum(0) + weights.b_O[:layers].sum(0)


def _after_head(
    config: Config,
    weights: Weights,
    writes: Float[Array, "source seq d_model"],
    part: Part,
    change: Float[Array, "seq d_model"],
    allowed: Bool[Array, "seq key"],
) -> Float[Array, "seq d_model"]:
    """Return the stream in front of the MLP, one head of the layer having changed."""
    layer, head = part.layer, part.head
    assert layer is not None and head is not None
    total = _total(config, weights, writes, layer, False)
    projections = {}
    for slot, name in zip(SLOTS, ("Q", "K", "V"), strict=True):
        seen = total + change if slot == part.slot else total
        seen = normalise(config, seen, weights.ln1_w[layer], weights.ln1_b[layer])
        W, b = getattr(weights, f"W_{name}"), getattr(weights, f"b_{name}")
        projections[slot] = (seen @ W[layer, head] + b[layer, head])[None]
    q, k, v = (projections[slot] for slot in SLOTS)
    write = mix_values(config, q, k, v, allowed)[0] @ weights.W_O[layer, head]
    row = config.names.source_index(part.node)
    return _total(config, weights, writes, layer, True) + write - writes[row]
