"""The values a variable can take, in one canonical form.

A value is None ("nothing selected"), a bool, an int, a Fraction, a str, or a
tuple of values. Floats become exact rationals; a Fraction without a remainder
becomes an int. `Undefined` marks what has no meaning (a partial function outside
its domain, an aggregate that could be two different values); it can be compared
with nothing and never reaches an output that is checked.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, KeysView, Set
from fractions import Fraction
from typing import Any, Final

Value = Any  # None | bool | int | Fraction | str | tuple
Number = int | Fraction


class _Undefined:
    """The single value `UNDEFINED`."""

    def __repr__(self) -> str:
        return "undefined"


UNDEFINED: Final = _Undefined()

# A float such as 1/3 means the fraction with a small denominator beside it.
_MAX_DENOMINATOR = 10_000
_FLOAT_TOLERANCE = 1e-12


def canonical(value: object) -> Value:
    """Return `value` in canonical form.

    Raises:
        TypeError: the type is none of those that a variable can hold.
    """
    if value is None or isinstance(value, bool | str) or value is UNDEFINED:
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, Fraction):
        return value.numerator if value.denominator == 1 else value
    if isinstance(value, float):
        return canonical(_exact(value))
    if isinstance(value, tuple):
        return tuple(canonical(v) for v in value)
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        return canonical(value.item())  # pyright: ignore
    raise TypeError(
        f"{value!r} is a {type(value).__name__}; a value is None, a bool, an int, "
        "a Fraction, a finite float, a string, or a tuple of these"
    )


def _exact(value: float) -> Fraction:
    if not math.isfinite(value):
        raise TypeError(f"{value!r} is not finite; return None for 'no value'")
    near = Fraction(value).limit_denominator(_MAX_DENOMINATOR)
    if abs(float(near) - value) <= _FLOAT_TOLERANCE * abs(value):
        return near
    return Fraction(repr(value))


def is_number(value: Value) -> bool:
    """Return whether `value` counts as a number (booleans count as 0 and 1)."""
    return isinstance(value, bool | int | Fraction)


def same(left: Value, right: Value) -> bool:
    """Return whether two canonical values are the same; True is not 1 here."""
    return left == right and isinstance(left, bool) == isinstance(right, bool)


def sort_key(value: Value) -> tuple:
    """Return a key that orders values of all types: None, numbers, strings, tuples."""
    if value is None:
        return (0,)
    if is_number(value):
        return (1, value)
    if isinstance(value, str):
        return (2, value)
    return (3, tuple(sort_key(v) for v in value))


def in_order(items: Iterable[Any]) -> list[Any]:
    """Return the items as a list; those of a set by type, then by value.

    A set has another order in every process (`PYTHONHASHSEED`), and what depends on it
    would too. Any other collection keeps the order that it was given.
    """
    if not unordered(items):
        return list(items)
    try:
        return sorted(items, key=lambda item: sort_key(canonical(item)))
    except TypeError:
        return sorted(items, key=lambda item: (type(item).__name__, str(item)))


def unordered(items: object) -> bool:
    """Return whether the items are in no order that is the same in every process."""
    return isinstance(items, Set) and not isinstance(items, KeysView)


def unify_booleans(values: Iterable[Value]) -> bool:
    """Return whether the booleans among `values` must be read as 0 and 1.

    Python takes True for 1. Where a variable holds both booleans and other
    numbers, its booleans become integers, so that equal values are one value.
    """
    kinds = {isinstance(v, bool) for v in values if is_number(v)}
    return len(kinds) == 2


def show(value: Value) -> str:
    """Return `value` as people write it: `2/3`, `'a'`, `None`."""
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, tuple):
        comma = "," if len(value) == 1 else ""
        return "(" + ", ".join(show(v) for v in value) + f"{comma})"
    return repr(value)


def show_many(values: Iterable[Value], limit: int = 8) -> str:
    """Return up to `limit` values, with `..` for the rest; ranges as `0..7`."""
    items = list(values)
    if len(items) > 2 and all(type(v) is int for v in items):
        low, high = min(items), max(items)
        if len(set(items)) == high - low + 1:
            return f"{low}..{high}"
    if len(items) <= limit:
        return ", ".join(show(v) for v in items)
    shown = ", ".join(show(v) for v in items[: limit - 1])
    return f"{shown}, .. ({len(items)} values)"
