"""How a variable's values stand in the residual stream: one row a value.

A code is [values, rank]: one-hot (the identity), or one number. What another
component may read from it is any affine function of the row; two values need one
direction only, whatever they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compiler.ir.domain import Domain
from compiler.rasp.values import is_number

Floats = NDArray[np.float64]

# What float32 and the softmax leave on a value that an attention head writes,
# relative to its size; measured over all programs, with some room.
HEAD_NOISE = 2.5e-7


@dataclass(frozen=True, eq=False)
class Code:
    """The rows of one variable.

    Attributes:
        rows: [values, rank].
        noise: [values] absolute error of the number that is really there.
    """

    rows: Floats
    noise: Floats

    @property
    def rank(self) -> int:
        """How many directions the variable takes."""
        return self.rows.shape[1]

    @property
    def free(self) -> bool:
        """Whether every function of the value is an affine function of its row."""
        size, rank = self.rows.shape
        return size == 1 or rank == size or (size == 2 and rank == 1)

    @property
    def gap(self) -> float:
        """The least distance of two values of a code of one number."""
        rows = np.sort(self.rows[:, 0])
        return float(np.diff(rows).min()) if len(rows) > 1 else np.inf


def one_hot(size: int) -> Code:
    """Return the code of `size` values: none for one, a number for two."""
    if size == 1:
        return Code(np.zeros((1, 0)), np.zeros(1))
    if size == 2:
        return Code(np.array([[0.0], [1.0]]), np.zeros(2))
    return Code(np.eye(size), np.zeros(size))


def number(values: Floats, noise: float = 0.0) -> Code:
    """Return the code of one direction; `noise` is relative to each value's size."""
    return Code(values[:, None].astype(np.float64), np.abs(values) * noise)


def natural_numbers(domain: Domain) -> Floats:
    """Return a number a value: itself; None and others get places below and above."""
    numbers = [float(v) for v in domain.values if is_number(v)]
    if len(numbers) == domain.size:
        return np.array(numbers)
    if not numbers or len(numbers) < domain.size - 1:
        return np.arange(domain.size, dtype=np.float64)
    # One value that is no number (None, first in order) goes one step below.
    spread = max(numbers) - min(numbers) if len(numbers) > 1 else 1.0
    step = max(1.0, spread / 4)
    return np.array(
        [float(v) if is_number(v) else min(numbers) - step for v in domain.values]
    )


@dataclass(frozen=True, eq=False)
class Affine:
    """An affine function of a row: row @ matrix + bias.

    Attributes:
        matrix: [rank, dims].
        bias: [dims].
    """

    matrix: Floats
    bias: Floats

    def __call__(self, row: Floats) -> Floats:
        """Return the function of one row, or of several."""
        return row @ self.matrix + self.bias


def affine(rows: Floats, target: Floats) -> Affine | None:
    """Return the function with rows @ matrix + bias = target, None if there is none.

    The one-hot code needs no bias.
    """
    size, rank = rows.shape
    if rank == size and np.array_equal(rows, np.eye(size)):
        return Affine(target.astype(np.float64), np.zeros(target.shape[1]))
    if target.shape[1] == 0:
        return Affine(np.zeros((rank, 0)), np.zeros(0))
    if rank == 0:
        return Affine(np.zeros((0, target.shape[1])), target[0]) if size == 1 else None
    if rank == 1:
        return _affine_number(rows[:, 0], target)
    design = np.concatenate([rows, np.ones((size, 1))], axis=1)
    solution = np.linalg.lstsq(design, target, rcond=None)[0]
    if np.abs(design @ solution - target).max() > 1e-9 * (1 + np.abs(target).max()):
        return None
    return Affine(*(np.asarray(s, np.float64) for s in (solution[:-1], solution[-1])))


def _affine_number(row: Floats, target: Floats) -> Affine | None:
    low, high = int(row.argmin()), int(row.argmax())
    if low == high:
        flat = not np.ptp(target, axis=0).any()
        return Affine(np.zeros((1, target.shape[1])), target[0]) if flat else None
    slope = (target[high] - target[low]) / (row[high] - row[low])
    bias = target[low] - row[low] * slope
    error = np.abs(row[:, None] * slope + bias - target).max()
    if error > 1e-9 * (1 + np.abs(target).max()):
        return None
    return Affine(slope[None, :], bias)
