"""One name, one meaning: every function and command agrees on what `sort` is."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import zoo
from compiler.errors import FormatError, InputError, NameLookupError
from tests.zoo.calls import Call, mistake
from zoo.lookup import COMPILED, MODELS, SAVED, TRAINED, look_up

PUBLISHED = Path(__file__).resolve().parents[2] / "releases"


@pytest.fixture
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand beside a folder `sort` that reverses, and a release `median`."""
    monkeypatch.chdir(tmp_path)
    zoo.save(zoo.compile("reverse", vocab="ab", max_len=2), "sort")
    shelf = tmp_path / "shelf"
    (shelf / "median").mkdir(parents=True)
    for name in ("release.json", "SHA256SUMS"):
        shutil.copy(PUBLISHED / "median-siit" / name, shelf / "median" / name)
    monkeypatch.setenv("CIRCUITZOO_RELEASES", str(shelf))
    monkeypatch.delenv("CIRCUITZOO_INDEX", raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "kinds", "kind", "others"),
    [
        ("sort", MODELS, "folder", ("program",)),
        ("./sort", MODELS, "folder", ()),
        ("sort", COMPILED, "program", ()),
        ("sort", TRAINED, "program", ()),
        ("program:sort", MODELS, "program", ()),
        ("median", MODELS, "release", ("program",)),
        ("program:median", MODELS, "program", ()),
        ("reverse", MODELS, "program", ()),
        ("greater_than", TRAINED, "task", ()),
    ],
)
@pytest.mark.usefixtures("beside")
def test_the_first_that_can_be_used_is_taken(
    name: str, kinds: tuple[str, ...], kind: str, others: tuple[str, ...]
):
    target = look_up(name, kinds)
    assert (target.kind, target.others) == (kind, others)
    assert bool(target.note) == bool(others)


@pytest.mark.usefixtures("beside")
def test_all_functions_and_commands_speak_of_the_same_model(call: Call, beside: Path):
    assert zoo.load("sort").name == "reverse"
    assert zoo.audit("sort", pairs=36, scope="sample").model == "reverse"
    assert zoo.open_case("sort", pairs=8).model.name == "reverse"
    assert zoo.show("sort").startswith("reverse")
    assert zoo.compile("sort").name == "sort"
    outcome = call("run", "sort", "--input", "ab")
    assert outcome.lines == [["b", "a"]]
    assert outcome.err.startswith("note: 'sort' is taken to be the folder sort.")
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "kinds", "error", "words"),
    [
        ("nope", MODELS, NameLookupError, "no release or program is named 'nope'."),
        ("revers", COMPILED, NameLookupError, "no program is named 'revers'. Did you"),
        ("nope", SAVED, NameLookupError, "no release is named 'nope' here."),
        ("reverse", SAVED, NameLookupError, "'reverse' is a program, and a folder or"),
        ("greater_than", MODELS, NameLookupError, "is a task, written by hand"),
        ("a/b", MODELS, FormatError, "found nothing, expected the folder"),
        ("empty", MODELS, InputError, "there is no model in this folder"),
        ("task:reverse", TRAINED, NameLookupError, "'reverse' is a program"),
        ("", MODELS, NameLookupError, "no release or program is named ''"),
        ("x" * 5000, MODELS, NameLookupError, "no release or program is named"),
    ],
)
def test_what_cannot_be_used_is_told(
    beside: Path, name: str, kinds: tuple[str, ...], error: type[Exception], words: str
):
    (beside / "empty").mkdir()
    with pytest.raises(error) as caught:
        look_up(name, kinds)
    assert words in str(caught.value)


def test_a_folder_without_a_model_does_not_hide_a_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    Path("reverse").mkdir()
    assert look_up("reverse").kind == "program"


def test_a_name_that_is_only_near_a_release_is_told_by_the_command_line(call: Call):
    assert "'sort-siit'" in mistake(call, "show", "sort-siitt")
