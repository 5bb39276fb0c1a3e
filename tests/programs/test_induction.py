"""The programs of `programs/induction.py` against plain Python."""

from __future__ import annotations

from typing import Any

import pytest

from programs import induction as module
from tests import oracle
from tests.programs.check import check_against_reference, inputs_of


def latest_copy(x: list[Any], i: int) -> int | None:
    for j in reversed(range(i)):
        if x[j] == x[i]:
            return j
    return None


def induction(x: list[Any]) -> list[Any]:
    found = [latest_copy(x, i) for i in range(len(x))]
    return [None if j is None else x[j + 1] for j in found]


def induction_first_match(x: list[Any]) -> list[Any]:
    return [x[x.index(v) + 1] if v in x[:i] else None for i, v in enumerate(x)]


def anti_induction(x: list[Any]) -> list[Any]:
    found = [latest_copy(x, i) for i in range(len(x))]
    return [x[j - 1] if j else None for j in found]


def induction_bigram_match(x: list[Any]) -> list[Any]:
    result = []
    for i in range(len(x)):
        ends = [j for j in range(1, i) if x[j - 1 : j + 1] == x[i - 1 : i + 1]]
        result.append(x[ends[-1] + 1] if ends else None)
    return result


def k_hop_induction(x: list[Any], k: int = 2) -> list[Any]:
    result = []
    for start in range(len(x)):
        place: int | None = start
        for _ in range(k):
            copy = None if place is None else latest_copy(x, place)
            place = None if copy is None else copy + 1
        result.append(None if place is None else x[place])
    return result


def associative_recall(x: list[Any]) -> list[Any]:
    memory: dict[str, str] = {}
    result: list[Any] = []
    for i, token in enumerate(x):
        result.append(memory.get(token) if i % 2 == 0 else None)
        if i % 2 == 1:
            memory[x[i - 1]] = token
    return result


def key_value_lookup(x: list[Any]) -> list[Any]:
    memory: dict[str, int] = {}
    result: list[Any] = []
    for key, value in x:
        result.append(memory.get(key) if value == "?" else None)
        if value != "?":
            memory[key] = value
    return result


REFERENCES = {
    "induction": induction,
    "induction_first_match": induction_first_match,
    "anti_induction": anti_induction,
    "induction_bigram_match": induction_bigram_match,
    "k_hop_induction": k_hop_induction,
    "associative_recall": associative_recall,
    "key_value_lookup": key_value_lookup,
}


@pytest.mark.parametrize("name", REFERENCES)
def test_program_is_its_reference(name: str) -> None:
    check_against_reference(getattr(module, name), REFERENCES[name])


@pytest.mark.parametrize("k", [1, 3])
def test_k_hop_induction_takes_k_hops(k: int) -> None:
    expression = module.k_hop_induction.with_parameters(k=k).build()
    for tokens in inputs_of(module.k_hop_induction):
        found = oracle.evaluate(expression, tokens)
        assert found == k_hop_induction(list(tokens), k), tokens
