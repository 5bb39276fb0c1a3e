"""The programs of `programs/indexing.py` against plain Python."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from programs import indexing
from tests import oracle
from tests.programs.check import check_against_reference, inputs_of


def keep_where(x: list[int], test: Any) -> list[int]:
    return [v if test(i) else 0 for i, v in enumerate(x)]


def double_first_half(x: list[int]) -> list[int]:
    middle = (len(x) + 1) // 2
    return [v + v for v in x[:middle]] + x[middle:]


def halve_second_half(x: list[int]) -> list[int | Fraction]:
    middle = len(x) // 2
    return x[:middle] + [Fraction(v, 2) for v in x[middle:]]


def one_hot_encode_first(x: list[int]) -> list[int]:
    result = [0] * len(x)
    if x[0] < len(x):
        result[x[0]] = 1
    return result


def one_hot_decode(x: list[int]) -> list[Fraction | None]:
    ones = [i for i, v in enumerate(x) if v]
    return [Fraction(sum(ones), len(ones)) if ones else None] * len(x)


def chase(x: list[int], pointers: int) -> list[int | None]:
    result = []
    for token in x:
        for _ in range(pointers):
            token = x[token] if token is not None and token < len(x) else None
        result.append(token)
    return result


REFERENCES = {
    "length": lambda x: [len(x)] * len(x),
    "index": lambda x: list(range(len(x))),
    "position": lambda x: list(range(1, len(x) + 1)),
    "index_parity": lambda x: ([0, 1] * len(x))[: len(x)],
    "index_mod": lambda x: ([0, 1, 2] * len(x))[: len(x)],
    "index_from_end": lambda x: list(range(len(x)))[::-1],
    "alternate_with_index": lambda x: [i if i % 2 else v for i, v in enumerate(x)],
    "mask_except_index": lambda x: keep_where(x, lambda i: i == 1),
    "zero_every_third": lambda x: keep_where(x, lambda i: (i + 1) % 3),
    "zero_even_indices": lambda x: keep_where(x, lambda i: i % 2),
    "add_index": lambda x: [i + v for i, v in enumerate(x)],
    "increment_odd_indices": lambda x: [v + i % 2 for i, v in enumerate(x)],
    "double_minus_index": lambda x: [v + v - i for i, v in enumerate(x)],
    "double_first_half": double_first_half,
    "halve_second_half": halve_second_half,
    "one_hot_encode_first": one_hot_encode_first,
    "one_hot_decode": one_hot_decode,
    "pointer_lookup": lambda x: chase(x, 1),
    "pointer_chase": lambda x: chase(x, 2),
}


@pytest.mark.parametrize("name", REFERENCES)
def test_program_is_its_reference(name: str) -> None:
    programs = {"length": indexing.sequence_length}
    program = programs.get(name) or getattr(indexing, name)
    check_against_reference(program, REFERENCES[name])


@pytest.mark.parametrize("k", [1, 4])
def test_pointer_chase_follows_k_pointers(k: int) -> None:
    expression = indexing.pointer_chase.with_parameters(k=k).build()
    for tokens in inputs_of(indexing.pointer_chase):
        assert oracle.evaluate(expression, tokens) == chase(list(tokens), k), tokens
