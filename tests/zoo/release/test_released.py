"""What `zoo.load` returns of a release: quick, lazy, and true to its files."""

from __future__ import annotations

import time
from fractions import Fraction
from pathlib import Path

import pytest

import zoo
from compiler.errors import FormatError, NameLookupError
from compiler.model import Model
from compiler.rasp.values import UNDEFINED
from zoo.auditing.certificate import Certificate
from zoo.release.released import Released
from zoo.release.schema import LARGEST

SHELF = Path(__file__).parents[3] / "releases"
FOLDERS = sorted(p.parent for p in SHELF.glob("*/release.json"))


def load(source) -> Released:
    model = zoo.load(source)
    assert isinstance(model, Released)
    return model


def test_a_release_has_its_certificate_recipe_card_and_pairs():
    model = load("sort-siit@1")
    assert isinstance(model.certificate, Certificate) and model.certificate.holds
    assert model.certificate.pairs == model.summary["pairs"]
    assert model.recipe is not None and model.recipe.d_model == model.config.d_model
    assert "# sort-siit" in model.card
    pairs = model.pairs("test")
    assert pairs and pairs == model.pairs()
    for pair in pairs[:50]:
        assert list(pair.clean_outputs) == sorted(pair.clean)
        assert list(pair.corrupt_outputs) == sorted(pair.corrupt)
        assert pair.clean_answer == pair.clean_outputs[pair.position]
        assert pair.clean_answer != pair.corrupt_answer
    assert repr(model).startswith("<Released sort-siit, version 1: Model sort:")


@pytest.mark.parametrize("folder", FOLDERS[::4], ids=lambda f: f.name)
def test_pairs_have_the_values_of_the_program(folder):
    model = load(folder)
    if "task" in model.facts:
        assert model.facts["task"] in zoo.tasks.all_tasks()
        pytest.skip("the task was written by hand: no interpreter has its values")
    for pair in model.pairs("test")[:20]:
        for tokens, outputs in (
            (pair.clean, pair.clean_outputs),
            (pair.corrupt, pair.corrupt_outputs),
        ):
            expected = model.interpreter(list(tokens))[model.output]
            assert [v for v in outputs if v is not UNDEFINED] == [
                e for e, v in zip(expected, outputs, strict=True) if v is not UNDEFINED
            ]


def test_fractions_come_back_as_fractions():
    outputs = [
        v for p in load("fraction-previous-siit").pairs() for v in p.clean_outputs
    ]
    assert any(isinstance(v, Fraction) for v in outputs)


def test_another_folder_is_a_plain_model(tmp_path):
    zoo.save(zoo.compile("reverse", max_len=3), tmp_path / "saved")
    assert type(zoo.load(tmp_path / "saved")) is Model


def test_what_is_read_late_is_checked_late(small):
    model = load(small)
    (small / "certificate.json").write_text("{}")
    with pytest.raises(FormatError, match=r"certificate\.json: found the SHA-256"):
        _ = model.certificate
    with pytest.raises(NameLookupError, match="no split is named 'tests'"):
        model.pairs("tests")
    assert model.recipe is None


def test_loading_takes_a_fraction_of_a_second():
    zoo.load("sort-siit")  # imports
    spent = []
    for _ in range(3):
        begun = time.process_time()
        zoo.load("sort-siit")
        spent.append(time.process_time() - begun)
    assert min(spent) < 0.3  # with every call's types checked


def test_a_contradiction_of_release_json_and_model_is_refused(reverse_files, tmp_path):
    import json

    from compiler.sealed import sums_of
    from zoo.release.shelf import add

    files = {n: d for n, d in reverse_files.items() if n != "SHA256SUMS"}
    for key, value in (("layers", 7), ("program", "sort"), ("parameters", LARGEST)):
        said = {**json.loads(files["release.json"]), key: value}
        other = {**files, "release.json": json.dumps(said).encode()}
        made, _ = add(tmp_path / key, "x", 1, {**other, "SHA256SUMS": sums_of(other)})
        with pytest.raises(FormatError, match=f"release.json, {key}: found"):
            zoo.load(made)


@pytest.mark.slow
def test_the_data_of_a_release_is_a_dataset(tmp_path):
    """With our code, and with `load_dataset` alone in a new process, offline."""
    import os
    import subprocess
    import sys

    found = zoo.data("sort-siit")
    assert set(found) == {"train", "test"}
    assert str(found["test"].split) == "test"
    assert found["test"][0]["clean"] == [
        str(v) for v in load("sort-siit").pairs()[0].clean
    ]
    code = (
        "from datasets import load_dataset\n"
        f"found = load_dataset({str(SHELF / 'sort-siit' / 'data')!r})\n"
        "print({name: len(rows) for name, rows in sorted(found.items())})\n"
    )
    env = {**os.environ, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    sizes = {name: len(found[name]) for name in ("test", "train")}
    assert done.stdout.splitlines()[-1] == str(sizes)
