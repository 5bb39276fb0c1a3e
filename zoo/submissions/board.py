"""A leaderboard: built-in methods, one's own, and what others submitted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from compiler.errors import InputError, count
from zoo.cases.pairs import PAIRS
from zoo.methods import known_methods
from zoo.scoring.cells import Cell
from zoo.scoring.evaluate import TIMEOUT, Given, evaluate
from zoo.scoring.leaderboard import write_leaderboard
from zoo.scoring.table import Table
from zoo.submissions.judging import JudgedSubmission, judge_submissions


def leaderboard(
    out: str | Path,
    method: Given | Iterable[Given] | None = None,
    suite: str | Iterable[str] = "core",
    seeds: int | Iterable[int] = 3,
    *,
    submissions: str | Path | None = None,
    repeat: int = 0,
    run_files: bool = False,
    timeout: float = TIMEOUT,
    pairs: int = PAIRS,
    progress: Callable[[Cell], None] | None = None,
    judged: Callable[[JudgedSubmission], None] | None = None,
    hung: Callable[[Cell], None] | None = None,
) -> Table:
    """Return the table of all methods on a suite, and write it as pages and plots.

    Args:
        out: the folder of the pages; each cell is kept there, and run once.
        method: a method's name, a file that defines one, a function of a case that
            returns scores, or several of these; all built-in methods if None.
        suite: a suite's name, an expression such as `layers>=3 and not alone`,
            `compiled`, `rotated`, `decoys`, a model's name, or several.
        seeds: how many, or which.
        submissions: a folder of submissions (`zoo.submit`), whose figures are computed
            again from their scores.
        repeat: how many runs of each submitted method to repeat and compare.
        run_files: whether a submission's own file may be run for that. It can do
            anything that you can: read it first.
        timeout: seconds for one run of a method.
        pairs: how many a method gets.
        progress: called with every cell.
        judged: called with what each submission came to. Without it, submissions that
            are refused are an error, which comes after the pages are written.
        hung: called from another thread when a method stays in compiled code past its
            time, once its cell is kept.

    Raises:
        NameLookupError: a method, a suite or a model is unknown.
        InputError: there is no submission in the folder, or some are refused.
    """
    numbers = seeds if isinstance(seeds, int) else list(seeds)
    tried = list(known_methods()) if method is None else method
    options = {"timeout": timeout, "pairs": pairs, "progress": progress, "hung": hung}
    table = evaluate(tried, suite, numbers, out=out, **options)  # type: ignore[arg-type]
    found: list[JudgedSubmission] = []
    if submissions is not None:
        found = judge_submissions(
            submissions,
            suite,
            numbers,
            out=out,
            pairs=pairs,
            repeat=repeat,
            run_files=run_files,
            progress=progress,
        )
        table = Table((*table.cells, *(c for one in found for c in one.cells)))
    write_leaderboard(table, out)
    for one in found:
        if judged is not None:
            judged(one)
    refused = [one for one in found if one.refused]
    if refused and judged is None:
        raise InputError(
            f"{count(len(refused), 'submission')} refused; the first: "
            f"{refused[0].refused}"
        )
    return table
