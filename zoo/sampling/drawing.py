"""Draws, one after the other, until there are as many programs as are asked for."""

from __future__ import annotations

from collections.abc import Callable

from compiler.errors import ZooError, count
from zoo.sampling.goal import SampleGoal, check_range
from zoo.sampling.judging import REASONS, DrawJudge, NotKept
from zoo.sampling.program import SampledProgram, SampledSuite

MOST_PROGRAMS = 100_000
PATIENCE = 2000
"""Draws in a row without a new program, after which no more are tried."""


def check_counts(n: int, seed: int) -> None:
    """Raise InputError for a number of programs or a seed that cannot be used."""
    check_range("n", n, 1, MOST_PROGRAMS)
    check_range("seed", seed, -(2**63), 2**63 - 1)


def draw_suite(
    goal: SampleGoal,
    n: int,
    seed: int,
    show: Callable[[int, int], None] = lambda done, total: None,
) -> SampledSuite:
    """Return `n` programs of a goal.

    Raises:
        ZooError: `PATIENCE` draws in a row gave no new program.
    """
    judge = DrawJudge(goal, seed)
    kept: list[SampledProgram] = []
    rejected: dict[str, int] = dict.fromkeys(REASONS, 0)
    number = last = 0
    while len(kept) < n:
        try:
            kept.append(judge.draw(number))
            last = number
        except NotKept as reason:
            rejected[str(reason)] += 1
        if number - last >= PATIENCE:
            raise _exhausted(len(kept), n, rejected)
        number += 1
        show(len(kept), n)
    return SampledSuite(tuple(kept), seed, goal.to_json(), number, rejected)


def _exhausted(kept: int, n: int, rejected: dict[str, int]) -> ZooError:
    reasons = ", ".join(f"{reason}: {times}" for reason, times in rejected.items())
    return ZooError(
        f"sample: {count(kept, 'program')} of {n} found, and the next {PATIENCE} draws "
        f"gave no new one. Of all draws these were not kept: {reasons}. Ask for fewer "
        "programs, or for more families, tokens, positions, layers or heads"
    )
