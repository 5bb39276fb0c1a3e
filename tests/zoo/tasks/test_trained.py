"""A model that was trained on a task is saved, loaded, shown, audited and resumed.

One task is trained by the command line. What follows from a task's class alone is
tested of three tasks, on models as they are before the first step.
"""

import io
import json
import sys
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

import programs
import zoo
from compiler.errors import InputError
from compiler.save import load_model, save_model
from tests.zoo.shared_runs import share_runs
from tests.zoo.tasks.check import clean, run_all
from zoo.causal.by_hand import describe
from zoo.causal.model import CausalModel
from zoo.cli import main
from zoo.release.annotate import role
from zoo.release.data import data_files
from zoo.release.tables import spell
from zoo.training.loop import finish
from zoo.training.recipe import Recipe
from zoo.training.recipe_file import change
from zoo.training.run import prepare, start
from zoo.training.session import find_setting

NAMES = ["argument_recall", "greater_than", "induction_heads"]
"""One of the language tasks stands for all: what is saved depends on their class."""
NAME = "argument_recall"
"""The task that is trained."""
QUICK = {
    "steps": 8,
    "check_every": 4,
    "batch": 8,
    "pairs": 8,
    "d_model": 8,
    "n_heads": 4,
    "d_head": 4,
    "circuit_steps": 2,
    "opening_steps": 2,
    "inputs": 60,
}


def call(monkeypatch, *arguments):
    """Run the command line, and return its exit status."""
    monkeypatch.setattr(sys, "argv", ["zoo", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    return stop.value.code or 0


@pytest.fixture(scope="module", params=NAMES)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def blank(name, tmp_path_factory):
    """The folder of a model with the weights that training begins with."""
    folder = tmp_path_factory.mktemp("blank") / name
    run = prepare(zoo.tasks.find(name), change(Recipe(), QUICK))
    save_model(finish(run, start(run), (), "budget").model, folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of a run of a few steps."""
    with pytest.MonkeyPatch.context() as patch:
        share_runs(patch)
        folder = tmp_path_factory.mktemp("runs") / NAME
        options = [f"--set={key}={value}" for key, value in QUICK.items()]
        assert call(patch, "train", NAME, "--out", folder, *options) == 1
        return folder


def test_no_task_has_the_name_of_a_program():
    assert not set(zoo.tasks.all_tasks()) & set(programs.all_programs())
    for program in ("greater_than_year", "induction"):
        assert find_setting(program).vocab == programs.find(program).vocab


def test_a_loaded_model_has_the_words_of_its_task(name, blank):
    model, task = zoo.load(blank), zoo.tasks.find(name)
    assert model.facts["task"] == name and model.facts["kind"] == "trained"
    assert model.typed.vocab == task.vocab and model.output == task.output
    for variable in task.variables:
        assert model.variables[variable.name].values == task.values[variable.name]
        assert model.variables[variable.name].site is not None
    row = task.inputs(5, 0)[0][0]
    tokens = [task.vocab[i] for i in row if i < len(task.vocab)]
    assert (model.encode(tokens) == row).all()
    assert set(model(tokens)) <= set(task.values[task.output])


def test_saving_a_loaded_model_gives_the_same_bytes(folder, tmp_path):
    save_model(load_model(folder / "model"), tmp_path / "again")
    for path in (folder / "model").iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()


def test_a_finished_run_is_resumed_to_the_same_bytes(folder, monkeypatch):
    before = (folder / "model" / "model.safetensors").read_bytes()
    assert call(monkeypatch, "train", NAME, "--resume", folder) == 1
    assert (folder / "model" / "model.safetensors").read_bytes() == before


def test_audit_of_the_folder_is_that_of_the_task(folder, monkeypatch, capsys):
    assert call(monkeypatch, "audit", folder, "--pairs", "40", "--sample") == 1
    assert "FAILS" in capsys.readouterr().out
    data = json.loads((folder / "certificate.json").read_text())
    task = zoo.tasks.find(NAME)
    assert sorted(data["interchange"]) == sorted(v.name for v in task.variables)
    witnesses = [e["witness"] for e in data["circuit"] if e["witness"]]
    for witness in witnesses:
        assert set(witness["base"]) <= set(task.vocab)
    by_hand = zoo.audit(zoo.load(folder), causal=task, pairs=40, scope="sample")
    assert json.loads(json.dumps(by_hand.to_json())) == data


def test_show_prints_variables_and_where_they_are(folder, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["zoo", "show", str(folder)])
    with pytest.raises(SystemExit) as stop:
        main()
    assert not stop.value.code
    out = capsys.readouterr().out
    assert all(v.name in out for v in zoo.tasks.find(NAME).variables)
    assert "defined by hand, in code that no saved model holds" in out


def test_verify_sends_to_the_audit(folder, monkeypatch, capsys):
    assert call(monkeypatch, "verify", folder) == 2
    assert f"Instead: zoo audit {folder}" in capsys.readouterr().err


def test_a_task_of_other_words_is_refused(name, blank):
    model = zoo.load(blank)
    for other in set(NAMES) - {name}:
        with pytest.raises(InputError, match="the two do not belong together"):
            zoo.audit(model, causal=zoo.tasks.find(other), pairs=4, scope="sample")
    facts = MappingProxyType({**model.facts, "task": "not_here"})
    stranger = type(model)(**{**vars(model), "facts": facts})
    with pytest.raises(InputError, match=r"'not_here' was written by hand.*causal="):
        zoo.audit(stranger, pairs=4, scope="sample")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["train", "greater_then"], "Did you mean 'greater_than'"),
        (
            ["train", "greater_than", "--max-len", "9"],
            "and length are fixed",
        ),
        (
            ["compile", "greater_than", "--out", "x"],
            "there is no program to compile, and a",
        ),
        (["show", "induction_heads"], "there is no program to compile, and a"),
        (["run", "greater_than", "--input", "[]"], "there is no program to compile"),
    ],
)
def test_mistakes_are_told(arguments, expected, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert call(monkeypatch, *arguments) == 2
    assert expected in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_words_that_contradict_sizes_are_told_together():
    task = type(zoo.tasks.find("induction_heads"))()
    assert isinstance(task, CausalModel) and describe(task).name == task.name
    task.values = {**task.values, "previous_token": (None,)}
    task.d_vocab = 3
    with pytest.raises(InputError, match=r"size 11 and 1 values; BOS and PAD must"):
        describe(task)


def test_the_interpreter_does_not_pretend_to_know():
    task = zoo.tasks.find("induction_heads")
    typed = describe(task)
    operation: Any = typed.variables[typed.output].operation
    assert np.all(operation.table == -1)


def test_the_data_of_a_release_are_the_causal_models(name, blank, monkeypatch):
    monkeypatch.setattr("zoo.release.data.SPLITS", {"train": 60, "test": 60})
    files = data_files(zoo.load(blank))
    rows = pq.read_table(io.BytesIO(files["data/test.parquet"])).to_pylist()
    task = zoo.tasks.find(name)
    assert len(rows) > 50
    ids = np.array([row["clean_ids"] for row in rows], np.int32)
    overrides = np.repeat(clean(task)[None], len(ids), axis=0)
    values = run_all(task, ids, overrides)
    index = [v.name for v in task.variables].index(task.output)
    for row, found in zip(rows, values[:, index], strict=True):
        held = [
            None if i < 0 else spell(task.values[task.output][i])
            for i in found[1 : len(row["clean"]) + 1]
        ]
        assert row["clean_outputs"] == held
        assert row["clean_answer"] == held[row["position"]] != row["corrupt_answer"]


def test_the_roles_of_a_tasks_variables_are_its_own(name):
    assert {role(v) for v in describe(zoo.tasks.find(name)).variables[1:]} == {
        "by hand"
    }
