"""The dependence of outputs on positions, against plain enumeration."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import zoo
from compiler.model import Model
from zoo.attribution.dependence import Dependence, depend, lengths_of
from zoo.attribution.named_cases import open_named_case
from zoo.auditing.subject import causal_of
from zoo.causal.tabular import TabularModel

LENGTH = 3


@pytest.fixture(scope="module", params=["sort", "induction"])
def known(request: pytest.FixtureRequest) -> tuple[Model, Dependence]:
    model = zoo.compile(request.param, ["a", "b"], 4)
    causal = causal_of(model)
    assert isinstance(causal, TabularModel)
    return model, depend(causal, LENGTH)


def words(length: int = LENGTH) -> list[tuple[str, ...]]:
    return list(itertools.product("ab", repeat=length))


def outputs(model: Model) -> dict[tuple[str, ...], list[Any]]:
    return {w: model.interpreter(w)[model.output] for w in words()}


def is_sufficient(found: dict, word: tuple, kept: set[int], output: int) -> bool:
    alike = [w for w in found if all(w[p] == word[p] for p in kept)]
    return len({found[w][output] for w in alike}) == 1


def test_relevant_and_necessary_positions_are_those_of_a_loop(known) -> None:
    model, dependence = known
    found = outputs(model)
    every = [set(s) for n in range(4) for s in itertools.combinations(range(3), n)]
    tokens = np.array([["ab".index(c) for c in w] for w in words()], np.int32)
    relevant, necessary = dependence.relevant(tokens), dependence.necessary(tokens)
    for row, word in enumerate(words()):
        for output in range(LENGTH):
            enough = [s for s in every if is_sufficient(found, word, s, output)]
            minimal = [s for s in enough if not any(o < s for o in enough)]
            union = set().union(*minimal)
            assert set(np.flatnonzero(relevant[row, output])) == union
            common = set.intersection(*minimal)
            assert set(np.flatnonzero(necessary[row, output])) == common
            changed = {
                p
                for p, c in itertools.product(range(LENGTH), "ab")
                if found[(*word[:p], c, *word[p + 1 :])][output] != found[word][output]
            }
            assert changed == common


def test_ever_is_every_position_that_some_input_depends_on(known) -> None:
    _, dependence = known
    tokens = np.array(list(itertools.product(range(2), repeat=3)), np.int32)
    assert (dependence.ever == dependence.necessary(tokens).any(axis=0)).all()


def test_only_lengths_that_can_be_enumerated_are_taken() -> None:
    causal = causal_of(zoo.load("sort-siit"))
    assert isinstance(causal, TabularModel)
    assert lengths_of(causal) == tuple(range(2, 9))


def sets(name: str, words: tuple[int, ...]) -> tuple[list[int], list[int]]:
    """Return the relevant and the necessary positions of one input of a case."""
    task = open_named_case(name)
    vocab = task.model.typed.vocab
    ids = [vocab.index(word) for word in words]
    row = next(i for i, own in enumerate(task.ids[:, 1:]) if list(own) == ids)
    return (
        np.flatnonzero(task.relevant[row, 1, 1:]).tolist(),
        np.flatnonzero(task.necessary[row, 1, 1:]).tolist(),
    )


def test_the_named_cases_have_the_sets_that_their_names_promise() -> None:
    assert sets("conjunction", (1, 1, 0)) == ([0, 1], [0, 1])
    assert sets("conjunction", (0, 0, 0)) == ([0, 1], [])
    assert sets("conjunction", (0, 1, 0)) == ([0], [0])
    assert sets("redundancy", (1, 1, 0)) == ([0, 1], [])
    assert sets("redundancy", (1, 0, 0)) == ([0], [0])
    assert sets("suppressor", (1, 1, 0)) == ([0, 1], [0, 1])
    assert sets("suppressor", (0, 0, 0)) == ([0], [0])
    assert sets("cancelled", (1, 2, 0)) == ([0], [0])
    assert sets("linear", (1, 2, 0)) == ([0, 1], [0, 1])


def test_a_suppressor_says_nothing_of_the_output_by_itself() -> None:
    task = open_named_case("suppressor", inputs=100)
    second, difference = task.ids[:, 2], task.ids[:, 1] - task.ids[:, 2]
    for value in range(3):
        assert difference[second == value].mean() == 0.5
