"""The table of what is known of each program, against the programs."""

from __future__ import annotations

import pytest

import programs
from compiler.errors import NameLookupError
from compiler.rasp.values import is_number
from programs.facts import COLUMNS, TABLE, all_facts, facts_of, known_corpora, read_line


def test_every_program_has_a_line_and_every_line_a_program():
    assert set(all_facts()) == set(programs.all_programs())


def test_a_line_is_what_is_read_from_it():
    titles, *lines = TABLE.read_text(encoding="utf-8").splitlines()
    assert tuple(titles.split("\t")) == COLUMNS
    assert [read_line(line).line() for line in lines] == lines == sorted(lines)


def test_the_outputs_of_an_example_are_of_the_type_that_is_stated():
    for name, program in programs.all_programs().items():
        found = [v for v in program.example[1] if v is not None]
        output = facts_of(name).output
        if output == "boolean":
            assert all(v in (True, False) for v in found), name
        elif output == "numerical":
            assert all(map(is_number, found)), name
        assert 1 <= facts_of(name).difficulty <= 5


def test_corpora_are_counted():
    counts = known_corpora()
    assert list(counts.values()) == sorted(counts.values(), reverse=True)
    assert counts["InterpBench"] == sum(
        "InterpBench" in f.corpora for f in all_facts().values()
    )


def test_an_unknown_program_offers_the_nearest():
    with pytest.raises(NameLookupError, match="Did you mean 'sort'"):
        facts_of("sotr")
