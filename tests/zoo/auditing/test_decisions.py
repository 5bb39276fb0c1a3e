"""Decisions that a rounding could make, and the rule for them."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from compiler.lower.readout import Readout
from zoo.auditing.decisions import (
    BAND,
    TIE,
    decide,
    other_class,
    other_number,
    same_class,
    same_number,
    settled,
)

CLASSES = Readout("classes", (1, 2, 3))
NUMBER = Readout("number", tuple(range(101)))
NULLABLE = Readout("nullable", (None, *range(101)))


def codes(*rows):
    return decide(jnp.asarray(rows, jnp.float32).T)


@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_classes_that_are_nearly_equal_are_a_tie(scale):
    gaps = np.array([0.0, 0.2 * TIE, 0.5 * TIE, 2 * TIE, 8 * TIE, 0.1])
    rows = [[scale, scale - gap * (1 + scale), -scale] for gap in gaps]
    found = np.asarray(codes(*rows))
    assert (found >> 1).tolist() == [-1, -1, -1, 0, 0, 0]
    assert (found % 2).tolist() == [0, 0, 1, 1, 0, 0]


def test_a_tie_is_neither_right_nor_changed():
    after, before = codes([5, 5, 0], [0, 5, 0]), codes([5, 0, 0], [5, 0, 0])
    right = same_class(after, jnp.array([0, 1]))
    changed = other_class(after, before)
    assert np.asarray(right.hit).tolist() == [False, True]
    assert np.asarray(changed.hit).tolist() == [False, True]
    assert np.asarray(right.tie).tolist() == np.asarray(changed.tie).tolist()
    assert np.asarray(changed.tie).tolist() == [True, False]
    assert np.asarray(other_class(before, after).tie).tolist() == [True, False]


def test_what_is_no_number_is_decided_as_numpy_does():
    rows = [[np.nan, 1, 2], [np.inf, 1, 2], [-np.inf, 3, 2], [-np.inf, 3, 3]]
    found = np.asarray(codes(*rows)) >> 1
    assert found.tolist() == [np.argmax(row) for row in rows]


@pytest.mark.parametrize(
    ("away", "hit", "tie"),
    [(0.0, True, False), (1.9, True, False), (2.0, False, True), (2.1, False, False)],
)
def test_a_number_at_the_border_of_what_is_near_is_a_tie(away, hit, tie):
    logits = jnp.array([[50.0 + away]])
    found = same_number(NUMBER, logits, jnp.array([50]))
    assert (bool(found.hit[0]), bool(found.tie[0])) == (hit, tie)
    moved = other_number(NUMBER, logits, jnp.array([[50.0]]))
    assert (bool(moved.hit[0]), bool(moved.tie[0])) == (not hit and not tie, tie)


def test_whether_a_number_is_none_can_be_a_tie():
    logits = jnp.array([[50.0, 1e-6], [50.0, 1.0], [50.0, -1.0], [52.0, 1.0]])
    found = same_number(NULLABLE, logits, jnp.array([51, 0, 51, 0]))
    assert np.asarray(found.hit).tolist() == [False, True, True, True]
    assert np.asarray(found.tie).tolist() == [True, False, False, False]
    moved = other_number(NULLABLE, logits, logits[::-1])
    assert np.asarray(moved.hit).tolist() == [False, True, True, False]
    assert np.asarray(moved.tie).tolist() == [True, False, False, True]


def test_what_is_shown_of_a_tie_does_not_depend_on_a_rounding():
    rows = np.array([[1, 5, 5 + 1e-6], [1, 5 + 1e-6, 5], [0, 0, 9]], np.float32)
    assert settled(CLASSES, rows).tolist() == [1, 1, 2]
    numbers = np.array([[2.5 + 1e-6], [2.5 - 1e-6], [2.6]], np.float32)
    assert settled(NUMBER, numbers).tolist() == [2, 2, 3]
    some = np.array([[7.0, 1e-7], [7.0, -1e-7], [7.0, 3.0]], np.float32)
    assert settled(NULLABLE, some).tolist() == [8, 8, 0]


def test_the_radius_of_a_winner_is_far_outside_of_ties():
    from compiler.machine.rerun import bounds

    assert BAND * TIE * 10 < bounds.SLACK
