from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.ir.typed import Atom
from compiler.passes.codes import number, one_hot
from compiler.passes.scores import GAP, channel, factor, score_tables, width_shift

seeds = st.integers(0, 9999)


def draw_table(seed: int) -> np.ndarray:
    """Return random scores with repeated rows and columns."""
    rng = np.random.default_rng(seed)
    small = rng.integers(-2, 2, size=rng.integers(1, 4, size=2)).astype(float)
    rows, columns = (rng.integers(0, n, size=rng.integers(1, 6)) for n in small.shape)
    return small[rows][:, columns]


@given(seeds)
def test_every_factorization_is_the_score_table(seed):
    scores = draw_table(seed)
    options = factor(scores)
    for option in options:
        assert np.array_equal(option.keys @ option.queries.T, scores)
    dims = [option.keys.shape[1] for option in options]
    assert dims == sorted(dims)
    distinct = {tuple(row) for row in scores if row.any()}
    assert dims[0] <= min(len(distinct), *scores.shape)


@given(seeds, st.floats(1, 20))
def test_a_channel_gives_gap_times_the_scores(seed, stretch):
    scores = draw_table(seed)
    sizes = scores.shape
    match = Atom(0, 1, scores > 0)
    made = channel(match, scores, {0: one_hot(sizes[0]), 1: one_hot(sizes[1])}, stretch)
    assert made is not None
    keys = made.key(one_hot(sizes[0]).rows)
    queries = made.query(one_hot(sizes[1]).rows)
    assert np.allclose(keys @ queries.T, scores * GAP * stretch)


def test_a_number_carries_only_an_affine_score():
    codes = {0: number(np.array([0.0, 1.0, 5.0])), 1: one_hot(1)}
    straight, bent = np.array([[0.0], [1.0], [5.0]]), np.array([[0.0], [1.0], [2.0]])
    match = Atom(0, 1, np.ones((3, 1), bool))
    assert channel(match, straight, codes) is not None
    assert channel(match, bent, codes) is None


@pytest.mark.parametrize("counting", [False, True])
@pytest.mark.parametrize("never_empty", [False, True])
@given(seed=seeds, widest=st.integers(1, 40))
def test_selected_keys_stand_apart_from_all_others(counting, never_empty, seed, widest):
    # The scores of a key are added over the matches; BOS has 0.
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(1, 5, size=2))
    count = int(rng.integers(1, 4))
    matches = tuple(Atom(0, 1, rng.random(shape) < 0.6) for _ in range(count))
    shift = width_shift(widest)
    tables = score_tables(matches, counting, never_empty, shift)
    scores = np.sum(tables, axis=0)
    selected = np.all([match.allowed for match in matches], axis=0)
    if counting:
        level = -np.log(shift) / GAP
        assert np.allclose(scores[selected], level)
        assert (scores[~selected] <= level - 1 + 1e-12).all()
        return
    top = count if never_empty else 1
    assert (scores[selected] == top).all()
    assert (scores[~selected] <= (top - 1 if never_empty else -1)).all()


def test_a_wide_width_is_counted_at_a_shift():
    assert [width_shift(n) for n in (1, 3, 4, 40)] == [1.0, 1.0, 4.0, 40.0]
