"""Whether a release is what it says: every file that follows from others, made anew.

Of a release a core is read: configuration, weights, circuit, program, certificate,
recipe, history, name and version. From the core the writer of releases makes the whole
folder again, and the core itself is made again from the program, the compiler's options
and the recipe (`origin.py`). Files are compared byte by byte; where bytes may differ
for an honest reason, their content is compared, and the result says so. The audit
measures the certificate. What nothing here can show is listed as taken on trust.

Nothing of a release is run, imported, unpickled or drawn.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np

from compiler.errors import FormatError, ZooError
from compiler.machine.weights import to_tensors
from compiler.model import Model
from compiler.notation import parse, render
from compiler.save import ANNOTATION, CIRCUIT, CONFIG, PROGRAM, WEIGHTS, to_files
from compiler.sealed import MOST_SUMS, SUMS, digest, read_file, sums_of
from zoo.auditing.certificate import Certificate, audit
from zoo.auditing.subject import Subject, subject_of
from zoo.causal.by_hand import fitting, task_of
from zoo.causal.model import Task
from zoo.release.build import Draft, certificate_bytes, croissant, make_files
from zoo.release.data import draw_rows
from zoo.release.differences import (
    Difference,
    array_differences,
    json_differences,
    text_differences,
)
from zoo.release.fields import (
    CARD,
    CERTIFICATE,
    CIRCUIT_DOCUMENT,
    CROISSANT,
    HISTORY,
    INDEX,
    INDEX_DOCUMENT,
    PICTURE,
    RECIPE,
    RELEASE,
    SOURCE,
    SPLITS,
)
from zoo.release.history import SCHEMA as HISTORY_SCHEMA
from zoo.release.history import history_from_parquet, history_to_parquet
from zoo.release.index import MOST_INDEX
from zoo.release.origin import NEAR, Origin, origin_of
from zoo.release.pair_rows import (
    LEAST_RIGHT,
    compare_tables,
    judge_rows,
    share_right,
)
from zoo.release.provenance import history_differences, recipe_of
from zoo.release.released import Released, load_released
from zoo.release.shelf import folder_name, shelves
from zoo.release.statements import claim_differences, statement_differences
from zoo.release.stream import row_differences
from zoo.release.tables import data_file
from zoo.release.whole import Folder, open_folder
from zoo.release.wordings import today

MOST_DIFFERENCES = 100
"""Differences of one file that are listed."""

How = Literal[
    "made again: same bytes",
    "made again: same content",
    "made again: within 1e-5",
    "measured by the audit",
    "partly: no audit was run",
    "taken on trust",
    "no file of a release",
]
"""How a file was checked."""
BYTES: How = "made again: same bytes"
CONTENT: How = "made again: same content"
NEARLY: How = "made again: within 1e-5"
AUDITED: How = "measured by the audit"
UNAUDITED: How = "partly: no audit was run"
TRUSTED: How = "taken on trust"
STRANGE: How = "no file of a release"


@dataclass(frozen=True)
class FileCheck:
    """How one file of a release was checked, and what was found.

    Attributes:
        file: its name in the release.
        how: by which means.
        differences: where it does not say what it must; empty where it does.
    """

    file: str
    how: How
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True)
class Checked:
    """What checking a release found.

    Attributes:
        folder: the release's.
        name: what the release is called.
        version: its version.
        checks: one of each file, by name.
        figures: how many figures of the certificate were measured again; 0 where no
            audit was run.
        trusted: sentences on what nothing here can show.
    """

    folder: Path
    name: str
    version: int
    checks: tuple[FileCheck, ...]
    figures: int
    trusted: tuple[str, ...]

    @property
    def files(self) -> int:
        """How many files there are, each with the digest that SHA256SUMS says."""
        return len(self.checks)

    @property
    def differences(self) -> tuple[Difference, ...]:
        """What is not as it must be, over all files."""
        return tuple(d for check in self.checks for d in check.differences)

    @property
    def right(self) -> bool:
        """Whether no file differs from what it must be."""
        return not self.differences


def check_release(
    folder: Path,
    progress: Callable[[int, int], None] | None = None,
    threads: int = 1,
    *,
    quick: bool = False,
    causal: Task | None = None,
) -> Checked:
    """Return whether all of a release is as it says.

    Args:
        folder: the release's.
        progress: called with (pairs done, pairs) while the audit runs.
        threads: how many run pairs at a time.
        quick: leave the audit out, and check the files alone.
        causal: the causal model, where that was written by hand and is no task of the
            zoo.

    Raises:
        FormatError: a file is missing, altered without its digest, a link, or cannot
            be read as what it must be.
        InputError: the model was trained on a causal model that is not given.
    """
    opened = open_folder(folder, alone=True)
    checking = _Checking(opened, load_released(folder), causal)
    checking.core()
    checking.derived()
    checking.certificate(None if quick else (progress, threads))
    checking.index()
    return checking.result()


class _Checking:
    """One check of a release, file by file."""

    def __init__(self, opened: Folder, model: Released, causal: Task | None) -> None:
        self.opened, self.model, self.causal = opened, model, causal
        CIRCUIT_DOCUMENT.read(opened.json(CIRCUIT))
        self.subject = _subject(model, causal)
        named = task_of(model) is not None
        self.origin: Origin = origin_of(model, self.subject.causal if named else None)
        self.how: dict[str, How] = {}
        self.found: dict[str, list[Difference]] = {}
        self.trusted = list(self.origin.trusted)
        self.figures = 0
        self.name, self.version = _identity(opened, model)
        self.history = _read_history(opened)
        recipe = opened.text(RECIPE) if RECIPE in opened.sums else ""
        about = self.name, self.version, model, model.certificate
        self.made = make_files(Draft(*about, recipe, self.history, causal))
        self.add(self.origin.problems)

    def add(self, differences: Iterable[Difference]) -> None:
        """Note differences, each under its file."""
        for one in differences:
            listed = self.found.setdefault(one.file, [])
            if len(listed) < MOST_DIFFERENCES and one not in listed:
                listed.append(one)

    def result(self) -> Checked:
        """Return what was found."""
        files = sorted({*self.opened.sums, *self.how, *self.found})
        checks = tuple(
            FileCheck(
                file, self.how.get(file, STRANGE), tuple(self.found.get(file, ()))
            )
            for file in files
        )
        return Checked(
            self.opened.path,
            self.name,
            self.version,
            checks,
            self.figures,
            tuple(self.trusted),
        )

    # What everything else is made of ----------------------------------------------

    def core(self) -> None:
        """Compare configuration, weights, circuit and program with their origin."""
        try:
            expected = to_files(self.origin.model)
        except ZooError as error:
            told = str(error).partition("\n")[0]
            self.add([Difference(PROGRAM, "", "what cannot be saved again", told)])
            expected = {name: self.made[name] for name in (CONFIG, PROGRAM, CIRCUIT)}
        circuit = json.loads(expected[CIRCUIT])
        notes = json.loads(self.made[CIRCUIT])[ANNOTATION]
        expected[CIRCUIT] = render({**circuit, ANNOTATION: notes})
        for name in (CONFIG, PROGRAM, CIRCUIT):
            tolerance = NEAR if name == CIRCUIT else 0.0
            self.json(name, expected[name], tolerance)
        self.weights()
        if not self.origin.weights:
            self.add(row_differences(self.model, self.subject))

    def weights(self) -> None:
        """Compare the weights with those that were compiled again, if they were."""
        if self.opened.read(WEIGHTS) != self.made[WEIGHTS]:
            told = "bytes that are not those of its tensors alone"
            self.add(
                [Difference(WEIGHTS, "", told, "the bytes that the writer writes")]
            )
        if not self.origin.weights:
            self.how[WEIGHTS] = AUDITED
            return
        said, expected = (
            to_tensors(model.weights, model.config)
            for model in (self.model, self.origin.model)
        )
        same = all(np.array_equal(said[name], expected[name]) for name in expected)
        self.how[WEIGHTS] = BYTES if same else NEARLY
        for name, tensor in expected.items():
            self.add(array_differences(WEIGHTS, said[name], tensor, name, NEAR))

    # What follows from it ---------------------------------------------------------

    def derived(self) -> None:
        """Compare every other file with the one that is made of the core."""
        self.tables()
        self.training()
        there = {name: self.opened.read(name) for name in self.opened.sums}
        self.json(RELEASE, self.made[RELEASE])
        self.json(CROISSANT, render(croissant(self.name, self.version, there)))
        for name in (CARD, SOURCE, PICTURE):
            self.text(name, self.made[name])
        sums = read_file(self.opened.path, SUMS, 0, MOST_SUMS, None)
        self.how[SUMS] = BYTES
        self.add(text_differences(SUMS, sums, sums_of(there)))
        known = {*self.made, RECIPE, HISTORY}
        for name in sorted(set(there) - known):
            told = f"{len(there[name]):,} bytes"
            self.add([Difference(name, "", told, "no such file in a release")])

    def json(self, name: str, expected: bytes, tolerance: float = 0.0) -> None:
        """Compare a JSON file."""
        data = self.opened.read(name)
        self.how[name] = BYTES
        if data != expected:
            said, right = parse(_today(data), name).json, json.loads(expected)
            self.how[name] = CONTENT
            found = list(islice(json_differences(name, said, right), 1))
            if found and tolerance:
                self.how[name] = NEARLY
            self.add(json_differences(name, said, right, "", tolerance))

    def text(self, name: str, expected: bytes) -> None:
        """Compare a file of lines."""
        data = self.opened.read(name)
        self.how[name] = BYTES if data == expected else CONTENT
        self.add(text_differences(name, _today(data), expected))

    def tables(self) -> None:
        """Compare the pairs with those that are drawn again, and with the model."""
        drawn = draw_rows(self.model, causal=self.causal)
        least = 1.0 if self.model.facts.get("kind") != "trained" else LEAST_RIGHT
        for split in SPLITS:
            file = data_file(split)
            self.how[file] = BYTES
            try:
                self.table(file, self.opened.read(file), self.made[file])
            except FormatError as error:
                told = str(error).removeprefix(f"{file}: ")
                self.add([Difference(file, "", f"no table of pairs ({told})", "one")])
            rows = drawn[split] if split == "test" else ()
            share = share_right(self.model, rows, self.causal) if rows else 1.0
            if share < least:
                told = f"{share:.4f} of the outputs in {file}"
                right = f"{least:g} by the interpreter"
                self.add([Difference(WEIGHTS, "", f"what gives {told}", right)])

    def table(self, file: str, said: bytes, expected: bytes) -> None:
        """Compare one file of pairs."""
        compared = compare_tables(file, said, expected)
        self.how[file] = BYTES if compared.same_bytes else CONTENT
        self.add(compared.differences)
        self.add(judge_rows(self.model, file, compared.wrong, self.causal))

    def training(self) -> None:
        """Compare recipe and history with what the facts say."""
        trained = self.model.facts.get("kind") == "trained"
        for name in (RECIPE, HISTORY):
            if name in self.opened.sums and not trained:
                self.how[name] = STRANGE
                told = "a file of a trained model"
                self.add([Difference(name, "", told, "none, for it was not trained")])
            elif name not in self.opened.sums and trained:
                self.trusted.append(
                    f"{name}: it is not in the release, so what {PROGRAM} says of the "
                    "training stands alone"
                )
        if not trained or self.origin.problems:
            return
        if RECIPE in self.opened.sums:
            self.text(RECIPE, recipe_of(self.model))
        if HISTORY in self.opened.sums:
            self.how[HISTORY] = TRUSTED
            data = self.opened.read(HISTORY)
            found = compare_tables(
                HISTORY, data, history_to_parquet(self.history), HISTORY_SCHEMA
            )
            self.add(found.differences)
            self.add(history_differences(self.model, self.subject, self.history))
            self.trusted.append(
                f"{HISTORY}: the figures of the checks during training, which were "
                "measured on earlier weights. Their form is right, and the last one "
                "gives the outcome and the steps"
            )

    # Figures ----------------------------------------------------------------------

    def certificate(
        self, how: tuple[Callable[[int, int], None] | None, int] | None
    ) -> None:
        """Compare the certificate with what its counts imply, and with an audit."""
        stated, said = self.model.certificate, self.opened.json(CERTIFICATE)
        self.how[CERTIFICATE] = AUDITED if how is not None else UNAUDITED
        self.add(claim_differences(stated, self.subject.claims))
        if how is None:
            self.add(statement_differences(self.model, self.subject, stated))
            self.trusted.append(
                f"{CERTIFICATE}: the counts (`hits`), for no audit was run. What they "
                "imply and the witnesses were checked"
            )
            if not self.origin.weights:
                self.how[WEIGHTS] = UNAUDITED
            return
        found = self._audit(stated, *how)
        measured = json.loads(certificate_bytes(found))
        self.figures = _count(measured)
        self.add(json_differences(CERTIFICATE, said.json, measured))

    def _audit(
        self,
        stated: Certificate,
        progress: Callable[[int, int], None] | None,
        threads: int,
    ) -> Certificate:
        return audit(
            self.subject,
            pairs=stated.pairs,
            seed=stated.seed,
            progress=progress,
            threads=threads,
        )

    def index(self) -> None:
        """Compare the line of the shelf's index with the release, if there is one."""
        folder = self.opened.path
        path = folder.parent / INDEX
        if not path.is_file():
            return
        self.how[INDEX] = CONTENT
        try:
            data = read_file(folder.parent, INDEX, 0, MOST_INDEX, None)
            said = parse(data, INDEX)
            INDEX_DOCUMENT.read(said)
        except FormatError as error:
            self.add([Difference(INDEX, "", f"no index ({error})", "one")])
            return
        lines = said.json["releases"]
        rows = [row for row in lines if row["folder"] == folder.name]
        if len(rows) != 1:
            told = f"{len(rows)} lines of {folder.name}"
            self.add([Difference(INDEX, "", told, "one line")])
            return
        sizes = [len(self.opened.read(name)) for name in self.opened.sums]
        sums = read_file(folder, SUMS, 0, MOST_SUMS, None)
        expected = {
            **json.loads(self.made[RELEASE]),
            "folder": folder.name,
            "bytes": sum(sizes) + len(sums),
            "sums": digest(sums),
        }
        self.add(json_differences(INDEX, rows[0], expected, folder.name))


def _subject(model: Model, causal: Task | None) -> Subject:
    """Return what the model is held to."""
    return subject_of(model, None if causal is None else fitting(causal, model))


def _today(data: bytes) -> bytes:
    """Return a file with the sentences of earlier writers in today's words."""
    return today(data.decode("utf-8", "surrogateescape")).encode(
        "utf-8", "surrogateescape"
    )


def _read_history(opened: Folder) -> list[dict[str, Any]]:
    if HISTORY not in opened.sums:
        return []
    return history_from_parquet(opened.read(HISTORY))


# The name -------------------------------------------------------------------------


def _identity(opened: Folder, model: Released) -> tuple[str, int]:
    """Return the name and the version that the files of a release must have.

    On a shelf the folder says it. Elsewhere a folder can have any name, and where the
    files disagree it is what most of them say.
    """
    summary = model.summary
    said = [(summary["name"], summary["version"])]
    if _on_shelf(opened.path):
        named = re.fullmatch(r"(.*?)(?:\.v([0-9]{1,10}))?", opened.path.name)
        assert named is not None
        found = named[1], int(named[2] or 1)
        if folder_name(*found) == opened.path.name:
            return found
    title = re.search(r"^# ([a-z0-9_-]{1,80})$", opened.text(CARD), re.MULTILINE)
    number = re.search(r" Version ([0-9]{1,10})\.$", opened.text(CARD), re.MULTILINE)
    if title and number:
        said.append((title[1], int(number[1])))
    data: Any = opened.json(CROISSANT).json
    if isinstance(data, Mapping):
        third = re.fullmatch(r"([0-9]{1,10})\.0\.0", str(data.get("version")))
        if third:
            said.append((str(data.get("name")), int(third[1])))
    return max(said, key=said.count)


def _on_shelf(folder: Path) -> bool:
    """Return whether a folder is where names of releases are looked up."""
    parent = folder.resolve().parent
    return (parent / INDEX).is_file() or parent in [s.resolve() for s in shelves()]


def _count(data: Any) -> int:
    """Return how many numbers a piece of JSON holds."""
    if isinstance(data, dict):
        return sum(map(_count, data.values()))
    if isinstance(data, list):
        return sum(map(_count, data))
    return int(isinstance(data, int | float) and not isinstance(data, bool))
