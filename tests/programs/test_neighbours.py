"""The programs of `programs/neighbours.py` against plain Python."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from programs import neighbours
from tests.programs.check import check_against_reference


def inner(x: list[Any], test: Any, ends: Any) -> list[Any]:
    """Return test(before, token, after) inside, and `ends` at both ends."""
    middle = [test(*x[i - 1 : i + 2]) for i in range(1, len(x) - 1)]
    return [ends] if len(x) == 1 else [ends, *middle, ends]


def trend(x: list[int]) -> list[str | None]:
    words = {-1: "decreasing", 0: "constant", 1: "increasing"}
    steps = [b - a for a, b in pairwise(x)]
    return [words[(s > 0) - (s < 0)] for s in steps] + [None]


def alternating_last_k(x: list[int], k: int = 3) -> list[bool]:
    padded = [0] * (k - 1) + x
    windows = [padded[i : i + k] for i in range(len(x))]
    return [all(w[j] + w[j + 1] == 1 for j in range(k - 1)) for w in windows]


REFERENCES = {
    "equals_k_before": lambda x: [i > 0 and x[i - 1] == v for i, v in enumerate(x)],
    "one_if_equal_to_next": lambda x: [
        1 if v == x[(i + 1) % len(x)] else v for i, v in enumerate(x)
    ],
    "token_boundary": lambda x: [
        None if i == 0 else x[i - 1] != v for i, v in enumerate(x)
    ],
    "drop_consecutive_duplicates": lambda x: [
        v if i and x[i - 1] != v else None for i, v in enumerate(x)
    ],
    "trend": trend,
    "is_local_extremum_or_turn": lambda x: inner(
        x, lambda a, b, c: (b > a) is not (c > b), None
    ),
    "is_local_maximum": lambda x: inner(x, lambda a, b, c: b > max(a, c), False),
    "differs_from_neighbors": lambda x: inner(
        x, lambda a, b, c: a != b and b != c, None
    ),
    "alternating_last_k": alternating_last_k,
    "last_two_equal": lambda x: [len(x) > 1 and len(set(x[-2:])) == 1] * len(x),
}


@pytest.mark.parametrize("name", REFERENCES)
def test_program_is_its_reference(name: str) -> None:
    check_against_reference(getattr(neighbours, name), REFERENCES[name])
