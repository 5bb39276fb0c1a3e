"""The parts of a transformer: embeddings, attention, MLP, norms.

Each part is defined here, as a function of what it sees. Only `attend` and `transform`
read from a `Stream` and write to it. `forward.py` calls all of this, and explains the
names of axes. `rerun/packed.py` has the same parts in another memory layout, and
imports from here what does not depend on the layout.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from compiler.errors import InputError
from compiler.machine.config import Config
from compiler.machine.stream import Stream
from compiler.machine.transformer import Transformer
from compiler.machine.weights import Weights


def _gelu(hidden: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """Return the exact GELU (Hendrycks and Gimpel 2016), by erf.

    By erfc, as `jax.nn.gelu` has it, GELU takes twice as long on a CPU, and is
    closer to its value by less than the rounding of what the MLP adds up.
    """
    return 0.5 * hidden * (1.0 + jax.lax.erf(hidden * 0.5**0.5))


_ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "relu": jax.nn.relu,
    "gelu": _gelu,
    "gelu_new": lambda hidden: jax.nn.gelu(hidden, approximate=True),
    "silu": jax.nn.silu,
}


def activate(config: Config, hidden: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """Return the transformer's activation of an MLP's hidden units."""
    return _ACTIVATIONS[config.act](hidden)


def _as_it_is(values: Array) -> Array:
    return values


@dataclass(frozen=True)
class Rules:
    """Rules for the gradients of the parts that are not linear.

    Each rule is a function that is applied to an intermediate value. The defaults
    change nothing. An attribution method may use functions that return the same value
    and have another gradient, such as `jax.lax.stop_gradient`.

    Attributes:
        rate: applied to 1 / std in a LayerNorm, or 1 / root mean square in an RMSNorm.
        activate: the activation, a function of the configuration and hidden units.
        gated: applied to the product of activation and gate, in a gated MLP.
        scores: applied to products of queries and keys.
        pattern: applied to the attention pattern.
        mixed: applied to the sum of values that the pattern weighs.
    """

    rate: Callable[[Array], Array] = _as_it_is
    activate: Callable[[Config, Array], Array] = activate
    gated: Callable[[Array], Array] = _as_it_is
    scores: Callable[[Array], Array] = _as_it_is
    pattern: Callable[[Array], Array] = _as_it_is
    mixed: Callable[[Array], Array] = _as_it_is


PLAIN = Rules()
"""The rules of the transformer itself: every gradient is the true one."""


def embed(
    transformer: Transformer, tokens: Int[Array, " seq"], first: Any = 0
) -> Float[Array, "source seq d_model"]:
    """Return what the sources `tokens` and `positions` write.

    Args:
        transformer: its shape and its arrays.
        tokens: the tokens.
        first: the position of the first of them; it may be traced.
    """
    config, weights = transformer.config, transformer.weights
    if len(tokens) > config.n_ctx:
        raise InputError(
            f"forward: {len(tokens)} tokens, but n_ctx is {config.n_ctx}. "
            "Give a shorter sequence, or a transformer with a larger n_ctx."
        )
    words = weights.W_E[tokens]
    if config.positions == "rotary":
        return jnp.stack([words, jnp.zeros_like(words)])
    places = jax.lax.dynamic_slice_in_dim(weights.W_pos, first, len(tokens))
    return jnp.stack([words, places])


def allow(config: Config, tokens: Int[Array, " seq"]) -> Bool[Array, "seq key"]:
    """Return which position may attend to which.

    Every position may attend to itself, PAD too: others do not see its row, and
    a softmax over nothing would be NaN, in gradients as well.
    """
    seq = len(tokens)
    allowed = jnp.ones((seq, seq), bool)
    if config.causal:
        allowed = jnp.tril(allowed)
    if config.pad_id is not None:
        allowed = allowed & (tokens != config.pad_id)
    return allowed | jnp.eye(seq, dtype=bool)


def run_layers(
    transformer: Transformer,
    first: int,
    stream: Stream,
    allowed: Bool[Array, "seq key"],
    rules: Rules = PLAIN,
) -> Float[Array, "seq d_vocab_out"]:
    """Run the layers from `first` on, and return the logits."""
    for layer in range(first, transformer.config.n_layers):
        attend(transformer, layer, stream, allowed, rules)
        transform(transformer, layer, stream, rules)
    return unembed(transformer, stream.read("logits"), rules)


# Attention ------------------------------------------------------------------------


def attend(
    transformer: Transformer,
    layer: int,
    stream: Stream,
    allowed: Bool[Array, "seq key"],
    rules: Rules = PLAIN,
) -> None:
    """Let the heads of a layer read from the stream and write to it."""
    config, weights = transformer.config, transformer.weights
    q, k, v = project(transformer, layer, stream.read_heads(layer), rules)
    scores = rules.scores(attention_scores(config, q, k, allowed))
    pattern = rules.pattern(jax.nn.softmax(scores, axis=-1))
    z = rules.mixed(pattern @ v)  # [head, seq, d_head]
    W_O = weights.W_O[layer]

    def mix(gate: Array | float) -> Float[Array, "seq d_model"]:
        # Gates act in front of the output matrix: one product for all heads.
        joined = (
            (gate * z).swapaxes(0, 1).reshape(len(allowed), -1)
        )  # [seq, head*d_head]
        return joined @ W_O.reshape(-1, config.d_model)

    stream.write(z @ W_O, mix)  # XLA drops z @ W_O where only `mix` is used
    stream.shift(weights.b_O[layer])


def attention_scores(
    config: Config,
    q: Float[Array, "head seq d_head"],
    k: Float[Array, "head seq d_head"],
    allowed: Bool[Array, "seq key"],
) -> Float[Array, "head seq key"]:
    """Return the logits of the attention pattern, -inf where there can be none."""
    if config.positions == "rotary":
        q, k = rotate(config, q), rotate(config, k)
    scores = q @ k.swapaxes(-1, -2) / config.d_head**0.5
    return jnp.where(allowed, scores, -jnp.inf)


def project(
    transformer: Transformer,
    layer: int,
    seen: Float[Array, "*readers seq d_model"],
    rules: Rules = PLAIN,
) -> tuple[Float[Array, "head seq d_head"], ...]:
    """Return the queries, keys and values of all heads of a layer.

    Args:
        transformer: its shape and its arrays.
        layer: which layer.
        seen: what the heads see, in front of a LayerNorm: [seq, d_model] for all
            readers, or [slot, head, seq, d_model].
        rules: how gradients go back through the LayerNorm.
    """
    weights = transformer.weights
    norm = weights.ln1_w[layer], weights.ln1_b[layer]
    seen = normalise(transformer.config, seen, *norm, rate=rules.rate)
    W, b = slots(weights, layer)
    if seen.ndim > 2:
        return tuple(seen @ W + b[:, :, None])
    n_slots, n_heads, d_model, d_head = W.shape
    fused = W.transpose(2, 0, 1, 3).reshape(d_model, -1)  # [d_model, slot*head*d_head]
    flat = (seen @ fused).reshape(-1, n_slots, n_heads, d_head) + b
    # One slot at a time: transposing all three at once would copy them twice.
    return tuple(flat[:, slot].swapaxes(0, 1) for slot in range(n_slots))


def slots(
    weights: Weights, layer: Any
) -> tuple[Float[Array, "slot head d_model d_head"], Float[Array, "slot head d_head"]]:
    """Return the matrices and the biases of a layer's heads; it may be traced."""
    W = jnp.stack([weights.W_Q[layer], weights.W_K[layer], weights.W_V[layer]])
    b = jnp.stack([weights.b_Q[layer], weights.b_K[layer], weights.b_V[layer]])
    return W, b


def rotate(
    config: Config, vectors: Float[Array, "*n seq d_head"], first: Any = 0
) -> Float[Array, "*n seq d_head"]:
    """Return queries or keys turned by their position (Su et al. 2021, equation 34).

    `Config.rotary_pairs` says which two coordinates are turned together.

    Args:
        config: the transformer's shape.
        vectors: queries or keys.
        first: the position of the first of them; it may be traced.
    """
    seq, d_head = vectors.shape[-2:]
    steps = jnp.arange(d_head // 2, dtype=vectors.dtype)
    rates = config.rotary_base ** (-2 * steps / d_head)
    places = jnp.arange(seq, dtype=vectors.dtype) + jnp.asarray(first, vectors.dtype)
    angles = places[:, None] * rates  # [seq, d_head / 2]
    cos, sin = jnp.cos(angles), jnp.sin(angles)
    halves = config.rotary_pairs == "halves"
    if halves:
        first, second = jnp.split(vectors, 2, axis=-1)
    else:
        first, second = vectors[..., ::2], vectors[..., 1::2]
    turned = [first * cos - second * sin, second * cos + first * sin]
    if halves:
        return jnp.concatenate(turned, axis=-1)
    return jnp.stack(turned, axis=-1).reshape(vectors.shape)


# MLP, norms, logits --------------------------------------------------------------


def transform(
    transformer: Transformer, layer: int, stream: Stream, rules: Rules = PLAIN
) -> None:
    """Let the MLP of a layer read from the stream and write to it."""
    seen = stream.read(f"m{layer}")
    stream.write(mlp_write(transformer, layer, seen, rules)[None])


def mlp_write(
    transformer: Transformer,
    layer: int,
    seen: Float[Array, "seq d_model"],
    rules: Rules = PLAIN,
) -> Float[Array, "seq d_model"]:
    """Return what the MLP of a layer writes when it sees this, in front of its norm."""
    config, weights = transformer.config, transformer.weights
    norm = weights.ln2_w[layer], weights.ln2_b[layer]
    seen = normalise(config, seen, *norm, rate=rules.rate)
    hidden = hidden_units(
        config,
        lambda field: seen @ getattr(weights, field)[layer],
        weights.b_in[layer],
        rules,
    )
    return hidden @ weights.W_out[layer] + weights.b_out[layer]


def hidden_units(
    config: Config,
    through: Callable[[str], Float[Array, "..."]],
    bias: Float[Array, "..."],
    rules: Rules = PLAIN,
) -> Float[Array, "..."]:
    """Return the hidden units of an MLP, in any layout.

    Args:
        config: the transformer's shape.
        through: given `W_in` or `W_gate`, what the MLP sees multiplied by it.
        bias: of the plain MLP; a gated one has none.
        rules: rules for gradients.
    """
    if not config.gated:
        return rules.activate(config, through("W_in") + bias)
    opened = rules.activate(config, through("W_gate"))
    return rules.gated(opened * through("W_in"))


def unembed(
    transformer: Transformer, seen: Float[Array, "seq d_model"], rules: Rules = PLAIN
) -> Float[Array, "seq d_vocab_out"]:
    """Return the logits."""
    config, weights = transformer.config, transformer.weights
    final = normalise(config, seen, weights.lnf_w, weights.lnf_b, rate=rules.rate)
    return final @ weights.W_U + weights.b_U


def normalise(
    config: Config,
    seen: Float[Array, "..."],
    scale: Float[Array, " _"],
    bias: Float[Array, " _"],
    axis: int = -1,
    rate: Callable[[Array], Array] = _as_it_is,
) -> Float[Array, "..."]:
    """Return what readers see, after the norm in front of them if there is one.

    Args:
        config: the transformer's shape; its `norm` says which norm it is.
        seen: what readers see.
        scale: factor of each coordinate.
        bias: what a LayerNorm adds to each coordinate; an RMSNorm adds nothing.
        axis: where the coordinates stand in `seen`, counted from the end.
        rate: a rule for 1 / std, see `Rules`.
    """
    if config.norm == "none":
        return seen
    scale, bias = (a.reshape(-1, *(1,) * (-1 - axis)) for a in (scale, bias))
    if config.norm == "pre":
        seen = seen - seen.mean(axis, keepdims=True)
    square = (seen**2).mean(axis, keepdims=True)
    normed = seen * rate(jax.lax.rsqrt(square + config.ln_eps)) * scale
    return normed + bias if config.norm == "pre" else normed
