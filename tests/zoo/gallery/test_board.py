"""The page of the leaderboard has the figures of the cells, average precision first."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from compiler.errors import FormatError, InputError
from zoo.gallery.board import board_page
from zoo.scoring.cells import Cell, write_cell
from zoo.scoring.leaderboard import read_leaderboard
from zoo.scoring.model_kinds import kind_of
from zoo.scoring.table import Table

# Of two methods the first has the better AUROC, the second the better AP.
FIGURES = {"eap": (0.99, 0.5), "exact": (0.9, 0.8)}
MODELS = ("sort-siit", "reverse?rotate=1", "histogram", "rank-siit")


@pytest.fixture(scope="module")
def table() -> Table:
    return Table(
        tuple(
            Cell(
                method,
                model,
                seed,
                "ok",
                figures={
                    "qkv": {
                        "auroc": auroc,
                        "average_precision": ap + place / 100 + seed / 250,
                    }
                },
            )
            for method, (auroc, ap) in FIGURES.items()
            for place, model in enumerate(MODELS)
            for seed in (0, 1)
        )
    )


def rows_of(page: bytes, section: str) -> list[list[str]]:
    tree = ElementTree.fromstring(page.decode().partition("\n")[2])
    (found,) = [e for e in tree.iter("section") if e.get("id") == section]
    (body,) = found.iter("tbody")
    return [["".join(cell.itertext()) for cell in row] for row in body]


def test_methods_are_ranked_by_average_precision(table: Table) -> None:
    rows = rows_of(board_page(table, [], ()), "qkv")
    assert [row[0] for row in rows] == ["exact", "eap"]
    mean = np.mean([0.8 + p / 100 + s / 250 for p in range(4) for s in (0, 1)])
    assert rows[0][1] == f"{mean:.3f}" and rows[0][4] == "0.900"
    low, high = map(float, rows[0][2].split(" to "))
    assert 0.8 <= low <= mean <= high <= 0.834


def test_the_figures_by_model_are_means_over_seeds(table: Table) -> None:
    rows = rows_of(board_page(table, [], ()), "models")
    expected = [f"{0.8 + p / 100 + 0.002:.3f}" for p in range(4)]
    assert [row[0] for row in rows] == list(MODELS)
    assert np.allclose(
        [float(row[1]) for row in rows], list(map(float, expected)), atol=1e-3
    )


def test_a_model_is_of_the_kind_that_its_line_says() -> None:
    assert kind_of("reverse?rotate=1", {}) == "rotated"
    assert kind_of("reverse?decoys=2", {}) == "decoys"
    assert kind_of("histogram", {}) == "compiled"


def test_both_forms_of_a_leaderboard_are_read(table: Table, tmp_path: Path) -> None:
    for cell in table.cells:
        write_cell(tmp_path / "cells-only", cell)
    (tmp_path / "whole").mkdir()
    (tmp_path / "whole" / "leaderboard.json").write_text(json.dumps(table.to_json()))
    expected = board_page(table, [], ())
    assert rows_of(
        board_page(read_leaderboard(tmp_path / "whole"), [], ()), "qkv"
    ) == rows_of(expected, "qkv")
    page = board_page(read_leaderboard(tmp_path / "cells-only"), [], ())
    assert rows_of(page, "qkv") == rows_of(expected, "qkv")


def test_what_is_no_leaderboard_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no leaderboard\.json and no cell"):
        read_leaderboard(tmp_path)
    for text in ("{", "[]", json.dumps({"format": "circuitzoo.table"})):
        (tmp_path / "leaderboard.json").write_text(text)
        with pytest.raises(FormatError, match="cannot be read as a leaderboard"):
            read_leaderboard(tmp_path)


def test_claims_of_another_kind_have_a_table_of_their_own(table: Table) -> None:
    def cell(name: str, model: str, share: float, **figures: float) -> Cell:
        said = {"circuits": {"mean_f1": share, **figures}}
        return Cell(name, model, 0, "ok", figures=said, claims="circuits")

    others = [
        cell("first", "sort-siit", 0.5, coverage=0.25),
        cell("first", "rank-siit", 0.9, coverage=0.75),
        cell("second", "sort-siit", 0.8, coverage=0.0),
        Cell("second", "rank-siit", 0, "failed", "it fell", claims="circuits"),
        Cell("third", "sort-siit", 0, "not asked", "unknown", claims="circuits"),
    ]
    page = board_page(Table((*table.cells, *others)), [], ())
    rows = rows_of(page, "circuits")
    assert [row[:3] for row in rows] == [
        ["second", "1", "0.800"],
        ["first", "2", "0.700"],
        ["third", "0", ""],
    ]
    assert rows[1][4] == "0.500", "the mean coverage"
    assert [row[-1] for row in rows] == ["1", "0", "0"], "failed, not those not asked"
    assert [row[0] for row in rows_of(page, "qkv")] == ["exact", "eap"]
