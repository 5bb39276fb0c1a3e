"""Which output some logits stand for, and where a rounding would decide it.

Two machines add in different orders, so that their logits differ by some units of the
last place. Where two classes lie closer than that, the larger one is a matter of
chance. So an audit knows three cases, by the *margin* of an output:

    decided   the margin is above TIE: every machine says the same
    tie       it is at most TIE: the output counts as no value. It is neither right nor
              changed, and it is counted as a tie
    close     it is within BAND times of TIE, on either side: another machine may find
              the other case. The number of these is the tolerance of a figure

The margin of classes is the lead of the largest logit over the next, in units of 1 plus
the largest absolute logit. That of a number is its distance from the border of what
counts as the same number, and from the border between a number and None.

The threshold was chosen where no margin lies (see docs/decisions.md). Compiled models
have ReLU, steep attention and classes that a patched program leaves equal: those are up
to 1e-3 apart in float32, and all other margins are above 1e-2. In a trained model
float32 and float64 differ by at most 4e-5, and margins are of any size.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from compiler.lower.readout import Readout
from compiler.machine.config import Config
from zoo.causal.outputs import CLOSE, numbers_of

TIE = 1e-5
"""The largest margin of a tie, for numbers and for classes of most models."""
RELU_TIE = 4e-3
"""The same for the classes of models with ReLU, as compiled ones are."""
BAND = 4.0
"""By how much a margin may be off TIE for another machine to find the other case."""
_NONE = -1


class Verdict(NamedTuple):
    """What a comparison of outputs found, at each position.

    Attributes:
        hit: it holds, and no rounding can make it fail.
        tie: a rounding would decide it.
        close: another machine may say hit for tie, or tie for what is neither.
    """

    hit: Bool[Any, "*n"]
    tie: Bool[Any, "*n"]
    close: Bool[Any, "*n"]


def tie_of(config: Config) -> float:
    """Return the largest margin of a tie between two classes of a transformer."""
    return RELU_TIE if config.act == "relu" else TIE


def decide(logits: Float[Array, "class *n"], tie: float = TIE) -> Int[Array, "*n"]:
    """Return which class wins at each position, -1 for a tie, as `2 * class + close`.

    Args:
        logits: classes first. Where they are no finite numbers the largest wins, as
            NumPy orders them: no rounding decides that.
        tie: the largest margin of a tie; see `tie_of`.
    """
    winner = logits.argmax(0)
    others = jnp.arange(len(logits)).reshape(-1, *(1,) * winner.ndim) != winner
    second = jnp.where(others, logits, -jnp.inf).max(0)
    scale = 1.0 + jnp.abs(logits).max(0)
    margin = (logits.max(0) - second) / scale
    ties, close = _zones(jnp.where(jnp.isfinite(scale), margin, jnp.inf), tie)
    return 2 * jnp.where(ties, _NONE, winner) + jnp.where(close, 1, 0)


def _zones(margin: Float[Any, "*n"], tie: float = TIE) -> tuple[Any, Any]:
    """Return (where a margin is a tie, where it is close to the border of one)."""
    size = jnp.abs(margin)
    return size <= tie, (size > tie / BAND) & (size <= tie * BAND)


def same_class(codes: Int[Any, "*n"], labels: Int[Any, "*n"]) -> Verdict:
    """Return where what `decide` returned is the label."""
    found = codes >> 1
    return Verdict(found == labels, found == _NONE, codes % 2 == 1)


def other_class(codes: Int[Any, "*n"], clean: Int[Any, "*n"]) -> Verdict:
    """Return where two results of `decide` are different classes."""
    first, second = codes >> 1, clean >> 1
    tie = (first == _NONE) | (second == _NONE)
    return Verdict(~tie & (first != second), tie, (codes % 2 + clean % 2) > 0)


def same_number(
    readout: Readout, logits: Float[Any, "*n class"], labels: Int[Any, "*n"]
) -> Verdict:
    """Return where a numerical output is the label, within CLOSE of the range."""
    numbers, span = numbers_of(readout)
    goal = jnp.asarray(numbers)[labels]
    return _compare(readout, logits, goal, jnp.isnan(goal), span, same=True)


def other_number(
    readout: Readout, logits: Float[Any, "*n class"], clean: Float[Any, "*n class"]
) -> Verdict:
    """Return where two numerical outputs are not the same, in the same sense."""
    _, span = numbers_of(readout)
    missing = jnp.zeros(clean.shape[:-1], bool)
    tie, close = missing, missing
    if readout.kind == "nullable":
        missing = clean[..., 1] > 0
        tie, close = _zones(_sign(clean))
    found = _compare(readout, logits, clean[..., 0], missing, span, same=False)
    return Verdict(found.hit & ~tie, found.tie | tie, found.close | close)


def _sign(logits: Float[Any, "*n class"]) -> Float[Any, "*n"]:
    """Return by how much an output is None rather than a number."""
    return logits[..., 1] / (1.0 + jnp.abs(logits).max(-1))


def _compare(
    readout: Readout, logits: Any, goal: Any, missing: Any, span: float, *, same: bool
) -> Verdict:
    """Return where an output is, or is not, a number or None."""
    distance = jnp.abs(logits[..., 0] - jnp.where(missing, 0.0, goal))
    scale = span + jnp.abs(logits[..., 0])
    inside = (CLOSE * span - distance) / scale
    near = inside >= 0
    tie, close = _zones(inside)
    if readout.kind == "nullable":
        sign = _sign(logits)
        none, (sign_tie, sign_close) = sign > 0, _zones(sign)
        either = none | missing  # where the number itself does not matter
        near = jnp.where(either, none & missing, near)
        tie = sign_tie | (tie & ~either)
        close = sign_close | (close & ~either)
    return Verdict((near if same else ~near) & ~tie, tie, close)


def settled(
    readout: Readout, logits: Float[np.ndarray, "seq class"], tie: float = TIE
) -> Int[np.ndarray, " seq"]:
    """Return the value that each row of logits is shown as; ties by a rule.

    Of classes that tie the first is shown, and of two numbers that are equally near
    the smaller one, so that a witness reads the same on every machine.
    """
    logits = np.asarray(logits)
    scale = TIE * (1.0 + np.abs(logits).max(axis=-1))
    if readout.kind == "classes":
        scale *= tie / TIE
        with np.errstate(invalid="ignore"):
            least = logits.max(axis=-1) - scale
        known = np.isfinite(least)
        first = (logits >= np.where(known, least, 0.0)[:, None]).argmax(axis=-1)
        return np.where(known, first, logits.argmax(axis=-1))
    numbers = readout.numbers
    real = np.flatnonzero(~np.isnan(numbers))
    order = real[np.argsort(numbers[real], kind="stable")]
    middles = (numbers[order][1:] + numbers[order][:-1]) / 2
    found = order[np.searchsorted(middles, logits[:, 0] - scale)]
    if readout.kind == "nullable":
        none = int(np.flatnonzero(np.isnan(numbers))[0])
        found = np.where(logits[:, 1] > scale, none, found)
    return found
