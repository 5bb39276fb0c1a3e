"""`zoo compress` as a user calls it, and what other commands make of its model."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

import zoo
from zoo.cli import main

# What test_compress.py compresses, so that its steps are compiled once.
SMALL = ("reverse", "--vocab", '["a","b","c"]', "--max-len", "4")
# An accuracy that no model has: all steps are used up.
FEW = ("--steps", "600", "--batch", "32", "--accuracy-at-least", "1.5")


def call(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """Run the command line, and return its exit status."""
    monkeypatch.setattr(sys, "argv", ["zoo", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    assert isinstance(stop.value.code, int | None)
    return stop.value.code or 0


def test_a_compressed_model_is_saved_run_and_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "narrow"
    options = ("--d-model", 12, "--out", out, *FEW)
    assert call(monkeypatch, "compress", *SMALL, *options) == 1
    told = capsys.readouterr().out
    assert "reverse: d_model 17 to 12" in told
    assert "17 features in 12 dimensions" in told
    assert "the steps are used up" in told
    model = zoo.load(out)
    assert model.config.d_model == 12 and model.features is not None
    assert model.facts["kind"] == "compressed"
    assert call(monkeypatch, "run", out, "--input", '["a","b","a"]') == 0
    assert json.loads(capsys.readouterr().out) == model(["a", "b", "a"])
    assert call(monkeypatch, "show", out) == 0
    capsys.readouterr()
    assert call(monkeypatch, "compress", *SMALL, *options) == 2
    assert "is there already" in capsys.readouterr().err
    assert zoo.load(out).features is not None


@pytest.mark.parametrize(
    ("width", "message"),
    [
        ("0", "d_model is 0; give an integer of at least 1"),
        ("99", "d_model is 99, and reverse is compiled into 17"),
        ("wide", "--d-model"),
    ],
)
def test_a_wrong_width_is_told(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    width: str,
    message: str,
) -> None:
    out = tmp_path / "narrow"
    options = ("--d-model", width, "--out", out, *FEW)
    assert call(monkeypatch, "compress", *SMALL, *options) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert message in told and "Traceback" not in told
    assert not out.exists()
