"""`zoo.open_arena`, and the command that answers over a pipe."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

import zoo
from compiler.errors import InputError, NameLookupError
from zoo.arena import opening
from zoo.arena.models import HiddenModel
from zoo.cli import app


@pytest.fixture
def made(hidden: HiddenModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "make_hidden", lambda *_: hidden)


def test_methods_return_results_and_raise_what_is_refused(made: None) -> None:
    arena = zoo.open_arena(budget=9)
    assert arena.info()["budget"] == arena.left == 9
    assert len(arena.run([list("abc")])[0]) == 3
    assert len(arena.logits([list("abc")])[0]) == 3
    assert len(arena.cache([list("abc")], ["m0"])[0][0]) == 4  # BOS first
    assert len(arena.patch(list("ab"), [["m0"]], list("ba"))["outputs"]) == 1
    assert len(arena.ablate(list("ab"), [["m0"]], value="zero")["logits"]) == 1
    assert arena.left == 3
    with pytest.raises(InputError, match="costs 4"):
        arena.run([list("a")] * 4)
    with pytest.raises(InputError, match="no JSON"):
        arena.call("run", inputs=object())


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"kind": "own"}, NameLookupError, "compiled, trained"),
        ({"budget": 0}, InputError, "1 to"),
        ({"budget": True}, InputError, "number of forward passes"),
    ],
)
def test_an_option_that_cannot_be_used_is_refused_and_no_log_is_made(
    options: dict,
    error: type,
    words: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    if "kind" not in options:
        request.getfixturevalue("made")
    log = tmp_path / "log"
    with pytest.raises(error, match=words):
        zoo.open_arena(**{"seed": 7, "layers": 1, **options}, log=log)
    assert not log.exists()


def test_the_command_answers_lines_and_verifies_its_log(
    made: None, hidden: HiddenModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log.jsonl"
    given = io.BytesIO(b'{"call": "info"}\n{"call": "run", "inputs": [["a"]]}\n')
    answers = io.BytesIO()
    monkeypatch.setattr(sys, "__stdout__", SimpleNamespace(buffer=answers))
    options = ["--seed", "7", "--layers", "1", "--budget", "5", "--log", str(log)]
    run = CliRunner().invoke(app, ["arena", *options], input=given.getvalue())
    assert run.exit_code == 0, str(run.exception)
    assert "7" not in run.stderr  # an agent's client may see it
    found = [json.loads(line) for line in answers.getvalue().splitlines()]
    assert [answer["left"] for answer in found] == [5, 4]
    monkeypatch.setattr("zoo.arena.replay.make_hidden", lambda *_: hidden)
    done = CliRunner().invoke(app, ["arena", "verify", str(log)])
    assert (done.exit_code, done.output.splitlines()[0]) == (
        0,
        "2 of 2 calls gave the same answer again.",
    )
