"""The folder of a leaderboard: what it shows, and that a run goes on from it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import zoo
from compiler.errors import FormatError
from compiler.machine.names import Names
from zoo.cases.case import Case
from zoo.cases.levels import Level
from zoo.cases.scores import Scores
from zoo.ranking import auroc
from zoo.scoring.cells import Cell
from zoo.scoring.leaderboard import (
    FILE,
    read_leaderboard,
    restore_cells,
    write_leaderboard,
)
from zoo.scoring.leaderboard_plots import SUFFIXES
from zoo.scoring.table import Table

METHODS = ("oracle", "random", "good", "good-code")
MODELS = ("sort-siit", "reverse-siit", "sort-llama", "reverse?rotate=1", *"abcd")


@pytest.fixture(scope="module")
def table() -> Table:
    """Cells in which `good` and `good-code` are alike, and far above `random`."""
    rng = np.random.default_rng(0)
    means = {"oracle": 1.0, "random": 0.1, "good": 0.8, "good-code": 0.8}
    names = ("average_precision", "auroc", "f1", "hamming", "cpr", "cmd")
    cells = []
    for method, mean in means.items():
        for model in MODELS:
            value = float(np.clip(mean + 0.05 * rng.normal(), 0, 1))
            same: dict[str, float | None] = {name: value for name in names}
            figures = {level: same for level in ("qkv", "node")}
            cells.append(Cell(method, model, 0, "ok", figures=figures, found=("x",)))
    return Table(tuple(cells))


def test_a_page_explains_the_controls_and_what_is_told_apart(
    table: Table, tmp_path: Path
) -> None:
    written = write_leaderboard(table, tmp_path)
    page = (tmp_path / "README.md").read_text()
    for name in ("oracle", "random"):
        assert f"- `{name}`: " in page
    assert "- `weight-norm`" not in page and "ends in `-code`" in page
    assert "n / (n + m)" in page
    rows = {
        line.split(" | ")[0].removeprefix("| "): line
        for line in page.split("## What is told apart")[1].splitlines()
        if line.startswith("| ")
    }
    assert rows["good"].endswith("| 1 | 1 | good-code |")
    assert rows["random"].endswith("| 0 | 3 |  |")
    for kind in ("trained (2)", "llama (1)", "rotated (1)", "compiled (4)"):
        assert kind in page
    plots = {path.name for path in written} - {"README.md", FILE}
    assert plots == {
        f"{name}{suffix}"
        for name in ("qkv", "node", "kinds", "told-apart")
        for suffix in SUFFIXES
    }
    for name in ("qkv", "node", "kinds", "told-apart"):
        assert f"]({name}.svg)" in page
        assert "good-code" in (tmp_path / f"{name}.svg").read_text()


def test_a_table_is_read_back_and_the_bytes_are_the_same(
    table: Table, tmp_path: Path
) -> None:
    paths = write_leaderboard(table, tmp_path / "one")
    again = write_leaderboard(read_leaderboard(tmp_path / "one"), tmp_path / "two")
    assert [p.read_bytes() for p in paths] == [p.read_bytes() for p in again]
    data = json.loads((tmp_path / "one" / FILE).read_text())
    assert len(data["cells"]) == len(table.cells)


def test_a_run_goes_on_from_the_one_file(tmp_path: Path) -> None:
    def once(case: Case) -> np.ndarray:
        return case.names.visible * 1.0

    given = {"suite": "reverse-compiled", "seeds": 1, "pairs": 8, "out": tmp_path}
    first = zoo.evaluate(once, **given)
    write_leaderboard(first, tmp_path)
    shutil.rmtree(tmp_path / "cells")
    stamp = first.cells[0].seconds
    assert zoo.evaluate(once, **given).cells[0].seconds == stamp  # it was not run
    (tmp_path / FILE).write_text("{")
    with pytest.raises(FormatError, match="Remove it"):
        restore_cells(tmp_path)


@pytest.mark.parametrize("kind", ["head", "node"])
def test_random_scores_rank_a_coarse_item_by_how_many_edges_it_has(kind: str) -> None:
    """P(the greatest of n uniform numbers is above that of m others) = n / (n + m)."""
    names, rng = Names(2, 2), np.random.default_rng(0)
    level, finest = Level(names, kind), Level(names)
    edges = np.bincount(finest.parents(level), minlength=len(level.items))
    true = rng.random(len(level.items)) < 0.4
    pairs = edges[true][:, None] / (edges[true][:, None] + edges[~true][None])
    found = [
        auroc(
            Scores(finest, rng.random(len(finest.items))).at_level(level).values, true
        )
        for _ in range(2000)
    ]
    error = np.std(found) / np.sqrt(len(found))
    assert abs(np.mean(found) - pairs.mean()) < 4 * error
    assert len(set(edges.tolist())) > 1, "items differ in how many edges they have"
