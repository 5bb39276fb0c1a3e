"""`my.rasp`, `my.rasp:NAME` and RASP text in every function and command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import zoo
from compiler.errors import FormatError, InputError, NameLookupError
from compiler.text.source import RaspError
from tests.zoo.calls import Call
from zoo.lookup import SAVED, TRAINED, look_up
from zoo.training.session import find_setting

TEXT = """# The tokens in the opposite order.
set vocab "ab"
set max_len 3
opposite = length - 1 - indices;  # where each token comes from
backwards = aggregate(select(indices, opposite, ==), tokens, None);
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.rasp").write_text(TEXT)
    return "my.rasp"


def test_every_command_takes_rasp_text(call: Call, file: str) -> None:
    run = call("run", file, "--input", '["a","b","b"]')
    assert run.status == 0 and run.out == '["b", "b", "a"]\n', run.err
    shown = call("show", file).out
    assert shown.startswith("backwards") and "opposite order" in shown
    assert "opposite = length - 1 - indices" in call("show", file, "--emit=program").out
    assert call("verify", file).status == 0
    made = call("compile", file, "--out", "model")
    assert made.status == 0 and made.out.startswith("model: backwards, "), made.err
    assert zoo.load("model").facts["source"] == TEXT
    assert zoo.load("model")("abb") == zoo.compile(file)("abb") == list("bba")


def test_what_is_trained_is_what_the_text_says(file: str) -> None:
    setting = find_setting(look_up(file, TRAINED).trained)
    assert (setting.name, setting.vocab, setting.max_len) == (
        "backwards",
        ("a", "b"),
        3,
    )


def test_a_name_chooses_one_definition(file: str) -> None:
    assert zoo.compile(f"{file}:opposite")("aba") == [2, 1, 0]
    with pytest.raises(InputError, match=r"nothing in it is called 'oposite'. Did you"):
        zoo.compile(f"{file}:oposite")


def test_a_string_with_a_semicolon_is_rasp_text() -> None:
    assert zoo.compile(TEXT)("ab") == ["b", "a"]
    model = zoo.compile("x = tokens + indices;", vocab=[1, 2], max_len=2)
    assert model([1, 1]) == [1, 2] and model.name == "x"


def test_text_that_sets_no_vocabulary_asks_for_one() -> None:
    with pytest.raises(InputError, match=r"x: the text sets no vocabulary. Write a"):
        zoo.compile("x = indices;")


def test_a_mistake_ends_a_command_with_its_line(call: Call, file: str) -> None:
    Path(file).write_text(TEXT.replace("opposite, ==", "oposite, =="))
    run = call("compile", file, "--out", "model")
    assert run.status == 2 and not Path("model").exists()
    lines = run.err.splitlines()
    assert (
        lines[0] == "error: my.rasp, line 5, column 39: nothing is called oposite here."
    )
    assert lines[2].index("^") == 4 + 38
    assert lines[3].startswith("Did you mean 'opposite'")


def test_a_text_as_a_string_can_load_no_file(file: str) -> None:
    with pytest.raises(RaspError, match="this text may not load files"):
        zoo.compile('load "my"; x = backwards;', vocab="ab", max_len=3)
    Path("two.rasp").write_text('load "my"; forth = backwards + "!";')
    assert zoo.compile("two.rasp", vocab="ab", max_len=3)("ab") == ["b!", "a!"]


def test_a_file_is_asked_for_where_only_models_are_used(file: str) -> None:
    with pytest.raises(NameLookupError, match=r"'my.rasp' is a file of RASP text, and"):
        look_up(file, SAVED)
    with pytest.raises(
        FormatError, match=r"no.rasp: found nothing, expected a file of"
    ):
        zoo.compile("no.rasp")


@pytest.mark.parametrize("bad", [b"\xff\xfe;", b"x = \x00;"])
def test_a_file_that_is_no_text_is_refused(file: str, bad: bytes) -> None:
    Path(file).write_bytes(bad)
    with pytest.raises((InputError, RaspError), match=r"UTF-8|has no meaning"):
        zoo.compile(file)


def test_beside_takes_text_too(file: str) -> None:
    other: Any = "set vocab \"ab\"\nset max_len 3\ny = indices;"  # fmt: skip
    assert zoo.compile(file, beside=other)("ab") == ["b", "a"]
