"""From logits to values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Int

from compiler.errors import InputError
from compiler.rasp.values import Value


@dataclass(frozen=True)
class Readout:
    """How logits are turned into values.

    Attributes:
        kind: `classes` (one logit a value; the largest wins), `number` (one logit
            that is the value) or `nullable` (a second logit is positive for None).
        values: the output's domain, in the order of the classes.
    """

    kind: Literal["classes", "number", "nullable"]
    values: tuple[Value, ...]

    @property
    def size(self) -> int:
        """How many logits there are."""
        return {"classes": len(self.values), "number": 1, "nullable": 2}[self.kind]

    def stands_for_tokens(self, vocab: Sequence[Value], d_vocab: int) -> bool:
        """Return whether each logit stands for the token of the same id.

        That is so for language models: their values are the vocabulary, then BOS and
        PAD, which are never right.

        Args:
            vocab: the tokens, in the order of their ids.
            d_vocab: number of token ids, BOS and PAD included.
        """
        if self.kind != "classes" or self.size != d_vocab or not vocab:
            return False
        return self.values[: len(vocab)] == tuple(vocab)

    @property
    def numbers(self) -> Float[np.ndarray, " value"]:
        """The values as numbers; NaN for None."""
        return np.array([np.nan if v is None else float(v) for v in self.values])


def decode_indices(
    readout: Readout, logits: Float[Any, "*batch class"]
) -> Int[np.ndarray, "*batch"]:
    """Return the index in `readout.values` that each row of logits stands for."""
    logits = np.asarray(logits)
    if readout.kind == "classes":
        return logits.argmax(axis=-1)
    numbers = readout.numbers
    real = np.flatnonzero(~np.isnan(numbers))
    order = real[np.argsort(numbers[real])]
    ordered = numbers[order]
    middles = (ordered[1:] + ordered[:-1]) / 2
    nearest = order[np.searchsorted(middles, logits[..., 0])]
    if readout.kind == "nullable":
        none = int(np.flatnonzero(np.isnan(numbers))[0])
        nearest = np.where(logits[..., 1] > 0, none, nearest)
    return nearest


def decode_logits(readout: Readout, logits: Float[Any, "seq class"]) -> list[Value]:
    """Return the value that each row of logits stands for.

    Numbers come as the nearest value of the domain: an int, or a float.
    """
    values = [readout.values[i] for i in decode_indices(readout, logits)]
    return [plain(v) for v in values]


def check_logits(readout: Readout, logits: Any) -> Float[np.ndarray, "seq class"]:
    """Return the logits of one sequence that somebody gave, as an array.

    Raises:
        InputError: they are no numbers, NaN, of another shape, or of another model.
    """
    array = np.asarray(logits)
    shape = f"[position, {readout.size}]"
    if array.ndim != 2 or array.shape[1] != readout.size:
        raise InputError(
            f"the logits have the shape {list(array.shape)}, expected {shape}: those "
            "of one sequence, a row a position"
        )
    if array.dtype.kind not in "fiu" and array.dtype.name != "bfloat16":
        raise InputError(f"the logits are {array.dtype} values; give numbers {shape}")
    if np.isnan(array.astype(np.float32)).any():
        raise InputError("the logits hold NaN, which stands for no value")
    return array


def plain(value: Value) -> Value:
    """Return a value as it is shown: a fraction as a float."""
    return value if isinstance(value, bool | int | str | tuple | None) else float(value)
