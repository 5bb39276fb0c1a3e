"""A method is run, packed, handed in and judged; what is wrong is refused by name."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import zoo
from compiler.errors import FormatError, InputError
from compiler.sealed import SUMS, sums_of
from zoo.cli import main
from zoo.methods.own import method_of_file
from zoo.submissions.judging import judge_submissions
from zoo.submissions.kinds import find_kind
from zoo.submissions.record import (
    METHOD_FILE,
    document_bytes,
    entry_name,
    open_submission,
)

SCORES = find_kind("scores").document
MODEL, SEEDS, PAIRS = "reverse-compiled", 2, 16
FILE = '''
import numpy as np

def by_size(case, seed):
    """Score an edge by the size of its effect, in a random order of ties."""
    return np.abs(case.single_edges().mean(-1) - case.losses().mean())

def _helper(case):
    raise AssertionError("nobody asked for this")
'''


def call(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["zoo", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


@pytest.fixture(scope="module")
def method(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("own") / "by_size.py"
    path.write_text(FILE)
    return path


@pytest.fixture(scope="module")
def submitted(method: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("submissions") / "by-size"
    table = zoo.submit(str(method), MODEL, SEEDS, out=folder, pairs=PAIRS)
    assert [cell.status for cell in table.cells] == ["ok"] * SEEDS
    return folder


@pytest.fixture
def copy(submitted: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(submitted, tmp_path / "all" / "by-size"))


def judge(folder: Path, **options):
    return judge_submissions(folder, MODEL, SEEDS, pairs=PAIRS, **options)


def seal(folder: Path) -> None:
    """Write the digests anew, as someone who lies would."""
    names = [
        str(p.relative_to(folder))
        for p in folder.rglob("*")
        if p.is_file() and p.name != SUMS
    ]
    files = {name: (folder / name).read_bytes() for name in names}
    (folder / SUMS).write_bytes(sums_of(files))


def change_scores(folder: Path, seed: int, **changes) -> None:
    """Replace parts of the scores of a seed, and seal the folder again."""
    found = replace(open_submission(folder).entry(MODEL, seed, SCORES), **changes)
    path = folder / entry_name(MODEL, seed)
    path.write_bytes(document_bytes(SCORES, found))
    seal(folder)


def test_figures_are_computed_again_and_are_those_of_an_evaluation(submitted, method):
    (judged,) = judge(submitted)
    assert judged.name == "by-size" and not judged.refused
    plain = zoo.evaluate(str(method), MODEL, SEEDS, pairs=PAIRS)
    assert [c.figures for c in judged.cells] == [c.figures for c in plain.cells]
    assert [c.found for c in judged.cells] == [c.found for c in plain.cells]


def test_what_is_packed_is_the_file_and_the_scores_that_it_returns(submitted, method):
    opened = open_submission(submitted)
    assert (submitted / METHOD_FILE).read_bytes() == method.read_bytes()
    case = zoo.open_case(MODEL, split="train", pairs=10**6)
    rows = np.sort(np.random.default_rng(1).permutation(len(case.pairs))[:PAIRS])
    drawn = case.with_changes(pairs=case.pairs.take(rows))
    wanted = method_of_file(str(method)).run(drawn, 1)
    found = opened.entry(MODEL, 1, SCORES).scores
    pairs = zip(case.names.edges, wanted[case.names.visible], strict=True)
    assert found == {str(edge): pytest.approx(float(score)) for edge, score in pairs}


def test_nothing_is_run_twice_unless_the_file_changes(submitted, method, tmp_path):
    folder = Path(shutil.copytree(submitted, tmp_path / "again"))
    before = {p: p.stat().st_mtime_ns for p in folder.glob("entries/*")}
    zoo.submit(str(method), MODEL, SEEDS, out=folder, pairs=PAIRS)
    assert {p: p.stat().st_mtime_ns for p in folder.glob("entries/*")} == before
    (folder / entry_name(MODEL, 1)).unlink()  # as if it had been killed
    zoo.submit(str(method), MODEL, SEEDS, out=folder, pairs=PAIRS)
    scores = [
        open_submission(p).entry(MODEL, 1, SCORES).scores for p in (folder, submitted)
    ]
    assert scores[0] == scores[1]
    changed = tmp_path / "by_size.py"
    changed.write_text(FILE.replace("np.abs(", "-np.abs("))
    zoo.submit(str(changed), MODEL, SEEDS, out=folder, pairs=PAIRS)
    negative = open_submission(folder).entry(MODEL, 1, SCORES).scores
    assert negative == {edge: -score for edge, score in scores[0].items()}


def test_made_up_scores_are_found_out_when_runs_are_repeated(copy):
    (judged,) = judge(copy, repeat=SEEDS, run_files=True)
    assert judged.repeated == SEEDS and not judged.refused
    made_up = open_submission(copy).entry(MODEL, 0, SCORES).scores
    change_scores(copy, 0, scores={edge: 1 - score for edge, score in made_up.items()})
    assert not judge(copy)[0].refused  # its figures are those of these scores
    (judged,) = judge(copy, repeat=SEEDS, run_files=True)
    assert "its method gives other scores here" in judged.refused


def test_a_failure_that_is_made_up_is_found_out_when_runs_are_repeated(copy):
    change_scores(copy, 1, status="failed", error="too hard", scores={})
    assert not judge(copy)[0].refused
    (judged,) = judge(copy, repeat=SEEDS, run_files=True)
    assert "run is 'ok' here" in judged.refused


def test_the_function_that_was_named_is_the_one_that_is_repeated(method, tmp_path):
    several = tmp_path / "several.py"
    several.write_text(
        f"{FILE}\ndef nothing(case):\n    return case.names.visible * 0.0\n"
    )
    folder = tmp_path / "it"
    zoo.submit(f"{several}:by_size", MODEL, 1, out=folder, pairs=PAIRS)
    (judged,) = judge_submissions(
        folder, MODEL, 1, pairs=PAIRS, repeat=1, run_files=True
    )
    assert (judged.refused, judged.repeated) == ("", 1)


@pytest.mark.parametrize("sealed", [False, True])
def test_a_file_that_was_altered_is_not_run_and_one_that_ends_all_ends_nothing(
    copy, sealed, tmp_path
):
    ran = tmp_path / "ran"
    (copy / METHOD_FILE).write_text(f"open({str(ran)!r}, 'w'); raise SystemExit(3)\n")
    if sealed:
        seal(copy)
    (judged,) = judge(copy, repeat=1, run_files=True)
    assert ran.exists() == sealed
    assert ("SystemExit" if sealed else "SHA-256 digest") in judged.refused


def test_a_submitted_file_is_not_run_unless_that_is_said(copy):
    (copy / METHOD_FILE).write_text("raise SystemExit('it ran')\n")
    seal(copy)
    assert not judge(copy)[0].refused
    assert "--run-files" in judge(copy, repeat=1)[0].refused


def rename(folder: Path, **changes: object) -> None:
    """Replace parts of what a submission says of itself, and seal it again."""
    path = folder / "submission.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    seal(folder)


def test_what_is_wrong_is_refused_and_the_others_are_judged(copy):
    altered, other, lacking, twice = (
        Path(shutil.copytree(copy, copy.parent / name)) for name in "abcd"
    )
    (altered / entry_name(MODEL, 0)).write_text("{}")
    models = [{"line": MODEL, "digest": "0" * 64}]
    rename(other, name="other", models=models)
    (lacking / entry_name(MODEL, 1)).unlink()
    rename(lacking, name="lacking")
    judged = judge(copy.parent)
    assert [one.folder for one in judged] == [altered, other, copy, lacking, twice]
    a, b, good, c, d = judged
    assert "SHA-256 digest" in a.refused and str(altered) in a.refused
    assert "the digest 000000000000.." in b.refused
    assert not good.refused and len(good.cells) == SEEDS
    assert f"no digest of {entry_name(MODEL, 1)}" in c.refused
    assert "another submission here is named 'by-size'" in d.refused


@pytest.mark.parametrize(
    ("suite", "seeds", "pairs", "expected"),
    [
        ([MODEL, "sort-siit"], SEEDS, PAIRS, "no scores of sort-siit"),
        ([MODEL], 3, PAIRS, "no scores of seed 2"),
        ([MODEL], SEEDS, 8, "got 16 pairs of inputs, and expected are 8"),
    ],
)
def test_a_case_that_is_missing_is_named(submitted, suite, seeds, pairs, expected):
    (judged,) = judge_submissions(submitted, suite, seeds, pairs=pairs)
    assert expected in judged.refused


@pytest.mark.parametrize("name", ["../../x", "a/b", "", "\x1b[31mred", "A", "x" * 41])
def test_a_name_that_leads_elsewhere_is_refused(copy, name, tmp_path):
    rename(copy, name=name)
    (judged,) = judge(copy, out=tmp_path / "board")
    assert "lower-case letters" in judged.refused and "\x1b" not in judged.refused
    assert not (tmp_path / "board").exists()


def test_foreign_text_reaches_no_terminal_raw(copy):
    change_scores(copy, 0, status="failed", error="\x1b[31mred", scores={})
    (judged,) = judge(copy)
    assert judged.cells[0].status == "failed"
    assert "\x1b" not in judged.cells[0].error and "red" in judged.cells[0].error


def test_scores_that_are_none_are_refused(copy):
    scores = dict(open_submission(copy).entry(MODEL, 0, SCORES).scores)
    first, *_ = scores
    scores["no->edge"] = scores.pop(first)
    change_scores(copy, 0, scores=scores)
    assert "'no->edge' is no edge of this model" in judge(copy)[0].refused
    text = (
        (copy / entry_name(MODEL, 0))
        .read_text()
        .replace('"no->edge":', '"a":1e999,"b":')
    )
    (copy / entry_name(MODEL, 0)).write_text(text)
    seal(copy)
    assert "a finite number" in judge(copy)[0].refused


def test_the_command_packs_and_the_leaderboard_takes_it(
    method, tmp_path, monkeypatch, capsys
):
    folder, board = tmp_path / "all" / "mine", tmp_path / "board"
    options = ["--suite", MODEL, "--seeds", "1", "--pairs", PAIRS]
    packed = ["--name", "mine", "--paper", "me", "--out", folder]
    assert call(monkeypatch, "submit", method, *packed, *options) == 0
    assert f"submission: {folder}" in capsys.readouterr().out
    ranked = ["leaderboard", "--submissions", folder.parent, "--out", board]
    ranked += ["--method", "random", "--method", "exact", *options]
    assert call(monkeypatch, *ranked) == 0
    assert "judged: mine, 1 case" in capsys.readouterr().out
    assert "| mine |" in (board / "README.md").read_text()
    (folder / entry_name(MODEL, 0)).write_text("{}")
    assert call(monkeypatch, *ranked) == 1
    assert "refused: " in capsys.readouterr().out
    page = (board / "README.md").read_text()
    assert "| mine |" not in page and "| exact |" in page


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = 1\n", "defines no method"),
        ("def a(case): ...\ndef b(case, seed): ...\n", "it defines a, b. Choose one"),
        ("import nothing_there\n", "running it ended with ModuleNotFoundError"),
        ("def (", "line 1: running it ended with SyntaxError"),
    ],
)
def test_a_file_without_one_method_is_refused(text, expected, tmp_path):
    path = tmp_path / f"file_{len(text)}.py"
    path.write_text(text)
    with pytest.raises(InputError, match=expected):
        method_of_file(str(path))


def test_mistakes_are_told_before_anything_is_run(
    method, submitted, tmp_path, monkeypatch, capsys
):
    (tmp_path / "notes.txt").write_text("mine")
    for arguments, expected in [
        (["submit", "by_sizes.py", "--out", "x"], "expected a Python file"),
        (["submit", "exat", "--out", "x"], "Did you mean 'exact'"),
        (["submit", method, "--out", tmp_path, "--suite", MODEL], "'notes.txt'"),
        (["submit", method, "--out", "x", "--claims", "circuit"], "'circuits'"),
        (
            ["submit", "oclusion", "--out", "x", "--claims", "attributions"],
            "Did you mean 'occlusion'",
        ),
        (["submit", method, "--out", "x", "--name", "eap"], "a built-in method"),
        (["submit", method, "--out", "x", "--name", "My Own"], "lower-case letters"),
        (["leaderboard", "--submissions", tmp_path], "found no folder with a"),
        (["evaluate", "--method", "nothing.py"], "expected a Python file"),
    ]:
        assert call(monkeypatch, *arguments) == 2
        assert expected in " ".join(capsys.readouterr().err.split()), arguments
    with pytest.raises(FormatError, match="no such file"):
        open_submission(tmp_path)
    copy = Path(shutil.copytree(submitted, tmp_path / "bad"))
    (copy / SUMS).unlink()
    (judged,) = judge(copy)
    assert "zoo submit" in judged.refused
