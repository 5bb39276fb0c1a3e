"""The element-wise functions behind Python's operators on sequences.

Module-level functions, so that two expressions `x + y` share one function and
become one variable. Arithmetic on None gives None; an order comparison with None
is False; `==` compares, and None equals None. Division is exact. No result is longer
than `MOST_BITS` and `MOST_CHARACTERS` allow, so that no program, however it was meant,
can ask for a number or a string that fills the memory.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from compiler.rasp.values import Value, is_number

MOST_BITS = 4096
"""Bits of a number above which an operator has no result."""
MOST_CHARACTERS = 10_000
"""Characters of a string above which an operator has no result."""


def _lift(function: Callable[..., Any], symbol: str, name: str) -> Callable[..., Any]:
    """Return `function` with None carried through, named and printable."""

    def lifted(*args: Value) -> Value:
        return None if any(a is None for a in args) else function(*args)

    lifted.__name__ = lifted.__qualname__ = name
    lifted.symbol = symbol  # type: ignore[attr-defined]
    return lifted


def _ordered(function: Callable[..., bool], symbol: str, name: str) -> Callable:
    """Return the order comparison with False wherever a side is None."""

    def compared(left: Value, right: Value) -> bool:
        return left is not None and right is not None and function(left, right)

    compared.__name__ = compared.__qualname__ = name
    compared.symbol = symbol  # type: ignore[attr-defined]
    return compared


def function_word(function: Callable[..., object]) -> str:
    """Return how a function is shown: its symbol, its name, or `function`."""
    word = getattr(function, "symbol", None) or getattr(function, "__name__", "")
    return "function" if not word or word == "<lambda>" else word


def call_text(function: Callable[..., object], args: list[str]) -> str:
    """Return a function of arguments as text: `choose(a, b)`, `a - b`, `~a`.

    A function may have a method `written` that does this for itself.
    """
    if written := getattr(function, "written", None):
        return written(args)
    word = function_word(function)
    if word.isidentifier():
        return f"{word}({', '.join(args)})"
    args = [bracketed(a) for a in args]
    return f" {word} ".join(args) if len(args) > 1 else f"{word}{args[0]}"


def predicate_text(predicate: Callable[..., object], key: str, query: str) -> str:
    """Return a Select as text: `key tokens < query tokens`, `f(key=.., query=..)`."""
    word = function_word(predicate)
    if word in ("True", "False"):
        return "everything" if word == "True" else "nothing"
    if word.isidentifier():
        return f"{word}(key={key}, query={query})"
    return f"key {key} {word} query {query}"


def bracketed(text: str) -> str:
    """Return an argument of an operator as text, in brackets where it needs them."""
    return f"({text})" if " " in text else text


def place_of(function: object) -> str:
    """Return where a function was written, ` (my.py, line 12)`, if that is known."""
    inner = getattr(function, "function", function)
    code = getattr(inner, "__code__", None)
    if code is None or getattr(inner, "symbol", None):
        return ""
    return f" ({os.path.basename(code.co_filename)}, line {code.co_firstlineno})"


def _number(value: Value) -> Value:
    return int(value) if isinstance(value, bool) else value


def _divide(left: Value, right: Value) -> Value:
    return _kept(Fraction(_number(left)) / Fraction(_number(right)))


def _bits(value: Value) -> int:
    return max(value.numerator.bit_length(), value.denominator.bit_length())


def _kept(value: Value) -> Value:
    """Return a result, if it is not too large to be one."""
    if isinstance(value, str):
        if len(value) > MOST_CHARACTERS:
            raise ValueError(f"a string of more than {MOST_CHARACTERS} characters")
    elif is_number(value) and _bits(value) > MOST_BITS:
        raise ValueError(f"a number of more than {MOST_BITS} bits")
    return value


def _add(left: Value, right: Value) -> Value:
    if is_number(left):
        return _kept(_number(left) + _number(right))
    return _kept(left + right)


def _multiply(left: Value, right: Value) -> Value:
    for text, times in ((left, right), (right, left)):
        if isinstance(text, str) and len(text) * times > MOST_CHARACTERS:
            raise ValueError(f"a string of more than {MOST_CHARACTERS} characters")
    return _kept(_number(left) * _number(right))


def _modulo(left: Value, right: Value) -> Value:
    if not is_number(left):  # Python would format a string
        raise TypeError(f"% takes numbers, and {left!r} is none")
    return _number(left) % _number(right)


def _power(left: Value, right: Value) -> Value:
    base, exponent = _number(left), _number(right)
    if _bits(base) > 1 and _bits(base) * abs(exponent) > MOST_BITS:
        raise ValueError(f"a number of more than {MOST_BITS} bits")
    if isinstance(exponent, int) and exponent < 0:
        return Fraction(base) ** exponent
    return base**exponent


def _and(left: Value, right: Value) -> Value:
    return left & right


def _or(left: Value, right: Value) -> Value:
    return left | right


def _xor(left: Value, right: Value) -> Value:
    return left ^ right


def _not(value: Value) -> Value:
    if isinstance(value, bool):
        return not value
    raise TypeError(f"~ negates booleans, and the value {value!r} is not one")


def _equal(left: Value, right: Value) -> bool:
    return left == right


def _unequal(left: Value, right: Value) -> bool:
    return left != right


def _round(value: Value) -> int:
    return round(_number(value))


def choose(condition: Value, yes: Value, no: Value) -> Value:
    """Return `yes` where `condition` holds, else `no` (None counts as False)."""
    return yes if condition else no


def none_test(value: Value) -> bool:
    """Return whether nothing was selected."""
    return value is None


def keep(value: Value) -> Value:
    """Return the value itself (an identity node, for a name or an encoding)."""
    return value


def smaller(left: Value, right: Value) -> Value:
    """Return the smaller value; a None side gives the other one."""
    if left is None or right is None:
        return right if left is None else left
    return min(left, right)


def larger(left: Value, right: Value) -> Value:
    """Return the larger value; a None side gives the other one."""
    if left is None or right is None:
        return right if left is None else left
    return max(left, right)


add = _lift(_add, "+", "add")
subtract = _lift(lambda x, y: _kept(_number(x) - _number(y)), "-", "subtract")
multiply = _lift(_multiply, "*", "multiply")
divide = _lift(_divide, "/", "divide")
floor_divide = _lift(lambda x, y: _number(x) // _number(y), "//", "floor_divide")
modulo = _lift(_modulo, "%", "modulo")
power = _lift(_power, "**", "power")
negate = _lift(lambda x: -_number(x), "-", "negate")
absolute = _lift(lambda x: abs(_number(x)), "abs", "absolute")
rounded = _lift(_round, "round", "rounded")
both = _lift(_and, "&", "both")
either = _lift(_or, "|", "either")
exclusive = _lift(_xor, "^", "exclusive")
invert = _lift(_not, "~", "invert")
less = _ordered(lambda x, y: x < y, "<", "less")
less_equal = _ordered(lambda x, y: x <= y, "<=", "less_equal")
greater = _ordered(lambda x, y: x > y, ">", "greater")
greater_equal = _ordered(lambda x, y: x >= y, ">=", "greater_equal")
equal = _equal
unequal = _unequal
for _function, _symbol in (
    (equal, "=="),
    (unequal, "!="),
    (choose, "where"),
    (none_test, "is_none"),
    (keep, "identity"),
    (smaller, "minimum"),
    (larger, "maximum"),
):
    _function.symbol = _symbol  # type: ignore[attr-defined]
