"""One cell of a table: a method on a model with a seed; contained, written once."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from compiler.errors import FormatError, InputError
from compiler.files import write_atomically
from zoo.cases.case import Case
from zoo.cases.levels import KINDS, Level
from zoo.interrupts import LONGEST, interrupt_after
from zoo.methods.method import Method
from zoo.ranking import auroc, average_precision, expected_hits, surely_top
from zoo.scoring.formats import read_scores
from zoo.scoring.marking import mark
from zoo.scoring.score import score

FORMAT = "circuitzoo.cell"
GRACE = 5.0
"""Seconds past its time in which a method has to come back to Python."""

Hung = Callable[["Cell"], None]


@dataclass(frozen=True)
class Cell:
    """What one method came to on one model with one seed.

    Attributes:
        method: its name.
        model: a line of a suite.
        seed: of the pairs and of the method.
        status: `ok`, `failed`, `out of time`, or `not asked` where the truth of such
            a claim is not known of the model.
        error: what went wrong, in a line; empty where nothing did.
        seconds: the method's own; the first run of a shape compiles.
        figures: by granularity: auroc, average_precision, f1, hamming; of the finest
            one also cpr and cmd. None for what has no value.
        found: the highest items of the finest granularity, as many as are true, less
            those that ties leave open.
        code: digest of a user's function, so that a changed one is run again.
        claims: what kind of claim the method makes: `scores` of edges or nodes, or
            another one, under whose name the figures then are.
    """

    method: str
    model: str
    seed: int
    status: str
    error: str = ""
    seconds: float = 0.0
    figures: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    found: tuple[str, ...] = ()
    code: str = ""
    claims: str = "scores"

    def to_json(self) -> dict[str, Any]:
        """Return the cell as JSON values."""
        return {"format": FORMAT, "format_version": 1, **asdict(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Cell:
        """Return a cell from JSON values.

        Raises:
            KeyError: `found` is missing.
            TypeError: another entry is missing, or one is unknown.
        """
        return cls(**{**data, "found": tuple(data["found"])})


FigureTable = Mapping[str, Mapping[str, float | None]]


@dataclass(frozen=True)
class CellKind:
    """What methods are asked for, and how an answer is measured.

    Attributes:
        name: what a method returns, such as `scores`.
        ask: of a case of training pairs, a case of test pairs and a seed, returns what
            a method is given and what its answer is measured on. It raises InputError
            where the truth is not known of the model.
        measure: of the method, its answer and what it is measured on, returns figures
            (of scores by granularity, of others under the kind's name, the first of
            which ranks) and the items that were found.
    """

    name: str
    ask: Callable[[Case, Case, int], tuple[Any, Any]]
    measure: Callable[[Method, Any, Any], tuple[FigureTable, tuple[str, ...]]]


class _OutOfTimeError(Exception):
    """A method ran past its time."""


def run_cell(
    method: Method,
    line: str,
    seed: int,
    train: Case,
    test: Case,
    timeout: float,
    hung: Hung | None = None,
    kind: CellKind | None = None,
) -> Cell:
    """Return the cell of a method that may do anything.

    Args:
        method: what is run.
        line: the model's, as the suite has it.
        seed: of the method.
        train: what the method gets.
        test: what its scores are measured on.
        timeout: seconds after which it is stopped; it is interrupted when it next
            comes back to Python.
        hung: called with the cell of a method that does not come back, from another
            thread: it has to end the process, for nothing else ends compiled code.
        kind: what it is asked for; scores if None.
    """
    kind = kind or SCORES
    cell = partial(Cell, method.name, line, seed, code=method.code, claims=kind.name)
    late = cell("out of time", f"stopped after {timeout:g} s", timeout)
    started = time.monotonic()
    try:
        if method.choice is not None:
            train, test = method.choice.set(train, seed), method.choice.shift(test)
        try:
            given, judged = kind.ask(train, test, seed)
        except InputError as error:
            return cell("not asked", str(error).splitlines()[0][:300])
        started = time.monotonic()
        with _limit(timeout, None if hung is None else lambda: hung(late)):
            found = method.run(given, seed)
        seconds = time.monotonic() - started
        figures, names = kind.measure(method, found, judged)
    except _OutOfTimeError:
        return late
    except Exception as error:
        text = f"{type(error).__name__}: {error}".splitlines()[0][:300]
        seconds = time.monotonic() - started
        return cell("failed", text, seconds)
    return cell("ok", "", seconds, figures, names)


def _measure(
    method: Method, found: Any, test: Case
) -> tuple[dict[str, dict[str, float | None]], tuple[str, ...]]:
    figures: dict[str, dict[str, float | None]] = {}
    names: tuple[str, ...] = ()
    if method.choice is not None:
        return _rank(method, found, test)
    read = score(test, found, absolute=method.magnitude, behaviour=True)
    finest = read.record.granularity.partition(",")[0]
    for kind in KINDS[KINDS.index(finest) :]:
        report = read
        if kind != finest:
            report = score(
                test,
                found,
                absolute=method.magnitude,
                granularity=kind,
                behaviour=False,
            )
        figures[kind] = {
            "auroc": _number(report.auroc),
            "average_precision": _number(report.average_precision),
            "f1": _number(report.f1),
            "hamming": _number(report.hamming),
        }
    figures[finest] |= {"cpr": _number(read.cpr), "cmd": _number(read.cmd)}
    found_items = surely_top(read.scores, read.true).nonzero()[0]
    names = tuple(read.items[i] for i in found_items)
    return figures, names


def _rank(
    method: Method, found: Any, test: Case
) -> tuple[dict[str, dict[str, float | None]], tuple[str, ...]]:
    """Return `_measure` without curves and intervals, which cost more than a method.

    A grid has hundreds of cells; its choices are compared by how they rank.
    """
    read = read_scores(test.names, found, None, None)
    figures: dict[str, dict[str, float | None]] = {}
    names: tuple[str, ...] = ()
    for kind in KINDS[KINDS.index(read.level.kind) :]:
        level = Level(test.names, kind, read.level.merged)
        joined, marks = read.at_level(level), mark(test, level)
        ranked = joined.magnitude() if method.magnitude else joined
        values, true = ranked.values[marks.counted], marks.true[marks.counted]
        hits = int(true.sum())
        right = expected_hits(values, true, hits)
        figures[kind] = {
            "auroc": _number(auroc(values, true)),
            "average_precision": _number(average_precision(values, true)),
            "f1": _number(right / hits if hits else float("nan")),
            "hamming": _number(2 * (hits - right)),
        }
        if kind == read.level.kind:
            items = np.array(level.items)[marks.counted]
            names = tuple(items[surely_top(values, hits)].tolist())
    return figures, names


def ask_on_cases(train: Case, test: Case, seed: int) -> tuple[Case, Case]:
    """Return the cases; what all methods share is run here, so not in their time."""
    train.batch  # noqa: B018
    return train, test


SCORES = CellKind("scores", ask_on_cases, _measure)


def _number(value: float) -> float | None:
    return round(float(value), 9) if value == value else None


@contextmanager
def _limit(seconds: float, hung: Callable[[], None] | None = None) -> Iterator[None]:
    """Interrupt what runs past its time; elsewhere than in a main thread, never.

    Compiled code is not interrupted: of what still runs a little later, another thread
    is told, which can run since compiled code lets go of Python's lock.
    """
    watch = (
        None if hung is None else threading.Timer(min(seconds, LONGEST) + GRACE, hung)
    )
    if watch is not None:
        watch.daemon = True
        watch.start()
    try:
        with interrupt_after(seconds, _OutOfTimeError):
            yield
    finally:
        if watch is not None:
            watch.cancel()


# Files -----------------------------------------------------------------------------


def cell_path(folder: Path, method: str, line: str, seed: int) -> Path:
    """Return where a cell is kept: one file each, named for what it is."""
    plain = re.sub(r"[^A-Za-z0-9_.=-]+", "_", line)
    if plain != line:
        plain += "-" + hashlib.sha256(line.encode()).hexdigest()[:8]
    return folder / "cells" / method / f"{plain}.{seed}.json"


def write_cell(folder: Path, cell: Cell) -> None:
    """Write a cell, all of it or nothing."""
    path = cell_path(folder, cell.method, cell.model, cell.seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(cell.to_json(), indent=1, allow_nan=False) + "\n"
    write_atomically(path, text.encode())


_DAMAGED = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError)


def read_cell(path: Path) -> Cell:
    """Return a cell that was written.

    Raises:
        FormatError: the file is no cell, or damaged.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data.pop("format") != FORMAT or data.pop("format_version") != 1:
            raise ValueError("it is of another format")
        return Cell.from_json(data)
    except _DAMAGED as error:
        raise FormatError(
            f"{path}: cannot be read as a cell ({error}). Remove it, and run again"
        ) from None


def read_cells(folder: Path) -> list[Cell]:
    """Return all cells of a folder, in the order of their names."""
    return [read_cell(path) for path in sorted((folder / "cells").glob("*/*.json"))]
