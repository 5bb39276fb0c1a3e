"""`zoo score`, `zoo evaluate` and `zoo leaderboard` as a user calls them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from compiler.machine.names import Names
from tests.zoo.calls import Call, mistake
from zoo.cases.choices import ABLATIONS
from zoo.methods import find_method, known_methods

MODEL = "fraction-previous-siit"
NAMES = Names(2, 4)
FAST = ("--method=random", "--method=weight-norm", "--seeds", "2", "--pairs", "16")


@pytest.fixture
def scores(tmp_path: Path) -> Path:
    """Return a file with a number for every edge: more for later readers."""
    path = tmp_path / "scores.json"
    entries = {str(edge): float(i) for i, edge in enumerate(NAMES.edges)}
    path.write_text(json.dumps(entries))
    return path


def test_a_file_is_scored_beside_three_baselines(call: Call, scores: Path) -> None:
    made = "--out", "a.json", "--plot", "a.png"
    told = call("score", MODEL, scores, "--pairs", "16", *made)
    assert (told.status, told.err) == (0, "")
    assert told.out.startswith(f"{MODEL}@2: ")
    for name in ("scores.json", "random", "weight-norm", "|eap|"):
        assert f"\n  {name} " in told.out
    assert "MISSED  " in told.out and " donor " in told.out and "SPURIOUS" in told.out
    figures = told.out.partition("MISSED")[0]
    assert max(map(len, figures.splitlines())) < 80
    report = json.loads((scores.parent / "a.json").read_text())
    assert f"{report['auroc']:.3f}" in told.out
    assert (scores.parent / "a.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ('{"m0->a1.h9<q>": 1}', (), "'m0->a1.h9<q>' is no edge of this model"),
        ('{"m0->m1": 1}', (), "Say what they count as"),
        ('{"m0->m1": NaN}', (), "m0->m1 is NaN"),
        ("{", (), "cannot be read as .json"),
        (
            '{"m0->m1": 1, "m0->m1": 2}',
            (),
            "a key occurs twice in one object: 'm0->m1'",
        ),
        ('[["m0->m1", 1]]', (), "write an object"),
        ('["m0->m1"]', (), "write an object"),
        ('[["m0->m1"], 1]', (), "expected a dict"),
        ('{"m0->m1": 1}', ("--format", "matrix"), "as 'edges_scores'"),
        ('{"m0->m1": 1}', ("--format", "eap-ig"), "an object with 'edges' or 'nodes'"),
        ('{"m0->m1": 1}', ("--format", "array"), "expected an array of numbers"),
        ("[1, 2]", ("--format", "graph"), "expected a networkx graph"),
        ("[1, 2]", ("--format", "prune"), "a dict from modules to arrays"),
        ('{"m0->m1": 1}', ("--out", "none/a.json"), "there is no folder none"),
        ('{"m0->m1": 1}', ("--plot", "none/a.png"), "there is no folder none"),
        ('{"m0->m1": 1}', ("--missing", "none"), "expected a number or 'lowest'"),
        ('{"m0->m1": 1}', ("--format", "eapp"), "no format is named 'eapp'"),
        ('{"m0->m1": 1}', ("--ablation", "means"), "'means'"),
    ],
)
def test_scores_that_are_wrong_say_why(
    call: Call, scores: Path, text: str, options: tuple[str, ...], words: str
) -> None:
    scores.write_text(text)
    assert words in mistake(call, "score", MODEL, scores, *options)


def test_a_model_that_is_unknown_is_named(call: Call, scores: Path) -> None:
    assert "Did you mean 'sort-siit'" in mistake(call, "score", "sort-sit", scores)
    assert "no such file" in mistake(call, "score", MODEL, "nowhere.json")


def test_every_method_is_listed_with_its_paper(call: Call) -> None:
    told = call("evaluate", "--list")
    assert told.status == 0
    for name in known_methods():
        assert f"\n{name} " in told.out
    assert find_method("relp").paper in told.out


def test_methods_are_evaluated_once_and_made_a_leaderboard(
    call: Call, tmp_path: Path
) -> None:
    told = call("evaluate", "--suite", MODEL, "--out", "board", *FAST)
    assert told.status == 0
    cells = sorted((tmp_path / "board" / "cells").glob("*/*.json"))
    assert len(cells) == 4
    edges = [json.loads(cell.read_text())["figures"]["qkv"]["auroc"] for cell in cells]
    assert told.out.startswith("QKV\n")
    for name, pair in (("random", edges[:2]), ("weight-norm", edges[2:])):
        (line, *_) = (ln for ln in told.out.splitlines() if f"  {name} " in ln)
        assert line.split()[1:3] == ["1", f"{sum(pair) / 2:.3f}"]
    times = [cell.stat().st_mtime_ns for cell in cells]
    told = call("leaderboard", "--suite", MODEL, "--out", "board", *FAST)
    assert told.status == 0
    assert [cell.stat().st_mtime_ns for cell in cells] == times
    for line in told.out.splitlines():
        assert (tmp_path / line).is_file()
    assert "| weight-norm | 1 |" in (tmp_path / "board" / "README.md").read_text()


def test_a_grid_is_a_row_for_each_choice_and_two_controls(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As in tests/zoo/cases/test_case.py, which may run what is compiled here.
    monkeypatch.setattr("zoo.cases.ablation.STEPS", 80)
    told = call(
        "evaluate", "--suite", MODEL, "--grid", "ablation", "--out", "g", *FAST[1:]
    )
    assert told.status == 0
    lines = told.out.partition("\n\n")[0].splitlines()
    rows = [line.split()[:2] for line in lines]
    assert all(["weight-norm", ablation] in rows for ablation in ("mean", "zero"))
    assert ["untrained", "weight-norm"] in rows and ["random", "resample"] in rows
    assert len(rows) == 2 + len(ABLATIONS) + 2
    assert max(map(len, lines)) < 80
    assert "'loss'" in mistake(call, "evaluate", "--grid", "los", "--suite", MODEL)


def test_what_cannot_be_evaluated_says_why(call: Call) -> None:
    assert "Did you mean 'eap'" in mistake(call, "evaluate", "--method", "eapp")
    assert "Did you mean 'core'" in mistake(call, "leaderboard", "--suite", "cor")
    told = call("evaluate", "--seeds", "0")
    assert told.status == 2 and "--seeds" in told.err
