"""What is in `releases/` is whole, loads, and is what the index says."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest

from compiler.save import load_model
from zoo.causal.by_hand import task_of
from zoo.release.fields import INDEX
from zoo.release.shelf import scan
from zoo.release.whole import check_files

SHELF = Path(__file__).parents[3] / "releases"
ROWS = 60
FOLDERS = sorted(p.parent for p in SHELF.glob("*/release.json"))


ODD = ("fraction-previous-compiled", "reverse-decoys", "sort-rotated")
"""Besides the smallest release of each kind."""


def kind_of(folder: Path) -> str:
    """Return what decides how a release is loaded, run and read."""
    config, program = (
        json.loads((folder / file).read_text())
        for file in ("config.json", "program.json")
    )
    shape = config.get("circuitzoo", config)
    about = {
        "kind": json.loads((folder / "release.json").read_text())["kind"],
        "architecture": config.get("model_type"),
        "of a task": "task" in program["facts"],
        "version": folder.suffix,
        **{name: shape[name] for name in ("norm", "causal", "positions")},
    }
    return json.dumps(about)


def some_of_each_kind() -> list[Path]:
    """Return the smallest release of each kind, and a few odd ones."""
    every = sorted(FOLDERS, key=lambda f: -(f / "model.safetensors").stat().st_size)
    chosen = {kind_of(folder): folder for folder in every}
    return sorted({*chosen.values(), *(SHELF / name for name in ODD)})


SOME = some_of_each_kind()


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_published_release_is_whole_and_its_claims_hold(folder):
    assert check_files(folder) > 10
    claims = json.loads((folder / "certificate.json").read_text())["claims"]
    assert claims and all(claim["holds"] for claim in claims)


def test_every_kind_of_release_is_run():
    assert {kind_of(folder) for folder in FOLDERS} == set(map(kind_of, SOME))
    assert len(SOME) < 20


@pytest.mark.parametrize("folder", SOME, ids=lambda folder: folder.name)
def test_a_published_release_is_right_on_its_own_pairs(folder):
    """`zoo verify` does this, and more, for any release."""
    import pyarrow.parquet as pq

    model = load_model(folder)
    rows = pq.read_table(folder / "data" / "test.parquet").to_pylist()[:ROWS]
    assert rows
    vocab = {str(token): token for token in model.typed.vocab}
    inputs = [[vocab[token] for token in row["clean"]] for row in rows]
    found = model.batch(inputs)
    if task_of(model) is not None:
        # The table is the task's, and says nothing where nothing is asked.
        asked = [
            (said, output)
            for row, outputs in zip(rows, found, strict=True)
            for said, output in zip(row["clean_outputs"], outputs, strict=True)
            if said is not None
        ]
        assert sum(said == str(o) for said, o in asked) >= 0.98 * len(asked) > 0
        return
    right = [
        list(map(_number, model.interpreter(tokens)[model.output])) == output
        for tokens, output in zip(inputs, found, strict=True)
    ]
    assert sum(right) >= 0.98 * len(right)


def _number(value: object) -> object:
    """Return a value as a model says it: fractions as the nearest float."""
    return float(value) if isinstance(value, Fraction) else value


def test_the_index_says_what_is_there():
    index = json.loads((SHELF / INDEX).read_text())
    assert index["releases"] == json.loads(json.dumps(scan(SHELF)))
    assert len(index["releases"]) == len(FOLDERS) > 0
    assert sum(entry["bytes"] for entry in index["releases"]) < 60 * 2**20
