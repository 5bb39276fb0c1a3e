"""One submission judged: its claims are checked, measured, and perhaps repeated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from compiler.errors import FormatError, InputError, ZooError
from compiler.escapes import escape
from compiler.sealed import digest
from zoo.cases.case import Case
from zoo.interrupts import interrupt_after
from zoo.methods.method import Method
from zoo.methods.own import method_of_file
from zoo.scoring.cells import Cell, run_cell, write_cell
from zoo.scoring.evaluate import TIMEOUT, draw_cases, kept_cell, open_both
from zoo.submissions.claim_kind import ClaimKind, ClaimRecording, distance
from zoo.submissions.digests import digest_of_model
from zoo.submissions.kinds import find_claiming, find_kind, reserved_names
from zoo.submissions.record import (
    METHOD_FILE,
    SUBMIT_AGAIN,
    SubmissionFolder,
    SubmittedRun,
    document_bytes,
)

SAME = 1e-3
"""How far a repeated run may be off, as a share of its greatest number.

Float32 on another processor, through a softmax and a sum over hundreds of pairs."""


class _SlowToMeasureError(BaseException):
    """The figures of a claim take too long; no Exception, which a run contains."""


@dataclass(frozen=True)
class SubmissionJudge:
    """Judges one submission.

    Attributes:
        opened: the submission.
        lines: the models that it must have claims of.
        seeds: those that it must have claims for.
        out: where figures are kept, or None.
        pairs: how many a method must have got.
        repeat: how many runs are repeated.
        run_files: whether its own file is run for this.
    """

    opened: SubmissionFolder
    lines: Sequence[str]
    seeds: Sequence[int]
    out: str | Path | None
    pairs: int
    repeat: int
    run_files: bool

    def cells(
        self, progress: Callable[[Cell], None] | None
    ) -> tuple[tuple[Cell, ...], int]:
        """Return the figures of the submission, and how many runs were repeated.

        Raises:
            ZooError: what is wrong with it.
        """
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
        return tuple(cells), repeated

    @cached_property
    def kind(self) -> ClaimKind:
        """What the method claims.

        Raises:
            NameLookupError: there is no such kind of claim.
        """
        return find_kind(self.opened.submission.claims)

    def _check_cases(self) -> None:
        """Raise InputError unless there are claims of every model with every seed."""
        said = self.opened.submission
        none = f"{self.opened.path}: it has no {self.kind.name} of "
        known = {model.line for model in said.models}
        missing = [line for line in self.lines if line not in known]
        if missing:
            raise InputError(
                f"{none}{missing[0]}{_more(missing)}, which the suite has. "
                f"{SUBMIT_AGAIN}"
            )
        seeds = [seed for seed in self.seeds if seed not in said.seeds]
        if seeds:
            raise InputError(f"{none}seed {seeds[0]}{_more(seeds)}. {SUBMIT_AGAIN}")
        if said.pairs != self.pairs:
            raise InputError(
                f"{self.opened.path}: its method got {said.pairs} pairs of inputs, and "
                f"expected are {self.pairs}. {SUBMIT_AGAIN}"
            )

    def _check_name(self) -> None:
        """Raise InputError if it has the name of a built-in method that it is not."""
        said = self.opened.submission
        if said.name in reserved_names(self.kind) and said.method != said.name:
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
            return find_claiming(said.method, self.kind)
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
        return replace(found, magnitude=said.absolute, claims=said.claims)

    def _cells_of(
        self, line: str, again: set[tuple[str, int]], method: Method | None
    ) -> Iterator[tuple[Cell, bool]]:
        """Yield each cell of a model, and whether its run was repeated."""
        opened: tuple[Case, Case] | None = None
        for seed in self.seeds:
            entry = self.opened.entry(line, seed, self.kind.document)
            repeats = (line, seed) in again
            name, code = self.opened.submission.name, self._code(entry)
            kept = kept_cell(self.out, name, line, seed, code, self.kind)
            if not repeats and kept is not None:
                yield kept, False
                continue
            if opened is None:
                opened = open_both(line, self.pairs)
                self._check_model(line, opened[0])
            cell = self._cell(entry, opened[1])
            if repeats and method is not None:
                train = draw_cases(opened[0], seed, self.pairs)
                self._compare(entry, method, train, opened[1])
            if self.out is not None:
                write_cell(Path(self.out), cell)
            yield cell, repeats

    def _check_model(self, line: str, case: Case) -> None:
        stated = {m.line: m.digest for m in self.opened.submission.models}[line]
        here = digest_of_model(case.model)
        if stated and stated != here:
            raise FormatError(
                f"{self.opened.path}: its {self.kind.name} of {line} are of a model "
                f"with the digest {stated[:12]}.., and the one here has {here[:12]}... "
                f"{SUBMIT_AGAIN}"
            )

    def _cell(self, entry: SubmittedRun, test: Case) -> Cell:
        """Return the figures of a claim, measured here.

        Raises:
            ZooError: the file holds no claim about this model.
        """
        said, code = self.opened.submission, self._code(entry)
        where = f"{self.opened.path}: on {entry.model}, seed {entry.seed},"
        about = self._asked(entry, test, where)
        if entry.status != "ok":
            error = escape(entry.error[:300])
            place = said.name, entry.model, entry.seed
            return Cell(
                *place,
                entry.status,
                error,
                entry.seconds,
                code=code,
                claims=said.claims,
            )
        try:
            claim = self.kind.restore(about, entry)
        except ZooError as error:  # it may quote what was submitted, over lines
            said_so = escape(" ".join(str(error).split()))
            raise FormatError(f"{where} {said_so}. {SUBMIT_AGAIN}") from None
        method = Method(said.name, lambda *_: claim, magnitude=said.absolute, code=code)
        kind = replace(self.kind, ask=lambda *_: (about, about))
        place = entry.model, entry.seed
        try:
            with interrupt_after(TIMEOUT, _SlowToMeasureError):
                cell = run_cell(method, *place, test, test, TIMEOUT, kind=kind)
        except _SlowToMeasureError:
            raise FormatError(
                f"{where} measuring what it claims took more than {TIMEOUT:g} s. "
                f"{SUBMIT_AGAIN}"
            ) from None
        if cell.status != "ok":
            raise FormatError(
                f"{where} what it claims has no figures: {escape(cell.error)}. "
                f"{SUBMIT_AGAIN}"
            )
        return replace(cell, seconds=entry.seconds)

    def _asked(self, entry: SubmittedRun, test: Case, where: str) -> Any:
        """Return what a claim is about; None where nothing was asked of the model.

        Raises:
            FormatError: it says otherwise.
        """
        try:
            about = self.kind.ask(test, test, entry.seed)[1]
        except InputError as error:
            if entry.status != "not asked":
                raise FormatError(
                    f"{where} it has {self.kind.name}, of which the truth is not "
                    f"known: {error}. {SUBMIT_AGAIN}"
                ) from None
            return None
        if entry.status == "not asked":
            raise FormatError(
                f"{where} it says that no {self.kind.name} were asked, and here they "
                f"are. {SUBMIT_AGAIN}"
            )
        return about

    def _compare(
        self, entry: SubmittedRun, method: Method, train: Case, test: Case
    ) -> None:
        """Raise FormatError unless a repeated run comes to what is stated."""
        recording = ClaimRecording(self.kind)
        place = entry.model, entry.seed
        cell = run_cell(method, *place, train, test, TIMEOUT, kind=recording.kind)
        where = f"{self.opened.path}: on {entry.model}, seed {entry.seed},"
        if cell.status != entry.status:
            raise FormatError(
                f"{where} its method's run is {cell.status!r} here "
                f"{escape(cell.error)}, and it says {entry.status!r}. {SUBMIT_AGAIN}"
            )
        if entry.status != "ok":
            return
        assert recording.entry is not None
        stated, found = (
            self.kind.comparable(self.kind.stored_in(run))
            for run in (entry, recording.entry)
        )
        if (off := distance(stated, found)) > SAME:
            raise FormatError(
                f"{where} its method gives other {self.kind.name} here: {off:.2g} of "
                f"the greatest apart, at most {SAME:g} expected. {SUBMIT_AGAIN}"
            )

    def _code(self, entry: SubmittedRun) -> str:
        """Return the digest of an entry: figures of other claims are other figures."""
        return digest(document_bytes(self.kind.document, entry))[:16]


def _more(items: Sequence[object]) -> str:
    return f" (and of {len(items) - 1} more)" if items[1:] else ""
