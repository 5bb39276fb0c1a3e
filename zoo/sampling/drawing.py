"""Draws, one after the other, until there are as many programs as are asked for.

Draws are judged apart from each other, in this process or in several (`workers.py`).
Which of them are new is decided here, in their order, so the number of processes never
shows in what comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from compiler.errors import ZooError, count
from zoo.sampling.goal import GoalChoices, SampleGoal, check_range
from zoo.sampling.judging import REASONS
from zoo.sampling.program import SampledProgram, SampledSuite
from zoo.sampling.workers import DrawOutcome, judged

MOST_PROGRAMS = 100_000
PATIENCE = 2000
"""Draws in a row without a new program, after which no more are tried."""


def check_counts(n: int, seed: int, most: int = MOST_PROGRAMS) -> None:
    """Raise InputError for a number of programs or a seed that cannot be used."""
    check_range("n", n, 1, most)
    check_range("seed", seed, -(2**63), 2**63 - 1)


@dataclass
class DrawSieve:
    """Which draws are kept, in their order.

    Attributes:
        reasons: why a draw may not be kept.
        known: the hashes of the programs that were kept.
        next: the number of the draw that comes next.
        rejected: how many were not kept, by reason.
        idle: draws since the last one that was kept.
    """

    reasons: Sequence[str] = REASONS
    known: set[str] = field(default_factory=set)
    next: int = 0
    rejected: dict[str, int] = field(init=False)
    idle: int = 0

    def __post_init__(self) -> None:
        self.rejected = dict.fromkeys(self.reasons, 0)

    def keep(self, outcome: DrawOutcome) -> bool:
        """Return whether a draw is kept; draws come one after the other."""
        assert outcome.number == self.next
        self.next += 1
        reason = outcome.reason
        if outcome.hash in self.known:
            reason = "computed before"
        if reason is not None:
            self.rejected[reason] += 1
            self.idle += 1
            return False
        assert outcome.hash is not None
        self.known.add(outcome.hash)
        self.idle = 0
        return True


def draw_suite(
    goal: SampleGoal | GoalChoices,
    n: int,
    seed: int,
    show: Callable[[int, int], None] = lambda done, total: None,
    jobs: int = 1,
) -> SampledSuite:
    """Return `n` programs of a goal.

    Raises:
        ZooError: `PATIENCE` draws in a row gave no new program.
    """
    choices = GoalChoices((goal,)) if isinstance(goal, SampleGoal) else goal
    sieve, kept = DrawSieve(), list[SampledProgram]()
    with judged(choices, seed, 0, "program", sieve.known, jobs) as outcomes:
        for made in kept_of(outcomes, sieve, n, n):
            kept.append(made)
            show(len(kept), n)
    return SampledSuite(
        tuple(kept), seed, choices.to_json(), sieve.next, sieve.rejected
    )


def kept_of(
    outcomes: Iterable[DrawOutcome], sieve: DrawSieve, n: int, total: int
) -> Iterable[Any]:
    """Yield what was made of the next `n` draws that are kept.

    Args:
        outcomes: of all draws, in order.
        sieve: what was kept before; it counts on.
        n: how many are wanted.
        total: how many are wanted in all, for the error.

    Raises:
        ZooError: `PATIENCE` draws in a row gave no new program.
    """
    found = 0
    for outcome in outcomes:
        if sieve.keep(outcome):
            found += 1
            yield outcome.made
            if found == n:
                return
        elif sieve.idle >= PATIENCE:
            raise _exhausted(len(sieve.known), total, sieve.rejected)


def _exhausted(kept: int, n: int, rejected: dict[str, int]) -> ZooError:
    reasons = ", ".join(f"{reason}: {times}" for reason, times in rejected.items())
    return ZooError(
        f"sample: {count(kept, 'program')} of {n} found, and the next {PATIENCE} draws "
        f"gave no new one. Of all draws these were not kept: {reasons}. Ask for fewer "
        "programs, or for more families, tokens, positions, layers or heads"
    )
