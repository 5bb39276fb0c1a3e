"""The value of an expression with brackets, from the innermost brackets outwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from compiler.rasp import (
    EQ,
    Constant,
    Elementwise,
    Select,
    SOp,
    count,
    indices,
    last,
    mean,
    prefix,
    program,
    scan,
    select_all,
    shift,
    tokens,
)
from compiler.rasp.values import Value
from programs.bits import FAMILY
from programs.expressions import OPERATORS, is_residue
from programs.grammars import DrawnInputs, some
from programs.search import holding

if TYPE_CHECKING:  # only samples are drawn with NumPy
    import numpy as np

Term = tuple[int, bool]
LONGEST, DEEPEST = 7, 2


def ended(x: Sequence[Value], at: int) -> int | None:
    """Return where the operand that begins at a position ends; None if none does."""
    if at >= len(x):
        return None
    if is_residue(x[at]):
        return at + 1
    if x[at] != "(":
        return None
    end = expression_end(x, at + 1)
    return None if end is None or end >= len(x) or x[end] != ")" else end + 1


def expression_end(x: Sequence[Value], at: int) -> int | None:
    """Return where the expression that begins at a position ends; None if none does."""
    end = ended(x, at)
    while end is not None and end < len(x) and x[end] in OPERATORS:
        end = ended(x, end + 1)
    return end


def is_nested_expression(x: Sequence[Value]) -> bool:
    """Return whether an input is numbers, + - * and brackets, at most two deep."""
    depths = [x[:i].count("(") - x[:i].count(")") for i in range(len(x) + 1)]
    return expression_end(x, 0) == len(x) and max(depths) <= DEEPEST


def nested_expression(rng: np.random.Generator) -> list[Value]:
    """Return a random expression of at most seven signs."""
    while True:
        found = _operands(rng, depth=0)
        if len(found) <= LONGEST:
            return found


def _operands(rng: np.random.Generator, depth: int) -> list[Value]:
    """Return one operand or more with operators between, brackets among them."""
    found: list[Value] = []
    for number in range(int(rng.integers(1, 4))):
        found += some(rng, OPERATORS, 1) if number else []
        nested = depth < DEEPEST and rng.integers(3) == 0
        inner = _operands(rng, depth + 1) if nested else []
        found += ["(", *inner, ")"] if nested else some(rng, range(5), 1)
    return found


def level(deepest: int) -> SOp:
    """Return the depth of brackets at each position, brackets inside themselves.

    Deeper positions than `deepest` are all one deeper than that.
    """
    opened = count(prefix() & holding("(")).named("opened")
    closed = count(prefix(strict=True) & holding(")")).named("closed_before")

    def depth(opened: int, closed: int) -> int:
        return min(max(opened - closed, 0), deepest + 1)

    return Elementwise(depth, (opened, closed)).named("level")


def terms_at(depth: int, inside: SOp, inner: SOp, m: int, max_len: int) -> SOp:
    """Return the product of the term up to each position, at one depth.

    Args:
        depth: of brackets; what is not at it multiplies nothing.
        inside: the level of each position.
        inner: at a closing bracket one deeper, the value of what it closes.
        m: the modulus.
        max_len: the greatest number of tokens.
    """

    def factor(token: Value, inside: int, inner: int | None) -> Term:
        if token == ")" and inside == depth + 1 and inner is not None:
            return inner, False
        if inside != depth or token in ("*", ")"):
            return 1, False
        if is_residue(token):
            return token % m, False
        return (m - 1 if token == "-" else 1), True

    def joined(earlier: Term, later: Term) -> Term:
        return later if later[1] else (earlier[0] * later[0] % m, earlier[1])

    own = Elementwise(factor, (tokens, inside, inner)).named(f"factor_{depth}")
    product = scan(own, joined, max_len, f"term_{depth}")
    return product.map(lambda term: term[0]).named(f"product_{depth}")


def sums_at(depth: int, inside: SOp, product: SOp) -> SOp:
    """Return the sum of all terms at one depth that end at or before each position."""
    before = shift(product, default=0).named(f"product_before_{depth}")

    def ended(token: Value, inside: int, before: int) -> int:
        return before if token in ("+", "-", ")") and inside == depth else 0

    term = Elementwise(ended, (tokens, inside, before)).named(f"ended_term_{depth}")
    return running_total(term, f"terms_{depth}")


def running_total(value: SOp, name: str) -> SOp:
    """Return the sum so far, from the mean so far."""
    return mean(prefix(), value).named(f"mean_{name}") * (indices + 1)


def bracket_values(depth: int, inside: SOp, inner: SOp, m: int, max_len: int) -> SOp:
    """Return, at each bracket that closes this depth, the value of what it closes."""
    product = terms_at(depth, inside, inner, m, max_len)
    residue = (sums_at(depth, inside, product) % m).named(f"residue_{depth}")
    here = Select(inside, depth, EQ) & holding("(") & prefix()
    start = last(here, residue).named(f"residue_at_opening_{depth}")

    def value(token: Value, inside: int, residue: int, start: int | None) -> Value:
        if start is None or token != ")" or inside != depth:
            return None
        return (residue - start) % m

    parts = (tokens, inside, residue, start)
    return Elementwise(value, parts).named(f"bracket_value_{depth}")


@program(
    family=FAMILY,
    vocab=(0, 1, 2, 3, 4, *OPERATORS, "(", ")"),
    max_len=LONGEST,
    example=(("(", 1, "+", 2, ")", "*", 4), (2,) * 7),
    accepts=DrawnInputs(is_nested_expression, nested_expression),
)
def modular_expression_brackets(max_len: int, m: int = 5, depth: int = DEEPEST) -> SOp:
    """The value modulo m of an expression over + - * with brackets, everywhere.

    Brackets are at most `depth` deep; deeper ones count as 1. The innermost are
    evaluated first, each depth in layers of its own.

    `modular_expression_brackets(["(", 3, ")", "*", 4]) -> [2, 2, 2, 2, 2]`
    """
    inside = level(depth)
    inner: SOp = Constant(None)
    for number in range(depth, 0, -1):
        inner = bracket_values(number, inside, inner, m, max_len)
    product = terms_at(0, inside, inner, m, max_len)
    before = (sums_at(0, inside, product) % m).named("residue_0")
    return last(select_all, ((before + product) % m).named("value_so_far"))
