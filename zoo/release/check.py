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
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from compiler.errors import FormatError, InputError, ZooError
from compiler.interchange.hugging_face import TOKENIZER
from compiler.machine.weights import to_tensors
from compiler.model import Model
from compiler.notation import parse, render
from compiler.save import ANNOTATION, CIRCUIT, CONFIG, PROGRAM, WEIGHTS, to_files
from compiler.sealed import MOST_SUMS, SUMS, read_file, sums_of
from zoo.auditing.agreement import Tolerated, agree
from zoo.auditing.certificate import Certificate, audit
from zoo.auditing.full import completed, proven
from zoo.auditing.subject import Subject, subject_of
from zoo.causal.by_hand import fitting, task_of
from zoo.causal.model import Task
from zoo.release.build import Draft, certificate_bytes, croissant, make_files
from zoo.release.data import published_pairs
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
    PICTURE,
    RECIPE,
    RELEASE,
    SOURCE,
    SPLITS,
    TWIN,
)
from zoo.release.history import history_from_parquet, history_to_parquet, schema_of
from zoo.release.identity import has_index, identity_of, index_differences
from zoo.release.origin import NEAR, Origin, origin_of
from zoo.release.pair_rows import (
    LEAST_RIGHT,
    compare_tables,
    judge_rows,
    share_right,
)
from zoo.release.provenance import history_differences, recipe_of
from zoo.release.released import Released, load_released
from zoo.release.statements import (
    claim_differences,
    statement_differences,
    thorough_margins,
)
from zoo.release.stream import row_differences
from zoo.release.tables import data_file, from_parquet
from zoo.release.verdict import (
    AUDITED,
    BYTES,
    CONTENT,
    NEARLY,
    STRANGE,
    TRUSTED,
    UNAUDITED,
    Checked,
    FileCheck,
    How,
)
from zoo.release.whole import Folder, is_release, open_folder
from zoo.release.wordings import today

MOST_PROVEN = 5_000
"""Base inputs of a proof that is made again; a stated one with more differs."""
MOST_DIFFERENCES = 100
"""Differences of one file that are listed."""


def check_release(
    folder: Path,
    progress: Callable[[int, int], None] | None = None,
    threads: int = 1,
    *,
    quick: bool = False,
    causal: Task | None = None,
    on_stage: Callable[[int, int], None] | None = None,
) -> Checked:
    """Return whether all of a release is as it says.

    Args:
        folder: the release's.
        progress: called with (pairs done, pairs) while the audit runs.
        threads: how many run pairs at a time.
        quick: leave the audit out, and check the files alone.
        causal: the causal model, where that was written by hand and is no task of the
            zoo.
        on_stage: called with (stages done, stages) in the thorough part of the audit.

    Raises:
        FormatError: a file is missing, altered without its digest, a link, or cannot
            be read as what it must be.
        InputError: the folder is no release, or the model was trained on a causal
            model that is not given.
    """
    if not is_release(folder):
        raise InputError(
            f"{folder} is not a release: there is no {RELEASE} in it. `zoo export` "
            "makes one"
        )
    opened = open_folder(folder, alone=True)
    checking = _Checking(opened, load_released(folder), causal, on_stage)
    checking.core()
    checking.derived()
    checking.certificate(None if quick else (progress, threads))
    checking.index()
    return checking.result()


class _Checking:
    """One check of a release, file by file."""

    def __init__(
        self,
        opened: Folder,
        model: Released,
        causal: Task | None,
        on_stage: Callable[[int, int], None] | None = None,
    ) -> None:
        self.opened, self.model, self.causal = opened, model, causal
        self.on_stage = on_stage
        CIRCUIT_DOCUMENT.read(opened.json(CIRCUIT))
        self.subject = _subject(model, causal)
        named = task_of(model) is not None
        self.origin: Origin = origin_of(
            model, _task_of(self.subject) if named else None
        )
        self.how: dict[str, How] = {}
        self.found: dict[str, list[Difference]] = {}
        self.trusted = list(self.origin.trusted)
        self.figures = self.exact = 0
        self.tolerated: tuple[Tolerated, ...] = ()
        self.name, self.version = identity_of(opened, model)
        self.history = _read_history(opened)
        recipe = opened.text(RECIPE) if RECIPE in opened.sums else ""
        about = self.name, self.version, model, model.certificate
        self.twin = model.twin
        weights = None if self.twin is None else self.twin.weights
        self.made = make_files(Draft(*about, recipe, self.history, causal, weights))
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
            self.exact,
            self.tolerated,
            self.model.certificate.scope,
            self.model.failure,
        )

    # What everything else is made of ----------------------------------------------

    def core(self) -> None:
        """Compare configuration, weights, circuit and program with their origin."""
        try:
            expected = to_files(self.origin.model)
        except ZooError as error:
            wording = str(error).partition("\n")[0]
            self.add(
                [
                    Difference(
                        PROGRAM,
                        "",
                        "a program that cannot be saved",
                        f"one that can ({wording})",
                    )
                ]
            )
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
        self.tensors(WEIGHTS)
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

    def tensors(self, name: str) -> None:
        """Note whether a file of tensors holds anything else."""
        if self.opened.read(name) != self.made[name]:
            wording = "bytes that are not those of its tensors alone"
            right = "the bytes that the writer writes"
            self.add([Difference(name, "", wording, right)])

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
        for name in TOKENIZER:
            if name in self.made and name in self.opened.sums:
                self.text(name, self.made[name])
            elif name in self.made:
                self.add([Difference(name, "", "nothing", "the tokenizer's file")])
        sums = read_file(self.opened.path, SUMS, 0, MOST_SUMS, None)
        self.how[SUMS] = BYTES
        self.add(text_differences(SUMS, sums, sums_of(there)))
        known = {*self.made, RECIPE, HISTORY}
        for name in sorted(set(there) - known):
            wording = f"{len(there[name]):,} bytes"
            self.add([Difference(name, "", wording, "no such file in a release")])

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
        least = 1.0 if self.model.facts.get("kind") != "trained" else LEAST_RIGHT
        for split in SPLITS:
            file = data_file(split)
            self.how[file] = BYTES
            try:
                self.table(file, self.opened.read(file), self.made[file])
            except FormatError as error:
                wording = str(error).removeprefix(f"{file}: ")
                self.add([Difference(file, "", f"unreadable: {wording}", "a table")])
            if split != "test":
                continue
            rows = from_parquet(self.made[file], file).to_pylist()
            models: list[tuple[str, Model]] = [(WEIGHTS, self.model)]
            if self.twin is not None:
                models.append((TWIN, self.twin))
            for name, one in models:
                share = share_right(one, rows, self.causal) if rows else 1.0
                if share < least:
                    wording = f"weights that give {share:.4f} of the outputs in {file}"
                    right = f"at least {least:g} as the interpreter"
                    self.add([Difference(name, "", wording, right)])

    def table(self, file: str, said: bytes, expected: bytes) -> None:
        """Compare one file of pairs."""
        compared = compare_tables(file, said, expected)
        self.how[file] = BYTES if compared.same_bytes else CONTENT
        self.add(compared.differences)
        self.add(judge_rows(self.model, file, compared.wrong, self.causal))

    def training(self) -> None:
        """Compare recipe and history with what the facts say."""
        trained = self.model.facts.get("kind") == "trained"
        if self.twin is not None:
            self.how[TWIN] = TRUSTED
            self.tensors(TWIN)
            self.trusted.append(
                f"{TWIN}: that it was trained on behaviour alone. Its shape is right, "
                f"and so are its outputs on {data_file('test')}"
            )
        for name in (RECIPE, HISTORY):
            if name in self.opened.sums and not trained:
                self.how[name] = STRANGE
                wording = "a file of a trained model"
                self.add([Difference(name, "", wording, "none in a model not trained")])
            elif name not in self.opened.sums and trained:
                self.trusted.append(
                    f"{name}: it is not in the release, so nothing confirms what "
                    f"{PROGRAM} says about the training"
                )
        if not trained or self.origin.problems:
            return
        if RECIPE in self.opened.sums:
            self.text(RECIPE, recipe_of(self.model))
        if HISTORY in self.opened.sums:
            self.how[HISTORY] = TRUSTED
            data = self.opened.read(HISTORY)
            found = compare_tables(
                HISTORY,
                data,
                history_to_parquet(self.history),
                schema_of(self.history),
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
        margins = thorough_margins(self.subject, stated)
        measured = self._audit(stated, *how)
        agreement = agree(stated, measured, _version_of(said.json), margins)
        found = agreement.certificate
        self.exact, self.tolerated = agreement.exact, agreement.tolerated
        measured = json.loads(certificate_bytes(found))
        self.figures = _count(measured)
        self.add(json_differences(CERTIFICATE, said.json, measured))

    def _audit(
        self,
        stated: Certificate,
        progress: Callable[[int, int], None] | None,
        threads: int,
    ) -> Certificate:
        sampled = audit(
            self.subject,
            pairs=stated.pairs,
            seed=stated.seed,
            progress=progress,
            threads=threads,
        )
        if stated.thorough is None:
            return sampled
        full = completed(
            sampled,
            self.subject,
            quick=stated.thorough.quick,
            published=published_pairs(self.made),
            on_stage=self.on_stage,
        )
        if stated.proof is None:
            return full
        inputs = min(stated.proof.inputs, MOST_PROVEN)
        return proven(full, self.subject, inputs=inputs, on_stage=self.on_stage)

    def index(self) -> None:
        """Compare the line of the shelf's index with the release, if there is one."""
        if has_index(self.opened.path):
            self.how[INDEX] = CONTENT
            self.add(index_differences(self.opened, self.made[RELEASE]))


def _task_of(subject: Subject) -> Task:
    """Return the task that a subject's causal model is."""
    assert isinstance(subject.causal, Task)
    return subject.causal


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


def _version_of(certificate: Any) -> int:
    """Return the version of the format of a certificate."""
    return int(certificate["format_version"])


def _count(data: Any) -> int:
    """Return how many numbers a piece of JSON holds."""
    if isinstance(data, dict):
        return sum(map(_count, data.values()))
    if isinstance(data, list):
        return sum(map(_count, data))
    return int(isinstance(data, int | float) and not isinstance(data, bool))
