import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.rasp.values import (
    UNDEFINED,
    canonical,
    is_number,
    same,
    show,
    show_many,
    sort_key,
    unify_booleans,
)

atoms = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.fractions(),
    st.text(max_size=3),
    st.floats(allow_nan=False, allow_infinity=False),
)
values = st.recursive(atoms, lambda inner: st.tuples(inner, inner), max_leaves=4)


@given(values)
def test_the_canonical_form_is_its_own(value):
    once = canonical(value)
    assert canonical(once) == once
    assert type(canonical(once)) is type(once)


@given(st.fractions())
def test_a_fraction_without_remainder_is_an_integer(value):
    found = canonical(value)
    assert found == value
    assert isinstance(found, int) == (value.denominator == 1)


@given(st.fractions(max_denominator=9999, min_value=-1000, max_value=1000))
def test_a_float_is_the_simple_fraction_beside_it(value):
    assert canonical(float(value)) == value


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_a_float_keeps_its_size(value):
    assert math.isclose(float(canonical(value)), value, rel_tol=1e-11)


@pytest.mark.parametrize("value", [math.inf, math.nan, [], {}, object(), b"a", 1j])
def test_what_is_no_value_is_refused(value):
    with pytest.raises(TypeError, match=r"a value is None, a bool|is not finite"):
        canonical(value)


@given(st.lists(values.map(canonical), max_size=6))
def test_values_of_all_types_have_one_order(items):
    ordered = sorted(items, key=sort_key)
    assert sorted(reversed(items), key=sort_key) == ordered


def test_true_is_a_number_but_not_one():
    assert is_number(True) and is_number(Fraction(1, 2)) and not is_number("1")
    assert same(1, 1) and same(True, True) and not same(True, 1)
    assert unify_booleans([True, 2]) and not unify_booleans([True, False, None])
    assert canonical(UNDEFINED) is UNDEFINED


def test_values_are_shown_as_people_write_them():
    assert show(Fraction(2, 3)) == "2/3"
    assert show(("a", Fraction(1, 2), None)) == "('a', 1/2, None)"
    assert show(("a",)) == "('a',)"
    assert show_many(range(8)) == "0..7"
    assert show_many([1, 2]) == "1, 2"
    assert show_many("abcdefghij", 4) == "'a', 'b', 'c', .. (10 values)"
