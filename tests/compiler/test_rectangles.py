from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.passes.rectangles import cover


@st.composite
def tables(draw: Any, least: int = -1) -> np.ndarray:
    """Draw a table of a few arguments; -1 where it does not matter."""
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)))
    count = int(np.prod(shape))
    cells = draw(st.lists(st.integers(least, 2), min_size=count, max_size=count))
    return np.array(cells, np.int32).reshape(shape)


def paint(table: np.ndarray, rectangles: list, background: int) -> np.ndarray:
    """Return the table that rectangles on a background give, each cell once."""
    found = np.full(table.shape, background)
    times = np.zeros(table.shape, int)
    for sides, result in rectangles:
        cells = np.ix_(*(np.flatnonzero(side) for side in sides))
        found[cells] = result
        times[cells] += 1
    assert times.max(initial=0) <= 1, "rectangles overlap"
    return found


@given(tables())
def test_disjoint_rectangles_and_the_background_are_the_table(table):
    found = cover(table)
    rectangles, background = found.rectangles(), found.background
    assert len(rectangles) == found.count
    live = table >= 0
    assert (paint(table, rectangles, background) == table)[live].all()
    assert all(result != background for _, result in rectangles)


@given(tables(0), st.integers(0, 2))
def test_a_given_background_is_kept(table, background):
    found = cover(table, background)
    assert found.background == background
    assert (paint(table, found.rectangles(), background) == table).all()


@given(tables(0))
def test_the_background_is_the_most_expensive_result(table):
    found = cover(table)
    kept = Counter(result for _, result in found.rectangles())
    needed = Counter(result for _, result in cover(table, 99).rectangles())
    assert needed[found.background] == max(needed.values(), default=0)
    assert all(kept[r] == needed[r] for r in kept)


@pytest.mark.parametrize(
    ("table", "count"),
    [
        (np.eye(4, dtype=np.int32), 4),
        (np.zeros((3, 3), np.int32), 0),
        (np.repeat(np.arange(3, dtype=np.int32)[:, None], 4, axis=1), 2),
        (np.array([[0, 0], [0, 1]], np.int32), 1),
    ],
)
def test_simple_tables_need_few_rectangles(table, count):
    assert cover(table).count <= count
