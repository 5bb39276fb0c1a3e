"""What a text from a stranger can cost, and what it can reach."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from compiler.errors import ZooError
from compiler.text.bounds import TextBounds
from compiler.text.evaluator import Evaluator
from compiler.text.parser import parse
from compiler.text.source import RaspError, SourceText

ROOT = Path(__file__).parents[3]
DEEP = 1_200  # deeper than Python's own stack


def run(text: str, bounds: TextBounds | None = None) -> Evaluator:
    evaluator = Evaluator(bounds=bounds)
    for _ in evaluator.run(SourceText(text)):
        pass
    return evaluator


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = " + "(" * DEEP + "1" + ")" * DEEP + ";", 1),
        ("x = " + "-" * DEEP + "1;", 1),
        ("x = " + "1 + " * DEEP + "1;", DEEP + 1),
        ("x = " + "len([" * DEEP + "])" * DEEP + ";", 1),
        ("x = " + "1 if 0 else (" * DEEP + "2" + ")" * DEEP + ";", 2),
        ("x = " + "{1: " * DEEP + "2" + "}" * DEEP + "[1]" * DEEP + ";", 2),
    ],
)
def test_nesting_has_no_depth_that_breaks_it(text: str, expected: int) -> None:
    assert run(text).scope.names["x"] == expected


LONG = """
import time
from compiler.text.program import run_text
from compiler.text.source import SourceText
line = "x = aggregate(select(tokens, indices + 1, ==), tokens, 0);\\n"
texts = [line * 500, line * 10_000, "x = " + "(" * 20_000 + "1" + ")" * 20_000 + ";"]
for text in texts:
    start = time.process_time()
    run_text(SourceText(text))
    print(time.process_time() - start)
"""


@pytest.mark.slow
def test_ten_thousand_lines_are_read_in_time_that_grows_with_them() -> None:
    """In a process of its own, where types are not checked at every call."""
    done = subprocess.run(
        [sys.executable, "-c", LONG], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    short, long, deep = map(float, done.stdout.split())
    assert long < 60 * max(short, 0.05) and long < 60 and deep < 60, done.stdout


def test_nested_blocks_are_read_without_recursion() -> None:
    depth = 1_050
    loops = "for i in [1] {" * depth + "x = 1;" + "}" * depth
    assert run(loops).scope.names["x"] == 1
    functions = "def f() {" * depth + "return 1;" + "} return 1;" * (depth - 1) + "}"
    assert len(parse(SourceText(functions))) == 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("for i in range(10000) { for j in range(10000) { x = i + j; } }", "steps"),
        (
            "def f(n) { return f(n - 1) + f(n - 1) if n > 0 else 0; } x = f(50);",
            "steps",
        ),
        ("l = [1]; for i in range(100) { l = l + l; }", "items|steps"),
        ('s = "a"; for i in range(100) { s = s + s; }', "characters"),
        ("x = 2; for i in range(100) { x = x * x; }", "bits"),
        ("x = 9 ^ 9 ^ 9 ^ 9 ^ 9;", "bits"),
        ("x = 7; for i in range(100) { x = x / (x + 1) * x; }", "bits"),
        ("s = full_s; for i in range(1000) { s = s or select(tokens, i, ==); }", "jo"),
        ("s = full_s; for i in range(100) { s = s and s; }", "joined"),
        ("def f(n) { return f(n + 1); } x = f(0);", "calls itself without end"),
        ("def f(n) { return g(n); } def g(n) { return f(n); } x = f(0);", "calls"),
    ],
)
def test_what_would_not_end_is_refused_in_seconds(text: str, problem: str) -> None:
    start = time.process_time()
    with pytest.raises(RaspError, match=problem):
        run(text, TextBounds(steps=20_000))
    assert time.process_time() - start < 10


@pytest.mark.parametrize(
    "text",
    [
        "x = indices; for i in range(60) { x = (x + 2) * (x + 2); }",
        "x = tokens; for i in range(60) { x = x + x; }",
        "x = indices ^ 100000000;",
        "x = tokens * 100000000;",
        "x = tokens % indices;",  # Python would format a string
    ],
)
def test_what_a_sequence_would_hold_is_bounded_too(text: str) -> None:
    found = run(text).scope.names["x"]
    with pytest.raises(ZooError):
        found(["%99999999d", "a", "a"])


def test_a_text_has_a_greatest_length() -> None:
    with pytest.raises(RaspError, match="more than 10 characters"):
        run("x = 1;" * 3, TextBounds(characters=10))


@pytest.mark.parametrize(
    "name", ["__import__", "open", "eval", "print", "__class__", "exec", "os"]
)
def test_no_name_of_python_means_anything(name: str) -> None:
    with pytest.raises(RaspError, match=f"nothing is called {name}"):
        run(f"x = {name};")
