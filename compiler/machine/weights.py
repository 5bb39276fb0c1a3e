"""The weights of a transformer, and their names in files.

All arrays are stacked over layers, and a head's matrices over heads, so that
the forward pass multiplies once for all heads. In files they carry the names
and shapes that TransformerLens gives them, one array a layer. Arrays may be
NumPy's or JAX's; this module makes and reads NumPy ones.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import DTypeLike

from compiler.errors import FormatError
from compiler.machine.config import Config


class Weights(NamedTuple):
    """A transformer's arrays, a pytree of one dtype. Axis names: see `forward`.

    Arrays that the configuration has no use for have size zero (those of a norm that
    is not there, `W_pos` with rotary positions), so that the fields are the same for
    every configuration. Arrays that follow from others are there in full: see
    `expand`.
    """

    W_E: Float[Any, "d_vocab d_model"]
    W_pos: Float[Any, "n_ctx d_model"]
    W_Q: Float[Any, "layer head d_model d_head"]
    W_K: Float[Any, "layer head d_model d_head"]
    W_V: Float[Any, "layer head d_model d_head"]
    b_Q: Float[Any, "layer head d_head"]
    b_K: Float[Any, "layer head d_head"]
    b_V: Float[Any, "layer head d_head"]
    W_O: Float[Any, "layer head d_head d_model"]
    b_O: Float[Any, "layer d_model"]
    W_gate: Float[Any, "layer d_model d_mlp"]
    W_in: Float[Any, "layer d_model d_mlp"]
    b_in: Float[Any, "layer d_mlp"]
    W_out: Float[Any, "layer d_mlp d_model"]
    b_out: Float[Any, "layer d_model"]
    ln1_w: Float[Any, "layer d_model"]
    ln1_b: Float[Any, "layer d_model"]
    ln2_w: Float[Any, "layer d_model"]
    ln2_b: Float[Any, "layer d_model"]
    lnf_w: Float[Any, " d_model"]
    lnf_b: Float[Any, " d_model"]
    W_U: Float[Any, "d_model d_vocab_out"]
    b_U: Float[Any, " d_vocab_out"]


ATTENTION = ("W_Q", "W_K", "W_V", "b_Q", "b_K", "b_V", "W_O", "b_O")
MLP = ("W_gate", "W_in", "b_in", "W_out", "b_out")
SHARED = ("W_K", "W_V", "b_K", "b_V")
"""What one head has for several query heads, where there are fewer key heads."""

# Field -> name in a file, for arrays that exist once and once a layer.
SINGLE = {
    "W_E": "embed.W_E",
    "W_pos": "pos_embed.W_pos",
    "lnf_w": "ln_final.w",
    "lnf_b": "ln_final.b",
    "W_U": "unembed.W_U",
    "b_U": "unembed.b_U",
}
PER_LAYER = {
    **{field: f"attn.{field}" for field in ATTENTION},
    **{field: f"mlp.{field}" for field in MLP},
    **{f"{ln}_{part}": f"{ln}.{part}" for ln in ("ln1", "ln2") for part in "wb"},
}


def expected_shapes(config: Config) -> dict[str, tuple[int, ...]]:
    """Return the shape of every field of `Weights`, in the order of the fields."""
    return {field: config.shapes[field] for field in Weights._fields}


def check_shapes(weights: Weights, config: Config) -> None:
    """Raise FormatError, listing every array that has not the expected shape."""
    problems = [
        f"{field} has shape {np.shape(array)}, expected {shape}."
        for (field, shape), array in zip(
            expected_shapes(config).items(), weights, strict=True
        )
        if tuple(np.shape(array)) != shape
    ]
    if problems:
        raise FormatError("weights: " + " ".join(problems))


def expand(weights: Weights, config: Config) -> Weights:
    """Return the arrays of a transformer, given its parameters.

    Keys and values that query heads share are copied for each of them, the biases that
    the configuration leaves out are zeros, and a tied unembedding is the transposed
    embedding. So whoever computes with a transformer need not know what is shared.
    jax can differentiate this: the gradient of a parameter is the sum over its copies.

    Args:
        weights: arrays of `Config.stored_shapes`, of NumPy or of JAX.
        config: the transformer's shape.
    """
    arrays = weights._asdict()
    if config.queries_per_key > 1:
        arrays |= {n: arrays[n].repeat(config.queries_per_key, 1) for n in SHARED}
    for name in config.derived:
        arrays[name] = np.zeros(config.shapes[name], weights.W_E.dtype)
    if config.tied:
        arrays["W_U"] = weights.W_E.T
    return Weights(**arrays)


def reduced(weights: Weights, config: Config) -> Weights:
    """Return the parameters of a transformer; `expand` undoes it.

    Args:
        weights: arrays of `Config.shapes`.
        config: the transformer's shape.
    """
    arrays = weights._asdict()
    arrays |= {n: arrays[n][:, :: config.queries_per_key] for n in SHARED}
    arrays |= {n: arrays[n][..., :0] for n in config.derived}
    return Weights(**arrays)


def check_sharing(weights: Weights, config: Config) -> None:
    """Raise FormatError unless arrays that follow from others are what they must be."""
    plain = Weights(*map(np.asarray, weights))
    again = expand(reduced(plain, config), config)
    wrong = [
        field
        for field, one, other in zip(Weights._fields, plain, again, strict=True)
        if not np.array_equal(one, other, equal_nan=True)
    ]
    if wrong:
        raise FormatError(
            f"weights: {', '.join(wrong)} do not agree with the configuration, which "
            f"says n_kv_heads={config.n_kv_heads}, biases={config.biases!r}, "
            f"gated={config.gated}, tied={config.tied}, "
            f"unembed_bias={config.unembed_bias}: arrays that share a parameter must "
            "be equal, and biases that are left out zeros."
        )


def freeze(weights: Weights, dtype: DTypeLike | None = None) -> Weights:
    """Return the same weights as NumPy arrays that nobody can write to.

    Args:
        weights: arrays of any kind; each is copied once.
        dtype: what the copies hold; None for what the arrays hold.
    """
    frozen = Weights(*(np.array(array, dtype=dtype) for array in weights))
    for array in frozen:
        array.flags.writeable = False
    return frozen


def init(config: Config, seed: int) -> Weights:
    """Return float32 weights to start training from, a pure function of the seed.

    Every matrix is normal with variance 1 / fan-in, so that each keeps the size
    of what it reads; embeddings write about unit norm. What heads and MLPs write
    is scaled down by the square root of their number, as in GPT-2 (Radford et
    al. 2019, section 2.3), so that the stream does not grow with depth.
    """
    rng = np.random.default_rng(seed)
    depth = (2 * config.n_layers) ** -0.5
    inner, joined = config.d_model**-0.5, (config.n_heads * config.d_head) ** -0.5
    scales = {
        **{field: inner for field in ("W_E", "W_pos", "W_gate", "W_in", "W_U")},
        **{field: inner for field in ("W_Q", "W_K", "W_V")},
        "W_O": depth * joined,
        "W_out": depth * config.d_mlp**-0.5,
        **{field: 1.0 for field in ("ln1_w", "ln2_w", "lnf_w")},
    }

    def draw(field: str, shape: tuple[int, ...]) -> np.ndarray:
        scale = np.float32(scales.get(field, 0.0))
        if not field.startswith("W"):
            return np.full(shape, scale, np.float32)
        return rng.standard_normal(shape, np.float32) * scale

    shapes = {f: config.stored_shapes[f] for f in Weights._fields}
    return expand(Weights(*(draw(f, shape) for f, shape in shapes.items())), config)


def expected_tensors(config: Config) -> dict[str, tuple[int, ...]]:
    """Return the shape of every array in a file, by its name there."""
    shapes = config.stored_shapes
    return {
        name: shapes[field] if layer is None else shapes[field][1:]
        for name, field, layer in _layout(config, shapes)
    }


def to_tensors(
    weights: Weights, config: Config, whole: bool = False
) -> dict[str, np.ndarray]:
    """Return the parameters under their names in a file, in TransformerLens' layout.

    Args:
        weights: arrays of the shapes that `config` says.
        config: the transformer's shape; arrays that it has not are left out.
        whole: whether arrays that follow from others are there as well, in full.

    Raises:
        FormatError: the arrays do not fit the configuration.
    """
    check_shapes(weights, config)
    check_sharing(weights, config)
    shapes = config.shapes if whole else config.stored_shapes
    weights = weights if whole else reduced(weights, config)
    arrays = {field: np.asarray(value) for field, value in weights._asdict().items()}
    return {
        name: np.ascontiguousarray(arrays[field][... if layer is None else layer])
        for name, field, layer in _layout(config, shapes)
    }


def from_tensors(tensors: Mapping[str, np.ndarray], config: Config) -> Weights:
    """Return the weights that `to_tensors` wrote.

    Raises:
        FormatError: arrays are missing, unknown, or of another shape or dtype;
            all of them are listed.
    """
    problems = _tensor_problems(tensors, config)
    if problems:
        raise FormatError("tensors do not fit the configuration: " + " ".join(problems))
    dtype = tensors[SINGLE["W_E"]].dtype
    shapes = {field: config.stored_shapes[field] for field in Weights._fields}
    arrays = {field: np.zeros(shape, dtype) for field, shape in shapes.items()}
    for name, field, layer in _layout(config, shapes):
        arrays[field][... if layer is None else layer] = tensors[name]
    return expand(Weights(**arrays), config)


def _tensor_problems(tensors: Mapping[str, np.ndarray], config: Config) -> list[str]:
    """Return one sentence for every array that is not what `config` says."""
    expected = expected_tensors(config)
    problems = [f"{name} is missing." for name in expected if name not in tensors]
    problems += [f"{name} is unknown." for name in sorted(set(tensors) - set(expected))]
    first = tensors.get(SINGLE["W_E"])
    dtype = first.dtype if first is not None else np.dtype(np.float32)
    if dtype not in (np.float32, np.float64):
        problems.append(f"{SINGLE['W_E']} is {dtype}; expected float32 or float64.")
    for name in (name for name in expected if name in tensors):
        shape, found = expected[name], tensors[name]
        if found.shape != shape:
            problems.append(f"{name} has shape {found.shape}, expected {shape}.")
        if found.dtype != dtype:
            problems.append(f"{name} is {found.dtype}, but {SINGLE['W_E']} is {dtype}.")
    return problems


def _layout(
    config: Config, shapes: Mapping[str, tuple[int, ...]]
) -> Iterator[tuple[str, str, int | None]]:
    """Yield (name in a file, field, layer or None) of every array that exists."""
    empty = {f for f, shape in shapes.items() if 0 in shape}
    for field, name in SINGLE.items():
        if field not in empty:
            yield name, field, None
    for layer in range(config.n_layers):
        for field, name in PER_LAYER.items():
            if field not in empty:
                yield f"blocks.{layer}.{name}", field, layer
