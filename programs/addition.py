"""Programs that add, multiply and take roots of numbers written in digits.

A carry comes from the nearest lower place whose digits do not add up to base - 1: all
places between hand it on. One head finds that place, so that nothing is unrolled.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from compiler.rasp import (
    EQ,
    GT,
    Aggregate,
    Constant,
    Elementwise,
    Select,
    SOp,
    first,
    indices,
    last,
    length,
    prefix,
    program,
    tokens,
    where,
)
from compiler.rasp.values import Value
from programs.bits import BITS, FAMILY, PAIRS
from programs.copying import SLOT
from programs.grammars import DrawnInputs, some
from programs.residues import positional
from programs.search import holding

if TYPE_CHECKING:  # only samples are drawn with NumPy
    import numpy as np

DIGITS, SOME_DIGITS = "0123456789", "05678"


def written(pattern: str) -> Callable[[Sequence[Value]], bool]:
    """Return whether an input, written as a string, is matched from end to end."""
    whole = re.compile(pattern)

    def fits(x: Sequence[Value]) -> bool:
        return whole.fullmatch("".join(map(str, x))) is not None

    fits.__doc__ = f"Return whether the tokens in a row match the pattern {pattern}."
    return fits


def adds_equal_lengths(x: Sequence[Value]) -> bool:
    """Return whether an input is two numbers of one length with "+" between."""
    return written(r"\d+\+\d+")(x) and 2 * list(x).index("+") + 1 == len(x)


def equal_lengths(rng: np.random.Generator) -> list[Value]:
    """Return a random sum of two numbers of up to three digits each."""
    size = int(rng.integers(1, 4))
    return [*some(rng, DIGITS, size), "+", *some(rng, DIGITS, size)]


def sum_with_slots(rng: np.random.Generator) -> list[Value]:
    """Return a random sum with slots, of nine signs at most."""
    first, second = (int(size) for size in rng.integers(1, 4, size=2))
    slots = int(rng.integers(1, 8 - first - second))
    one, other = (some(rng, SOME_DIGITS, size) for size in (first, second))
    return [*one, "+", *other, "=", *[SLOT] * slots]


def carried(sums: SOp, base: int, before: bool) -> SOp:
    """Return the carry, 0 or 1, into each place from the lower ones.

    Args:
        sums: the sum of the two digits of each place; None where there is no place.
        base: of the digits.
        before: whether lower places are at earlier positions; else at later ones.
    """

    def settles(total: int | None, full: int) -> bool:
        return total is not None and total != full

    settled = Select(sums, base - 1, settles)
    if before:
        nearest = last(settled & prefix(strict=True), sums)
    else:
        nearest = first(settled & Select(indices, indices, GT), sums)
    lower = nearest.named("nearest_settled_sum")
    return lower.map(lambda total: int(total is not None and total >= base))


def added_pairs(base: int) -> tuple[SOp, SOp]:
    """Return the sum of each pair of digits, and the carry into it."""
    sums = tokens.map(sum).named("pair_sum")
    return sums, carried(sums, base, before=True).named("carry")


@program(
    family=FAMILY,
    vocab=PAIRS,
    example=(((1, 1), (1, 0), (0, 1), (0, 0)), (0, 0, 0, 1)),
)
def binary_addition_stream() -> SOp:
    """The sum's bit at each pair of bits, the least significant first.

    The last carry is dropped.

    `binary_addition_stream([(1, 1), (1, 0), (0, 0)]) -> [0, 0, 1]`
    """
    sums, carry = added_pairs(2)
    return (sums + carry) % 2


@program(
    family=FAMILY,
    vocab=[(a, b) for a in range(3) for b in range(3)],
    max_len=6,
    example=(((2, 1), (1, 1), (2, 2)), (0, 0, 2)),
)
def base_b_addition_stream(base: int = 3) -> SOp:
    """The sum's digit at each pair of digits, the least significant first.

    The last carry is dropped.

    `base_b_addition_stream([(2, 1), (1, 1), (2, 2)]) -> [0, 0, 2]`
    """
    sums, carry = added_pairs(base)
    return (sums + carry) % base


@program(
    family=FAMILY,
    vocab=((0, 0), (4, 5), (9, 0), (9, 1), (8, 7)),
    example=(((9, 1), (4, 5), (0, 0)), (1, 1, 0)),
)
def carry_out_stream() -> SOp:
    """Whether each pair of decimal digits carries 1 on, the least significant first.

    `carry_out_stream([(9, 1), (4, 5), (0, 0)]) -> [1, 1, 0]`
    """
    sums, carry = added_pairs(10)
    return (sums + carry) // 10


def digit_at(index: SOp, name: str) -> SOp:
    """Return the digit at a position, as a number; 0 where there is none."""
    found = Aggregate(Select(indices, index, EQ), tokens).named(f"{name}_token")
    value = found.map(lambda token: int(token) if token and token in DIGITS else 0)
    return value.named(f"{name}_digit")


@program(
    family=FAMILY,
    vocab=(*DIGITS, "+"),
    max_len=7,
    example=("683+345", (0, 0, 0, 1, 0, 2, 8)),
    accepts=DrawnInputs(adds_equal_lengths, equal_lengths),
)
def addition_in_place() -> SOp:
    """The digits of a + b at the right end, zeros before.

    The two numbers are as long as each other, their highest digits first. Of others
    all digits that have a position are written.

    `addition_in_place("95+17") -> [0, 0, 1, 1, 2]`
    """
    plus = first(holding("+"), indices).named("plus_index")

    def upper(i: int, n: int, plus: int | None) -> int | None:
        # The first number's digit of the same place; none in front of it.
        return None if plus is None or i < n - plus else i - (n - plus)

    above = Elementwise(upper, (indices, length, plus)).named("upper_index")

    def lower(token: str, i: int, plus: int | None) -> int:
        return int(token) if token in DIGITS and (plus is None or i > plus) else 0

    below = Elementwise(lower, (tokens, indices, plus)).named("lower_digit")
    sums = (digit_at(above, "upper") + below).named("column_sum")
    return (sums + carried(sums, 10, before=False).named("carry")) % 10


def filled_sum(place: Callable[[int, int, int], int], lowest_first: bool) -> SOp:
    """Return `a+b=` with the digits of the sum in place of what follows.

    Args:
        place: the decimal place of a position, from it, that of "=" and the length.
        lowest_first: whether the least significant digit comes first.
    """
    plus = first(holding("+"), indices).named("plus_index")
    equals = first(holding("="), indices).named("equals_index")

    def places(i: int, end: int | None, n: int) -> int | None:
        return None if end is None or i <= end else place(i, end, n)

    here = Elementwise(places, (indices, equals, length)).named("decimal_place")

    def index_before(place: int | None, end: int | None, start: int | None) -> Value:
        if place is None or end is None:
            return None
        found = end - 1 - place
        return found if found > (-1 if start is None else start) else None

    nothing = Constant(-1)
    upper = Elementwise(index_before, (here, plus, nothing)).named("upper_index")
    lower = Elementwise(index_before, (here, equals, plus)).named("lower_index")
    both = digit_at(upper, "upper") + digit_at(lower, "lower")
    sums = where(here.map(lambda place: place is not None), both, None)
    sums = sums.named("column_sum")
    carry = carried(sums, 10, before=lowest_first).named("carry")

    def digit(token: str, total: int | None, carry: int) -> str:
        return token if total is None else str((total + carry) % 10)

    return Elementwise(digit, (tokens, sums, carry))


@program(
    family=FAMILY,
    vocab=(*SOME_DIGITS, "+", "=", SLOT),
    max_len=9,
    example=("57+68=___", "57+68=521"),
    accepts=DrawnInputs(written(r"\d+\+\d+=_+"), sum_with_slots),
)
def addition_reverse_output() -> SOp:
    """A + b in the slots behind "=", its lowest digit first, zeros behind.

    Digits without a slot are left out.

    `addition_reverse_output("57+68=___") -> "57+68=521"`
    """
    return filled_sum(lambda i, equals, n: i - equals - 1, lowest_first=True)


@program(
    family=FAMILY,
    vocab=(*SOME_DIGITS, "+", "=", SLOT),
    max_len=9,
    example=("57+68=___", "57+68=125"),
    accepts=DrawnInputs(written(r"\d+\+\d+=_+"), sum_with_slots),
)
def addition_forward_output() -> SOp:
    """A + b in the slots behind "=", its highest digit first, zeros in front.

    Digits without a slot are left out.

    `addition_forward_output("57+68=___") -> "57+68=125"`
    """
    return filled_sum(lambda i, equals, n: n - 1 - i, lowest_first=False)


def operand(start: SOp, name: str) -> Callable[[int], SOp]:
    """Return a function of a place to its bit in the number that begins at `start`."""

    def bit(place: int) -> SOp:
        there = Select(indices, start + place, EQ)
        return Aggregate(there, tokens, SLOT).named(f"{name}_{place}")

    return bit


def trimmed(bits: SOp) -> SOp:
    """Return bits, the least significant first, and "_" above the highest 1."""
    top = last(Select(bits, "1", EQ), indices, 0).named("highest_one")
    return where(indices <= top, bits, SLOT)


@program(
    family=FAMILY,
    vocab=("0", "1", "+", SLOT),
    max_len=9,
    example=("01+11____", "101______"),
    accepts=written("[01]+[+][01]+_+"),
)
def binary_addition_string() -> SOp:
    """A + b from the start, then "_": the least significant bits come first.

    The sum has no zeros above its highest 1; that of zeros is one 0.

    `binary_addition_string("01+11____") -> "101______"`
    """
    plus = first(holding("+"), indices).named("plus_index")

    def upper(token: str, i: int, plus: int | None) -> int:
        return int(token == "1" and (plus is None or i < plus))

    first_bit = Elementwise(upper, (tokens, indices, plus)).named("first_bit")
    index = (indices + plus + 1).named("second_index")
    sums = (first_bit + digit_at(index, "second")).named("column_sum")
    carry = carried(sums, 2, before=True).named("carry")
    return trimmed(((sums + carry) % 2).map(str).named("sum_bit"))


@program(
    family=FAMILY,
    vocab=("0", "1", "*", SLOT),
    max_len=9,
    example=("01*11____", "011______"),
    accepts=written("[01]{1,3}[*][01]{1,3}_+"),
)
def binary_multiplication_string(width: int = 3) -> SOp:
    """A times b from the start, then "_": the least significant bits come first.

    The numbers have up to `width` bits; further bits are left out. The product has no
    zeros above its highest 1; that of a zero is one 0.

    `binary_multiplication_string("01*11____") -> "011______"`
    """
    times = first(holding("*"), indices).named("times_index")

    def value(*bits: str) -> int:
        """Return what the bits up to the first other sign are worth."""
        digits = re.match("[01]*", "".join(b[:1] for b in bits))
        return int(digits[0][::-1] or "0", 2) if digits else 0

    numbers = [
        Elementwise(value, tuple(map(operand(start, name), range(width)))).named(name)
        for name, start in (("first", Constant(0)), ("second", times + 1))
    ]
    product = (numbers[0] * numbers[1]).named("product")
    bits = Elementwise(lambda p, i: str(p >> i & 1), (product, indices))
    return trimmed(bits.named("product_bit"))


@program(
    family=FAMILY,
    vocab=BITS,
    max_len=6,
    example=((1, 0, 0, 1, 0, 1), (1, 1, 0, SLOT, SLOT, SLOT)),
)
def binary_sqrt(max_len: int) -> SOp:
    """The square root, rounded down, in half as many bits (rounded up), then "_".

    The most significant bit comes first.

    `binary_sqrt([1, 0, 0, 1]) -> [1, 1, "_", "_"]`
    """
    root = positional(2, max_len).named("number").map(math.isqrt).named("root")
    place = ((length + 1) // 2 - 1 - indices).named("place")

    def bit(root: int, place: int) -> Value:
        return SLOT if place < 0 else root >> place & 1

    return Elementwise(bit, (root, place))
