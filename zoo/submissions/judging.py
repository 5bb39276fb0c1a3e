"""Submissions judged: every figure is computed again from the claims.

What a submission says of itself counts for nothing but its name: the claims are read
under their digests, models must be those that are here, and no case may be missing.
Where the keeper of a leaderboard trusts the file of a method, or it is built in, some
of its runs are also repeated, and must come to the same claims.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from compiler.errors import InputError, ZooError, count
from zoo.cases.pairs import PAIRS
from zoo.scoring.cells import Cell
from zoo.scoring.suites import models_of
from zoo.submissions.record import (
    find_submissions,
    open_submission,
)
from zoo.submissions.submission_judge import SubmissionJudge


@dataclass(frozen=True)
class JudgedSubmission:
    """What a submission came to.

    Attributes:
        folder: where it is.
        name: of the method; that of the folder where it could not be read.
        cells: its figures, computed here.
        repeated: how many runs were repeated, with the same claims.
        refused: why it is not on the leaderboard; "" if it is.
    """

    folder: Path
    name: str
    cells: tuple[Cell, ...] = ()
    repeated: int = 0
    refused: str = ""

    def __str__(self) -> str:
        if self.refused:
            return f"refused: {self.refused}"
        again = f", {count(self.repeated, 'run')} repeated" if self.repeated else ""
        return f"judged: {self.name}, {count(len(self.cells), 'case')}{again}"


def judge_submissions(
    folder: str | Path,
    suite: str | Iterable[str],
    seeds: int | Sequence[int],
    *,
    out: str | Path | None = None,
    pairs: int = PAIRS,
    repeat: int = 0,
    run_files: bool = False,
    progress: Callable[[Cell], None] | None = None,
) -> list[JudgedSubmission]:
    """Return what the submissions of a folder come to; a bad one stops no other.

    Args:
        folder: holds one folder a submission, or is one.
        suite: the models that each must have claims of.
        seeds: how many, or which, each must have claims for.
        out: where figures are kept, which are then not computed again.
        pairs: how many each method must have got, and is measured on.
        repeat: how many runs of each method to repeat.
        run_files: whether a submission's own file is run for this. It can do anything
            that you can: read it first.
        progress: called with every cell.

    Raises:
        NameLookupError: a suite or a model is unknown.
        InputError: there is no submission.
    """
    lines = models_of(suite)
    numbers = list(range(seeds)) if isinstance(seeds, int) else list(seeds)
    judged: list[JudgedSubmission] = []
    for place in find_submissions(folder):
        try:
            opened = open_submission(place)
            name = opened.submission.name
            if any(name == one.name and not one.refused for one in judged):
                raise InputError(
                    f"{place}: another submission here is named {name!r} too. Rename "
                    "one of the methods"
                )
            judge = SubmissionJudge(
                opened, lines, numbers, out, pairs, repeat, run_files
            )
            judged.append(JudgedSubmission(place, name, *judge.cells(progress)))
        except ZooError as error:
            judged.append(JudgedSubmission(place, place.name, refused=str(error)))
    return judged
