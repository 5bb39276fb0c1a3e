"""Submissions judged: every figure is computed again from the scores.

What a submission says of itself counts for nothing but its name: the scores are read
under their digests, models must be those that are here, and no case may be missing.
Where the keeper of a leaderboard trusts the file of a method, or it is built in, some
of its runs are also repeated, and must give the same scores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from compiler.errors import FormatError, InputError, ZooError, count
from compiler.escapes import escape
from compiler.sealed import digest
from zoo.cases.case import Case
from zoo.cases.pairs import PAIRS
from zoo.cases.scores import FORMAT, Scores
from zoo.methods import find_method
from zoo.methods.method import Method
from zoo.methods.own import method_of_file
from zoo.scoring.cells import Cell, cell_path, read_cell, run_cell, write_cell
from zoo.scoring.evaluate import MOST_PAIRS, TIMEOUT, draw_cases
from zoo.scoring.formats import read_scores
from zoo.scoring.suites import models_of, open_model
from zoo.submissions.digests import digest_of_model
from zoo.submissions.record import (
    METHOD_FILE,
    SCORES_DOCUMENT,
    SUBMIT_AGAIN,
    MethodRecording,
    SubmissionFolder,
    SubmittedScores,
    document_bytes,
    find_submissions,
    open_submission,
)

SAME = 1e-3
"""How far a repeated run may be off, as a share of its greatest score.

Float32 on another processor, through a softmax and a sum over hundreds of pairs."""


@dataclass(frozen=True)
class JudgedSubmission:
    """What a submission came to.

    Attributes:
        folder: where it is.
        name: of the method; that of the folder where it could not be read.
        cells: its figures, computed here.
        repeated: how many runs were repeated, with the same scores.
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
        suite: the models that each must have scores of.
        seeds: how many, or which, each must have scores for.
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
            judge = _SubmissionJudge(
                opened, lines, numbers, out, pairs, repeat, run_files
            )
            judged.append(judge.judged(progress))
        except ZooError as error:
            judged.append(JudgedSubmission(place, place.name, refused=str(error)))
    return judged


@dataclass(frozen=True)
class _SubmissionJudge:
    opened: SubmissionFolder
    lines: Sequence[str]
    seeds: Sequence[int]
    out: str | Path | None
    pairs: int
    repeat: int
    run_files: bool

    def judged(self, progress: Callable[[Cell], None] | None) -> JudgedSubmission:
        """Return the figures of the submission, or raise what is wrong with it."""
        said = self.opened.submission
        self._check_cases()
        self._check_name()
        again = self._drawn()
        method = self._method() if again else None
        cells, repeated = [], 0
        for line in self.lines:
            for cell, same in self._cells_of(line, again, method):
                cells.append(cell)
                repeated += same
                if progress is not None:
                    progress(cell)
        return JudgedSubmission(self.opened.path, said.name, tuple(cells), repeated)

    def _check_cases(self) -> None:
        """Raise InputError unless there are scores of every model with every seed."""
        said = self.opened.submission
        known = {model.line for model in said.models}
        missing = [line for line in self.lines if line not in known]
        if missing:
            raise InputError(
                f"{self.opened.path}: it has no scores of {missing[0]}"
                f"{_more(missing)}, which the suite has. {SUBMIT_AGAIN}"
            )
        seeds = [seed for seed in self.seeds if seed not in said.seeds]
        if seeds:
            raise InputError(
                f"{self.opened.path}: it has no scores of seed {seeds[0]}"
                f"{_more(seeds)}. {SUBMIT_AGAIN}"
            )
        if said.pairs != self.pairs:
            raise InputError(
                f"{self.opened.path}: its method got {said.pairs} pairs of inputs, and "
                f"expected are {self.pairs}. {SUBMIT_AGAIN}"
            )

    def _check_name(self) -> None:
        """Raise InputError if it has the name of a built-in method that it is not."""
        from zoo.methods import names

        said = self.opened.submission
        if said.name in names() and said.method != said.name:
            raise InputError(
                f"{self.opened.path}: it is named {said.name!r}, as a built-in method. "
                "Rename it"
            )

    def _drawn(self) -> set[tuple[str, int]]:
        """Return the cases whose runs are repeated: others each time, so unforeseen."""
        every = [(line, seed) for line in self.lines for seed in self.seeds]
        order = np.random.default_rng().permutation(len(every))
        return {every[i] for i in order[: self.repeat]}

    def _method(self) -> Method:
        """Return the method, to run it again.

        Raises:
            InputError: it is in a file that must not be run, or in none.
            FormatError: its file was altered.
        """
        said, path = self.opened.submission, self.opened.path / METHOD_FILE
        if said.method:
            return find_method(said.method)
        if METHOD_FILE not in self.opened.sums:
            raise InputError(
                f"{self.opened.path}: no file of its method came with it, so that no "
                "run can be repeated. Submit a file, or repeat none (--repeat 0)"
            )
        if not self.run_files:
            raise InputError(
                f"{path}: repeating runs would run this file, which can do anything "
                "that you can. Read it, then say --run-files; or say --repeat 0"
            )
        self.opened.check_method_file()
        function = f":{said.function}" if said.function else ""
        found = method_of_file(f"{path}{function}")
        return replace(found, magnitude=said.absolute)

    def _cells_of(
        self, line: str, again: set[tuple[str, int]], method: Method | None
    ) -> Iterator[tuple[Cell, bool]]:
        """Yield each cell of a model, and whether its run was repeated."""
        opened: tuple[Case, Case] | None = None
        for seed in self.seeds:
            entry = self.opened.scores(line, seed)
            repeats = (line, seed) in again
            if not repeats and (kept := self._kept(entry)) is not None:
                yield kept, False
                continue
            if opened is None:
                whole = open_model(line, split="train", pairs=MOST_PAIRS)
                opened = whole, whole.split("test", self.pairs)
                self._check_model(line, whole)
            cell = self._cell(entry, opened[1])
            if repeats and method is not None:
                train = draw_cases(opened[0], seed, self.pairs)
                self._compare(entry, method, train, opened[1])
            self._keep(entry, cell)
            yield cell, repeats

    def _check_model(self, line: str, case: Case) -> None:
        stated = {m.line: m.digest for m in self.opened.submission.models}[line]
        here = digest_of_model(case.model)
        if stated and stated != here:
            raise FormatError(
                f"{self.opened.path}: its scores of {line} are of a model with the "
                f"digest {stated[:12]}.., and the one here has {here[:12]}... "
                f"{SUBMIT_AGAIN}"
            )

    def _cell(self, entry: SubmittedScores, test: Case) -> Cell:
        """Return the figures of scores, measured on the test pairs."""
        said = self.opened.submission
        if entry.status != "ok":
            return Cell(
                said.name,
                entry.model,
                entry.seed,
                entry.status,
                escape(entry.error[:300]),
                entry.seconds,
                code=_code(entry),
            )
        scores = _scores_of(entry, test)
        method = Method(
            said.name, lambda *_: scores, magnitude=said.absolute, code=_code(entry)
        )
        cell = run_cell(method, entry.model, entry.seed, test, test, TIMEOUT)
        return replace(cell, seconds=entry.seconds)

    def _compare(
        self, entry: SubmittedScores, method: Method, train: Case, test: Case
    ) -> None:
        """Raise FormatError unless a repeated run comes to what is stated."""
        recording = MethodRecording(method)
        again = replace(method, run=recording)
        cell = run_cell(again, entry.model, entry.seed, train, test, TIMEOUT)
        where = f"{self.opened.path}: on {entry.model}, seed {entry.seed},"
        if cell.status != entry.status:
            raise FormatError(
                f"{where} its method's run is {cell.status!r} here "
                f"{escape(cell.error)}, and it says {entry.status!r}. {SUBMIT_AGAIN}"
            )
        if entry.status != "ok":
            return
        stated, found = _scores_of(entry, train), recording.scores
        assert found is not None
        off = float("inf")
        if found.level == stated.level:
            size = max(float(np.abs(found.values).max()), 1e-12)
            off = float(np.abs(found.values - stated.values).max()) / size
        if off > SAME:
            raise FormatError(
                f"{where} its method gives other scores here: {off:.2g} of the "
                f"greatest apart, at most {SAME:g} expected. {SUBMIT_AGAIN}"
            )

    def _kept(self, entry: SubmittedScores) -> Cell | None:
        """Return the figures of these very scores, if they were computed before."""
        if self.out is None:
            return None
        name = self.opened.submission.name
        path = cell_path(Path(self.out), name, entry.model, entry.seed)
        cell = read_cell(path) if path.is_file() else None
        return cell if cell is not None and cell.code == _code(entry) else None

    def _keep(self, entry: SubmittedScores, cell: Cell) -> None:
        if self.out is not None:
            write_cell(Path(self.out), cell)


def _scores_of(entry: SubmittedScores, case: Case) -> Scores:
    return read_scores(
        case.names,
        {
            "format": FORMAT,
            "n_layers": entry.n_layers,
            "n_heads": entry.n_heads,
            "is_circuit": entry.is_circuit,
            "scores": entry.scores,
        },
    )


def _code(entry: SubmittedScores) -> str:
    """Return the digest of an entry: figures of other scores are other figures."""
    return digest(document_bytes(SCORES_DOCUMENT, entry))[:16]


def _more(items: Sequence[object]) -> str:
    return f" (and of {len(items) - 1} more)" if items[1:] else ""
