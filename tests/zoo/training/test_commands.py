"""`zoo train` and `zoo audit` as a user calls them."""

import json
import resource
import shutil
import sys
from dataclasses import replace

import pytest

import zoo
from tests.zoo.shared_runs import share_runs
from zoo.cli import main
from zoo.description import show_heading
from zoo.jobs import run_jobs
from zoo.training.check import Check
from zoo.training.outcome import shortfalls
from zoo.training.recipe import Recipe

SMALL = {
    "steps": 20,
    "check_every": 10,
    "batch": 8,
    "pairs": 16,
    "d_model": 8,
    "n_layers": 1,
    "circuit_steps": 5,
    "opening_steps": 5,
    "inputs": 100,
}


def call(monkeypatch, *arguments):
    """Run the command line, and return its exit status."""
    monkeypatch.setattr(sys, "argv", ["zoo", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    return stop.value.code or 0


def options(*changes):
    small = [f"{key}={value}" for key, value in SMALL.items()]
    return [f"--set={text}" for text in (*small, *changes)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        share_runs(patch)
        folder = tmp_path_factory.mktemp("runs") / "maximum"
        status = call(patch, "train", "maximum", "--out", folder, *options())
        assert status == 1  # twenty steps are not enough, and that is said
        return folder


@pytest.fixture(autouse=True)
def shared(monkeypatch):
    """Compile once what equal runs run."""
    share_runs(monkeypatch)


def test_a_run_can_be_loaded_and_run(folder):
    model = zoo.load(folder)
    assert zoo.has_run(folder)
    assert model.facts["outcome"] == "budget" and model.facts["steps"] == 20
    assert len(model(list(model.typed.vocab[:3]))) == 3


def test_a_finished_run_is_resumed_to_the_same_bytes(folder, monkeypatch, capsys):
    before = (folder / "model" / "model.safetensors").read_bytes()
    assert call(monkeypatch, "train", "maximum", "--resume", folder) == 1
    assert (folder / "model" / "model.safetensors").read_bytes() == before
    words = capsys.readouterr().out
    assert "\nstep 20: the steps are used up; behaviour 0." in words
    assert ", at least 0.998; " in words


def test_a_resumed_run_prints_the_headline(folder, monkeypatch, capsys, tmp_path):
    again = tmp_path / "again"
    shutil.copytree(folder, again)
    (again / "checkpoint.safetensors").unlink()
    assert call(monkeypatch, "train", "--resume", again) == 1
    first, _, _, titles, *rows = capsys.readouterr().out.splitlines()
    assert first.startswith("maximum: ") and titles.split()[:2] == ["step", "loss"]
    assert [row.split()[0] for row in rows[:2]] == ["10", "20"]


def test_a_twin_is_called_one(monkeypatch, capsys, tmp_path):
    few = options("behaviour_at_least=0.0")
    out = "--out", tmp_path / "twin"
    monkeypatch.chdir(tmp_path)
    assert call(monkeypatch, "train", "maximum", "--twin", *out, *few) == 0
    words = capsys.readouterr().out
    assert words.startswith("maximum, the natural twin (behaviour only): ")
    assert "\nstep 10: the behaviour threshold is met" in words
    lines = show_heading(zoo.load(tmp_path / "twin"))
    assert lines[-1].startswith("The circuit is a hypothesis")


def test_a_model_that_was_trained_for_its_circuit_is_no_hypothesis(folder):
    assert "hypothesis" not in " ".join(show_heading(zoo.load(folder)))


def test_a_figure_below_its_threshold_is_not_shown_at_it():
    nothing_outside = {"m0": 1.0}
    check = Check(1, 0.1, 0.99799, {"m1": 1.0}, nothing_outside, "", None, 1.0)
    assert shortfalls(check, Recipe()) == [
        "behaviour 0.9979, at least 0.998",
        "edges not tried yet, at least 0.995",
    ]
    good = replace(check, behaviour=0.998, edges=0.995)
    assert good.passes(Recipe()) and shortfalls(good, Recipe()) == []


def test_the_keys_of_a_recipe_are_printed(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    assert call(monkeypatch, "train", "--recipe-keys") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["key", "default", "meaning"]
    rows = {line.split()[0]: line.split()[1] for line in lines if line[0] != " "}
    assert rows["steps"] == "12000" and rows["act"] == '"gelu"'
    assert max(map(len, lines)) <= 80


def test_audit_writes_a_certificate_and_fails(folder, monkeypatch, capsys):
    assert call(monkeypatch, "audit", folder, "--pairs", "50", "--sample") == 1
    assert "FAILS" in capsys.readouterr().out
    data = json.loads((folder / "certificate.json").read_text())
    assert data["format"] == "circuitzoo.certificate" and data["pairs"] == 50
    assert not all(claim["holds"] for claim in data["claims"])


def test_show_draws_the_curves(folder, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["zoo", "show", str(folder)])
    with pytest.raises(SystemExit) as stop:
        main()
    assert not stop.value.code
    assert "training.png" in capsys.readouterr().out
    assert (folder / "training.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["nosuch"], "no program or task is named 'nosuch'"),
        (["maximum", "--set=stepz=3"], "unknown key 'stepz'"),
        (["maximum", "--set=steps=0"], "steps is 0; it must be at least 1"),
        (["maximum", "--set=steps"], "--set takes key=value"),
        (["is_palindrome", "--set=n_layers=1"], "needs layer 1, and the model has 1"),
        (["sort", "--set=n_heads=1", "--set=d_head=4"], "is left for"),
        (["maximum", "minimum", "--vocab", "[1,2]"], "go with one program"),
        (["maximum", "minimum", "--set=steps=0"], "recipe: steps is 0; it must be"),
        (["maximum", "nosuch"], "no program or task is named 'nosuch'"),
        ([], "which program?"),
    ],
)
def test_mistakes_are_told(arguments, words, monkeypatch, capsys, tmp_path):
    out = ["--out", tmp_path / "run"]
    assert call(monkeypatch, "train", *arguments, *out) == 2
    printed = capsys.readouterr()
    assert words in printed.err and printed.out == ""
    assert not (tmp_path / "run").exists()


def test_a_folder_in_use_is_not_touched(folder, monkeypatch, capsys):
    above = folder.parent
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    for names in (["maximum", "--out", folder], ["maximum", "minimum", "--out", above]):
        assert call(monkeypatch, "train", *names) == 2
        assert "is not empty; resume the run in it" in capsys.readouterr().err
    assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} == before


def test_resuming_something_else_is_refused(folder, monkeypatch, capsys, tmp_path):
    assert call(monkeypatch, "train", "sort", "--resume", folder) == 2
    assert "holds a run of 'maximum'" in capsys.readouterr().err
    changed = options("batch=16")
    assert call(monkeypatch, "train", "--resume", folder, *changed) == 2
    assert "batch was 8 and is 16" in capsys.readouterr().err
    assert call(monkeypatch, "train", "--resume", tmp_path) == 2
    assert "holds no run" in capsys.readouterr().err


def test_jobs_run_side_by_side_and_say_which_failed(capsys):
    commands = {"good": ["--help"], "bad": ["run", "nosuch", "--input", "[1]"]}
    assert run_jobs(commands, 2) == ["bad"]
    out = capsys.readouterr().out
    assert "good: Usage" in out and "bad: error: no release or program" in out


def test_a_full_disk_leaves_a_run_that_goes_on(monkeypatch, capsys, tmp_path):
    folder = tmp_path / "run"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # The recipe fits, the checkpoint does not: the system refuses to write the rest.
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        status = call(monkeypatch, "train", "maximum", "--out", folder, *options())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert status == 2
    message = capsys.readouterr().err
    assert "checkpoint.safetensors: cannot be written: File too large" in message
    left = {path.name for path in folder.iterdir()}
    assert left == {"recipe.toml", "history.json"}  # no part of a checkpoint
    assert call(monkeypatch, "train", "maximum", "--resume", folder) == 1
    assert zoo.load(folder).facts["steps"] == 20


def test_seeds_are_trained_at_once_and_each_is_a_run(monkeypatch, capsys, tmp_path):
    given = ("train", "maximum", "--out", tmp_path, "--seeds", "0,4", *options())
    assert call(monkeypatch, *given) == 1
    ended = f"seed 4, in {tmp_path / 'seed4'}: the steps are used up; behaviour 0."
    assert ended in capsys.readouterr().out
    recipes = [zoo.load(tmp_path / name).facts["recipe"] for name in ("seed0", "seed4")]
    assert [recipe["seed"] for recipe in recipes] == [0, 4]
    assert call(monkeypatch, "train", "maximum", "--resume", tmp_path / "seed4") == 1
    assert call(monkeypatch, "train", "maximum", "--seeds", "a") == 2
    assert "write whole numbers" in capsys.readouterr().err
