"""What a submission is: a folder with the claims of one method on a suite of models.

    submission.json           the method, settings, environment, models with digests
    entries/MODEL.SEED.json   one a model and seed: its claim, or why there is none
    cells/METHOD/..           the submitter's own figures, as `zoo evaluate` keeps them
    method.py                 the file of the method, where it is in one; for readers
    SHA256SUMS                the digests of all of these

Nothing in it is run by reading or judging it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from compiler.errors import FormatError, InputError
from compiler.notation import render, with_remedy
from compiler.sealed import read_file, read_sums
from zoo.release.schema import MAY_LACK, Document
from zoo.scoring.cells import cell_path

SUBMISSION, METHOD_FILE, ENTRIES = "submission.json", "method.py", "entries"
MOST_BYTES = 2**26
"""Bytes of a file of a submission above which it is not read."""
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
"""What a method can be called on a leaderboard; it is also the name of a folder."""
SUBMIT_AGAIN = "Ask who made the submission for it again, or make it with `zoo submit`."

RunStatus = Literal["ok", "failed", "out of time", "not asked"]


@dataclass(frozen=True)
class SubmittedModel:
    """A model of a submission.

    Attributes:
        line: as the suite has it: a release, or a program with options.
        digest: SHA-256 of the digests of a release's files, or of a compiled model's
            weights; "" if the model could not be opened.
    """

    line: str
    digest: str


@dataclass(frozen=True)
class Submission:
    """What submission.json says.

    Attributes:
        name: what the method is called on a leaderboard.
        paper: where the method is described; may be empty.
        method: the built-in method that it is; "" if it is the submitter's own.
        function: which of the functions in its file; "" if there is one, or no file.
        code: digest of the submitter's file or function; "" of a built-in method.
        absolute: whether edges are ranked by absolute value.
        level: the finest granularity that the method says anything of.
        models: those that it was run on.
        seeds: draws of input pairs on each of them.
        pairs: how many input pairs the method got.
        timeout: seconds after which a run was stopped.
        environment: versions of Python and of packages, and the kind of machine.
        claims: what it returns: `scores`, or another kind of claim.
    """

    name: str
    paper: str
    method: str
    function: str
    code: str
    absolute: bool
    level: str
    models: tuple[SubmittedModel, ...]
    seeds: tuple[int, ...]
    pairs: int
    timeout: float
    environment: Mapping[str, str]
    claims: str = field(default="scores", metadata={MAY_LACK: True})


@dataclass(frozen=True)
class SubmittedRun:
    """What one run of the method came to; each kind of claim adds fields of its own.

    Attributes:
        model: a line of the suite.
        digest: of the model, as in `SubmittedModel`.
        seed: of the input pairs and of the method.
        status: `ok`, `failed`, `out of time`, or `not asked` where the truth of such a
            claim is not known of the model.
        code: digest of the file or function that was run.
        seconds: of the run, on the submitter's machine.
        error: what went wrong, in a line.
    """

    model: str
    digest: str
    seed: int
    status: RunStatus
    code: str
    seconds: float
    error: str = ""


SUBMISSION_DOCUMENT = Document(
    SUBMISSION,
    "A method that was run on a suite of models, by whoever made it.",
    Submission,
    "circuitzoo.submission",
    (1, 2),
)


def document_bytes(document: Document, value: Submission | SubmittedRun) -> bytes:
    """Return a document of a submission as the bytes of its file."""
    version = {"format": document.format, "format_version": document.versions[-1]}
    return render({**version, **asdict(value)})


def entry_name(line: str, seed: int) -> str:
    """Return the name of the file with the scores of a model and seed."""
    return f"{ENTRIES}/{cell_path(Path(), '', line, seed).name}"


@dataclass(frozen=True)
class SubmissionFolder:
    """The folder of a submission, whose files are read under their digests.

    Attributes:
        path: where it is.
        sums: the digests of its files by name.
        submission: what submission.json says.
    """

    path: Path
    sums: Mapping[str, str]
    submission: Submission

    def check_method_file(self) -> None:
        """Raise FormatError unless the method's file is as its digest says."""
        try:
            read_file(self.path, METHOD_FILE, 0, MOST_BYTES, self.sums)
        except FormatError as error:
            raise _located(self.path, error) from None

    def entry(self, line: str, seed: int, document: Document) -> Any:
        """Return what the method came to on one model with one seed.

        Args:
            line: of a suite.
            seed: of the run.
            document: of the kind of claim.

        Raises:
            FormatError: the file is missing, altered, or of another model or seed.
        """
        name = entry_name(line, seed)
        found = _read(self.path, name, document, self.sums)
        if (found.model, found.seed) != (line, seed):
            raise FormatError(
                f"{self.path / name}: found a run on {found.model!r}, seed "
                f"{found.seed}, expected {line!r}, seed {seed}. {SUBMIT_AGAIN}"
            )
        return found


def open_submission(folder: str | Path) -> SubmissionFolder:
    """Return a submission; its scores are read when they are asked for.

    Raises:
        FormatError: it is none, is unfinished, or a file is not as its digest says.
    """
    path = Path(folder)
    try:
        sums = read_sums(path)
    except FormatError as error:
        raise _located(path, error) from None
    said = _read(path, SUBMISSION, SUBMISSION_DOCUMENT, sums)
    if not NAME.fullmatch(said.name):
        raise FormatError(
            f"{path}: {SUBMISSION}, name: found {said.name[:60]!a}, expected at most "
            f"40 lower-case letters, digits and dashes. {SUBMIT_AGAIN}"
        )
    return SubmissionFolder(path, sums, said)


def _read(folder: Path, name: str, document: Document, sums: Mapping[str, str]) -> Any:
    try:
        data = read_file(folder, name, 2, MOST_BYTES, sums)
        return document.parse(data, name)
    except FormatError as error:
        raise _located(folder, error) from None


def _located(folder: Path, error: FormatError) -> FormatError:
    """Return an error of a file with its folder, and what can be done about it."""
    said = with_remedy(error, SUBMIT_AGAIN)
    return FormatError(f"{folder}: {said}")


def find_submissions(folder: str | Path) -> list[Path]:
    """Return the folders of submissions that are in a folder, or are the folder.

    Raises:
        InputError: there is none.
    """
    place = Path(folder)
    if (place / SUBMISSION).is_file():
        return [place]
    found = sorted(p.parent for p in place.glob(f"*/{SUBMISSION}"))
    if not found:
        raise InputError(
            f"--submissions {place}: found no folder with a {SUBMISSION} there. `zoo "
            "submit` makes one"
        )
    return found
