"""A log is bound line by line, and playing it again shows what is not the model's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from compiler.errors import FormatError, InputError
from tests.zoo.arena.conftest import SEED
from zoo.arena import replay
from zoo.arena.models import HiddenModel
from zoo.arena.opening import play_in_process
from zoo.arena.record import ArenaHeader, ArenaLog, read_log
from zoo.arena.replay import verify_log
from zoo.arena.session import ArenaSession

HEADER = ArenaHeader("compiled", SEED, 30, 1, "")


@pytest.fixture
def log(hidden: HiddenModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A log of some calls; models are made again by taking the same one."""
    monkeypatch.setattr(replay, "make_hidden", lambda *_: hidden)
    path = tmp_path / "log.jsonl"
    kept = ArenaLog(path, HEADER)
    arena = play_in_process(ArenaSession(hidden, 30, kept))
    arena.info()
    arena.run([list("abc"), ["d"]])
    with pytest.raises(InputError):
        arena.run([["z"]])
    arena.patch(list("abcd"), [["m0"], ["tokens->logits"]], list("dcba"), shift=1)
    arena.ablate(list("abcd"), [["m0"]])
    kept.close()
    return path


def test_a_log_played_again_gives_the_same_answers(log: Path) -> None:
    report = verify_log(log)
    assert (report.calls, report.spent, report.differing) == (4, 6, ())
    assert report.holds
    assert "4 of 4 calls gave the same answer" in report.text
    assert "Nothing was submitted" in report.text
    assert log.stat().st_mode & 0o077 == 0  # it holds the seed


def test_an_answer_that_is_not_the_models_is_found(
    log: Path, hidden: HiddenModel, tmp_path: Path
) -> None:
    header, calls = read_log(log)
    forged = tmp_path / "forged.jsonl"
    kept = ArenaLog(forged, header)
    for number, call in enumerate(calls):
        result = json.loads(json.dumps(call.result))
        if number == 1:
            result["outputs"][0][0] = "other"
        if number == 2:
            result["logits"][0][0][0] += 1.0
        kept.add(call.call, call.arguments, result, call.spent + (number == 3))
    kept.close()
    assert verify_log(forged).differing == (2, 3, 4)


@pytest.mark.parametrize("change", ["altered", "left out", "moved", "cut"])
def test_a_line_that_was_changed_is_found(log: Path, change: str) -> None:
    lines = log.read_bytes().splitlines(keepends=True)
    if change == "altered":
        lines[2] = lines[2].replace(b'"spent":2', b'"spent":1')
    elif change == "left out":
        del lines[2]
    elif change == "moved":
        lines[2], lines[3] = lines[3], lines[2]
    else:
        lines[-1] = lines[-1][:40]
    log.write_bytes(b"".join(lines))
    with pytest.raises(FormatError, match=r"line \d.* play again"):
        read_log(log)


@pytest.mark.parametrize("text", ["", "{}\n", "[1]\n", "x", '{"chain": 5}\n'])
def test_what_is_no_log_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x"
    path.write_text(text)
    with pytest.raises(FormatError):
        read_log(path)
    with pytest.raises(InputError, match="no such log"):
        read_log(tmp_path / "none")


def test_a_log_replaces_no_file_and_ends_when_it_is_full(
    hidden: HiddenModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "there").write_text("mine")
    with pytest.raises(InputError, match="already"):
        ArenaLog(tmp_path / "there", HEADER)
    assert (tmp_path / "there").read_text() == "mine"
    monkeypatch.setattr("zoo.arena.record.MOST_LOG", 600)
    session = ArenaSession(hidden, 30, ArenaLog(tmp_path / "small", HEADER))
    answers: list[dict[str, Any]] = [
        session.answer_line(b'{"call": "run", "inputs": [["a"]]}') for _ in range(9)
    ]
    assert "full" in answers[-1]["error"]["message"]
    assert (tmp_path / "small").stat().st_size < 2_000
