"""Cells are contained, written once, and added up as they should be."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from compiler.errors import FormatError, InputError, NameLookupError
from zoo.cases.case import Case
from zoo.scoring.cells import Cell, cell_path, read_cell, read_cells, write_cell
from zoo.scoring.evaluate import evaluate
from zoo.scoring.leaderboard import write_leaderboard
from zoo.scoring.suites import models_of, open_model
from zoo.scoring.table import Table, holm

MODEL = "fraction-previous-siit"


def size(case: Case) -> np.ndarray:
    return np.abs(np.arange(case.names.visible.size)).reshape(case.names.visible.shape)


def raising(case: Case) -> Any:
    raise KeyError("no such thing")


def wrong_shape(case: Case) -> np.ndarray:
    return np.zeros((2, 2))


def not_a_number(case: Case) -> np.ndarray:
    return np.full(case.names.visible.shape, np.nan)


def endless(case: Case) -> None:
    while True:
        time.sleep(0.01)


def test_what_goes_wrong_stays_in_its_cell(tmp_path: Path) -> None:
    tried = [raising, wrong_shape, not_a_number, endless, size]
    table = evaluate(tried, MODEL, seeds=1, out=tmp_path, timeout=1.0, pairs=16)
    said = {cell.method: (cell.status, cell.error) for cell in table.cells}
    assert said["raising"] == ("failed", "KeyError: 'no such thing'")
    assert said["wrong-shape"][0] == "failed" and "(2, 2)" in said["wrong-shape"][1]
    assert said["not-a-number"][0] == "failed" and "NaN" in said["not-a-number"][1]
    assert said["endless"] == ("out of time", "stopped after 1 s")
    assert said["size"] == ("ok", "")
    assert sorted(read_cells(tmp_path), key=lambda c: c.method) == sorted(
        table.cells, key=lambda c: c.method
    )


def test_a_cell_is_run_once(tmp_path: Path) -> None:
    calls = []

    def counting(case: Case, seed: int) -> np.ndarray:
        calls.append((seed, case.pairs.clean.tobytes()))
        return np.zeros(case.names.visible.shape)

    for seeds in (1, 2, 2):
        evaluate(counting, MODEL, seeds, out=tmp_path, pairs=16)
    assert [seed for seed, _ in calls] == [0, 1]
    assert calls[0][1] != calls[1][1]  # a seed draws the pairs


def test_a_changed_function_is_run_again(tmp_path: Path) -> None:
    def times(size: float, code: str = "mask * size") -> Callable[[Case], np.ndarray]:
        found: dict[str, Any] = {}
        text = "def make(size):\n def mine(case):\n  mask = case.truth.mask('used')\n"
        exec(f"{text}  return {code}\n return mine", found)
        return found["make"](size)

    def scored(given: Any, written: list[int]) -> float:
        table = evaluate(given, MODEL, 1, out=tmp_path, pairs=16)
        written.append(cell_path(tmp_path, "mine", MODEL, 0).stat().st_mtime_ns)
        return table.figure("mine", MODEL)

    written: list[int] = []
    assert scored(times(0.0), written) == 0.5
    assert scored(times(0.0), written) == 0.5  # the same in another object: kept
    assert written[0] == written[1]
    assert scored(times(1.0), written) == 1.0
    assert scored(times(1.0, "-1.0 * mask"), written) == 0.0
    assert scored(times(1.0), written) == 1.0
    assert len(set(written)) == 4


def test_an_object_that_is_called_is_always_run_again(tmp_path: Path) -> None:
    class Mine:
        calls = 0

        def __call__(self, case: Case) -> np.ndarray:
            self.calls += 1
            return np.zeros(case.names.visible.shape)

    mine = Mine()
    for _ in range(2):
        evaluate(mine, MODEL, 1, out=tmp_path, pairs=16)
    assert mine.calls == 2


def test_one_name_for_two_methods_is_refused() -> None:
    def eap(case: Case) -> np.ndarray:
        return np.zeros(case.names.visible.shape)

    with pytest.raises(InputError, match="two methods are named 'eap'"):
        evaluate([eap, "eap"], MODEL, 1)


def test_no_seeds_are_refused() -> None:
    with pytest.raises(InputError, match="seeds=0: found none"):
        evaluate("random", MODEL, 0)


def test_a_damaged_cell_says_what_to_do(tmp_path: Path) -> None:
    cell = Cell("m", "a?b/c", 0, "ok", figures={"qkv": {"auroc": 0.5}}, found=("x",))
    write_cell(tmp_path, cell)
    path = cell_path(tmp_path, "m", "a?b/c", 0)
    assert read_cell(path) == cell
    path.write_text(path.read_text()[:-20])
    with pytest.raises(FormatError, match="Remove it"):
        read_cell(path)


def cells(method: str, values: list[float], seed: int = 0) -> list[Cell]:
    return [
        Cell(
            method,
            f"model{i}",
            seed,
            "ok",
            seconds=1.0 + seed,
            figures={"qkv": {"auroc": value, "average_precision": value, "f1": None}},
            found=(f"{i}", f"{seed}"),
        )
        for i, value in enumerate(values)
    ]


def test_rows_are_means_over_seeds_then_models() -> None:
    values = [0.2, 0.6, 0.4], [0.4, 0.8, 0.6]
    table = Table((*cells("a", values[0]), *cells("a", values[1], 1)))
    (row,) = table.rows()
    assert row.auroc == pytest.approx(0.5)
    # one in 27 draws of three models has the lowest thrice: more than 2.5 %
    assert row.interval.low == pytest.approx(0.3)
    assert row.interval.high == pytest.approx(0.7)
    assert row.seconds == 1.0
    assert row.stability == pytest.approx((1 / 2 + 1 / 2 + 1 / 3) / 3)
    assert row.f1 != row.f1


def test_a_method_that_fails_on_hard_models_is_not_put_first() -> None:
    # a: 0.9 and 0.7 and 0.8. b: 1.0, and 0 for what failed; so 0.333 behind 0.8.
    failed = [Cell("b", f"model{i}", 0, "failed", "ValueError: hard") for i in (1, 2)]
    table = Table((*cells("a", [0.9, 0.7, 0.8]), *cells("b", [1.0]), *failed))
    assert [row.method for row in table.rows()] == ["a", "b"]
    assert [round(row.auroc, 9) for row in table.rows()] == [0.8, 1.0]
    # c fails on one model too, and is still better than b in the mean
    late = Cell("c", "model1", 0, "out of time", "60 s")
    some = [cell for cell in cells("c", [1.0, 0.0, 1.0]) if cell.model != "model1"]
    table = Table((*table.cells, *some, late))  # (1 + 0 + 1) / 3 = 0.667
    assert [row.method for row in table.rows()] == ["a", "c", "b"]


def test_two_models_give_no_interval() -> None:
    table = Table(tuple(cells("a", [0.2, 0.6])))
    (row,) = table.rows()
    assert row.interval.low != row.interval.low
    assert "nan" not in str(table) and "nan" not in table.to_markdown()


def test_a_table_prints_what_has_no_figures() -> None:
    failed = Cell("b", "model0", 0, "failed", "ValueError: x")
    text = str(Table((*cells("a", [0.2, 0.6, 0.4]), failed)))
    assert "\n  a " in text and "0.400" in text
    assert "b on model0, seed 0: failed, ValueError: x" in text


def test_pairs_are_tested_over_models_and_corrected() -> None:
    rng = np.random.default_rng(0)
    values = {name: rng.random(12).tolist() for name in "abc"}
    table = Table(tuple(c for n, v in values.items() for c in cells(n, v)))
    pairs = {(p.first, p.second): p for p in table.compare()}
    assert len(pairs) == 3
    for (first, second), pair in pairs.items():
        gap = np.array(values[first]) - np.array(values[second])
        assert pair.difference == pytest.approx(gap.mean())
        tested: Any = stats.wilcoxon(gap)
        assert pair.p == pytest.approx(tested.pvalue)
        assert pair.corrected >= pair.p


def test_holm_is_the_published_example() -> None:
    # By hand: sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1, never falling.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_a_leaderboard_is_a_page_json_and_pictures(tmp_path: Path) -> None:
    failed = Cell("b", "model0", 0, "failed", "ValueError: x")
    table = Table((*cells("a", [0.25, 0.75, 0.5]), failed))
    paths = write_leaderboard(table, tmp_path)
    page = (tmp_path / "README.md").read_text()
    assert "| a | 3 | 0.500 | 0.250 to 0.750 | 0.500 |" in page
    assert "b on model0, seed 0: failed, ValueError: x" in page
    data = json.loads((tmp_path / "leaderboard.json").read_text())
    assert data["levels"]["qkv"]["rows"][0]["method"] == "a"
    again = [path.read_bytes() for path in paths]
    assert [path.read_bytes() for path in write_leaderboard(table, tmp_path)] == again


def test_suites_are_lines() -> None:
    assert len(models_of("core")) >= 20
    assert models_of(["sort-siit", "reverse?rotate=1"]) == [
        "sort-siit",
        "reverse?rotate=1",
    ]
    assert all(line.endswith("?decoys=2") for line in models_of("decoys"))
    with pytest.raises(NameLookupError, match="Did you mean 'core'"):
        models_of("cor")
    with pytest.raises(InputError, match="'turn=1', expected one of rotate"):
        open_model("reverse?turn=1")
    with pytest.raises(NameLookupError, match="Did you mean 'eap'"):
        evaluate("eapp", "sort-siit")
