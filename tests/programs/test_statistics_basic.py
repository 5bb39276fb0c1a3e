"""The programs of `programs/statistics_basic.py` against plain Python."""

from __future__ import annotations

from fractions import Fraction
from itertools import accumulate
from typing import Any

import pytest

from programs import statistics_basic
from tests.programs.check import check_against_reference


def prefixes(x: list[Any]) -> list[list[Any]]:
    return [x[:n] for n in range(1, len(x) + 1)]


def with_previous(x: list[int], start: int) -> list[tuple[int, int]]:
    return list(zip([start, *x[:-1]], x, strict=True))


REFERENCES = {
    "total_sum": lambda x: [sum(x)] * len(x),
    "cumulative_sum": lambda x: list(accumulate(x)),
    "mean": lambda x: [Fraction(sum(x), len(x))] * len(x),
    "running_mean": lambda x: [Fraction(sum(p), len(p)) for p in prefixes(x)],
    "running_dot_product": lambda x: list(accumulate(a * b for a, b in x)),
    "difference_from_previous": lambda x: [b - a for a, b in with_previous(x, x[0])],
    "first_difference": lambda x: [b - a for a, b in with_previous(x, 0)],
    "absolute_difference": lambda x: [
        max(a, b) - min(a, b) for a, b in with_previous(x, 0)
    ],
    "difference_of_absolute": lambda x: [
        max(b, -b) - max(a, -a) for a, b in with_previous(x, 0)
    ],
    "is_multiple_of_first": lambda x: [x[0] > 0 and v % x[0] == 0 for v in x],
}


@pytest.mark.parametrize("name", REFERENCES)
def test_program_is_its_reference(name: str) -> None:
    programs = {"mean": statistics_basic.average}
    program = programs.get(name) or getattr(statistics_basic, name)
    check_against_reference(program, REFERENCES[name])
