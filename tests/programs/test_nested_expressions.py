"""The programs of `programs/nested_expressions.py` against plain Python."""

from __future__ import annotations

import itertools

import pytest

from programs import nested_expressions
from tests.programs.check import check_against_reference, check_docstring


def value(x):
    """Let Python evaluate a written expression."""
    return eval("".join(map(str, x)), {"__builtins__": {}})


REFERENCES = {"modular_expression_brackets": lambda x: [value(x) % 5] * len(x)}
EXTRA = [
    *([3, a, "(", 4, b, 2, ")"] for a, b in itertools.product("+-*", repeat=2)),
    *(["(", 4, a, 2, ")", b, 3] for a, b in itertools.product("+-*", repeat=2)),
    ["(", "(", 3, ")", "-", 4, ")"],
    ["(", 2, ")", "*", "(", 4, ")"],
    ["(", "(", 1, ")", ")", "-", 3],
    [2, "-", "(", "(", 4, ")", ")"],
    [1, "-", 2, "*", 3, "-", 4],
    ["(", "(", 3, "*", 4, ")", ")"],
]


@pytest.mark.parametrize("name", REFERENCES)
def test_program_equals_plain_python(name):
    program = getattr(nested_expressions, name)
    assert all(map(program.accepts, EXTRA))
    check_against_reference(program, REFERENCES[name], EXTRA, most=80)
    check_docstring(program, REFERENCES[name])


def test_only_expressions_are_accepted():
    accepts = nested_expressions.is_nested_expression
    for text in ("()", "(1", "1)", "1+", "12", "(1)2", "+1", "(((1)))", "(1+)", ""):
        x = [int(c) if c.isdigit() else c for c in text]
        assert not accepts(x), text
