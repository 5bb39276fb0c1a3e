"""Methods on suites of models: `zoo.evaluate` is here."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import replace
from pathlib import Path
from types import CodeType
from typing import Any

import numpy as np

from compiler.errors import InputError, ZooError, count
from compiler.files import write_atomically
from compiler.rasp.values import ordered, unordered
from compiler.sealed import digest
from zoo.cases.case import Case
from zoo.cases.pairs import PAIRS
from zoo.methods import find_method, known_methods, on_grid
from zoo.methods.method import Method
from zoo.methods.own import given_name, method_of_file, plain_name, with_seed
from zoo.own_file import names_file
from zoo.scoring.cells import Cell, cell_path, read_cell, run_cell, write_cell
from zoo.scoring.plot import new_figure, save_figure
from zoo.scoring.suites import models_of, open_model
from zoo.scoring.table import Table

TIMEOUT = 600.0
MOST_PAIRS = 10**6
NO_CODE = "?"
"""Of what has no code that could be told from another's: always run again."""
Given = str | Method | Callable[..., Any]


def evaluate(
    method: Given | Iterable[Given],
    suite: str | Iterable[str] = "core",
    seeds: int | Iterable[int] = 3,
    *,
    out: str | Path | None = None,
    timeout: float = TIMEOUT,
    pairs: int = PAIRS,
    grid: str | Sequence[str] | None = None,
    progress: Callable[[Cell], None] | None = None,
    hung: Callable[[Cell], None] | None = None,
) -> Table:
    """Return how methods do on the models of a suite.

    Args:
        method: a method's name, a file that defines one (`my.py`, `my.py:NAME`), a
            function of a case (and a seed, if it takes two arguments) that returns
            scores in any format, or several of these.
        suite: a suite's name, an expression such as `layers>=3 and not alone`,
            `compiled`, `rotated`, `decoys`, a model's name, or several.
        seeds: how many, or which: a seed draws the pairs that a method gets.
        out: a folder where each cell is kept; what is there already is not run again,
            unless your function's code has changed. What it calls is not looked at:
            give another folder when that has.
        timeout: seconds for one run of a method.
        pairs: how many a method gets.
        grid: choices of patching, each combination of which every method is run with:
            some of `ablation`, `loss`, `direction` and `noise`, as one text or
            several. Pairs then have no shifted positions.
        progress: called with every cell.
        hung: called from another thread, once its cell is kept, when a method stays in
            compiled code past its time: only the end of the process ends that. Without
            it, such a method runs on.

    Raises:
        NameLookupError: a method, a suite or a model is unknown.
        InputError: two methods have one name, there are no seeds, or a function whose
            cells are kept has no name that a file can have.
    """
    several = isinstance(method, Sequence | Set) and not isinstance(method, str)
    every: list[Any] = list(method) if several else [method]  # type: ignore[arg-type]
    tried = [as_method(given, kept=out is not None) for given in every]
    if unordered(method):
        tried = sorted(tried, key=lambda one: one.name)
    if grid is not None:
        tried = on_grid(tried, grid)
    names = [one.name for one in tried]
    if twice := {name for name in names if names.count(name) > 1}:
        raise InputError(
            f"two methods are named {min(twice)!r}, and a table has one row a name. "
            "Rename your function"
        )
    numbers = list(range(seeds)) if isinstance(seeds, int) else ordered(seeds)
    if not numbers:
        raise InputError(f"seeds={seeds!r}: found none, expected at least one")
    cells = []
    for line in models_of(suite):
        for cell in _cells(line, tried, numbers, out, timeout, pairs, hung):
            cells.append(cell)
            if progress is not None:
                progress(cell)
    return Table(tuple(cells))


def _cells(
    line: str,
    tried: Sequence[Method],
    seeds: Sequence[int],
    out: str | Path | None,
    timeout: float,
    pairs: int,
    hung: Callable[[Cell], None] | None,
) -> Iterator[Cell]:
    """Yield the cells of one model; it is opened once, and only if one is missing."""
    folder = None if out is None else Path(out)

    def keep_and_tell(cell: Cell) -> None:
        if folder is not None:
            write_cell(folder, cell)
        if hung is not None:
            hung(cell)

    notify = None if hung is None else keep_and_tell
    opened: tuple[Case, Case] | None = None
    grid_only = all(m.choice is not None and m.choice.shifted == 0 for m in tried)
    for seed in seeds:
        train: Case | None = None
        for method in tried:
            if folder is not None:
                path = cell_path(folder, method.name, line, seed)
                cell = read_cell(path) if path.is_file() else None
                if cell is not None and cell.code == method.code != NO_CODE:
                    yield cell
                    continue
            try:
                if opened is None:
                    whole = open_model(line, split="train", pairs=MOST_PAIRS)
                    opened = whole, whole.split("test", pairs)
                train = train or draw_cases(opened[0], seed, pairs)
                if grid_only:  # once: cases of the same pairs share what is run
                    assert method.choice is not None
                    train = method.choice.shift(train)
                    opened = opened[0], method.choice.shift(opened[1])
            except ZooError as error:
                cell = Cell(
                    method.name, line, seed, "failed", str(error), code=method.code
                )
            else:
                cell = run_cell(method, line, seed, train, opened[1], timeout, notify)
            if folder is not None:
                write_cell(folder, cell)
            yield cell


def draw_cases(case: Case, seed: int, count: int) -> Case:
    """Return a case with some of its pairs."""
    rows = np.random.default_rng(seed).permutation(len(case.pairs))[:count]
    return case.with_changes(pairs=case.pairs.take(np.sort(rows)))


def as_method(given: Given, *, kept: bool) -> Method:
    """Return a method from its name, its file, a function or itself.

    Args:
        given: it.
        kept: whether its cells are kept in files, which its name has to suit.

    Raises:
        NameLookupError: no built-in method has that name.
        InputError: its name suits no file, or its file defines none or several.
    """
    if isinstance(given, Method):
        known = given.code or known_methods().get(given.name) is given
        return given if known else replace(given, code=_digest(given.run))
    if isinstance(given, str):
        return method_of_file(given) if names_file(given) else find_method(given)
    try:
        name = plain_name(given)
    except InputError:
        if kept:
            raise
        name = re.sub(r"[^A-Za-z0-9]+", "", given_name(given)) or "function"
    return Method(name, with_seed(given), code=_digest(given))


def _digest(given: Callable[..., Any]) -> str:
    """Return the digest of a function: code, defaults, plain values closed over.

    NO_CODE for what has none, like an object that is called.
    """
    run: Any = inspect.unwrap(given)
    if not hasattr(run, "__code__"):
        return NO_CODE
    closed = [cell.cell_contents for cell in run.__closure__ or ()]
    plain = [value for value in closed if isinstance(value, int | float | str)]
    text = repr((_code(run.__code__), run.__defaults__, run.__kwdefaults__, plain))
    return digest(text.encode())[:16]


def _code(code: CodeType) -> tuple[Any, ...]:
    """Return what a function does, the same in every process."""
    constants = [
        _code(constant)
        if isinstance(constant, CodeType)
        else sorted(map(repr, constant))
        if isinstance(constant, frozenset)
        else constant
        for constant in code.co_consts
    ]
    return code.co_code, code.co_names, constants


def write_leaderboard(table: Table, folder: str | Path) -> list[Path]:
    """Write a table as README.md, leaderboard.json and one PNG a granularity."""
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    write_atomically(place / "README.md", table.to_markdown().encode())
    data = json.dumps(table.to_json(), indent=1, allow_nan=False) + "\n"
    write_atomically(place / "leaderboard.json", data.encode())
    written = [place / "README.md", place / "leaderboard.json"]
    for level in ("qkv", "head", "node"):
        path = place / f"{level}.png"
        _plot(table, level, path)
        written.append(path)
    return written


def _plot(table: Table, level: str, path: Path) -> None:
    """Draw the AUROC of every method with its interval, best on top."""
    rows = [row for row in table.rows(level) if row.models][::-1]
    figure, (axis,) = new_figure(1, width=6.0, height=1.0 + 0.3 * len(rows))
    values = np.array([row.auroc for row in rows])
    low = np.array([row.interval.low for row in rows])
    high = np.array([row.interval.high for row in rows])
    places, models = np.arange(len(rows)), count(len(table.models), "model")
    axis.errorbar(values, places, xerr=np.abs([values - low, high - values]), fmt="o")
    axis.set_yticks(places, [row.method for row in rows])
    axis.margins(y=0.5 / max(len(rows), 1))
    axis.axvline(0.5, color="0.7", linewidth=0.8)
    axis.set(xlabel=f"AUROC ({level}), mean over {models}")
    save_figure(figure, path)
