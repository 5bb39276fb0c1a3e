"""A program, printed as RASP text and read back, is the same program."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings

import programs
import zoo
from compiler.errors import InputError, ProgramError
from compiler.pipeline import read_source
from compiler.rasp import (
    EQ,
    TRUE,
    Aggregate,
    Constant,
    Elementwise,
    Select,
    SelectorWidth,
    SOp,
    indices,
    is_none,
    length,
    maximum,
    mean,
    tokens,
    where,
)
from compiler.text.printer import Printed, is_same, print_program
from compiler.text.program import read_program
from compiler.text.source import SourceText
from tests.compiler.random_programs import Case, cases

ROOT = Path(__file__).resolve().parents[3]
NAMES = ["sort", "dyck1_ptf", "median", "mode", "induction", "most_frequent", "parity"]


def printed_of(name: str, max_len: int = 3) -> Printed:
    source = read_source(programs.find(name), None, max_len)
    inputs = (source.vocab, source.max_len, source.causal)
    return Printed(source.expression, source.name, *inputs)


def read_back(text: str) -> Printed:
    program = read_program(SourceText(text))
    expression = program.build(program.vocab, program.max_len)
    inputs = (program.vocab, program.max_len, program.causal)
    return Printed(expression, program.name, *inputs)


@pytest.mark.parametrize("name", [n for n in NAMES if n in programs.all_programs()])
def test_a_program_of_the_library_is_read_back(name: str) -> None:
    printed = printed_of(name)
    text = print_program(printed)
    again = read_back(text)
    assert is_same(again.typed()[1], printed.typed()[1])
    assert print_program(again) == text


SOME = """
import sys
import programs, zoo
for name in sys.argv[1:]:
    program = programs.find(name)
    try:
        zoo.to_rasp(program, None, min(4, program.max_len))
    except zoo.errors.InputError as error:
        print(name, "|", error)
"""
UNSAYABLE = {"column_number": r"the string '\n' holds both quotes, or a line end"}


@pytest.mark.slow
def test_every_program_of_the_library_can_be_said_but_these() -> None:
    """`print_program` reads each text back and compares; no types are checked here.

    Every eighth program is said, and with HYPOTHESIS_PROFILE=thorough every one.
    """
    every = 1 if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 8
    chosen = {*list(programs.all_programs())[::every], *UNSAYABLE}
    command = [sys.executable, "-c", SOME, *sorted(chosen)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = dict(line.split(" | ") for line in done.stdout.splitlines())
    assert found == {
        name: f"{name} cannot be said as RASP text: {why}"
        for name, why in UNSAYABLE.items()
    }


def test_a_program_without_functions_of_python_is_the_same_graph() -> None:
    for name in ("sort", "reverse", "histogram"):
        printed = printed_of(name)
        graph, again = printed.typed()[0], read_back(print_program(printed)).typed()[0]
        assert again == graph


@settings(max_examples=8, deadline=None)
@given(case=cases())
def test_a_random_program_is_read_back(case: Case) -> None:
    inputs = (case.vocab, case.max_len, case.causal)
    printed = Printed(case.expression, "drawn", *inputs)
    try:
        typed = printed.typed()[1]
    except ProgramError:
        return  # too large, or a mean of what is no number: no program
    assert is_same(read_back(print_program(printed)).typed()[1], typed)


@pytest.mark.parametrize(
    "expression",
    [
        tokens,
        Constant(5),
        Constant(-5) + 1,
        tokens.named("other name") + 1,
        (indices + 1).named("tokens_int"),
        (indices + 1).named("naïve").doc("a note # with signs") * 2,
        where(Constant(True), indices, 3),
        where(indices == 1, None, -2),
        is_none(Aggregate(Select(indices, indices + 1, EQ), tokens)),
        mean(TRUE, indices.numerical()),
        SelectorWidth(~Select(tokens, 1, EQ) | Select(indices, length, EQ)),
        Elementwise(lambda a, b, c: a * b - c, (tokens, indices, length)),
        tokens.map(lambda t: (t, t + 1)).map(lambda t: t[0]),
        maximum(tokens, indices) - (3 - (indices - tokens)),
        (tokens / 3) ** 2 // 1,
        0 - (-tokens) % 2,
        (tokens == 1) & ((indices == 0) | ~(tokens == 2)),
        Aggregate(Select(tokens, tokens, EQ), indices, 0, "last"),
        Aggregate(Select(indices, 0, EQ), tokens, 7),
    ],
)  # fmt: skip
def test_an_expression_is_read_back(expression: SOp) -> None:
    printed = Printed(expression, "program", (1, 2, 3), 3)
    again = read_back(print_program(printed))
    assert is_same(again.typed()[1], printed.typed()[1]), print_program(printed)


def test_what_no_quotes_can_hold_is_refused() -> None:
    with pytest.raises(InputError, match=r"cannot be said as RASP text: the string"):
        zoo.to_rasp(tokens == "\"'", "ab", 2)


def test_the_text_is_readable() -> None:
    assert zoo.to_rasp("sort", max_len=4) == (
        "# The tokens in ascending order: `sort([2, 4, 1, 2]) -> [1, 2, 2, 4]`.\n"
        "set vocab [1, 2, 3, 4]\n"
        "set max_len 4\n"
        "\n"
        "_selector_1 = select(tokens, tokens, <)\n"
        "  or (select(tokens, tokens, ==) and select(indices, indices, <));\n"
        "target_index = selector_width(_selector_1);"
        "  # how many tokens go before this one\n"
        "sort = aggregate(select(target_index, indices, ==), tokens, None);\n"
    )
