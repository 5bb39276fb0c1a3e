from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.rasp import (
    EQ,
    FALSE,
    GT,
    LEQ,
    LT,
    TRUE,
    Aggregate,
    Comparison,
    Constant,
    Elementwise,
    LinearSequenceMap,
    Map,
    Select,
    SelectorWidth,
    indices,
    length,
    maximum,
    mean,
    minimum,
    prefix,
    prefix_sum,
    repeat,
    shift,
    tokens,
    total,
    where,
)
from compiler.rasp.expr import RULES
from tests import oracle

numbers = st.one_of(st.integers(-5, 5), st.fractions(-5, 5, max_denominator=4))
rows = st.lists(numbers, min_size=1, max_size=6)

OPERATORS = {
    "x + y": lambda x, y: x + y,
    "x - y": lambda x, y: x - y,
    "x * y": lambda x, y: x * y,
    "x < y": lambda x, y: x < y,
    "x <= y": lambda x, y: x <= y,
    "x > y": lambda x, y: x > y,
    "x >= y": lambda x, y: x >= y,
    "x == y": lambda x, y: x == y,
    "x != y": lambda x, y: x != y,
    "-x": lambda x, y: -x,
    "abs(x)": lambda x, y: abs(x),
    "round(x)": lambda x, y: round(x),
    "x // 2": lambda x, y: x // 2,
    "x % 3": lambda x, y: x % 3,
    "x ** 2": lambda x, y: x**2,
    "3 - x": lambda x, y: 3 - x,
    "2 * x": lambda x, y: 2 * x,
    "(x < y) & (y < 3)": lambda x, y: (x < y) & (y < 3),
    "(x < y) | (y < 3)": lambda x, y: (x < y) | (y < 3),
    "(x < y) ^ (y < 3)": lambda x, y: (x < y) ^ (y < 3),
}


@pytest.mark.parametrize("text", OPERATORS)
@settings(max_examples=12)
@given(row=rows)
def test_an_operator_is_pythons_at_each_position(text, row):
    function = OPERATORS[text]
    found = oracle.evaluate(function(tokens, indices), row)
    assert found == [function(x, y) for y, x in enumerate(row)]


@settings(max_examples=30)
@given(st.lists(st.booleans(), min_size=1, max_size=4))
def test_not_negates_booleans(row):
    assert oracle.evaluate(~tokens, row) == [not value for value in row]


@settings(max_examples=30)
@given(rows)
def test_division_is_exact(row):
    expected = [Fraction(value) / 3 for value in row]
    assert oracle.evaluate(tokens / 3, row) == expected


def test_arithmetic_on_none_is_none_and_none_orders_with_nothing():
    before = shift(tokens)
    assert oracle.evaluate(before + 1, [5, 6]) == [None, 6]
    assert oracle.evaluate(before < 9, [5, 6]) == [False, True]
    assert oracle.evaluate(before >= 0, [5, 6]) == [False, True]
    assert oracle.evaluate(minimum(before, tokens), [5, 6]) == [5, 5]
    assert oracle.evaluate(maximum(before, 7), [5, 6]) == [7, 7]


@pytest.mark.parametrize("comparison", Comparison)
def test_a_comparison_is_called_with_key_then_query(comparison):
    assert comparison(1, 2) == (comparison.value in ("!=", "<", "<=", "True"))
    assert comparison(2, 2) == (comparison.value in ("==", "<=", ">=", "True"))
    ordered = comparison.value in ("<", "<=", ">", ">=")
    assert not (ordered and comparison(None, 2))


@settings(max_examples=30)
@given(rows, st.integers(-3, 3))
def test_shift_moves_and_fills(row, by):
    found = oracle.evaluate(shift(tokens, by, "none"), row)
    places = [i - by for i in range(len(row))]
    assert found == [row[p] if 0 <= p < len(row) else "none" for p in places]


@settings(max_examples=30)
@given(rows)
def test_sums_are_exact(row):
    assert oracle.evaluate(total(TRUE, tokens), row) == [sum(row)] * len(row)
    expected = [sum(row[: i + 1]) for i in range(len(row))]
    assert oracle.evaluate(prefix_sum(tokens), row) == expected
    strict = oracle.evaluate(prefix_sum(tokens, strict=True), row)
    assert strict == [sum(row[:i]) for i in range(len(row))]


@settings(max_examples=30)
@given(rows)
def test_selectors_combine_as_sets_do(row):
    small, early = Select(tokens, 0, LT), Select(indices, indices, LEQ)
    n = range(len(row))

    def width(selector):
        return oracle.evaluate(SelectorWidth(selector), row)

    assert width(small & early) == [sum(row[j] < 0 and j <= i for j in n) for i in n]
    assert width(small | early) == [sum(row[j] < 0 or j <= i for j in n) for i in n]
    assert width(~(small | early)) == width(~small & ~early)
    true: Any = True
    false: Any = False
    assert width(small & true) == width(small)
    assert width(false | small) == width(small) == width(FALSE | small)


def test_a_name_a_note_and_an_encoding_make_a_new_expression():
    named = tokens.named("x").doc("the same").numerical()
    assert (named.name, named.note, named.encoding) == ("x", "the same", "numerical")
    assert (tokens.name, tokens.encoding) == ("tokens", "auto")
    assert named.categorical().encoding == "categorical"


def test_an_expression_is_compared_by_identity_in_python():
    # == builds an expression, so sets and dicts must go by identity.
    twin = Map(abs, tokens), Map(abs, tokens)
    assert len(set(twin)) == 2
    assert isinstance(twin[0] == twin[1], Elementwise)


def test_the_rule_of_an_aggregate_follows_the_encoding():
    assert Aggregate(TRUE, tokens).resolved_rule == "unique"
    assert Aggregate(TRUE, tokens.numerical()).resolved_rule == "mean"
    assert Aggregate(TRUE, mean(TRUE, tokens)).resolved_rule == "mean"
    assert Aggregate(TRUE, tokens.numerical(), rule="last").resolved_rule == "last"
    assert LinearSequenceMap(tokens, indices, 1, 2).encoding == "numerical"


def test_where_is_an_if_else_and_repeat_unrolls():
    bigger = where(tokens > 2, tokens, 2)
    assert oracle.evaluate(bigger, [1, 5]) == [2, 5]
    doubled = repeat(3, tokens, lambda value, number: value + number)
    assert oracle.evaluate(doubled, [1, 5]) == [4, 8]


def test_what_is_no_part_of_an_expression_is_refused():
    with pytest.raises(TypeError, match="Aggregate takes a selector first, not Tokens"):
        Aggregate(tokens, tokens)  # pyright: ignore
    with pytest.raises(TypeError, match="a selector stands where a sequence is needed"):
        tokens + prefix()
    with pytest.raises(TypeError, match="at least one sequence"):
        Elementwise(abs, ())
    with pytest.raises(TypeError, match="a selector combines with selectors, not Tok"):
        Select(tokens, tokens, GT) & tokens  # pyright: ignore
    assert Constant(0.5).value == Fraction(1, 2)
    known = {"unique", "mean", "one_or_mean", "first", "last", "min", "max", "mode"}
    assert set(RULES) == known
    assert Select(tokens, "a", EQ).queries.value == "a"


OPPOSITE = (length - 1 - indices).named("opposite_index")


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (tokens, "tokens"),
        (OPPOSITE, "opposite_index = (length - 1) - indices"),
        (
            Aggregate(Select(indices, OPPOSITE, EQ), tokens),
            "unique(key indices == query opposite_index, tokens)",
        ),
        (SelectorWidth(TRUE & ~Select(tokens, "a", EQ)),
         "width((everything) & (~(key tokens == query 'a')))"),
        (Aggregate(FALSE, tokens, default=0, rule="first"),
         "first(nothing, tokens, 0)"),
        (where(tokens == 1, -tokens, abs(indices)),
         "where(tokens == 1, -tokens, abs(indices))"),
        (Map(lambda x: x, tokens), "function(tokens)"),
        (Select(tokens, indices, lambda k, q: True),
         "function(key=tokens, query=indices)"),
    ],
)  # fmt: skip
def test_an_expression_prints_as_text(expression, text):
    assert repr(expression) == text


def test_a_deep_or_wide_expression_prints_on_a_line():
    deep = tokens
    for _ in range(60):
        deep = deep + deep  # 2 ** 60 parts written out
    wide = Elementwise(max, tuple(tokens + i for i in range(300)))
    assert len(repr(deep)) <= 200 and ".." in repr(deep)
    assert len(repr(wide)) <= 200 and repr(wide).endswith("..")
