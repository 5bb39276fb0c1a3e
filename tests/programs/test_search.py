"""The programs of `programs/search.py` against plain Python."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import pytest

from programs import search
from tests.programs.check import check_against_reference


def previous_copy(x: list[Any], i: int) -> int | None:
    return max((j for j in range(i) if x[j] == x[i]), default=None)


def next_copy(x: list[Any], i: int) -> int | None:
    return min((j for j in range(i + 1, len(x)) if x[j] == x[i]), default=None)


def distance_to_previous_occurrence(x: list[Any]) -> list[int | None]:
    places = [previous_copy(x, i) for i in range(len(x))]
    return [None if p is None else i - p for i, p in enumerate(places)]


def last_index(x: list[Any], token: Any) -> int | None:
    return len(x) - 1 - x[::-1].index(token) if token in x else None


def match_three(x: list[int]) -> list[bool]:
    sums = {(a + b) % 10 for a, b in itertools.product(x, repeat=2)}
    return [-v % 10 in sums for v in x]


def missing_duplicate(x: list[int]) -> list[int]:
    body = x[:-1] if len(x) % 2 else x
    half = len(body) // 2
    pair = next(p for p in zip(body[:half], body[half:], strict=True) if 2 in p)
    return [min(pair)] * len(x)


REFERENCES = {
    "contains_token": lambda x: ["e" in x] * len(x),
    "has_seen_token": lambda x: ["a" in x[: i + 1] for i in range(len(x))],
    "is_duplicate": lambda x: [v in x[:i] for i, v in enumerate(x)],
    "is_first_occurrence": lambda x: [x.index(v) == i for i, v in enumerate(x)],
    "is_last_occurrence": lambda x: [v not in x[i + 1 :] for i, v in enumerate(x)],
    "previous_occurrence_position": lambda x: [
        previous_copy(x, i) for i in range(len(x))
    ],
    "next_occurrence_position": lambda x: [next_copy(x, i) for i in range(len(x))],
    "first_occurrence_position": lambda x: [x.index(v) for v in x],
    "distance_to_previous_occurrence": distance_to_previous_occurrence,
    "first_index_of": lambda x: [x.index("l") if "l" in x else None] * len(x),
    "last_index_of": lambda x: [last_index(x, "l")] * len(x),
    "first_equals_last": lambda x: [x[0] == x[-1]] * len(x),
    "all_equal": lambda x: [len(set(x)) == 1] * len(x),
    "has_duplicate": lambda x: [max(Counter(x).values()) > 1] * len(x),
    "match_two": lambda x: [any((v + w) % 10 == 0 for w in x) for v in x],
    "match_three": match_three,
    "missing_duplicate": missing_duplicate,
}

WRITTEN_TWICE = [
    (*word[:k], 2, *word[k + 1 :], *word, *pad)
    for n in range(1, 5)
    for word in itertools.product((0, 1), repeat=n)
    for k in range(n)
    for pad in ([], [3])
    if 2 * n + len(pad) <= search.missing_duplicate.max_len
]


@pytest.mark.parametrize("name", REFERENCES)
def test_program_is_its_reference(name: str) -> None:
    check_against_reference(getattr(search, name), REFERENCES[name])


def test_missing_duplicate_finds_the_bit_in_either_half() -> None:
    assert all(map(search.is_doubled_with_a_gap, WRITTEN_TWICE))
    swapped = [(*x[4:8], *x[:4]) for x in WRITTEN_TWICE if len(x) == 8]
    program = search.missing_duplicate
    check_against_reference(program, missing_duplicate, WRITTEN_TWICE + swapped)
