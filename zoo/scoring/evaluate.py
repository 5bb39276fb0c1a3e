"""Methods on suites of models: `zoo.evaluate` is here."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from types import CodeType
from typing import Any

import numpy as np

from compiler.errors import InputError, ZooError
from compiler.files import check_room
from compiler.rasp.values import ordered, unordered
from compiler.sealed import digest
from zoo.cases.case import Case
from zoo.cases.pairs import PAIRS
from zoo.methods import find_method, known_methods, on_grid
from zoo.methods.method import Method
from zoo.methods.own import given_name, method_of_file, plain_name, with_seed
from zoo.own_file import names_file
from zoo.scoring.cells import (
    SCORES,
    Cell,
    CellKind,
    cell_path,
    read_cell,
    run_cell,
    write_cell,
)
from zoo.scoring.leaderboard import restore_cells
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
        out: a folder where each cell is kept; what is there already, or in a
            `leaderboard.json` there, is not run again, unless your function's code has
            changed. What it calls is not looked at:
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
    if other := [one for one in tried if one.claims != SCORES.name]:
        raise InputError(
            f"{other[0].name} returns {other[0].claims}, and here methods are compared "
            "by the scores of edges. `zoo submit` runs and packs it"
        )
    names = [one.name for one in tried]
    if twice := {name for name in names if names.count(name) > 1}:
        raise InputError(
            f"two methods are named {min(twice)!r}, and a table has one row a name. "
            "Rename your function"
        )
    numbers = list(range(seeds)) if isinstance(seeds, int) else ordered(seeds)
    if not numbers:
        raise InputError(f"seeds={seeds!r}: found none, expected at least one")
    if out is not None:
        check_room(Path(out))
        restore_cells(Path(out))
    run = SuiteRun(tried, numbers, out, timeout, pairs, hung)
    return run.table(models_of(suite), progress)


@dataclass(frozen=True)
class SuiteRun:
    """Methods to be run on models; what is kept in a folder is not run again.

    Attributes:
        methods: each with a name of its own.
        seeds: those of each method on each model.
        out: the folder of the cells, or None.
        timeout: seconds for one run of a method.
        pairs: how many a method gets.
        hung: see `evaluate`.
        kind: what the methods are asked for.
    """

    methods: Sequence[Method]
    seeds: Sequence[int]
    out: str | Path | None
    timeout: float
    pairs: int
    hung: Callable[[Cell], None] | None = None
    kind: CellKind = SCORES

    def table(
        self, lines: Iterable[str], progress: Callable[[Cell], None] | None = None
    ) -> Table:
        """Return the cells of the models of a suite.

        Args:
            lines: the models, as `models_of` returns them.
            progress: called with every cell.
        """
        cells = []
        for line in lines:
            for cell in self._cells(line):
                cells.append(cell)
                if progress is not None:
                    progress(cell)
        return Table(tuple(cells))

    def _keep_and_tell(self, cell: Cell) -> None:
        if self.out is not None:
            write_cell(Path(self.out), cell)
        assert self.hung is not None
        self.hung(cell)

    def _cells(self, line: str) -> Iterator[Cell]:
        """Yield the cells of one model, which is opened once if one is missing."""
        opened: tuple[Case, Case] | None = None
        choices = [method.choice for method in self.methods]
        grid_only = all(c is not None and c.shifted == 0 for c in choices)
        notify = None if self.hung is None else self._keep_and_tell
        for seed in self.seeds:
            train: Case | None = None
            for method in self.methods:
                cell = kept_cell(
                    self.out, method.name, line, seed, method.code, self.kind
                )
                if cell is not None and cell.code != NO_CODE:
                    yield cell
                    continue
                try:
                    opened = opened or open_both(line, self.pairs)
                    train = train or draw_cases(opened[0], seed, self.pairs)
                    if grid_only:  # once: cases of the same pairs share what is run
                        assert method.choice is not None
                        train = method.choice.shift(train)
                        opened = opened[0], method.choice.shift(opened[1])
                except ZooError as error:
                    place = method.name, line, seed
                    cell = Cell(
                        *place,
                        "failed",
                        str(error),
                        code=method.code,
                        claims=self.kind.name,
                    )
                else:
                    cases = train, opened[1]
                    cell = run_cell(
                        method, line, seed, *cases, self.timeout, notify, self.kind
                    )
                if self.out is not None:
                    write_cell(Path(self.out), cell)
                yield cell


def kept_cell(
    out: str | Path | None, name: str, line: str, seed: int, code: str, kind: CellKind
) -> Cell | None:
    """Return the cell that is kept of a method on a model, if its code is the same."""
    path = None if out is None else cell_path(Path(out), name, line, seed)
    if path is None or not path.is_file():
        return None
    cell = read_cell(path)
    return cell if (cell.code, cell.claims) == (code, kind.name) else None


def open_both(line: str, pairs: int) -> tuple[Case, Case]:
    """Return a model's case with all pairs of the training split, and a test case."""
    whole = open_model(line, split="train", pairs=MOST_PAIRS)
    return whole, whole.split("test", pairs)


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
