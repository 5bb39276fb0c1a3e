"""Draws judged one after the other, in this process or in several.

What is made of a draw that is kept is `program`, its `SampledProgram`, or `record`, its
compiled model as a row of a dataset.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from compiler.errors import ZooError
from zoo.sampling.goal import GoalChoices
from zoo.sampling.judging import DrawJudge, NotKept
from zoo.threads import ONE_THREAD

Made = Literal["program", "record"]
AT_ONCE, WAITING = 8, 4
"""Draws that a process is given at a time, and such parts that wait for each one."""


@dataclass(frozen=True, eq=False)
class DrawOutcome:
    """What was found of one draw, apart from all others.

    Attributes:
        number: of the draw.
        hash: of its behaviour, None where it is not worth keeping anyway.
        reason: why it is not kept; None where it is, if it is new.
        made: of a draw that is kept, what was made of it.
    """

    number: int
    hash: str | None
    reason: str | None
    made: Any = None


def judge_draw(judge: DrawJudge, number: int, wanted: Made) -> DrawOutcome:
    """Return what is found of one draw."""
    from zoo.sampling.records import make_record  # half of the compiler

    try:
        kept = judge.draw(number)
        made = kept.program
        if wanted == "record":
            made = make_record(kept, judge.inputs)
    except NotKept as found:
        return DrawOutcome(number, found.hash, found.reason)
    return DrawOutcome(number, kept.program.hash, None, made)


@contextmanager
def judged(
    choices: GoalChoices,
    seed: int,
    start: int,
    wanted: Made,
    known: set[str],
    jobs: int = 1,
) -> Iterator[Iterator[DrawOutcome]]:
    """Yield what is found of all draws from `start` on, in order, without end.

    Args:
        choices: what is asked for.
        seed: of the draws.
        start: the first draw.
        wanted: what is made of draws that are kept.
        known: hashes of what was kept; in one process the draws of these cost less.
        jobs: how many processes there are.
    """
    if jobs == 1:
        judge = DrawJudge(choices, seed, known)
        numbers = iter(range(start, 2**62))
        yield (judge_draw(judge, number, wanted) for number in numbers)
        return
    pool = _pool(choices, seed, wanted, jobs)
    try:
        yield _in_order(pool, start, jobs)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _pool(
    choices: GoalChoices, seed: int, wanted: Made, jobs: int
) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(
        jobs,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin,
        initargs=(choices, seed, wanted),
    )


def _in_order(
    pool: ProcessPoolExecutor, start: int, jobs: int
) -> Iterator[DrawOutcome]:
    """Yield outcomes in the order of draws; few are ever waiting."""
    waiting: deque[Future[list[DrawOutcome]]] = deque()
    first = start
    with _one_thread():  # processes are started as parts are handed out
        try:
            while True:
                while len(waiting) < WAITING * jobs:
                    waiting.append(pool.submit(_judge_part, first, first + AT_ONCE))
                    first += AT_ONCE
                yield from waiting.popleft().result()
        except BrokenProcessPool:
            raise ZooError(
                f"sample: one of the {jobs} processes ended by itself: it was killed, "
                "or the memory is full. Run the same again with fewer --jobs; in a "
                'script, below if __name__ == "__main__"'
            ) from None


@contextmanager
def _one_thread() -> Iterator[None]:
    """Have processes that are started inside use one thread each."""
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


_own: list[tuple[DrawJudge, Made]] = []
"""In a worker: the judge that it keeps from one part to the next."""


def _begin(choices: GoalChoices, seed: int, wanted: Made) -> None:
    _own[:] = [(DrawJudge(choices, seed), wanted)]


def _judge_part(first: int, last: int) -> list[DrawOutcome]:
    judge, wanted = _own[0]
    return [judge_draw(judge, number, wanted) for number in range(first, last)]
