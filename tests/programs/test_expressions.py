"""The programs of `programs/expressions.py` against plain Python."""

from __future__ import annotations

import itertools

import pytest

from programs import expressions
from tests import oracle
from tests.programs.check import check_against_reference, check_docstring


def value(x):
    """Let Python evaluate a written expression."""
    return eval("".join(map(str, x)), {"__builtins__": {}})


def solution(x, m=5):
    middle = x.index("=")
    sides = x[:middle], x[middle + 1 :]
    for guess in range(m):
        left, right = (value(guess if t == "x" else t for t in s) for s in sides)
        if (left - right) % m == 0:
            return guess
    return None


def postfix(x, unary=()):
    stack, out = [], []
    for token in x:
        if token in unary:
            stack.append(int(not stack.pop()))
        elif isinstance(token, int):
            stack.append(token)
        else:
            right, left = stack.pop(), stack.pop()
            stack.append(int(eval(f"{left} {token} {right}", {})))
        out.append(stack[-1])
    return out


REFERENCES = {
    "modular_expression": lambda x: [value(x) % 5] * len(x),
    "solve_modular_equation": lambda x: [solution(x)] * len(x),
    "rpn_stack_top": postfix,
    "boolean_rpn": lambda x: postfix(x, unary=("not",)),
}
EXTRA = {
    "modular_expression": [
        (4, "*", 3, "-", 2, "*", 4),
        (1, "-", 2, "-", 3, "+", 4),
        (0, "*", 0, "+", 0, "*", 1),
        (1, "+", 2, "*", 3, "*", 4),
    ],
    "solve_modular_equation": [
        ("x", "*", "x", "=", 4),
        ("x", "*", "x", "=", 2),
        (2, "=", "x", "*", 3),
        ("x", "=", "x"),
        (1, "=", 2, "-", "x"),
    ],
    "rpn_stack_top": [(2, 3, 4, "+", "-"), (4, 2, "-", 3, "-")],
    "boolean_rpn": [(1, 0, 1, "and", "or", "not", 1, "and"), (1, *["not"] * 7)],
}


@pytest.mark.parametrize("name", REFERENCES)
def test_program_equals_plain_python(name):
    program = getattr(expressions, name)
    assert all(map(program.accepts, EXTRA[name]))
    check_against_reference(program, REFERENCES[name], EXTRA[name], most=120)
    check_docstring(program, REFERENCES[name])


def test_products_are_evaluated_in_postfix_as_well():
    expression = expressions.rpn_stack_top.build()
    for x in itertools.product((2, 3, "*"), repeat=5):
        if expressions.is_postfix(x):
            assert oracle.evaluate(expression, x) == postfix(list(x))


def test_a_missing_operand_gives_none():
    assert oracle.evaluate(expressions.rpn_stack_top.build(), [2, "+"]) == [2, None]
    missing = oracle.evaluate(expressions.boolean_rpn.build(), ["not", 1, "or"])
    assert missing == [None, 1, None]
