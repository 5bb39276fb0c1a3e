"""Descriptions that are run: the right one gets 1, and what knows nothing gets 0."""

from __future__ import annotations

import itertools
import json
from typing import Any

import numpy as np
import pytest

import zoo
from compiler.errors import InputError, NameLookupError
from compiler.model import Model
from compiler.rasp import EQ, LT, Select, SelectorWidth, indices, tokens
from zoo.claims.renaming import compare_values, shared_information
from zoo.claims.substitution import choose_partners

Tokens = list[Any]


@pytest.fixture(scope="module")
def model() -> Model:
    return zoo.compile("sort", ["a", "b", "c"], 4)


def rank(row: Tokens) -> list[int]:
    return [
        sum(u < v or (u == v and j < i) for j, u in enumerate(row))
        for i, v in enumerate(row)
    ]


def score(model: Model, claim: Any, **options: Any):
    options = {"pairs": 200, **options}
    return zoo.score_description(model, "target_index", claim, **options)


def rasp() -> Any:
    earlier = Select(tokens, tokens, EQ) & Select(indices, indices, LT)
    return SelectorWidth(Select(tokens, tokens, LT) | earlier)


TEXT = """
earlier = select(tokens, tokens, ==) and select(indices, indices, <);
rank = selector_width(select(tokens, tokens, <) or earlier);
"""


@pytest.mark.parametrize("kind", ["function", "table", "expression", "text"])
def test_a_right_description_gets_one_however_it_is_given(
    model: Model, kind: str
) -> None:
    every = [w for n in range(1, 5) for w in itertools.product("abc", repeat=n)]
    claims = {
        "function": rank,
        "table": {word: rank(list(word)) for word in every},
        "expression": rasp(),
        "text": TEXT,
    }
    report = score(model, claims[kind])
    assert report.complete
    values, effects = report.values["claimed"], report.effects["claimed"]
    assert values.same.share == values.renamed.share == 1
    assert values.gained == values.information == 1
    assert effects.program.share == effects.model.share == 1
    assert effects.cause is not None and effects.cause.share == 1
    assert report.counterexamples == ()


def test_the_names_of_values_do_not_matter(model: Model) -> None:
    found = score(model, lambda row: [f"v{(r * 7) % 5}" for r in rank(row)])
    assert found.values["claimed"].renamed.share == 1
    assert found.values["claimed"].same.share == 0
    assert found.effects["claimed"].program.share == 1


CHEATS = {
    "constant": lambda row: [0] * len(row),
    "output": lambda row: sorted(row),
    "memorised": lambda row: [f"{''.join(row)}{i}" for i in range(len(row))],
    "position": lambda row: list(range(len(row))),
    "token": lambda row: list(row),
    "random": lambda row: np.random.default_rng(len(row)).integers(4, size=len(row)),
}


@pytest.mark.parametrize("name", sorted(CHEATS))
def test_a_claim_without_knowledge_wins_nothing(model: Model, name: str) -> None:
    report = score(model, CHEATS[name])
    found = report.values["claimed"]
    assert found.gained < 0.6
    assert found.information < 0.5
    assert report.effects["claimed"].program.share < 0.8
    assert {c.what for c in report.counterexamples} == {"values", "substitution"}


def test_memorising_some_examples_wins_little(model: Model) -> None:
    words = [tuple("abca"), tuple("cba"), tuple("ab")]
    report = score(model, {word: rank(list(word)) for word in words})
    assert report.values["claimed"].renamed.share < 0.1
    assert report.effects["claimed"].model.share < 0.1


def test_the_controls_are_at_chance_and_the_oracle_at_one(model: Model) -> None:
    report = score(model, rank)
    assert report.values["oracle"].gained == 1
    assert abs(report.values["shuffled"].gained) < 0.1
    assert report.values["constant"].gained == pytest.approx(0, abs=1e-9)
    assert report.values["constant"].information == 0


def test_a_counterexample_is_wrong_where_it_says(model: Model) -> None:
    coarse = score(model, lambda row: [sum(u < v for u in row) for v in row])
    first = next(c for c in coarse.counterexamples if c.what == "values")
    assert rank(list(first.tokens))[first.position] == first.true
    other = next(c for c in coarse.counterexamples if c.what == "substitution")
    assert other.donor is not None and other.claimed != other.true


def test_information_is_that_of_independent_and_of_equal_variables() -> None:
    one = np.repeat([0, 1], 50)
    assert shared_information(one, one) == pytest.approx(1)
    assert shared_information(one, np.tile([0, 1], 50)) == pytest.approx(0)
    assert shared_information(one, np.arange(100)) < 0.2


def test_a_renaming_is_one_to_one() -> None:
    true = np.array([[0, 1, 2, 0]] * 30)
    found = compare_values(true, (0, 1, 2), np.array([[1, 0, 0, 1]] * 30), ("x", "y"))
    assert found.names.tolist() == [1, 0] or found.names.tolist() == [2, 0]
    assert found.renamed.share == 0.75


def test_partners_have_the_same_value_in_another_input() -> None:
    held = np.array([[-1, 0, 1], [-1, 0, 2], [-1, 1, 1]])
    live = held >= 0
    rows, places, known = choose_partners(held, live, np.random.default_rng(0))
    assert (held[rows, places] == held)[known].all()
    assert (rows != np.arange(3)[:, None])[known].all()
    assert not known[1, 2] and known[0, 1]


def test_tokens_without_a_value_are_not_patched() -> None:
    # In a prompt of this task the variable has no value yet.
    options: dict[str, int] = {"inputs": 200, "pairs": 20}
    found = zoo.score_description("sort-llama", "a0.h3", lambda r: list(r), **options)
    assert found.effects["oracle"].model.share > 0.95
    assert found.effects["claimed"].model.share < 0.6


def test_a_report_is_text_and_json(model: Model) -> None:
    report = score(model, CHEATS["token"])
    assert max(map(len, report.text.splitlines())) <= 80
    read = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert read["variable"] == "target_index" and read["kind"] == "function"


def test_mistakes_are_told(model: Model) -> None:
    def endless(row: Tokens) -> Tokens:
        while True:
            pass

    for claim, words in (
        (3, "expected a function"),
        (lambda row: [0], "found 1 values, expected 2"),
        (lambda row: 1 / 0, "ZeroDivisionError"),
        (lambda row: [object()] * len(row), "a value is None"),
    ):
        with pytest.raises(InputError, match=words):
            score(model, claim)
    with pytest.raises(InputError, match="stopped after"):
        score(model, endless, seconds=0.2)
    with pytest.raises(InputError, match="pairs is 0"):
        score(model, rank, pairs=0)
    with pytest.raises(NameLookupError, match="'m0'"):
        zoo.score_description(model, "m00", rank)
    with pytest.raises(InputError, match="computes no variable"):
        zoo.score_description("sort-siit", "m1", rank, inputs=50)
    with pytest.raises(ValueError, match="RASP text"):
        score(model, "x = selec(tokens, tokens, ==);")
