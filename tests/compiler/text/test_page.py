"""The programs and the tables of `docs/rasp.md` are what the language does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import zoo
from compiler.rasp.expr import SOp
from compiler.text.builtins import builtin_names
from compiler.text.evaluator import Evaluator
from compiler.text.program import run_text
from compiler.text.source import SourceText

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "rasp.md").read_text()
PROGRAMS = re.findall(r"```rasp\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("text", PROGRAMS)
def test_a_program_of_the_page_runs_on_its_example(text: str) -> None:
    found = run_text(SourceText(text))
    assert found.last is not None and found.setting.example is not None
    assert isinstance(found.last[1], SOp)
    assert len(found.last[1](found.setting.example)) == len(found.setting.example)


def test_the_python_of_the_page_runs() -> None:
    for text in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(compile(text, "rasp.md", "exec"), {"zoo": zoo})


def test_the_page_names_every_word_of_the_language() -> None:
    language = Evaluator().language.names
    assert set(builtin_names(Evaluator().operations, None)) <= set(language)
    missing = [n for n in language if not re.search(rf"\b{n}\b", PAGE)]
    assert missing == ["tokens_asis"]
