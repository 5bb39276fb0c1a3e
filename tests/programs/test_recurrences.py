"""The programs of `programs/recurrences.py` against plain Python."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from programs import recurrences
from tests.programs.check import check_against_reference, check_docstring


def spring(x):
    place, velocity, out = 0, 0, []
    for force in x:
        velocity += force - place
        place += velocity
        out.append(place)
    return out


def magnetic(x):
    """Follow the charge in the complex plane, where the field multiplies by i."""
    place = velocity = 0j
    out = []
    for force in x:
        velocity += complex(*force) + 1j * velocity
        place += velocity
        out.append((int(place.real), int(place.imag)))
    return out


def fibonacci(x):
    """Solve the recurrence as a system of equations."""
    n = len(x)
    matrix = np.eye(n) - np.eye(n, k=-1) - np.eye(n, k=-2)
    return [round(y) for y in np.linalg.solve(matrix, np.array(x, float))]


def affine(x):
    out = []
    for n in range(1, len(x) + 1):
        # What each map adds, multiplied by all maps after it.
        out.append(
            sum(
                b * int(np.prod([a for a, _ in x[k + 1 : n]]))
                for k, (_, b) in enumerate(x[:n])
            )
        )
    return out


def walk(x, n=4):
    place, out = 0, []
    for move in x:
        if 0 <= place + move < n:
            place += move
        out.append(place)
    return out


def best(x):
    """Try every choice of tokens of which no two are neighbours."""
    choices = [m for m in range(1 << len(x)) if not m & (m << 1)]
    return max(sum(v for k, v in enumerate(x) if m >> k & 1) for m in choices)


def continued(x):
    def value(pairs):
        a, b = pairs[-1]
        return a + (Fraction(b) / value(pairs[:-1]) if pairs[1:] else b)

    return [value(x[: i + 1]) for i in range(len(x))]


REFERENCES = {
    "newton_spring": spring,
    "newton_magnetic": magnetic,
    "forced_fibonacci": fibonacci,
    "affine_composition": affine,
    "gridworld_walk": walk,
    "max_nonadjacent_sum": lambda x: [best(x[: i + 1]) for i in range(len(x))],
    "continued_fraction": continued,
}


@pytest.mark.parametrize("name", REFERENCES)
def test_program_equals_plain_python(name):
    check_against_reference(getattr(recurrences, name), REFERENCES[name], most=100)
    check_docstring(getattr(recurrences, name), REFERENCES[name])
