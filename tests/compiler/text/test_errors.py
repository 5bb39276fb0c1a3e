"""Every mistake in RASP text is shown with its line, a caret and a remedy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from compiler.errors import ZooError
from compiler.text.evaluator import Evaluator
from compiler.text.source import RaspError, SourceText, UnfinishedError


def error_of(text: str, folder: Path | None = None) -> RaspError:
    """Return the error of a text, whose tokens are a, b and c."""
    evaluator = Evaluator(tuple("abc"), folder)
    with pytest.raises(RaspError) as caught:
        for _ in evaluator.run(SourceText(text, "my.rasp")):
            pass
    return caught.value


# The text, the part of it that the caret is under, what is wrong, what to do.
CASES = [
    # Syntax
    ("x = 1\ny = 2;", "\n", "`;` is missing", "Write `;` here"),
    ("x = (1;", ";", "where `)` is expected", "close the bracket"),
    ("x = [1, 2;", ";", "where `]` is expected", "close the list"),
    ("x = {1: 2;", ";", "where `}` is expected", "close the dict"),
    ("x = {1, 2};", ",", "where `:` is expected", "between a key and its value"),
    ("x = 1 +;", ";", "where a value is expected", "Write a name, a number"),
    ("x = tokens & 1;", "&", "has no meaning in RASP", "Write `and`"),
    ("x = tokens | 1;", "|", "has no meaning in RASP", "Write `or`"),
    ("x = !tokens;", "!", "has no meaning in RASP", "Write `not`"),
    ("x = tokens.y;", ".", "has no meaning in RASP", "there are no methods"),
    ('x = "abc;\n', '"abc;', "string does not end", 'Close it with "'),
    ("x = tokens = 2;", "=", "`=` stands inside", "For a comparison write =="),
    ("1 = x;", "1", "only names can be set", "Write name = value"),
    ("x = a b;", "b", "`b` cannot stand here", "an operator between two values"),
    ("x = 3 if tokens;", ";", "where `else` is expected", "yes if condition else no"),
    ("select(tokens, 1);", ")", "where `,` is expected", "after the query"),
    ("select(tokens, 1, 2);", "2", "a comparison is expected", "== != < <= > >="),
    ("def f(x): return x;", ":", "where `{` is expected", "body in braces"),
    ("def f(x) { y = x; }", "}", "f returns nothing", "End its body with `return"),
    ("def f(x) { return x; y = 1; }", "y", "after `return`", "move this before it"),
    ("return 3;", "return", "outside of a function", "last statement of `def"),
    ("if x { y = 1; }", "if", "begin with `if`", "yes if condition else no"),
    ("while True { }", "while", "no while loop", "for i in range(4)"),
    ("}", "}", "closes nothing", "Take it out"),
    (";", ";", "no statement before `;`", "Take `;` out"),
    ("for i range(3) { }", "range", "where `in` is expected", "names of the loop"),
    ("load lib;", "lib", "name of a file is expected", "as a string"),
    ("set vocab = 3", "=", "after the name of a setting", "Leave it out"),
    ("set vocab\nx = 1;", "vocab", "says no value", "Write one: set vocab"),
    ("set example 3 4", "4", "after the value of a setting", "one setting a line"),
    ("for = 3;", "=", "where a name is expected", "no word of the language"),
    ("x = " + "9" * 200 + ";", "9" * 200, "number is too long", "at most 100 digits"),
    # Names
    ("x = tokns;", "tokns", "nothing is called tokns", "Did you mean 'tokens'"),
    ("x = zzz + 1;", "zzz", "nothing is called zzz", "Define it above"),
    ("indices = 3;", "indices", "belongs to the language", "Choose another name"),
    ("def f(x, x) { return x; }", "x", "two parameters are called x", "its own name"),
    # Arities
    ("x = aggregate(full_s);", "aggregate(full_s)", "2 to 4 arguments", "Call it as"),
    ("x = sort(tokens);", "sort(tokens)", "takes 2 arguments and is given 1", "key)"),
    ("def f(a) { return a; }\nx = f();", "f()", "takes 1 argument and", "f(a)"),
    ("x, y = 1, 2, 3;", "x, y = 1, 2, 3", "2 names are set to 3", "as many values"),
    ("x, y = [1];", "[1]", "2 names are set to 1 values", "as many names as"),
    ("x, y = 3;", "3", "2 names are set to the number 3", "a list of so many"),
    ('tokens("a", "b");', 'tokens("a", "b")', "applied to 2 inputs", "Give it one"),
    # Types
    ("x = tokens - 1;", "-", "a sequence of strings", "tokens_int reads"),
    ("x = tokens + 1;", "+", "adds strings and numbers", "same type"),
    ("x = tokens < 1;", "<", "compares strings and numbers", "same type"),
    ('x = "a" - 1;', "-", "between the string 'a' and the number 1", "two values"),
    ("x = 1 / 0;", "/", "divides by 0", "another number"),
    ("x = full_s + 1;", "+", "used on a selector", "selector_width"),
    ("x = full_s and tokens;", "and", "joins a selector and a sequence", "two sel"),
    ("x = tokens + [1];", "+", "a list stands on the right", "Write a sequence"),
    ("x = select(full_s, 1, ==);", "select(full_s, 1, ==)", "as the key", "aggregat"),
    ("x = aggregate(tokens, 1);", "aggregate(tokens, 1)", "a selector is needed", "s"),
    ("aggregate(full_s, 1, tokens);", "aggregate(full_s, 1, tokens)", "default", ""),
    ("x = 1 if full_s else 2;", "full_s", "as a condition", "selector_width"),
    ("x = round(tokens);", "round(tokens)", "round is used on a sequence of str", "to"),
    ("x = indicator(1);", "indicator(1)", "indicator is used on the number 1", "Give"),
    ("x = range(tokens);", "range(tokens)", "range is given a sequence", "integers"),
    ("x = range(1, 5, 0);", "range(1, 5, 0)", "steps of 0", "another step"),
    ("x = zip([1], [1, 2]);", "zip([1], [1, 2])", "different lengths: 1, 2", "same"),
    ("x = len(tokens);", "len(tokens)", "len is used on a sequence", "write length"),
    ("for i in tokens { }", "tokens", "a loop runs over a sequence", "range(3)"),
    ("x = [i for i in 3];", "3", "a loop runs over the number 3", "range(3)"),
    ("x = {[1]: 2};", "[1]", "a key of a dict is a list", "an atom as the key"),
    ("x = {1: 2}[3];", "{1: 2}[3]", "the dict has no key 3", "one of its keys"),
    ("x = [1][4];", "[1][4]", "no item 4 among 1", "count from 0"),
    ("x = tokens[tokens];", "tokens[tokens]", "index of a sequence", "load_from_loc"),
    ("x = 3(tokens);", "3", "the number 3 is called", "Call a function"),
    ('x = tokens("abc");', 'tokens("abc")', "inside an expression", "of its own"),
    ("tokens(3);", "3", "the input is the number 3", "a list of tokens"),
    ("x = 1 in 2;", "in", "looks for something in the number 2", "list of atoms"),
    ("draw(full_s);", "full_s", "draw is given a selector", "Give it a sequence"),
    # Files and what does not end
    ('load "other";', 'load "other"', "may not load files", "into the text"),
    ("def f(x) { return f(x); }\ny = f(1);", "f(x);", "f calls itself", "condition"),
    ("for i in range(10 ^ 9) { }", "range(10 ^ 9)", "more than 100000", "fewer"),
    ("x = 9 ^ 9 ^ 9 ^ 9 ^ 9;", "^ 9;", "a number of more than", "two values"),
    ('x = "abc" * 10 ^ 6;', "*", "a string of more than", "two values"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "under", "problem", "remedy"), CASES)
def test_a_mistake_is_shown_where_it_is(
    text: str, under: str, problem: str, remedy: str
) -> None:
    error = error_of(text)
    lines = str(error).splitlines()
    assert lines[0].startswith(f"my.rasp, line {error.line}, column {error.column}: ")
    assert problem in error.problem, str(error)
    assert remedy in error.remedy, str(error)
    written = text.splitlines()[error.line - 1].replace("\t", " ")
    if len(written) < 74:
        assert lines[1] == f"    {written}"
        assert lines[2].index("^") == error.column + 3
    shown = (text + "\n").splitlines(keepends=True)[error.line - 1][error.column - 1 :]
    assert shown.startswith(under), (shown, under)


def test_the_places_are_where_another_reader_would_find_them() -> None:
    error = error_of("# one\r\n\ty = 1;\n\n  z = y + tokns;  # note\n")
    assert (error.line, error.column) == (4, 11)
    assert str(error).splitlines()[1:3] == [
        "      z = y + tokns;  # note",
        "              ^^^^^",
    ]


def test_a_long_line_is_cut_around_the_caret() -> None:
    error = error_of("x = " + "1 + " * 300 + "zz + " + "1 + " * 300 + "1;")
    line, caret = str(error).splitlines()[1:3]
    assert len(line) <= 84 and line[caret.index("^") :].startswith("zz + ")


def test_an_error_in_a_function_says_who_called_it() -> None:
    error = error_of("def f(x) {\n  return x + full_s;\n}\n\ny = f(tokens);")
    assert (error.line, error.column) == (2, 12)
    assert "Called as f at my.rasp, line 5, column 5" in str(error)


def test_an_error_in_the_library_is_shown_where_the_program_calls_it() -> None:
    error = error_of("y = 1;\nz = sort(full_s, tokens);")
    assert (error.line, error.column) == (2, 5)
    assert error.problem.startswith("in sort: a selector stands")


@pytest.mark.parametrize(
    "text", ["x = 1", "def f(x) {", "x = [1,", "for i in x {y = 1;"]
)
def test_text_that_could_go_on_is_told_apart(text: str) -> None:
    assert isinstance(error_of(text), UnfinishedError)


def test_files_that_load_each_other_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.rasp").write_text('load "b";')
    (tmp_path / "b.rasp").write_text('x = 1;\nload "a";')
    error = error_of('load "a";', tmp_path)
    assert error.file.endswith("b.rasp") and error.line == 2
    assert "in a circle: a.rasp loads b.rasp loads a.rasp" in error.problem


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "~/x", "nothing"])
def test_no_file_outside_of_the_folder_is_loaded(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.rasp").write_text("x = 1;")
    (tmp_path / "in").mkdir()
    error = error_of(f'load "{name}";', tmp_path / "in")
    assert re.search("outside of the folder|cannot be loaded", error.problem)


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.rasp").write_text("x = 1;")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link.rasp").symlink_to(tmp_path / "secret.rasp")
    assert "outside of the folder" in error_of('load "link";', tmp_path / "in").problem


def test_every_error_is_one_that_callers_catch() -> None:
    assert isinstance(error_of("x"), ZooError)
