"""A method run on a suite, and packed as a submission: `zoo.submit` is here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from compiler.errors import InputError
from compiler.files import write_atomically
from compiler.sealed import SUMS, read_file, sums_of
from zoo.cases.pairs import PAIRS
from zoo.methods import names as method_names
from zoo.methods.method import Method
from zoo.own_file import names_file, split_file
from zoo.scoring.cells import Cell, cell_path
from zoo.scoring.evaluate import TIMEOUT, Given, as_method, evaluate
from zoo.scoring.suites import models_of
from zoo.scoring.table import Table
from zoo.submissions.digests import digest_of_model, environment
from zoo.submissions.record import (
    METHOD_FILE,
    MOST_BYTES,
    NAME,
    SCORES_DOCUMENT,
    SUBMISSION,
    SUBMISSION_DOCUMENT,
    MethodRecording,
    Submission,
    SubmittedModel,
    SubmittedScores,
    document_bytes,
    entry_name,
)

BUILT_IN = "built-in"
"""The code of a built-in method: that of the version of this package."""


def submit(
    method: Given,
    suite: str | Iterable[str] = "core",
    seeds: int | Sequence[int] = 3,
    *,
    out: str | Path,
    name: str | None = None,
    paper: str = "",
    absolute: bool = False,
    timeout: float = TIMEOUT,
    pairs: int = PAIRS,
    progress: Callable[[Cell], None] | None = None,
    hung: Callable[[Cell], None] | None = None,
) -> Table:
    """Return how a method does on a suite, and pack its scores as a submission.

    What is in the folder already is not run again, unless the method has changed.

    Args:
        method: a file that defines it (`my.py`, `my.py:NAME`), which is copied into the
            submission; a built-in method's name; or a function of a case and a seed.
        suite: a suite's name, an expression, a model's name, or several.
        seeds: how many, or which: a seed draws the pairs that the method gets.
        out: the folder of the submission.
        name: what the method is called on a leaderboard: lower-case letters, digits and
            dashes; that of the function or file if None.
        paper: where the method is described.
        absolute: whether edges are ranked by absolute value.
        timeout: seconds for one run of the method.
        pairs: how many the method gets.
        progress: called with every cell.
        hung: called from another thread, once its cell is kept, when the method stays
            in compiled code past its time.

    Raises:
        NameLookupError: a built-in method, a suite or a model is unknown.
        InputError: the name is none, or a built-in method has it; or the folder holds
            something else.
        FormatError: there is no such file.
    """
    folder = Path(out)
    chosen = as_method(method, kept=True)
    built_in = chosen.name if not chosen.code else ""
    if built_in:
        chosen = replace(chosen, code=BUILT_IN)
    else:
        chosen = replace(chosen, magnitude=absolute, name=_checked_name(chosen, name))
    numbers = list(range(seeds)) if isinstance(seeds, int) else list(seeds)
    lines = models_of(suite)
    check_folder(folder)
    recording = MethodRecording(chosen)
    cells: list[Cell] = []

    def keep(cell: Cell) -> None:
        _write_entry(folder, cell, recording)
        cells.append(cell)
        if progress is not None:
            progress(cell)

    def stop(cell: Cell) -> None:
        _write_entry(folder, cell, recording)
        assert hung is not None
        hung(cell)

    for line in lines:
        for seed in numbers:  # a cell whose scores are missing is run again
            if not (folder / entry_name(line, seed)).is_file():
                cell_path(folder, chosen.name, line, seed).unlink(missing_ok=True)
        evaluate(
            replace(chosen, run=recording),
            [line],
            numbers,
            out=folder,
            timeout=timeout,
            pairs=pairs,
            progress=keep,
            hung=None if hung is None else stop,
        )
    entries = {line: _read_entry(folder, line, numbers[0]) for line in lines}
    file, function = _file_and_function(method)
    submission = Submission(
        name=chosen.name,
        paper=paper or chosen.paper,
        method=built_in,
        function=function,
        code=chosen.code,
        absolute=chosen.magnitude,
        level=chosen.level,
        models=tuple(SubmittedModel(n, e.digest) for n, e in entries.items()),
        seeds=tuple(numbers),
        pairs=pairs,
        timeout=timeout,
        environment=environment(),
    )
    _seal(folder, submission, file)
    return Table(tuple(cells))


def _write_entry(folder: Path, cell: Cell, recording: MethodRecording) -> None:
    """Write the scores of a cell that was run just now; those of others stay."""
    path = folder / entry_name(cell.model, cell.seed)
    case, scores = recording.case, recording.scores
    recording.case = recording.scores = None
    if case is None and path.is_file():
        return
    found = SubmittedScores(
        model=cell.model,
        digest="" if case is None else digest_of_model(case.model),
        seed=cell.seed,
        status=cell.status,  # type: ignore[arg-type]
        code=cell.code,
        seconds=cell.seconds,
        error=cell.error,
    )
    if scores is not None and cell.status == "ok":
        names = scores.level.names
        found = replace(
            found,
            n_layers=names.n_layers,
            n_heads=names.n_heads,
            is_circuit=scores.is_circuit,
            scores=scores.to_dict(),
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, document_bytes(SCORES_DOCUMENT, found))


def _checked_name(method: Method, name: str | None) -> str:
    """Return what a method is called on a leaderboard.

    Raises:
        InputError: it is no name, or a built-in method has it.
    """
    chosen = method.name.lower() if name is None else name
    if not NAME.fullmatch(chosen):
        raise InputError(
            f"--name {chosen!r}: expected at most 40 lower-case letters, digits and "
            "dashes, as in my-method"
        )
    if chosen in method_names() and chosen != method.name:
        raise InputError(
            f"--name {chosen!r}: a built-in method has this name. Choose another"
        )
    return chosen


def check_folder(folder: Path) -> None:
    """Raise InputError if a folder holds anything but a submission."""
    known = {SUBMISSION, METHOD_FILE, SUMS, "entries", "cells"}
    if folder.is_file():
        raise InputError(f"{folder}: found a file, expected a folder or nothing")
    if folder.is_dir():
        strange = sorted(p.name for p in folder.iterdir() if p.name not in known)
        if strange:
            raise InputError(
                f"{folder}: found {strange[0]!r} there, expected a submission or an "
                "empty folder. Choose another folder with --out"
            )


def _read_entry(folder: Path, line: str, seed: int) -> SubmittedScores:
    name = entry_name(line, seed)
    data = read_file(folder, name, 2, MOST_BYTES, None)
    return SCORES_DOCUMENT.parse(data, name)


def _file_and_function(method: Given) -> tuple[Path | None, str]:
    """Return the file that a method was given by, if by one, and which function."""
    if not isinstance(method, str) or not names_file(method):
        return None, ""
    found = split_file(method)
    assert found is not None
    return found


def _seal(folder: Path, submission: Submission, file: Path | None) -> None:
    """Write what is left of a submission; SHA256SUMS comes last."""
    copy = folder / METHOD_FILE
    if file is None:
        copy.unlink(missing_ok=True)
    else:
        write_atomically(copy, file.read_bytes())
    data = document_bytes(SUBMISSION_DOCUMENT, submission)
    write_atomically(folder / SUBMISSION, data)
    wanted = [SUBMISSION, *([METHOD_FILE] if file else [])]
    for line in (model.line for model in submission.models):
        for seed in submission.seeds:
            cell = cell_path(Path(), submission.name, line, seed)
            wanted += [entry_name(line, seed), str(cell)]
    files = {name: (folder / name).read_bytes() for name in wanted}
    write_atomically(folder / SUMS, sums_of(files))
