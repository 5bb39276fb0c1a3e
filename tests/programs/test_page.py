"""The page of all programs is what its command writes."""

from __future__ import annotations

import pytest

import programs
from compiler.api import compile_model
from compiler.errors import ProgramError
from programs.facts import all_facts
from programs.page import PAGE, library_page
from programs.texts import all_texts


def test_the_page_is_what_the_command_writes():
    assert PAGE.read_text(encoding="utf-8") == library_page(), (
        "python -m programs.page writes it anew"
    )


def test_the_page_has_every_program_with_its_setting():
    lines = library_page().splitlines()
    for name, program in programs.all_programs().items():
        (row,) = [line for line in lines if line.startswith(f"| `{name}` |")]
        facts = all_facts()[name]
        setting = f"| {len(program.vocab)} | {program.max_len} | {facts.difficulty} |"
        assert setting in row
    assert sum(".rasp` |" in line for line in lines) == len(all_texts())


@pytest.mark.parametrize("name", ["polynomial_from_sequence", "newton_magnetic"])
def test_what_is_said_to_be_refused_at_length_8_is(name: str):
    with pytest.raises(ProgramError, match="above the limit of"):
        compile_model(programs.find(name), max_len=8)
    assert "Length 8 is refused" in (programs.find(name).builder.__doc__ or "")
