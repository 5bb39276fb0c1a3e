"""Programs that are said to be a model's: behaviour, sites, size."""

from __future__ import annotations

import json
from typing import Any

import pytest

import zoo
from compiler.errors import InputError, NameLookupError, ZooError
from compiler.model import Model
from compiler.rasp import (
    EQ,
    LT,
    Aggregate,
    Map,
    Select,
    SelectorWidth,
    SequenceMap,
    indices,
    tokens,
)

TEXT = """
earlier = select(tokens, tokens, ==) and select(indices, indices, <);
rank = selector_width(select(tokens, tokens, <) or earlier);
result = aggregate(select(rank, indices, ==), tokens);
"""


@pytest.fixture(scope="module")
def model() -> Model:
    return zoo.compile("sort", ["a", "b", "c"], 4)


def score(model: Model, claim: Any, alignment: Any = None):
    return zoo.score_program(model, claim, alignment, pairs=64)


def test_the_true_program_gets_one_and_its_variables_are_found(model: Model) -> None:
    report = score(model, "sort")
    assert report.behaviour.share == 1 and report.counterexample is None
    assert [m.variable for m in report.matches] == ["target_index"]
    match = report.matches[0]
    assert match.cause is not None and match.cause.share == 1
    assert match.interchange is not None and match.interchange.share == 1
    assert match.control is not None and match.control < 0.5
    assert report.structure == 1
    assert report.size <= report.shortest


def test_text_is_right_on_every_input_and_differs_where_nothing_is_selected(
    model: Model,
) -> None:
    # With a variable set from outside, an aggregate may select nothing: the model
    # then has None, and RASP text has 0.
    report = score(model, TEXT)
    assert report.behaviour.share == 1 and report.counterexample is None
    match = report.matches[0]
    assert (match.claimed, match.node) == ("rank", "m0")
    assert match.cause is not None and 0.8 < match.cause.share < 1


def test_another_program_of_the_same_behaviour_is_told_by_its_variables() -> None:
    # Counting from above gives the same order, by a variable that no site holds.
    after = Select(tokens, tokens, EQ) & Select(indices, indices, LT)
    mirrored = SelectorWidth(Select(tokens, tokens, LT) | after)
    shown = Map(lambda v: (v * 3 + 1) % 5, mirrored).named("odd")
    claim = Aggregate(
        Select(Map(lambda v: (v * 2 + 3) % 5, shown), indices, EQ), tokens
    )
    report = score(zoo.compile("sort", ["a", "b"], 3), claim)
    assert report.size > 2


def test_a_wrong_program_has_a_counterexample(model: Model) -> None:
    report = score(model, "reverse")
    assert report.behaviour.share < 0.7
    wrong = report.counterexample
    assert wrong is not None
    given = list(wrong.tokens)
    assert model(given)[wrong.position] == wrong.true
    assert given[::-1][wrong.position] == wrong.claimed != wrong.true
    assert report.structure < 0.6


def test_a_given_alignment_is_tested_as_it_is(model: Model) -> None:
    right = score(model, "sort", {"target_index": "m0"}).matches[0]
    wrong = score(model, "sort", {"target_index": "a0.h0"}).matches[0]
    assert right.cause is not None and wrong.cause is not None
    assert right.cause.share == 1 and wrong.cause.share < 0.6
    assert (wrong.node, wrong.variable) == ("a0.h0", "target_index.case1")


def test_a_constant_program_gets_what_a_constant_gets(model: Model) -> None:
    report = score(model, Map(lambda _: "b", tokens))
    assert report.behaviour.share <= report.constant + 1e-9
    assert report.constant < 0.5


def test_a_program_that_memorises_all_inputs_has_the_outputs_and_no_variable() -> None:
    model = zoo.compile("sort", ["a", "b"], 3)
    words = [
        Aggregate(Select(indices, Map(lambda _, p=place: p, indices), EQ), tokens)
        for place in range(3)
    ]
    whole = SequenceMap(lambda x, y: f"{x or ''}{y or ''}", words[0], words[1])
    whole = SequenceMap(lambda x, y: f"{x}{y or ''}", whole, words[2])
    claim = SequenceMap(
        lambda x, i: sorted(x)[i] if i < len(x) else None, whole, indices
    )
    report = score(model, claim)
    assert report.behaviour.share == 1 and report.counterexample is None
    assert report.size >= report.shortest
    assert report.structure < 0.5


def test_useless_variables_win_nothing() -> None:
    model = zoo.compile("sort", ["a", "b"], 3)
    earlier = Select(tokens, tokens, EQ) & Select(indices, indices, LT)
    rank = SelectorWidth(Select(tokens, tokens, LT) | earlier)
    plain = Aggregate(Select(rank, indices, EQ), tokens)
    padded: Any = plain
    for number in range(6):
        useless = SelectorWidth(
            Select(tokens, Map(lambda _, n=number: "ab"[n % 2], tokens), EQ)
        )
        padded = SequenceMap(lambda x, _: x, padded, useless)
    one, other = score(model, plain), score(model, padded)
    assert other.behaviour.share == one.behaviour.share == 1
    assert other.size >= one.size
    assert other.structure <= one.structure


def test_a_report_is_text_and_json(model: Model) -> None:
    report = score(model, "reverse")
    assert max(map(len, report.text.splitlines())) <= 80
    assert json.loads(json.dumps(report.to_json(), allow_nan=False))["size"] == 3


def test_mistakes_are_told(model: Model) -> None:
    big = tokens
    for _ in range(400):
        big = Map(lambda v: v, big)
    with pytest.raises(InputError, match="401 variables"):
        score(model, big)

    def endless(value: Any) -> Any:
        while True:
            pass

    with pytest.raises(InputError, match="stopped after"):
        zoo.score_program(model, Map(endless, tokens), seconds=0.2)
    with pytest.raises(NameLookupError, match="Did you mean 'sort'"):
        score(model, "sortt")
    with pytest.raises(NameLookupError, match="target_index"):
        score(model, "sort", {"target_indx": "m0"})
    with pytest.raises(NameLookupError, match="node or variable"):
        score(model, "sort", {"target_index": "m7"})
    with pytest.raises(ZooError):
        score(model, "x = ;")
