"""Options that change what a model looks like, and not what it computes.

    permute_heads   the heads of each layer stand in a random order
    decoys          heads and hidden units at work in dimensions that nothing reads
    rotate          the stream, and the inside of each head, in a random basis

The circuit stays known: heads move before the weights are made, decoys only fill what
is vacant, and a rotation turns bases and rows along with the weights. All arithmetic
is in float64, in front of the one cast to float32. Every option draws from a generator
of its own, so that one seed may serve several of them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compiler.errors import InputError
from compiler.machine.config import CHOICES
from compiler.machine.weights import Weights
from compiler.passes.codes import Floats
from compiler.passes.layout import LaidOut
from compiler.passes.schedule import EMBEDDED
from compiler.passes.scores import Head
from compiler.passes.units import Units

# Dimensions that a decoy head has to write to; decoys of all layers share them.
DECOY_RANK = 2
# One decoy a layer brings hidden units too: the MLP's own number divided by this.
HIDDEN_SHARE = 4
# Rotations: the error at which a variable is quiet, the most that one is shrunk, and
# how far a numerical output, and what decoys write, is stretched.
QUIET, MOST_SHRUNK = 2e-6, 2.0**12
OUTPUT_STRETCH, DECOY_STRETCH = 8.0, 0.25


@dataclass(frozen=True)
class Options:
    """What a model looks like; the defaults change nothing.

    Attributes:
        rotate: seed of a random orthogonal basis of the stream, and of others inside
            the heads; None for none.
        permute_heads: seed of a random order of heads; None for none.
        decoys: inert heads a layer, and further variables that are never read.
        seed: of the decoys.
        norm: the norm in front of every reader, `none`, `pre` or `rms`; this and what
            follows is explained in `reshape.py`.
        act: the activation of MLPs.
        gated: whether MLPs are gated.
        filled: whether all heads together are as wide as the stream.
        generate: whether the output is the token that comes next; see
            `passes/next_token.py`.
    """

    rotate: int | None = None
    permute_heads: int | None = None
    decoys: int = 0
    seed: int = 0
    norm: str = "none"
    act: str = "relu"
    gated: bool = False
    filled: bool = False
    generate: bool = False

    def __post_init__(self) -> None:
        for name in ("rotate", "permute_heads"):
            if getattr(self, name) is not None:
                _check_count(name, getattr(self, name), "a seed")
        _check_count("decoys", self.decoys, "a number of heads")
        _check_count("seed", self.seed, "a seed")
        for name in ("norm", "act"):
            if getattr(self, name) not in CHOICES[name]:
                raise InputError(
                    f"{name} is {getattr(self, name)!r}; choose one of {CHOICES[name]}"
                )
        if self.gated and self.act == "relu":
            raise InputError(
                'gated MLPs are compiled with act="silu", "gelu" or "gelu_new": ReLU '
                "gives no gate that is open. Name one of these"
            )

    def to_json(self) -> dict[str, Any]:
        """Return the options as JSON values; the five last ones only where they differ.

        Models that were saved before they existed say the same as today.
        """
        changed = self._changed(*_RESHAPING, "generate")
        return {
            name: value
            for name, value in asdict(self).items()
            if name not in (*_RESHAPING, "generate") or name in changed
        }

    @property
    def reshaping(self) -> dict[str, Any]:
        """The options that bring the model into another architecture."""
        return self._changed(*_RESHAPING)

    def _changed(self, *names: str) -> dict[str, Any]:
        """Return those of some options that are not as usual."""
        usual = {field.name: field.default for field in fields(self)}
        return {n: getattr(self, n) for n in names if getattr(self, n) != usual[n]}


_RESHAPING = ("norm", "act", "gated", "filled")


def _check_count(name: str, value: object, meaning: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InputError(
            f"{name} is {value!r}; give {meaning}, an integer of at least 0"
        )


def generator(option: str, seed: int) -> np.random.Generator:
    """Return the generator of one option: options with equal seeds are independent."""
    return np.random.default_rng([*option.encode(), seed])


# Before the weights ---------------------------------------------------------------


def make_room(laid_out: LaidOut, options: Options) -> LaidOut:
    """Return the layout with room for inert decoys, and with its heads permuted."""
    if options.decoys:
        spare = DECOY_RANK * options.decoys
        share = -(-laid_out.d_mlp // HIDDEN_SHARE)
        laid_out = replace(
            laid_out,
            d_model=laid_out.d_model + spare,
            n_heads=laid_out.n_heads + options.decoys,
            d_mlp=laid_out.d_mlp + options.decoys * share,
            spare=range(laid_out.d_model, laid_out.d_model + spare),
        )
    if options.permute_heads is not None:
        laid_out = _permute(laid_out, options.permute_heads)
    return laid_out


def _permute(laid_out: LaidOut, seed: int) -> LaidOut:
    """Return the layout with the heads of every layer at random numbers."""
    scheduled, rng = laid_out.scheduled, generator("permute_heads", seed)
    orders = [rng.permutation(laid_out.n_heads) for _ in range(scheduled.n_layers)]
    places = tuple(
        replace(place, first=int(orders[place.layer][place.first]))
        if isinstance(step.weights, Head)
        else place
        for step, place in zip(scheduled.plan.steps, scheduled.places, strict=True)
    )
    return replace(laid_out, scheduled=replace(scheduled, places=places))


# After the weights ----------------------------------------------------------------


def add_inert(weights: Weights, laid_out: LaidOut, seed: int) -> Weights:
    """Return the weights with random heads and hidden units wherever one is vacant.

    They read the whole stream, and write to dimensions that only they read.
    """
    rng, spare = generator("decoys", seed), list(laid_out.spare)
    arrays = {name: array.copy() for name, array in weights._asdict().items()}
    heads, hidden = _vacant(laid_out, weights)
    gauge = _gauge(laid_out, len(heads))[:, None]
    d_head = weights.W_Q.shape[-1]
    for layer, vacant in enumerate(heads):
        for head in np.flatnonzero(vacant):
            for name in ("W_Q", "W_K", "W_V"):
                draw = rng.standard_normal((laid_out.d_model, d_head))
                arrays[name][layer, head] = draw * gauge
            for name in ("b_Q", "b_K", "b_V"):
                arrays[name][layer, head] = rng.standard_normal(d_head)
            draw = rng.standard_normal((d_head, len(spare)))
            arrays["W_O"][layer, head][:, spare] = draw / (d_head * vacant.sum()) ** 0.5
    for layer, vacant in enumerate(hidden):
        units = np.flatnonzero(vacant)
        draw = rng.standard_normal((laid_out.d_model, len(units)))
        arrays["W_in"][layer][:, units] = draw * gauge
        arrays["b_in"][layer, units] = rng.standard_normal(len(units))
        draw = rng.standard_normal((len(units), len(spare)))
        arrays["W_out"][layer][units[:, None], list(spare)] = (
            draw / max(1, len(units)) ** 0.5
        )
    return Weights(**arrays)


def _vacant(
    laid_out: LaidOut, weights: Weights
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return ([layer, head], [layer, hidden unit]) where nothing is placed."""
    heads = np.ones(weights.W_Q.shape[:2], dtype=bool)
    hidden = np.ones(weights.b_in.shape, dtype=bool)
    scheduled = laid_out.scheduled
    for step, place in zip(scheduled.plan.steps, scheduled.places, strict=True):
        if place.slot == EMBEDDED:
            continue
        if isinstance(step.weights, Units):
            stop = place.first + step.weights.count
            hidden[place.layer, place.first : stop] = False
        else:
            heads[place.layer, place.first] = False
    return heads, hidden


def _gauge(laid_out: LaidOut, n_layers: int) -> Floats:
    """Return [d_model] what brings every dimension, and a read of all, to about 1.

    Dimensions of decoys gain about 1 in every layer, and no more, because of it.
    """
    sizes = np.ones(laid_out.d_model)
    steps = laid_out.scheduled.plan.steps
    for step, dims in zip(steps, laid_out.dims, strict=True):
        if len(dims):
            sizes[dims] = np.maximum(np.abs(step.code.rows).max(axis=0), 1e-3)
    sizes[laid_out.spare] = 2.0 * n_layers
    # One dimension of a one-hot variable is on at a time, and all decoys may be.
    active = len(steps) + len(laid_out.spare)
    return 1.0 / (sizes * active**0.5)


def random_basis(d_model: int, seed: int) -> Floats:
    """Return a uniformly distributed orthogonal matrix that the seed alone decides."""
    return _orthogonal(generator("rotate", seed), d_model)


def _orthogonal(rng: np.random.Generator, *shape: int) -> Floats:
    """Return random orthogonal matrices, [.., n, n] for a shape that ends in n.

    The QR decomposition of a Gaussian matrix is uniform once the diagonal of R is
    made positive (Mezzadri 2007, "How to generate random matrices from the classical
    compact groups", section 5).
    """
    q, r = np.linalg.qr(rng.standard_normal((*shape, shape[-1])))
    diagonal = np.diagonal(r, axis1=-2, axis2=-1)
    return q * np.where(diagonal < 0, -1.0, 1.0)[..., None, :]


def balance(laid_out: LaidOut, numerical: bool) -> Floats:
    """Return [d_model] how to stretch each dimension in front of a rotation.

    In a rotated stream the rounding errors of one write fall on all directions. So
    what is large is shrunk to about 1, and a variable whose own error is tolerated
    is shrunk until that error is no louder than the quiet ones; its readers make up
    for it. A number that is the output, and that nothing is written after, is
    stretched. Powers of two: the stretching itself is exact.

    Args:
        laid_out: the steps and their dimensions.
        numerical: whether the output is a number.
    """
    scheduled, sizes = laid_out.scheduled, np.ones(laid_out.d_model)
    plan = scheduled.plan
    for step, dims in zip(plan.steps, laid_out.dims, strict=True):
        if len(dims):
            large = float(np.abs(step.code.rows).max())
            noisy = float(step.code.noise.max()) / QUIET
            sizes[dims] = 1.0 / min(max(large, noisy, 1.0), MOST_SHRUNK)
    if laid_out.spare:
        sizes[laid_out.spare] = DECOY_STRETCH
    last = max(place.slot for place in scheduled.places)
    if numerical and scheduled.places[plan.output].slot == last:
        sizes[laid_out.dims[plan.output]] = OUTPUT_STRETCH
    return np.exp2(np.round(np.log2(sizes))).astype(np.float64)


def turn(weights: Weights, basis: Floats, stretch: Floats) -> Weights:
    """Return the weights of the same transformer in another basis of the stream.

    Args:
        weights: without LayerNorm, which is bound to the axes of the stream.
        basis: [d_model, d_model], row i is where dimension i of the stream goes.
        stretch: [d_model] factors of the dimensions, in front of the rotation.
    """
    out, into = stretch[:, None] * basis, basis.T / stretch
    written = ("W_E", "W_pos", "W_O", "b_O", "W_out", "b_out")
    read = ("W_Q", "W_K", "W_V", "W_in", "W_U")
    return weights._replace(
        **{name: getattr(weights, name) @ out for name in written},
        **{name: into @ getattr(weights, name) for name in read},
    )


def turn_heads(weights: Weights, seed: int) -> Weights:
    """Return the same heads in other bases of their own: queries with keys, values.

    Scores and writes stay what they are; every column of a head is used.
    """
    shape = (*weights.W_Q.shape[:2], weights.W_Q.shape[-1])
    rng = generator("heads", seed)
    match, value = _orthogonal(rng, *shape), _orthogonal(rng, *shape)
    sides = {"Q": match, "K": match, "V": value}
    return weights._replace(
        **{f"W_{s}": getattr(weights, f"W_{s}") @ turn for s, turn in sides.items()},
        **{
            f"b_{s}": (getattr(weights, f"b_{s}")[:, :, None] @ turn)[:, :, 0]
            for s, turn in sides.items()
        },
        W_O=value.swapaxes(-1, -2) @ weights.W_O,
    )
