"""What a variable can hold: exact values, and which of them at which position.

A domain is an inference, never a sample: a value that the program can reach is in
it. It is kept by position because `indices` and `length` are: at position i the
length is at least i + 1. Everything later is indices into `values`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compiler.rasp.values import Value, canonical, is_number, sort_key, unify_booleans

UNDEFINED_INDEX = -1


@dataclass(frozen=True, eq=False)
class Domain:
    """The values of one variable.

    Attributes:
        values: distinct, in the order of `sort_key` (tokens: the vocabulary's order).
        mask: [max_len, values] whether a value is possible at a position.
    """

    values: tuple[Value, ...]
    mask: NDArray[np.bool_]

    def __post_init__(self) -> None:
        assert self.mask.shape[1] == len(self.values) > 0
        self.mask.setflags(write=False)

    @property
    def size(self) -> int:
        """How many values there are."""
        return len(self.values)

    @property
    def numeric(self) -> bool:
        """Whether every value is a number or a boolean."""
        return all(is_number(v) for v in self.values)

    @property
    def boolean(self) -> bool:
        """Whether every value is a boolean."""
        return all(isinstance(v, bool) for v in self.values)

    def index(self, value: Value) -> int:
        """Return the index of a value, -1 if it is not in the domain."""
        if is_number(value) and not isinstance(value, bool) and self.boolean:
            return UNDEFINED_INDEX
        for i, known in enumerate(self.values):
            if known == value and (
                isinstance(known, bool) == isinstance(value, bool) or not self.boolean
            ):
                return i
        return UNDEFINED_INDEX

    def numbers(self) -> NDArray[np.float64]:
        """Return the values as floats; the domain must be numeric."""
        return np.array([float(v) for v in self.values], dtype=np.float64)


def collect(values: Iterable[Value]) -> tuple[tuple[Value, ...], list[int]]:
    """Return the distinct values, sorted, and the index of each given value."""
    items = [canonical(v) for v in values]
    if unify_booleans(items):
        items = [int(v) if isinstance(v, bool) else v for v in items]
    distinct = sorted(set(items), key=sort_key)
    place = {v: i for i, v in enumerate(distinct)}
    return tuple(distinct), [place[v] for v in items]


def tokens_domain(vocab: Sequence[Value], max_len: int) -> Domain:
    """Return the domain of the tokens: any of them anywhere."""
    return Domain(tuple(vocab), np.ones((max_len, len(vocab)), dtype=bool))


def indices_domain(max_len: int) -> Domain:
    """Return the domain of the positions: one value each."""
    return Domain(tuple(range(max_len)), np.eye(max_len, dtype=bool))


def length_domain(max_len: int) -> Domain:
    """Return the domain of the length: at position i, from i + 1 to max_len."""
    lengths = np.arange(1, max_len + 1)
    return Domain(
        tuple(int(n) for n in lengths), lengths[None, :] > np.arange(max_len)[:, None]
    )


def constant_domain(value: Value, max_len: int) -> Domain:
    """Return the domain of a constant."""
    return Domain((value,), np.ones((max_len, 1), dtype=bool))


def possible(domains: Sequence[Domain]) -> NDArray[np.bool_]:
    """Return which combinations of values can meet at some position.

    Args:
        domains: those of k variables, of sizes d1 .. dk.

    Returns:
        [d1, .., dk] booleans.
    """
    count = len(domains)
    shape = tuple(d.size for d in domains)
    result = np.zeros(shape, dtype=bool)
    for i, *_ in alike_rows(*(d.mask for d in domains)):
        here = np.ones((1,) * count, dtype=bool)
        for axis, domain in enumerate(domains):
            view = [1] * count
            view[axis] = domain.size
            here = here & domain.mask[i].reshape(view)
        result |= here
    return result


def image(
    domains: Sequence[Domain], table: NDArray[np.integer], size: int
) -> NDArray[np.bool_]:
    """Return [position, result] which results of a table there can be at a position.

    Args:
        domains: of the arguments.
        table: [d1, .., dk] results, -1 where there is none.
        size: how many results there are.
    """
    mask = np.zeros((len(domains[0].mask), size), dtype=bool)
    # The variable that differs most from position to position is left to a product of
    # matrices, and the positions that agree in all others are taken together.
    last = max(range(len(domains)), key=lambda k: len(alike_rows(domains[k].mask)))
    others = [domain.mask for k, domain in enumerate(domains) if k != last]
    cells_by_last = np.moveaxis(table, last, -1)
    for positions in alike_rows(*others) if others else [list(range(len(mask)))]:
        values = (np.flatnonzero(other[positions[0]]) for other in others)
        index = np.ix_(*values) if others else ()
        cells = cells_by_last[index].reshape(-1, domains[last].size)
        found, value = np.nonzero(cells >= 0)
        leads_to = np.zeros((domains[last].size, size), np.float32)
        leads_to[value, cells[found, value]] = 1
        mask[positions] = (
            domains[last].mask[positions].astype(np.float32) @ leads_to > 0
        )
    return mask


def alike_rows(*masks: NDArray[np.bool_]) -> list[list[int]]:
    """Return the numbers of rows in groups: those of one group agree in every mask."""
    groups: dict[tuple[bytes, ...], list[int]] = {}
    for number, rows in enumerate(zip(*masks, strict=True)):
        groups.setdefault(tuple(row.tobytes() for row in rows), []).append(number)
    return list(groups.values())
