"""The shell for RASP text, line by line and over a pipe."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

import zoo
from tests.zoo.calls import Call
from zoo.rasp_shell import Shell


def talk(*lines: str, folder: Path | None = None) -> list[str]:
    """Return what a new shell prints on some lines, without blanks in front."""
    shell = Shell(folder)
    printed = [text for line in lines for text in shell.feed(line)]
    printed += shell.end()
    return [line.strip() for text in printed for line in text.splitlines()]


def test_an_example_follows_each_definition() -> None:
    assert talk("x = 3 * indices;", 'set example "hey"', "x + 1;") == [
        "s-op: x",
        'Example: x("hello") = [0, 3, 6, 9, 12] (ints)',
        "s-op: out",
        'Example: out("hey") = [1, 4, 7] (ints)',
    ]


def test_a_selector_is_shown_with_a_line_a_query() -> None:
    assert talk('set example "hey"', "p = select(indices, indices, <);") == [
        "selector: p",
        "Example:",
        "h e y",
        "h |",
        "e | 1",
        "y | 1 1",
    ]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ('tokens == "e";', "[F, T, F] (bools)"),
        ("indices / 2;", "[0, 0.5, 1] (floats)"),
        ('"e" in tokens;', "[T]*3 (bools)"),
        ("tokens;", "[h, e, y] (strings)"),
        ("aggregate(full_s, indices) / 3;", "[0.333]*3 (floats)"),
    ],
)
def test_sequences_are_shown_as_the_original_shows_them(line: str, shown: str) -> None:
    assert talk('set example "hey"', line)[-1].endswith(f'("hey") = {shown}')


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("x = 1 / 4;", "value: x = 0.25"),
        ('x = "a";', 'value: x = "a"'),
        ("x = [1, tokens, full_s];", "list: x = [1, tokens, (selector)]"),
        ('x = {"a": [1, [2]]};', 'dict: x = {"a": [1, [..]]}'),
        ("def f(a, b) { return a; }", "function: f(a, b)"),
        ("x = range(1000);", ".. (1000 items)]"),
        ('tokens("ab");', "= [a, b] (strings)"),
    ],
)
def test_other_values_are_shown_by_their_kind(line: str, shown: str) -> None:
    assert talk(line)[0].endswith(shown)


def test_a_statement_may_take_several_lines() -> None:
    shell = Shell()
    assert list(shell.feed("def f(x) {")) == [] and shell.prompt == ".. "
    assert list(shell.feed("  # a comment")) == []
    assert list(shell.feed("  return x; }")) == ["     function: f(x)"]
    assert shell.prompt == ">> "


def test_examples_are_switched_off_and_on() -> None:
    assert talk("examples off", "indices;", "full_s;") == [
        "s-op: indices",
        "selector: full_s",
    ]
    assert len(talk("selector examples off", "indices;", "full_s;")) == 3
    assert talk("s-op examples off", "examples on", "indices;")[1].startswith("Exam")
    assert talk("set s-op example [1, 2]", "show example") == [
        "s-op example: [1, 2]",
        'selector example: "hello"',
    ]
    assert talk('set example "ab"', "full seq display on", "indices;")[-2:] == [
        "input:  a b",
        "output: 0 1  (ints)",
    ]


def test_a_mistake_is_told_and_the_session_goes_on() -> None:
    printed = talk("x = tokns;", "x;", "y = 1;", ":compil", ":compile zz")
    assert printed[0].startswith("!! shell, line 1, column 5: nothing is called tokns")
    assert "!! shell, line 1, column 1: nothing is called x here." in printed
    assert "value: y = 1" in printed
    assert "!! no command is called :compil. Did you mean ':compile'?" in printed[-2]
    assert printed[-1] == "!! zz is nothing, and a sequence is needed here"


def test_what_fails_on_the_example_is_told_after_the_definition() -> None:
    printed = talk("x = 1 / indices;", "y = 2;")
    assert printed[0] == "s-op: x" and "the function raises on" in " ".join(printed)
    assert printed[-1] == "value: y = 2"


def test_draw_shows_every_step_on_the_input() -> None:
    printed = talk("x = indices + 1;", "y = x * 2;", 'draw(y, "ab");')[4:]
    assert printed == [
        'On "ab":',
        "indices",
        "[0, 1] (ints)",
        "x = indices + 1",
        "[1, 2] (ints)",
        "y = x * 2",
        "[2, 4] (ints)",
    ]


def test_a_sequence_is_compiled_drawn_and_printed(tmp_path: Path) -> None:
    shell = Shell()
    lines = ['set vocab "ab"', "set max_len 3", "x = indices + 1;", "y = x * 2;"]
    for line in lines:
        list(shell.feed(line))
    made = list(shell.feed(f":compile y {tmp_path / 'model'}"))
    assert made[1] == '     tokens "ab", lengths 1..3'
    model = zoo.load(tmp_path / "model")
    assert model("aba") == [2, 4, 6]
    assert next(iter(shell.feed(":text"))) == model.facts["source"].rstrip()
    assert any("logits" in line for line in shell.feed(":draw"))
    list(shell.feed(f":draw y {tmp_path / 'y.svg'}"))
    assert (tmp_path / "y.svg").read_text().startswith("<svg")


def test_files_beside_the_shell_are_loaded(tmp_path: Path) -> None:
    (tmp_path / "lib.rasp").write_text("a = indices; _b = 3; def f(x) { return x; }")
    printed = talk('load "lib";', "f(a);", folder=tmp_path)
    assert printed[0] == "s-op: a" and "function: f(x)" in printed


def test_the_command_reads_a_pipe(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "my.rasp"
    file.write_text("x = indices + 1;")
    monkeypatch.setattr("sys.stdin", io.StringIO('x("ab");\ny = x;\nquit\nz;\n'))
    done = call("rasp", file)
    assert done.status == 0, done.err
    assert done.out.splitlines()[:3] == [
        "     s-op: x",
        "     = [1, 2] (ints)",
        "     s-op: y",
    ]
    monkeypatch.setattr("sys.stdin", io.StringIO("x = ;\n"))
    assert call("rasp").status == 1
    monkeypatch.setattr("sys.stdin", io.StringIO("x = 1"))
    assert "this statement does not end" in call("rasp").out


def test_examples_of_a_causal_session_are_causal() -> None:
    # Position i sees itself and the i positions before it.
    lines = talk("set causal True", "x = selector_width(full_s);", 'x("abc");')
    assert lines[1:] == [
        'Example: x("hello") = [1, 2, 3, 4, 5] (ints)',
        "= [1, 2, 3] (ints)",
    ]
    assert talk("set causal True", 'set example "hey"', "full_s;")[-3:] == [
        "h | 1",
        "e | 1 1",
        "y | 1 1 1",
    ]


def test_a_file_that_cannot_be_written_does_not_end_the_session(
    tmp_path: Path,
) -> None:
    file = tmp_path / "a.svg"
    file.mkdir()
    lines = talk("x = indices;", f":draw x {file}", "x + 1;")
    assert lines[2] == f"!! {file}: Is a directory"
    assert lines[3] == "s-op: out"
