"""The forward pass: one function for behaviour and for every intervention.

Axis names, here and in the whole package:

    batch     sequences that run side by side
    seq       positions of a sequence; the attended ones are `key`
    d_model   coordinates of the residual stream
    d_head    coordinates of a head's queries, keys and values
    head      attention heads of a layer
    slot      the three inputs of a head: q, k, v
    source    writers to the stream, in the order of `Names.sources`
    reader    readers of the stream, in the order of `Names.readers`

`forward` is written for one sequence and is a pure function: map it with
`jax.vmap`, differentiate it in the transformer, the mask or the donor. The
compiler's checks, training, audits and scorers all call it or its batched form.
"""

from functools import partial
from math import ceil
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from compiler.machine.jit import CACHE_BYTES, QUICK_TO_COMPILE
from compiler.machine.layers import (
    PLAIN,
    Rules,
    allow,
    attention_scores,
    embed,
    project,
    run_layers,
)
from compiler.machine.patch import Patch
from compiler.machine.stream import Stream
from compiler.machine.transformer import Transformer, precise

IN_CACHE = 256
"""Sequences whose arrays fit into a core's cache, at the sizes of the library."""


class Run(NamedTuple):
    """What a forward pass returns; `forward_batch` puts a batch axis in front.

    Args:
        logits: [seq, d_vocab_out].
        writes: [source, seq, d_model], what each source computes from what it
            reads. Under a patch that is what it computes from patched reads; a
            source that is itself replaced still shows its own write here.
    """

    logits: Float[Array, "*batch seq d_vocab_out"]
    writes: Float[Array, "*batch source seq d_model"]

    def __repr__(self) -> str:
        # Not all that stands here under a transformation of jax has a shape.
        shapes = [getattr(array, "shape", "..") for array in self]
        return f"Run(logits {shapes[0]}, writes {shapes[1]})"


@precise
def forward(
    transformer: Transformer,
    tokens: Int[Array, " seq"],
    patch: Patch | None = None,
    perturbation: Float[Array, "reader seq d_model"] | None = None,
    rules: Rules = PLAIN,
) -> Run:
    """Return the logits and the writes on one sequence, under a patch if given.

    Args:
        transformer: its shape and its arrays, which set the dtype of everything.
        tokens: at most `n_ctx` tokens. No other position attends to `pad_id`.
        patch: an intervention on the stream, see `patch.py`.
        perturbation: what is added to what each reader sees. With zeros nothing
            changes, and its gradient is that with respect to what readers see.
        rules: rules for the gradients of the parts that are not linear.
    """
    stream = _make_stream(transformer, len(tokens), patch, perturbation)
    stream.write(embed(transformer, tokens))
    allowed = allow(transformer.config, tokens)
    logits = run_layers(transformer, 0, stream, allowed, rules)
    return Run(logits, jnp.concatenate(stream.writes))


def _make_stream(
    transformer: Transformer,
    seq: int,
    patch: Patch | None,
    perturbation: Float[Array, "reader seq d_model"] | None,
) -> Stream:
    """Return an empty stream, with the patch's masks in full."""
    config, weights = transformer.config, transformer.weights
    names, dtype = config.names, weights.W_E.dtype
    shape = seq, config.d_model
    if patch is not None:
        n_sources, n_readers = len(names.sources), len(names.readers)
        patch = patch.expanded(n_readers, (n_sources, *shape), dtype)
        patch = jax.tree.map(jnp.asarray, patch)
    return Stream(names, patch, jnp.zeros(shape, dtype), perturbation)


@precise
def logits_from(
    transformer: Transformer,
    tokens: Int[Array, " seq"],
    writes: Float[Array, "source seq d_model"],
    layer: int,
    patch: Patch | None = None,
    perturbation: Float[Array, "reader seq d_model"] | None = None,
    rules: Rules = PLAIN,
) -> Float[Array, "seq d_vocab_out"]:
    """Return the logits of `forward`, given the writes before a layer.

    Args:
        transformer: its shape and its arrays.
        tokens: at most `n_ctx` tokens.
        writes: [source, seq, d_model] the writes of a run; only those of the layers
            before `layer` are used.
        layer: the first layer that is computed; `n_layers` computes none.
        patch: an intervention that changes nothing before this layer: an edge mask
            with zeros in earlier rows, or a node mask that no earlier reader sees.
        perturbation: what is added to what each reader sees; rows of earlier readers
            have no effect.
        rules: rules for the gradients of the parts that are not linear.
    """
    config, weights = transformer.config, transformer.weights
    stream = _make_stream(transformer, len(tokens), patch, perturbation)
    stream.write(writes[: config.names.sources_before(layer)])
    stream.shift(weights.b_O[:layer].sum(0))
    return run_layers(transformer, layer, stream, allow(config, tokens), rules)


@precise
def attention_logits(
    transformer: Transformer,
    tokens: Int[Array, " seq"],
    writes: Float[Array, "source seq d_model"],
    layer: int,
) -> Float[Array, "head seq key"]:
    """Return the logits of a layer's attention patterns in a run without a patch.

    Args:
        transformer: its shape and its arrays.
        tokens: at most `n_ctx` tokens.
        writes: [source, seq, d_model] the writes of the run.
        layer: the layer whose patterns are returned.
    """
    config, b_O = transformer.config, transformer.weights.b_O
    seen = writes[: config.names.sources_before(layer)].sum(0) + b_O[:layer].sum(0)
    q, k, _ = project(transformer, layer, seen)
    return attention_scores(config, q, k, allow(config, tokens))


@partial(jax.jit, compiler_options=QUICK_TO_COMPILE)
def attention_patterns(
    transformer: Transformer, tokens: Int[Array, "batch seq"]
) -> Float[Array, "batch layer head seq key"]:
    """Return how much each position attends to each, in every head and input.

    Args:
        transformer: its shape and its arrays.
        tokens: one sequence in each row.
    """

    def one(tokens: Array) -> Array:
        writes = forward(transformer, tokens).writes
        layers = range(transformer.config.n_layers)
        every = [attention_logits(transformer, tokens, writes, n) for n in layers]
        return jax.nn.softmax(jnp.stack(every), axis=-1)

    return jax.vmap(one)(tokens)


@partial(jax.jit, static_argnames=("shared_mask", "chunk"))
def forward_batch(
    transformer: Transformer,
    tokens: Int[Array, "batch seq"],
    patch: Patch | None = None,
    *,
    shared_mask: bool = False,
    chunk: int | None = None,
) -> Run:
    """Return `forward` of every sequence of a batch, compiled.

    Args:
        transformer: its shape and its arrays.
        tokens: one sequence in each row.
        patch: mask, donor and `where` of every example, each with a batch axis in
            front; the basis is the same for all.
        shared_mask: the mask has no batch axis, it is the same for all.
        chunk: how many examples run at a time. None lets the machine decide: all,
            except for an edge patch on a CPU (see `choose_chunk`).
    """

    def one(example: tuple[Array, Patch | None]) -> Run:
        tokens, own = example
        return forward(transformer, tokens, _join(own, patch))

    own = None if patch is None else _split(patch, shared_mask)
    chunk = chunk or choose_chunk(transformer, tokens, patch)
    if chunk >= len(tokens):
        return jax.vmap(one)((tokens, own))
    return jax.lax.map(one, (tokens, own), batch_size=chunk)


@partial(jax.jit, static_argnames=("shared_mask", "chunk"))
def logits_batch(
    transformer: Transformer,
    tokens: Int[Array, "batch seq"],
    patch: Patch | None = None,
    *,
    shared_mask: bool = False,
    chunk: int | None = None,
) -> Float[Array, "batch seq d_vocab_out"]:
    """Return only the logits of `forward_batch`; the writes are not computed."""
    run = forward_batch(
        transformer, tokens, patch, shared_mask=shared_mask, chunk=chunk
    )
    return run.logits


def _split(patch: Patch, shared_mask: bool) -> Patch:
    """Return the part of a patch that has a batch axis, and None for the rest."""
    own = patch._replace(basis=None)
    return own._replace(node_mask=None, edge_mask=None) if shared_mask else own


def _join(own: Patch | None, whole: Patch | None) -> Patch | None:
    """Return one example's patch: its own part, the rest from the whole batch's."""
    if own is None or whole is None:
        return None
    pairs = zip(own, whole, strict=True)
    return Patch(*(theirs if mine is None else mine for mine, theirs in pairs))


def choose_chunk(transformer: Transformer, tokens: Array, patch: Patch | None) -> int:
    """Return how many examples of a batch should run at a time.

    An edge patch goes through every source's difference again in every layer.
    On a CPU that is memory-bound once the differences of all examples are larger
    than the cache: a few examples at a time take half of the time, forward and
    backward. An accelerator wants them all.
    """
    batch, seq = tokens.shape
    if patch is None or patch.edge_mask is None:
        return batch
    return fitting_batch(transformer, batch, seq)


def fitting_batch(transformer: Transformer, batch: int, seq: int) -> int:
    """Return how many examples at a time have writes that fit a core's cache.

    Args:
        transformer: its shape and its arrays.
        batch: how many examples there are; all fit where it is no CPU that runs them.
        seq: positions of each.
    """
    if jax.default_backend() != "cpu":
        return batch
    config, weights = transformer.config, transformer.weights
    size = len(config.names.sources) * seq * config.d_model
    limit = max(1, int(CACHE_BYTES / (size * weights.W_E.dtype.itemsize)))
    return ceil(batch / ceil(batch / limit))


@partial(jax.jit, compiler_options=QUICK_TO_COMPILE)
def logits_in_chunks(
    transformer: Transformer, tokens: Int[Array, "batch seq"]
) -> Float[Array, "batch seq d_vocab_out"]:
    """Return the logits of many sequences: quick to compile, and a few run at a time.

    Where thousands of inputs run once, half of the time went into compilation, and
    arrays of all of them at once do not fit into a core's cache.

    Args:
        transformer: its shape and its arrays.
        tokens: one sequence in each row.
    """
    return forward_batch(transformer, tokens, chunk=IN_CACHE).logits
