"""Compare a program with a plain-Python reference, input by input.

`check_against_reference` is what every `test_<family>.py` of this folder calls:
a sample of the short inputs and of the long ones, the example always.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import math
import random
import re
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from compiler.rasp.program import Draws, Program
from tests import oracle

SHORT, MOST_SHORT, LONGER, SEED = 4, 400, 150, 0
MOST = 160  # inputs of these on which the oracle is asked
_TRIES = 20_000  # draws for the long inputs, where few inputs are accepted


def check_against_reference(
    program: Program,
    reference: Callable[[list[Any]], Sequence[Any]],
    extra: Iterable[Sequence[Any]] = (),
    most: int = MOST,
) -> None:
    """Fail unless the oracle's output is the reference's on every tried input.

    Args:
        program: what is tested.
        reference: the output for a list of tokens, in ordinary Python.
        extra: further inputs, where few random ones are accepted.
        most: how many inputs are tried, of deep programs that take the oracle long.
    """
    example, answer = program.example
    assert agree(list(reference(list(example))), list(answer)), "the example is wrong"
    expression = program.build()
    inputs = inputs_of(program)
    if len(inputs) > most:
        inputs = random.Random(program.name).sample(inputs, most)
    for tokens in [*inputs, example, *(tuple(x) for x in extra)]:
        found = oracle.evaluate(expression, tokens, program.causal)
        expected = list(reference(list(tokens)))
        assert agree(found, expected), (
            f"{program.name}({list(tokens)}) is {found}, expected {expected}"
        )


def check_docstring(
    program: Program, reference: Callable[[list[Any]], Sequence[Any]]
) -> None:
    """Fail unless the docstring shows `name(input) -> output`, and truly so.

    Outputs cut short with `..` are not compared.
    """
    text = inspect.getdoc(program.builder) or ""
    shown = re.search(rf"`{program.name}\((.*?)\) -> (.*?)`", text, re.DOTALL)
    assert shown, f"{program.name}: no `{program.name}(..) -> ..` in its docstring"
    given, answer = shown.groups()
    if ".." not in answer:
        expected = list(reference(list(ast.literal_eval(given))))
        found = eval(answer, {"__builtins__": {}})  # fractions as 3/2, [True] * 3
        assert agree(expected, list(found)), f"{program.name}({given}) is {expected}"


def inputs_of(program: Program) -> list[tuple[Any, ...]]:
    """Return the accepted inputs that are tried: short ones, then longer ones."""
    draw = random.Random(f"{program.name} {SEED}")
    accepts = program.accepts or (lambda tokens: True)
    if isinstance(accepts, Draws):
        rows = accepts.draw(np.random.default_rng(SEED), LONGER)
        return [tuple(row) for row in rows]
    short = [
        tokens
        for n in range(1, min(SHORT, program.max_len) + 1)
        for tokens in itertools.product(program.vocab, repeat=n)
        if accepts(tokens)
    ]
    if len(short) > MOST_SHORT:
        short = draw.sample(short, MOST_SHORT)
    longer: list[tuple[Any, ...]] = []
    for _ in range(_TRIES):
        if len(longer) == LONGER or program.max_len <= SHORT:
            break
        n = draw.randint(SHORT + 1, program.max_len)
        tokens = tuple(draw.choices(program.vocab, k=n))
        if accepts(tokens):
            longer.append(tokens)
    return short + longer


def agree(found: Any, expected: Any) -> bool:
    """Return whether two values are the same; numbers up to rounding, True is not 1."""
    if isinstance(found, list | tuple) and isinstance(expected, list | tuple):
        return len(found) == len(expected) and all(map(agree, found, expected))
    if isinstance(found, bool) or isinstance(expected, bool):
        return found is expected
    if isinstance(found, int | float | Fraction) and isinstance(
        expected, int | float | Fraction
    ):
        return math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-9)
    return type(found) is type(expected) and found == expected
