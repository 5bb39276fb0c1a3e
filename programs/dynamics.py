"""Programs that follow a moving thing: masses, walks, filters, a cellular automaton."""

from __future__ import annotations

from fractions import Fraction

from compiler.rasp import (
    Elementwise,
    SOp,
    indices,
    mean,
    prefix,
    program,
    shift,
    tokens,
)
from compiler.rasp.values import Number
from programs.accumulation import running_total

FAMILY = "dynamics/linear recurrences"
MOVES = (-1, 0, 1)


def twice_summed(force: SOp) -> SOp:
    """Return the place of a unit mass under these forces, from rest at 0."""
    steps = indices + 1
    velocity = (mean(prefix(), force).named("mean_force") * steps).named("velocity")
    return mean(prefix(), velocity).named("mean_velocity") * steps


@program(family=FAMILY, vocab=MOVES, max_len=6, example=((1, 0, -1), (1, 2, 2)))
def double_cumulative_sum() -> SOp:
    """The sum so far of the sums so far: `double_cumulative_sum([1, 0]) -> [1, 2]`.

    It is where a unit mass is that these accelerations move.
    """
    return twice_summed(tokens)


@program(family=FAMILY, vocab=(0, 1, 3), max_len=5, example=((1, 1, 3), (0, 0, 2)))
def newton_gravity() -> SOp:
    """Where the token's force, less 1 for gravity, moves a unit mass.

    `newton_gravity([1, 1, 3]) -> [0, 0, 2]`
    """
    return twice_summed((tokens - 1).named("net_force"))


@program(family=FAMILY, vocab=(0, 8), max_len=6, example=((8, 0, 0), (8, 4, 2)))
def leaky_integrator(a: Number = Fraction(1, 2)) -> SOp:
    """The token plus a times the output before: `leaky_integrator([8, 0]) -> [8, 4]`.

    Each token is divided by its power of a before the sum; the sum is multiplied by
    the query's. `a` is not 0.
    """

    def grown(value: Number, index: int) -> Number:
        return value / Fraction(a) ** index

    average = mean(prefix(), Elementwise(grown, (tokens, indices)).named("grown"))

    def decayed(average: Number, index: int) -> Number:
        return average * (index + 1) * Fraction(a) ** index

    return Elementwise(decayed, (average.named("mean_grown"), indices))


@program(family=FAMILY, vocab=MOVES, example=((1, -1, 0, -1, -1), (1, 0, 0, 4, 3)))
def cycle_navigation(m: int = 5) -> SOp:
    """The place on a cycle of length m, from 0, after the moves so far.

    `cycle_navigation([1, -1, 0, -1, -1]) -> [1, 0, 0, 4, 3]`
    """
    return running_total(tokens).named("moved") % m


@program(
    family=FAMILY, vocab=(0, 1), max_len=10, example=((0, 1, 1, 0, 1), (1, 1, 1, 1, 1))
)
def cellular_automaton_step(rule: int = 110) -> SOp:
    """The bit after a step of the elementary cellular automaton of that rule.

    Beyond both ends there are zeros.

    `cellular_automaton_step([0, 1, 0]) -> [1, 1, 0]`
    """
    left = shift(tokens, default=0).named("left")
    right = shift(tokens, -1, default=0).named("right")
    return Elementwise(
        lambda a, b, c: rule >> (4 * a + 2 * b + c) & 1, (left, tokens, right)
    )
