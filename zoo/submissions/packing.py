"""A method run on a suite, and packed as a submission: `zoo.submit` is here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from compiler.errors import InputError
from compiler.files import check_room, write_atomically
from compiler.sealed import SUMS, read_file, sums_of
from zoo.cases.pairs import PAIRS
from zoo.methods.method import Method
from zoo.own_file import names_file, split_file
from zoo.scoring.cells import Cell, cell_path
from zoo.scoring.evaluate import TIMEOUT, Given, SuiteRun, as_method
from zoo.scoring.suites import models_of
from zoo.scoring.table import Table
from zoo.submissions.claim_kind import ClaimKind, ClaimRecording
from zoo.submissions.digests import environment
from zoo.submissions.kinds import (
    BUILT_IN,
    SCORES,
    find_claiming,
    find_kind,
    reserved_names,
)
from zoo.submissions.record import (
    METHOD_FILE,
    MOST_BYTES,
    NAME,
    SUBMISSION,
    SUBMISSION_DOCUMENT,
    Submission,
    SubmittedModel,
    SubmittedRun,
    document_bytes,
    entry_name,
)


def submit(
    method: Given,
    suite: str | Iterable[str] = "core",
    seeds: int | Sequence[int] = 3,
    *,
    out: str | Path,
    name: str | None = None,
    paper: str = "",
    absolute: bool = False,
    claims: str | None = None,
    timeout: float = TIMEOUT,
    pairs: int = PAIRS,
    progress: Callable[[Cell], None] | None = None,
    hung: Callable[[Cell], None] | None = None,
) -> Table:
    """Return how a method does on a suite, and pack what it claims as a submission.

    What is in the folder already is not run again, unless the method has changed.

    Args:
        method: a file that defines it (`my.py`, `my.py:NAME`), which is copied into the
            submission; a built-in method's name; or a function of a case (or of what
            its kind of claim is about, see docs/submitting.md) and a seed.
        suite: a suite's name, an expression, a model's name, or several.
        seeds: how many, or which: a seed draws the pairs that the method gets.
        out: the folder of the submission.
        name: what the method is called on a leaderboard: lower-case letters, digits and
            dashes; that of the function or file if None.
        paper: where the method is described.
        absolute: whether edges are ranked by absolute value.
        claims: what the method returns: `scores`, `circuits`, `alignments`,
            `descriptions`, `programs`, `attributions` or `steering`; what its decorator
            says if None, and else `scores`.
        timeout: seconds for one run of the method.
        pairs: how many the method gets.
        progress: called with every cell.
        hung: called from another thread, once its cell is kept, when the method stays
            in compiled code past its time.

    Raises:
        NameLookupError: a built-in method, a kind of claim, a suite or a model is
            unknown.
        InputError: the name is none, or a built-in method has it; or the folder holds
            something else.
        FormatError: there is no such file.
    """
    folder = Path(out)
    chosen, kind = _method_and_kind(method, claims, absolute)
    built_in = chosen.name if chosen.code == BUILT_IN else ""
    if not built_in:
        chosen = replace(chosen, name=_checked_name(chosen, name, kind))
    numbers = list(range(seeds)) if isinstance(seeds, int) else list(seeds)
    lines = models_of(suite)
    check_folder(folder)
    writer = _EntryWriter(folder, kind)
    cells: list[Cell] = []

    def keep(cell: Cell) -> None:
        writer.write(cell)
        cells.append(cell)
        if progress is not None:
            progress(cell)

    def stop(cell: Cell) -> None:
        writer.write(cell)
        assert hung is not None
        hung(cell)

    for line in lines:
        for seed in numbers:  # a cell whose claim is missing is run again
            if not (folder / entry_name(line, seed)).is_file():
                cell_path(folder, chosen.name, line, seed).unlink(missing_ok=True)
        tell = None if hung is None else stop
        run = SuiteRun(
            [chosen], numbers, folder, timeout, pairs, tell, writer.recording.kind
        )
        run.table([line], keep)
    entries = {line: _read_entry(folder, line, numbers[0], kind) for line in lines}
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
        claims=kind.name,
    )
    _seal(folder, submission, file)
    return Table(tuple(cells))


def _method_and_kind(
    given: Given, claims: str | None, absolute: bool
) -> tuple[Method, ClaimKind]:
    """Return the method, and what it claims.

    Raises:
        NameLookupError: a built-in method or a kind of claim is unknown.
        InputError: edges are to be ranked by absolute value, and it scores none.
        FormatError: there is no such file.
    """
    if isinstance(given, str) and not names_file(given):
        kind = find_kind(claims or SCORES)
        method = replace(find_claiming(given, kind), code=BUILT_IN)
    else:
        method = as_method(given, kept=True)
        kind = find_kind(claims or method.claims)
        if not method.code:  # one of the built-in methods, given as it is
            return replace(method, code=BUILT_IN), kind
        method = replace(method, magnitude=absolute, claims=kind.name)
    if absolute and kind.name != SCORES:
        raise InputError(
            f"--absolute ranks the scores of edges by size, and this method returns "
            f"{kind.name}. Leave it out"
        )
    return method, kind


class _EntryWriter:
    """Writes what runs come to; what is there of others stays.

    Args:
        folder: of the submission.
        kind: of what is claimed.
    """

    def __init__(self, folder: Path, kind: ClaimKind) -> None:
        self.folder, self.kind = folder, kind
        self.recording = ClaimRecording(kind)

    def write(self, cell: Cell) -> None:
        """Write the claim of a cell, if it was run just now."""
        path = self.folder / entry_name(cell.model, cell.seed)
        digest, stored = self.recording.digest, self.recording.stored
        self.recording.forget()
        if digest is None and path.is_file():
            return
        run = SubmittedRun(
            model=cell.model,
            digest=digest or "",
            seed=cell.seed,
            status=cell.status,  # type: ignore[arg-type]
            code=cell.code,
            seconds=cell.seconds,
            error=cell.error,
        )
        kept = stored if cell.status == "ok" else None
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, self.kind.entry_bytes(run, kept))


def _checked_name(method: Method, name: str | None, kind: ClaimKind) -> str:
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
    if chosen in reserved_names(kind) and chosen != method.name:
        raise InputError(
            f"--name {chosen!r}: a built-in method has this name. Choose another"
        )
    return chosen


def check_folder(folder: Path) -> None:
    """Raise InputError if a folder holds anything but a submission, or takes none."""
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
    check_room(folder)


def _read_entry(folder: Path, line: str, seed: int, kind: ClaimKind) -> SubmittedRun:
    name = entry_name(line, seed)
    data = read_file(folder, name, 2, MOST_BYTES, None)
    return kind.document.parse(data, name)


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
