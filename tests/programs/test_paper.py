"""The programs in RASP text under `programs/paper/`, compared with plain Python.

They are those of Weiss et al. 2021 and others in its style. Each is evaluated as an
expression and compiled, on every input up to its greatest length or to length 4.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from compiler.api import compile_model
from compiler.ir.interpret import encode_batch, interpret
from compiler.text.program import read_program_file, run_text
from compiler.text.source import SourceText
from tests.numpy_forward import outputs

FOLDER = Path(__file__).resolve().parents[2] / "programs" / "paper"


def by_prefix(judge: Callable[[str], str]) -> Callable[[str], list[str]]:
    return lambda word: [judge(word[: n + 1]) for n in range(len(word))]


def judge_nested(word: str) -> str:
    """Return T, P or F of one prefix of brackets of several kinds that nest."""
    open_: list[str] = []
    for letter in word:
        if letter in "({":
            open_.append(letter)
        elif not open_ or open_.pop() + letter not in ("()", "{}"):
            return "F"
    return "P" if open_ else "T"


def judge_shuffled(word: str) -> str:
    """Return T, P or F of brackets of which each kind is balanced by itself."""
    kinds = [
        judge_nested("".join(c for c in word if c in kind)) for kind in ("()", "{}")
    ]
    return "F" if "F" in kinds else "P" if "P" in kinds else "T"


def most_frequent(word: str) -> list[str]:
    order = sorted(Counter(word).items(), key=lambda item: -item[1])
    return [letter for letter, _ in order] + ["-"] * (len(word) - len(order))


def induction(word: str) -> list[str]:
    after: dict[str, str] = {}
    found = []
    for place, letter in enumerate(word):
        if place:
            after[word[place - 1]] = letter
        found.append(after.get(letter, "?"))
    return found


def next_identical(word: str) -> list[int]:
    found = [word.find(c, i + 1) - i for i, c in enumerate(word)]
    return [max(0, distance) for distance in found]


def majority(word: str) -> list[str]:
    lead = word.count("a") - word.count("b")
    return ["a" if lead > 0 else "b" if lead else "-"] * len(word)


OF_FILES: dict[str, Callable[[str], list[Any]]] = {
    "reverse": lambda w: list(w[::-1]),
    "histogram": lambda w: [w.count(c) for c in w],
    "double_histogram": lambda w: [
        sum(w.count(d) == w.count(c) for d in set(w)) for c in w
    ],
    "sort": lambda w: sorted(w),
    "sort_by_key": lambda w: sorted(w, key=lambda c: c not in "aeiou"),
    "most_frequent": most_frequent,
    "fraction_previous": lambda w: [
        Fraction(w[: i + 1].count("a"), i + 1) for i in range(len(w))
    ],
    "dyck1_ptf": by_prefix(judge_nested),
    "shuffle_dyck_ptf": by_prefix(judge_shuffled),
    "dyck2_ptf": by_prefix(judge_nested),
    "induction": induction,
    "next_identical": next_identical,
    "majority": majority,
}


def test_every_file_has_a_reference() -> None:
    assert {path.stem for path in FOLDER.glob("*.rasp")} == set(OF_FILES)


@pytest.mark.parametrize("name", OF_FILES)
def test_a_file_computes_what_python_does(name: str) -> None:
    program = read_program_file(FOLDER / f"{name}.rasp")
    assert program.meaning and program.name in (name, "vowels_first")
    max_len = min(4 if len(program.vocab) < 4 else 3, program.max_len)
    model = compile_model(program, max_len=max_len)
    words = [
        "".join(word)
        for n in range(1, max_len + 1)
        for word in itertools.product(program.vocab, repeat=n)
    ]
    expected = [OF_FILES[name](word) for word in words]
    trace = interpret(model.typed, *encode_batch(model.typed, words))
    evaluated = [trace.decoded(model.typed.output, i) for i in range(len(words))]
    assert evaluated == expected
    compiled = outputs(model, words)
    assert [list(map(_near, row)) for row in compiled] == [
        list(map(_near, row)) for row in expected
    ]


@pytest.mark.parametrize("name", OF_FILES)
def test_a_file_computes_its_example(name: str) -> None:
    path = FOLDER / f"{name}.rasp"
    found = run_text(SourceText(path.read_text(), path.name))
    assert found.last is not None and found.setting.example is not None
    word = "".join(found.setting.example)
    assert found.last[1](word) == OF_FILES[name](word)


def _near(value: Any) -> Any:
    return (
        round(float(value), 4) if isinstance(value, int | float | Fraction) else value
    )
