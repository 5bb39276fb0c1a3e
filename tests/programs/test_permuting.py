"""The programs of `programs/permuting.py` against plain Python."""

from __future__ import annotations

from typing import Any

import pytest

from programs import permuting
from tests.programs.check import check_against_reference


def swap_first_last(x: list[Any]) -> list[Any]:
    return x if len(x) == 1 else [x[-1], *x[1:-1], x[0]]


def flip_halves(x: list[Any]) -> list[Any]:
    h = len(x) // 2
    return x[len(x) - h :] + x[h : len(x) - h] + x[:h]


def mirror_first_half(x: list[Any]) -> list[Any]:
    kept = x[: (len(x) + 1) // 2]
    return kept + kept[: len(x) // 2][::-1]


def interleave_reverse(x: list[Any]) -> list[Any]:
    result = list(x)
    result[1::2] = x[1::2][::-1]
    return result


def perfect_shuffle(x: list[Any]) -> list[Any]:
    result = list(x)
    middle = (len(x) + 1) // 2
    result[::2], result[1::2] = x[:middle], x[middle:]
    return result


def copy_first_half(x: list[Any]) -> list[Any]:
    half = x[: len(x) // 2]
    return half + half + [None] * (len(x) % 2)


def product_of_halves(x: list[int]) -> list[int]:
    n = len(x)
    pairs = zip(x[: (n + 1) // 2], x[n // 2 :], strict=True)
    return [a * b for a, b in pairs for _ in "12"][:n]


def halves(x: list[Any]) -> tuple[list[Any], list[Any]]:
    return x[: len(x) // 2], x[len(x) // 2 :]


REFERENCES = {
    "swap_first_last": swap_first_last,
    "flip_halves": flip_halves,
    "mirror_first_half": mirror_first_half,
    "interleave_reverse": interleave_reverse,
    "reverse_first_half": lambda x: halves(x)[0][::-1] + halves(x)[1],
    "reverse_second_half": lambda x: halves(x)[0] + halves(x)[1][::-1],
    "odds_first": lambda x: x[::2] + x[1::2],
    "perfect_shuffle": perfect_shuffle,
    "copy_first_half": copy_first_half,
    "product_of_halves": product_of_halves,
}


@pytest.mark.parametrize("name", REFERENCES)
def test_program_is_its_reference(name: str) -> None:
    check_against_reference(getattr(permuting, name), REFERENCES[name])
