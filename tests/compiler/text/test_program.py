"""RASP text as a program: which sequence it is, its inputs, and compiling it."""

from __future__ import annotations

import pytest

from compiler.api import compile_model
from compiler.errors import InputError, ProgramError
from compiler.ir.graph import build_graph
from compiler.rasp import EQ, Aggregate, Select, indices, length, tokens
from compiler.text.program import is_text, read_program
from compiler.text.source import RaspError, SourceText

REVERSE = """# The tokens in the opposite order.
set vocab "abc"
set max_len 4
opposite_index = length - 1 - indices;  # where each token comes from
reverse = aggregate(select(indices, opposite_index, ==), tokens, None);
"""


def test_a_text_is_the_program_that_python_writes() -> None:
    program = read_program(SourceText(REVERSE))
    assert (program.name, program.vocab, program.max_len) == (
        "reverse",
        ("a", "b", "c"),
        4,
    )
    assert program.meaning == "The tokens in the opposite order."
    assert program.source == REVERSE
    opposite = (length - 1 - indices).named("opposite_index")
    opposite = opposite.doc("where each token comes from")
    python = Aggregate(Select(indices, opposite, EQ), tokens)
    assert build_graph(program.build()) == build_graph(python)


def test_a_text_compiles_to_what_it_means() -> None:
    model = compile_model(read_program(SourceText(REVERSE)))
    assert model("abca") == list("acba")
    assert {"opposite_index", "output"} <= set(model.circuit.sites)


def test_the_last_sequence_is_the_program_unless_one_is_named() -> None:
    text = "set vocab [1, 2]\na = tokens + 1; b = a * 2; c = 3; def f(x) { return x; }"
    assert read_program(SourceText(text)).name == "b"
    assert read_program(SourceText(text), "a").build()([1, 2]) == [2, 3]
    assert read_program(SourceText("indices + 1;", "up.rasp")).name == "up"


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        ("x = 1;", "", "defines no sequence"),
        ("x = tokens;\ny = full_s;", "y", "y is a selector, and a program is a seq"),
        ("def f(x) { return x; }\nx = f(tokens);", "f", "for example: x = f"),
        ("reverse = tokens;", "revers", "Did you mean 'reverse'"),
    ],
)
def test_a_text_without_the_program_says_so(text: str, name: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_program(SourceText(text), name)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("set vocab 3", "has to be a string or a list of tokens"),
        ('set vocab "aa"', "tokens that all differ"),
        ("set max_len 0", "an integer from 1 to 64"),
        ("set causal 1", "True or False"),
        ("set vocb 3", "Did you mean 'vocab'"),
    ],
)
def test_a_setting_of_another_kind_is_refused(setting: str, words: str) -> None:
    with pytest.raises(RaspError, match=words):
        read_program(SourceText(f"{setting}\nx = tokens;"))


def test_a_program_without_a_vocabulary_asks_for_one() -> None:
    program = read_program(SourceText("x = indices + 1;"))
    with pytest.raises(InputError, match='Write a line such as set vocab "abc"'):
        compile_model(program)
    assert compile_model(program, "ab", 3)("ab") == [1, 2]


def test_what_the_compiler_refuses_is_told_with_its_line() -> None:
    text = "\ny = indices;\nx = aggregate(full_s, tokens);\nz = x;"
    program = read_program(SourceText(text), "x")
    with pytest.raises(ProgramError) as caught:
        compile_model(program, "ab", 3)
    assert "1. line 3: `unique(everything, tokens, 0)`, on" in str(caught.value)
    assert 'aggregate(selector, x, 0, "first")' in str(caught.value)
    text = "y = 1 / indices;\nx = y + 1;"
    with pytest.raises(ProgramError, match=r"1. line 1: 'y', that is y = 1 / indices"):
        compile_model(read_program(SourceText(text)), "ab", 3)


def test_integers_are_not_converted_to_integers() -> None:
    text = "t = tokens_int; x = t + 1;"
    found = read_program(SourceText(text)).build([1, 2], 3)
    assert build_graph(found) == build_graph(tokens + 1)


def test_causal_programs_are_compiled_so() -> None:
    text = 'set vocab "ab"\nset max_len 3\nset causal True\n'
    text += 'x = average(indicator(tokens == "a"));'
    assert compile_model(read_program(SourceText(text)))("aba") == [1, 0.5, 2 / 3]


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("sort", False), ("x = 1;", True), ("a\nb", True), ("my.rasp:x", False)],
)
def test_text_is_told_from_names(text: str, is_one: bool) -> None:
    assert is_text(text) == is_one
