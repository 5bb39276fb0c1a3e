"""No input is both trained on and held out, and small strata are trained on."""

import numpy as np
import pytest

from tests.zoo.causal.test_tabular import make
from zoo.causal.splits import SMALL, choose_held_out, split_space
from zoo.causal.strata import make_space


@pytest.fixture(scope="module")
def model():
    return make("maximum")


@pytest.fixture(scope="module")
def space(model):
    return make_space(model)


def rows(pool):
    return {row.tobytes() for row in np.asarray(pool.ids)}


def test_the_parts_are_disjoint_and_together_all_inputs(model, space):
    train, held_out, disjoint = split_space(model, space, 0)
    assert disjoint and not rows(train) & rows(held_out)
    assert rows(train) | rows(held_out) == rows(space.pool)
    assert len(held_out.ids) == pytest.approx(len(space.pool.ids) / 10, rel=0.2)
    other = split_space(model, space, 1)[1]
    assert rows(other) != rows(held_out)


def test_strata_of_a_part_are_those_of_the_whole_that_are_in_it(model, space):
    train, _, _ = split_space(model, space, 0)
    whole, part = space.strata, train.strata
    assert part is not None
    place = {row.tobytes(): i for i, row in enumerate(np.asarray(train.ids))}
    expected = []
    for start, count in zip(whole.starts, whole.counts, strict=True):
        ids = np.asarray(space.pool.ids)[whole.members[start : start + count]]
        expected.append([place[r.tobytes()] for r in ids if r.tobytes() in place])
    found = [
        np.asarray(part.members)[start : start + count].tolist()
        for start, count in zip(part.starts, part.counts, strict=True)
    ]
    assert found == [members for members in expected if members]


def test_values_of_a_part_are_those_of_its_inputs(model, space):
    _, held_out, _ = split_space(model, space, 0)
    values = {
        row.tobytes(): v.tolist()
        for row, v in zip(
            np.asarray(space.pool.ids), np.asarray(space.pool.values), strict=True
        )
    }
    for row, found in zip(
        np.asarray(held_out.ids)[:50], np.asarray(held_out.values)[:50], strict=True
    ):
        assert values[row.tobytes()] == found.tolist()
    lengths = np.asarray(held_out.lengths)
    assert (np.diff(lengths) >= 0).all()
    assert np.asarray(held_out.counts).sum() == len(lengths)


def test_small_strata_are_never_held_out(space):
    small = [
        space.strata.members[start : start + count]
        for start, count in zip(space.strata.starts, space.strata.counts, strict=True)
        if count < SMALL
    ]
    for seed in range(5):
        held_out = choose_held_out(space, seed)
        assert held_out.any()
        assert not any(held_out[members].any() for members in small)
