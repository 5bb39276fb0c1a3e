"""`my.py` and `my.py:NAME`: a user's own program or task on the command line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import zoo
from compiler.errors import InputError, NameLookupError, ZooError
from tests.zoo.calls import Call
from zoo.lookup import COMPILED, SAVED, TRAINED, look_up
from zoo.training import session

PROGRAM = """
from compiler.rasp import EQ, Aggregate, Select, indices, length, tokens
from compiler.rasp.program import program
from programs.sorting import sort  # imported: not what this file defines

@program(family="mine", vocab="ab", max_len=3, example=("ab", "ba"))
def backwards():
    '''The tokens in the opposite order.'''
    opposite = length - 1 - indices
    return Aggregate(Select(indices, opposite, EQ), tokens)
"""
TWO = f"""{PROGRAM}
@program(family="mine", vocab="ab", max_len=3, example=("ab", "ab"))
def forwards():
    '''The tokens.'''
    return tokens

following = indices + 1
"""
PAGE = Path(__file__).resolve().parents[2] / "docs" / "causal_models.md"
TASK = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)[0]
OPTIONS = ["--set=steps=2", "--set=check_every=1", "--set=d_model=8"]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)

    def write(text: str, name: str = "my.py") -> str:
        (tmp_path / name).write_text(text)
        return name

    return write


def test_every_command_takes_a_file(call: Call, write: Any) -> None:
    file = write(PROGRAM)
    run = call("run", file, "--input", '["a","b","b"]')
    assert run.status == 0 and run.out == '["b", "b", "a"]\n', run.err
    assert call("show", file).out.startswith("backwards")
    assert call("verify", file).status == 0
    assert call("compile", file, "--out", "model").status == 0
    assert zoo.load("model")("ab") == zoo.compile(file)("ab") == ["b", "a"]
    assert "def backwards" in zoo.load("model").facts["source"]


def test_a_name_chooses_one_of_several(write: Any) -> None:
    file = write(TWO)
    assert zoo.compile(f"{file}:forwards")("ab") == ["a", "b"]
    assert zoo.compile(f"./{file}:backwards")("ab") == ["b", "a"]
    found = zoo.compile(f"{file}:following", vocab="ab", max_len=3)
    assert found("ab") == [1, 2] and found.name == "following"
    assert zoo.compile(f"{file}:sort").name == "sort"  # imported, and asked for


@pytest.mark.parametrize(
    ("text", "asked", "words"),
    [
        (TWO, "my.py", r"my.py: it defines backwards, forwards. Choose one: my.py:b"),
        ("x = 1", "my.py", r"my.py: it defines no program and no task. Mark a func"),
        (PROGRAM, "my.py:backward", r"is named 'backward'. Did you mean 'backwards'"),
        ("x = 1\ny = x / 0", "my.py", r"my.py, line 2: .* ZeroDivisionError: divis"),
        ("x = (", "my.py", r"my.py, line 1: .* SyntaxError"),
        (TASK, "my.py", r"'my.py' is a task, written by hand: there is no program"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(
    text: str, asked: str, words: str, write: Any
) -> None:
    write(text)
    with pytest.raises(ZooError, match=words):
        look_up(asked, COMPILED)


def test_a_file_is_no_saved_model_and_is_not_run(write: Any) -> None:
    write("raise SystemExit")
    with pytest.raises(NameLookupError, match="a Python file, and a folder or"):
        look_up("my.py", SAVED)
    with pytest.raises(zoo.errors.FormatError, match=r"gone.py: found nothing, expect"):
        look_up("gone.py")


def test_a_task_is_found_by_its_class(write: Any) -> None:
    target = look_up(write(TASK), TRAINED)
    assert (target.kind, target.name) == ("task", "same_as_first")


def test_a_run_of_a_file_is_resumed_with_the_file(
    call: Call, write: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[tuple[str, int]] = []

    def stop(run: Any, *_: Any) -> None:
        trained.append((run.model.name, run.recipe.steps))
        raise InputError("stopped")

    monkeypatch.setattr(session, "train_run", stop)
    file = write(PROGRAM)
    assert "stopped" in call("train", file, "--out", "run", *OPTIONS).err
    alone = call("train", "--resume", "run")
    assert alone.status == 2
    assert "Give what it trains: zoo train FILE.py --resume run" in alone.err
    assert "stopped" in call("train", file, "--resume", "run").err
    assert trained == [("backwards", 2)] * 2
    with pytest.raises(InputError, match="holds a run of 'backwards', not of 'fo"):
        zoo.resume("run", write(TWO, "two.py") + ":forwards", progress=False)


def test_a_run_of_ones_own_has_no_name_of_the_zoo(call: Call, write: Any) -> None:
    file = write(PROGRAM.replace("def backwards", "def reverse"))
    found = call("train", file, "--out", "run", *OPTIONS)
    assert found.status == 2 and "Give yours another name" in found.err
