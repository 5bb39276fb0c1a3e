"""The programs of `programs/dynamics.py` against plain Python."""

from __future__ import annotations

from itertools import accumulate

import pytest

from programs import dynamics
from tests import oracle
from tests.programs.check import check_against_reference, check_docstring


def mass(x, gravity=0):
    """Step a unit mass on under each force."""
    velocity = place = 0
    out = []
    for force in x:
        velocity += force - gravity
        place += velocity
        out.append(place)
    return out


def leaky(x):
    return [*accumulate(x, lambda before, token: before / 2 + token)]


def automaton(rule, x):
    padded = [0, *x, 0]
    windows = [padded[i : i + 3] for i in range(len(x))]
    return [int(f"{rule:08b}"[7 - int("".join(map(str, w)), 2)]) for w in windows]


REFERENCES = {
    "double_cumulative_sum": mass,
    "newton_gravity": lambda x: mass(x, gravity=1),
    "leaky_integrator": leaky,
    "cycle_navigation": lambda x: [total % 5 for total in accumulate(x)],
    "cellular_automaton_step": lambda x: automaton(110, x),
}


@pytest.mark.parametrize("name", REFERENCES)
def test_program_equals_plain_python(name):
    check_against_reference(getattr(dynamics, name), REFERENCES[name])
    check_docstring(getattr(dynamics, name), REFERENCES[name])


@pytest.mark.parametrize("rule", [0, 30, 90, 255])
def test_every_rule_is_its_table(rule):
    step = dynamics.cellular_automaton_step.with_parameters(rule=rule).build()
    given = [0, 0, 1, 0, 1, 1, 1, 0, 0, 1]
    assert oracle.evaluate(step, given) == automaton(rule, given)
