"""The programs of `programs/shifting.py` against plain Python."""

from __future__ import annotations

from typing import Any

import pytest

from compiler.rasp import Program
from programs import shifting
from tests import oracle
from tests.programs.check import check_against_reference, inputs_of


def swap_at_indices(x: list[Any], a: int = 1, b: int = 3) -> list[Any]:
    padded, result = [*x, *[None] * (a + b)], list(x)
    padded[a], padded[b] = padded[b], padded[a]
    return padded[: len(result)]


def swap_pairs(x: list[Any]) -> list[Any]:
    result: list[Any] = []
    for k in range(0, len(x), 2):
        result += x[k : k + 2][::-1]
    return result


def insert_zeros(x: list[Any]) -> list[Any]:
    return [v for token in x for v in (token, 0)][: len(x)]


REFERENCES = {
    "identity": list,
    "reverse": lambda x: x[::-1],
    "shift_right": lambda x: [None, *x[:-1]],
    "shift_left": lambda x: [*x[1:], None],
    "rotate_left": lambda x: x[1:] + x[:1],
    "rotate_right": lambda x: x[-1:] + x[:-1],
    "broadcast_first": lambda x: x[:1] * len(x),
    "broadcast_second": lambda x: (x[1:2] or [None]) * len(x),
    "broadcast_kth": lambda x: (x[2:3] or [None]) * len(x),
    "broadcast_last": lambda x: x[-1:] * len(x),
    "broadcast_middle": lambda x: [x[len(x) // 2]] * len(x),
    "last_element_first": lambda x: [x[-1]] + [0] * (len(x) - 1),
    "swap_at_indices": swap_at_indices,
    "swap_adjacent_pairs": swap_pairs,
    "swap_odd_pairs": lambda x: x[:1] + swap_pairs(x[1:]),
    "insert_zeros": insert_zeros,
    "duplicate_each_token": lambda x: [v for v in x for _ in "12"][: len(x)],
    "block_first": lambda x: [v for v in x[::3] for _ in "123"][: len(x)],
}


@pytest.mark.parametrize("name", REFERENCES)
def test_program_is_its_reference(name: str) -> None:
    check_against_reference(getattr(shifting, name), REFERENCES[name])


@pytest.mark.parametrize("program", [shifting.rotate_left, shifting.rotate_right])
def test_rotation_by_more_than_the_length_goes_round_again(program: Program) -> None:
    expression = program.with_parameters(k=5).build()
    for tokens in inputs_of(program):
        k = 5 % len(tokens) * (1 if program.name == "rotate_left" else -1)
        assert oracle.evaluate(expression, tokens) == [*tokens[k:], *tokens[:k]]


def test_shift_fills_what_has_no_source() -> None:
    right = shifting.shift_right.with_parameters(k=2, fill=0).build()
    left = shifting.shift_left.with_parameters(k=2, fill="-").build()
    assert oracle.evaluate(right, "abc") == [0, 0, "a"]
    assert oracle.evaluate(left, "abc") == ["c", "-", "-"]
