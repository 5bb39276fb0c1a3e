"""The programs in RASP text under their names, `paper/sort.rasp`."""

from __future__ import annotations

from pathlib import Path

import pytest

import zoo
from compiler.errors import FormatError
from compiler.text.program import read_program_file
from programs.texts import ROOT, all_texts, text_file


def test_a_listing_says_what_the_text_says():
    assert len(all_texts()) == 13
    for text in all_texts():
        program = read_program_file(ROOT / text.name)
        assert (text.tokens, text.max_len) == (len(program.vocab), program.max_len)
        assert text.meaning == program.meaning


def test_a_text_of_the_library_is_found_by_its_name_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    assert zoo.compile("paper/sort.rasp", max_len=3)("ba") == ["a", "b"]
    assert "TARGET" in zoo.show("paper/sort.rasp:target", max_len=2).upper()


def test_a_file_of_the_user_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    mine = Path("paper/sort.rasp")
    assert text_file(mine).is_file() and text_file(mine) != mine
    mine.parent.mkdir()
    mine.write_text("x = tokens;")
    assert text_file(mine) == mine


@pytest.mark.parametrize("name", ["paper/none.rasp", "paper/../paper/sort.rasp"])
def test_other_paths_are_paths(name: str, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert text_file(Path(name)) == Path(name)
    with pytest.raises(FormatError, match="found nothing"):
        zoo.compile(name)
