"""Angles and shares against planted ones."""

from __future__ import annotations

import numpy as np
import pytest

import zoo
from zoo.alignment.subspaces import (
    angles,
    check_basis,
    known_subspace,
    random_subspace,
    share_inside,
    span,
)
from zoo.compression.compress import squeezed_model
from zoo.compression.naming import name_dimensions

RNG = np.random.default_rng(0)


def test_angles_are_those_that_were_planted() -> None:
    planted = np.radians([1e-5, 10.0, 50.0])
    frame = random_subspace(9, 6, RNG)
    other = frame[:, :3] * np.cos(planted) + frame[:, 3:] * np.sin(planted)
    assert np.allclose(angles(frame[:, :3], other), np.degrees(planted), atol=1e-6)
    expected = np.square(np.cos(planted)).mean()
    assert share_inside(frame[:, :3], other) == pytest.approx(expected)


def test_a_subspace_of_the_true_one_lies_inside_and_does_not_cover_it() -> None:
    frame = random_subspace(8, 4, RNG)
    assert max(angles(frame[:, :2], frame)) < 1e-6
    assert share_inside(frame[:, :2], frame) == pytest.approx(1.0)
    assert share_inside(frame, frame[:, :2]) == pytest.approx(0.5)


def test_random_subspaces_hold_their_share_of_the_stream() -> None:
    one = random_subspace(20, 5, RNG)
    shares = [share_inside(one, random_subspace(20, 4, RNG)) for _ in range(300)]
    assert np.mean(shares) == pytest.approx(4 / 20, abs=0.02)


def test_a_basis_is_made_orthonormal_and_keeps_its_span() -> None:
    given = RNG.normal(size=(7, 3))
    made = check_basis(given.tolist(), 7)
    assert np.allclose(made.T @ made, np.eye(3))
    assert max(angles(made, given)) < 1e-6
    assert check_basis(given[:, 0], 7).shape == (7, 1)
    assert span(np.hstack([given, given])).shape == (7, 3)


def test_a_compressed_model_has_the_subspace_of_its_features() -> None:
    named = name_dimensions(zoo.compile("reverse", ["a", "b"], 4))
    model = squeezed_model(named, RNG.normal(size=(len(named.names), 12)), {})
    assert model.features is not None
    found = known_subspace(model, "opposite_index")
    assert found is not None
    assert (
        max(angles(found.whole, span(model.features.directions_of("opposite_index").T)))
        < 1e-6
    )
    # Of a one-hot variable's n directions values differ in n - 1.
    assert found.needed.shape[1] == found.whole.shape[1] - 1
    assert share_inside(found.needed, found.whole) == pytest.approx(1.0)
