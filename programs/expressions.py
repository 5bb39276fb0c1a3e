"""Programs that evaluate expressions: sums of products modulo m, and postfix ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from compiler.rasp import (
    EQ,
    Elementwise,
    Select,
    SOp,
    any_of,
    count,
    indices,
    last,
    mean,
    prefix,
    program,
    repeat,
    scan,
    select_all,
    shift,
    tokens,
)
from compiler.rasp.values import Value
from programs.accumulation import running_total
from programs.bits import FAMILY
from programs.search import holding

OPERATORS = ("+", "-", "*")
ENDS = ("+", "-", "=", None)
TermFactor = tuple[Value, bool]


def is_expression(x: Sequence[Value], operands: Sequence[Value]) -> bool:
    """Return whether operands and operators alternate, operands at both ends."""
    right = [t in (OPERATORS if i % 2 else operands) for i, t in enumerate(x)]
    return all(right) and len(x) % 2 == 1


def is_residue(token: Value) -> bool:
    """Return whether a token is a number."""
    return isinstance(token, int)


def is_sum_of_products(x: Sequence[Value]) -> bool:
    """Return whether an input is numbers with + - * between."""
    return is_expression(x, [t for t in x if is_residue(t)])


def terms(factor: SOp, m: int, max_len: int) -> SOp:
    """Return the product of the term up to each position, as (products, whether begun).

    Args:
        factor: what each position multiplies, as (factors, whether a term begins).
        m: the modulus.
        max_len: the greatest number of tokens.
    """

    def joined(earlier: TermFactor, later: TermFactor) -> TermFactor:
        if later[1]:
            return later
        pairs = zip(earlier[0], later[0], strict=True)
        return tuple(x * y % m for x, y in pairs), earlier[1]

    return scan(factor, joined, max_len, "term")


@program(
    family=FAMILY,
    vocab=(0, 1, 2, 3, 4, *OPERATORS),
    max_len=7,
    example=((1, "+", 2, "*", 3), (2,) * 5),
    accepts=is_sum_of_products,
)
def modular_expression(max_len: int, m: int = 5) -> SOp:
    """The value modulo m of an expression over + - *, everywhere.

    `modular_expression([1, "+", 2, "*", 3]) -> [2, 2, 2, 2, 2]`
    """

    def factor(token: Value) -> TermFactor:
        begins = token in ("+", "-")
        value = {"+": 1, "-": m - 1, "*": 1}.get(token, token)
        return (value,), begins

    product = terms(tokens.map(factor).named("factor"), m, max_len)
    following = shift(tokens, -1).named("following")

    def added(product: TermFactor, following: Value) -> int:
        return product[0][0] if following in ENDS else 0

    ended = Elementwise(added, (product, following)).named("ended_term")
    residue = (running_total(ended).named("sum") % m).named("residue")
    return last(select_all, residue)


def is_equation(x: Sequence[Value]) -> bool:
    """Return whether an input is an equation in x of two sums of products."""
    if list(x).count("=") != 1 or "x" not in x:
        return False
    middle = list(x).index("=")
    operands = ["x", *(t for t in x if is_residue(t))]
    return all(is_expression(side, operands) for side in (x[:middle], x[middle + 1 :]))


@program(
    family=FAMILY,
    vocab=(0, 1, 2, 3, 4, "x", "=", *OPERATORS),
    max_len=5,
    example=(("x", "+", 3, "=", 1), (3,) * 5),
    accepts=is_equation,
)
def solve_modular_equation(max_len: int, m: int = 5) -> SOp:
    """The least x for which an equation over + - * holds modulo m, everywhere.

    None where there is none. A term is the list of its values for x = 0, 1, .., m - 1.

    `solve_modular_equation(["x", "+", 3, "=", 1]) -> [3, 3, 3, 3, 3]`
    """
    right = any_of(prefix() & holding("=")).named("is_right_side")

    def factor(token: Value, right: bool) -> TermFactor:
        if token == "x":
            return tuple(range(m)), False
        if token in ("+", "-", "="):  # the right side is subtracted
            return ((1 if (token == "-") == right else m - 1),) * m, True
        return (1 if token == "*" else token % m,) * m, False

    sign = Elementwise(factor, (tokens, right)).named("factor")
    product = terms(sign, m, max_len)
    following = shift(tokens, -1).named("following")

    def solves(x: int) -> SOp:
        def added(product: TermFactor, following: Value) -> int:
            return product[0][x] if following in ENDS else 0

        ended = Elementwise(added, (product, following)).named(f"ended_term_{x}")
        average = mean(prefix(), ended).named(f"mean_term_{x}")
        return (average * (indices + 1) % m == 0).named(f"holds_for_{x}")

    def least(*holds: bool) -> int | None:
        return holds.index(True) if True in holds else None

    solution = Elementwise(least, tuple(map(solves, range(m)))).named("solution")
    return last(select_all, solution)


def top_of_stack(
    height: SOp, value: SOp, apply: Callable[..., Value], rounds: int
) -> SOp:
    """Return the top of the stack after each token of a postfix expression.

    The left operand is the top when the stack last was as high as it is now. Each
    round computes the operators whose operands are known.

    Args:
        height: of the stack, after each token.
        value: of an operand, None of an operator.
        apply: the operator's function of (token, left, right), None where one is None.
        rounds: the greatest depth of operators inside each other.
    """
    as_high = prefix(strict=True) & Select(height, height, EQ)

    def settle(known: SOp, number: int) -> SOp:
        left = last(as_high, known).named(f"left_{number}")
        right = shift(known).named(f"right_{number}")
        found = Elementwise(apply, (tokens, left, right)).named(f"result_{number}")
        own = Elementwise(lambda v, f: f if v is None else v, (value, found))
        return own.named(f"top_{number}")

    return repeat(rounds, value, settle)


def stack_heights(x: Sequence[Value], moves: Callable[[Value], int]) -> list[int]:
    """Return the stack's height after each token."""
    return [sum(map(moves, x[: i + 1])) for i in range(len(x))]


def is_postfix(x: Sequence[Value]) -> bool:
    """Return whether every operator of two operands has both."""
    return min(stack_heights(x, lambda t: -1 if t in OPERATORS else 1)) > 0


@program(
    family=FAMILY,
    vocab=(2, 3, 4, "+", "-"),
    max_len=5,
    example=((2, 3, "+", 4, "-"), (2, 3, 5, 4, 1)),
    accepts=is_postfix,
)
def rpn_stack_top() -> SOp:
    """The top of the stack after each token of a postfix expression over + - *.

    None where an operand is missing. The possible values multiply with each operator
    inside another, which is why the default length is short.

    `rpn_stack_top([2, 3, "+", 4, "-"]) -> [2, 3, 5, 4, 1]`
    """
    operators = count(prefix() & Select(tokens, OPERATORS, lambda t, known: t in known))
    height = (indices + 1 - 2 * operators.named("operators")).named("height")
    value = tokens.map(lambda t: None if t in OPERATORS else t).named("operand")

    def apply(token: Value, left: Value, right: Value) -> Value:
        if None in (left, right) or token not in OPERATORS:
            return None
        results = {"+": left + right, "-": left - right, "*": left * right}
        return results[token]

    return top_of_stack(height, value, apply, rounds=2)


def is_boolean_postfix(x: Sequence[Value]) -> bool:
    """Return whether every operator has its operands."""
    moves = {"and": -1, "or": -1, "not": 0}
    heights = stack_heights(x, lambda t: moves.get(t, 1))
    return min(heights) > 0


@program(
    family=FAMILY,
    vocab=(0, 1, "and", "or", "not"),
    example=((1, 0, "and", "not"), (1, 0, 0, 1)),
    accepts=is_boolean_postfix,
)
def boolean_rpn(max_len: int) -> SOp:
    """The top of the stack after each token of a postfix formula of and, or, not.

    None where an operand is missing.

    `boolean_rpn([1, 0, "and", "not"]) -> [1, 0, 0, 1]`
    """
    pairs = count(prefix() & Select(tokens, ("and", "or"), lambda t, known: t in known))
    nots = count(prefix() & holding("not")).named("nots")
    height = (indices + 1 - 2 * pairs.named("pairs") - nots).named("height")
    value = tokens.map(lambda t: t if is_residue(t) else None).named("operand")

    def apply(token: Value, left: Value, right: Value) -> Value:
        if right is None or (left is None and token != "not"):
            return None
        results = {"not": 1 - right, "and": left and right, "or": left or right}
        return results.get(token)

    return top_of_stack(height, value, apply, rounds=max_len - 1)
