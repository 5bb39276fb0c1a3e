"""The tutorial does what it shows: every block runs, and prints what stands there."""

from __future__ import annotations

import io
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.test_readme import check
from tests.zoo.calls import Call

PAGE = Path(__file__).resolve().parents[2] / "docs" / "tutorial.md"


def blocks() -> Iterator[tuple[str, str, str]]:
    """Yield the language and the text of every block, and the file that it is saved as.

    A file is one that the paragraph in front says to save: "Save this as `x.rasp`".
    """
    text = PAGE.read_text(encoding="utf-8")
    for found in re.finditer(r"^```(\w+)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        before = text[: found.start()].rstrip().rpartition("\n\n")[2]
        saved = re.search(r"Save this as\s`([\w.]+)`", before)
        yield found[1], found[2], saved[1] if saved else ""


def calls(block: str) -> list[tuple[str, str]]:
    """Return the commands of a block, each with what it prints."""
    first, *parts = re.split(r"^\$ ", block, flags=re.MULTILINE)
    assert first == "", block
    return [(part.partition("\n")[0], part.partition("\n")[2]) for part in parts]


def test_every_block_of_the_tutorial_does_what_it_shows(
    call: Call,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
):
    printed = ""
    space: dict[str, Any] = {}
    done = {"files": 0, "commands": 0, "results": 0}
    for language, text, saved in blocks():
        if saved:
            (tmp_path / saved).write_text(text, encoding="utf-8")
            done["files"] += 1
        elif language == "python":
            capsys.readouterr()
            done["results"] += check(text, space)
            printed = capsys.readouterr().out
        elif language == "text":
            assert text == printed
            done["results"] += 1
        else:
            assert language == "console", f"nothing runs a block of {language}"
            for command, shown in calls(text):
                words, _, given = command.partition(" < ")
                if given:
                    typed = io.StringIO((tmp_path / given).read_text("utf-8"))
                    monkeypatch.setattr(sys, "stdin", typed)
                outcome = call(*shlex.split(words)[1:])
                assert (outcome.out, outcome.err) == (shown, ""), command
                done["commands"] += 1
    assert done == {"files": 2, "commands": 5, "results": 4}
