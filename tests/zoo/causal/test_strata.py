"""Strata of inputs against plain Python, input by input."""

from __future__ import annotations

import numpy as np
import pytest

import zoo
from zoo.auditing.subject import subject_of
from zoo.causal.model import CausalModel
from zoo.causal.strata import (
    PER_STRUCTURE,
    SAMPLE,
    STRUCTURES,
    Space,
    all_inputs,
    draw_stratified,
    make_space,
    pick_members,
    structures_of,
)


@pytest.fixture(scope="module")
def causal() -> CausalModel:
    return subject_of(zoo.compile("rank", ["a", "b", "c"], 5)).causal


@pytest.fixture(scope="module")
def space(causal: CausalModel) -> Space:
    return make_space(causal)


def words(space: Space, causal: CausalModel) -> list[list[int]]:
    ids = np.asarray(space.pool.ids)
    return [[int(t) for t in row[1:] if t != causal.pad_id] for row in ids]


def has(structure: str, word: list[int]) -> bool:
    """Return whether an input has a structure, from what the name says."""
    if len(word) < 2:
        return False
    if structure in ("one token", "two tokens"):
        return len(set(word)) == (1 if structure == "one token" else 2)
    if len(set(word)) == 1:
        return False
    if structure.startswith("sorted"):
        return word == sorted(word, reverse=structure != "sorted")
    periods = range(2, len(word) // 2 + 1)
    return any(
        all(word[i] == word[i % period] for i in range(len(word))) for period in periods
    )


def test_all_inputs_are_there_once(causal: CausalModel, space: Space) -> None:
    found = {tuple(word) for word in words(space, causal)}
    assert space.complete
    assert len(found) == len(space.pool.ids) == sum(3**n for n in range(1, 6))


def test_every_input_has_the_structures_that_it_has(
    causal: CausalModel, space: Space
) -> None:
    expected = [[has(s, word) for s in STRUCTURES] for word in words(space, causal)]
    assert np.array_equal(space.structures, expected)
    assert space.structures.any(0).all()


def test_the_members_of_a_stratum_are_what_its_name_says(
    causal: CausalModel, space: Space
) -> None:
    values, lengths = np.asarray(space.pool.values), np.asarray(space.pool.lengths) - 1
    place = {v.name: i for i, v in enumerate(causal.variables)}
    for name, start, count in zip(
        space.names, space.strata.starts, space.strata.counts, strict=True
    ):
        members = set(space.strata.members[start : start + count].tolist())
        if name in STRUCTURES:
            expected = space.structures[:, STRUCTURES.index(name)]
        elif " = " in name:
            variable, value = name.split(" = ")
            expected = (values[:, place[variable]] == int(value)).any(1)
        else:
            expected = lengths == int(name.removeprefix("length "))
        assert members == set(np.flatnonzero(expected).tolist())


def test_a_value_that_never_occurs_is_named(causal: CausalModel, space: Space) -> None:
    values = np.asarray(space.pool.values)
    for index, variable in enumerate(causal.variables):
        never = [v for v in range(variable.size) if not (values[:, index] == v).any()]
        assert list(space.missing.get(variable.name, ())) == never


def test_draws_meet_every_member_and_are_even_over_strata(space: Space) -> None:
    strata = space.strata
    shares = (np.arange(len(strata.starts)) + 0.5) / len(strata.starts)
    for index, share in enumerate(shares):
        places = (np.arange(int(strata.counts[index])) + 0.5) / strata.counts[index]
        drawn = pick_members(strata, np.full(len(places), share), places)
        start = strata.starts[index]
        assert np.array_equal(drawn, strata.members[start : start + len(places)])
    drawn = draw_stratified(space, np.random.default_rng(0), 4000)
    of_one_token = space.structures[drawn, STRUCTURES.index("one token")].mean()
    # A uniform draw meets 12 of 363; every stratum beside their own has some of them.
    assert of_one_token > 1 / len(space.names)


def test_a_sample_of_too_many_inputs_has_every_structure() -> None:
    causal = subject_of(zoo.compile("reverse", list("abcdefgh"), 8)).causal
    ids, complete = all_inputs(causal, seed=3)
    assert not complete
    assert len(np.unique(ids, axis=0)) == len(ids) <= SAMPLE + 5 * PER_STRUCTURE
    assert np.array_equal(ids, all_inputs(causal, seed=3)[0])
    counts = structures_of(ids, causal.pad_id).sum(0)
    # All 7 * 8 inputs of one token of two and more; the others are drawn.
    assert counts[0] == 7 * 8
    assert (counts[1:] > 500).all()
