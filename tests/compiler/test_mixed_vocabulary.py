"""Vocabularies of numbers and strings: equality compares them, order does not."""

from __future__ import annotations

import itertools

import pytest

from compiler.api import compile_model
from compiler.errors import ProgramError
from compiler.rasp import (
    EQ,
    LT,
    TRUE,
    Select,
    SelectorWidth,
    first,
    mean,
    shift,
    tokens,
)

MIXED = ("1", 1, "b", 2)


@pytest.mark.parametrize(
    ("expression", "meaning"),
    [
        (tokens, lambda x: x),
        (shift(tokens), lambda x: [None, *x[:-1]]),
        (first(TRUE, tokens), lambda x: [x[0]] * len(x)),
        (SelectorWidth(Select(tokens, tokens, EQ)), lambda x: [x.count(t) for t in x]),
        (tokens == 1, lambda x: [t == 1 for t in x]),
    ],
)
def test_numbers_and_strings_are_told_apart(expression, meaning):
    model = compile_model(expression, vocab=MIXED, max_len=3)
    inputs = [list(x) for n in (1, 2, 3) for x in itertools.product(MIXED, repeat=n)]
    for given in inputs:
        assert list(model(given)) == meaning(given)


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        (
            SelectorWidth(Select(tokens, tokens, LT)),
            "the predicate raises on key '1' and query 1",
        ),
        (tokens < 2, r"the function raises on \('1', 2\)"),
        (tokens + 1, r"the function raises on \('1', 1\)"),
        (mean(TRUE, tokens), "a value that is no number is averaged"),
    ],
)
def test_they_have_no_order_and_no_sum(expression, problem):
    with pytest.raises(ProgramError, match=problem):
        compile_model(expression, vocab=MIXED, max_len=3)
