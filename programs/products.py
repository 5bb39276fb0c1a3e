"""Programs that multiply, divide and find divisors along the sequence."""

from __future__ import annotations

import math

from compiler.rasp import (
    EQ,
    Aggregate,
    Elementwise,
    Select,
    SOp,
    first,
    indices,
    last,
    program,
    scan,
    select_all,
    shift,
    tokens,
)
from programs.bits import BITS, FAMILY
from programs.residues import is_a_pair

DigitBlock = tuple[int, int]


def remainders(digit: SOp, base: int, d: int, max_len: int) -> SOp:
    """Return what the number up to each digit leaves when it is divided by d.

    A block of digits multiplies the remainder before it, and adds its own.
    """

    def joined(earlier: DigitBlock, later: DigitBlock) -> DigitBlock:
        (times, rest), (more, own) = earlier, later
        return times * more % d, (rest * more + own) % d

    block = digit.map(lambda value: (base % d, value % d)).named("block")
    return scan(block, joined, max_len).map(lambda block: block[1]).named("remainder")


def product_so_far(m: int, max_len: int) -> SOp:
    """Return the product so far, modulo m."""
    residue = (tokens % m).named("residue")
    return scan(residue, lambda x, y: x * y % m, max_len)


@program(family=FAMILY, vocab=(0, 2, 4, 5), example=((2, 5, 4), (2, 10, 2)))
def cumulative_product_mod(max_len: int, m: int = 19) -> SOp:
    """The product so far modulo m: `cumulative_product_mod([2, 5]) -> [2, 10]`."""
    return product_so_far(m, max_len)


@program(family=FAMILY, vocab=(1, 2, 4, 5), example=((2, 2, 4), (10, 5, 6)))
def cumulative_quotient_mod(max_len: int, m: int = 19) -> SOp:
    """1 divided by all tokens so far, modulo the prime m.

    None where it would be divided by 0.

    `cumulative_quotient_mod([2, 2, 4]) -> [10, 5, 6]`
    """

    def inverse(product: int) -> int | None:
        return pow(product, -1, m) if product else None

    return product_so_far(m, max_len).named("product").map(inverse)


@program(
    family=FAMILY,
    vocab=BITS,
    example=((1, 0, 0, 0, 0, 1, 0), (0, 0, 1, 0, 1, 1, 0)),
)
def binary_long_division(max_len: int, d: int = 3) -> SOp:
    """The quotient's bit at each bit of a number that is divided by d.

    The most significant bit comes first.

    `binary_long_division([1, 1, 1]) -> [0, 1, 0]`
    """
    rest = remainders(tokens, 2, d, max_len)
    before = shift(rest, default=0).named("remainder_before")
    return (2 * before + tokens) // d


@program(family=FAMILY, vocab=BITS, example=((1, 1, 0), (False, True, True)))
def binary_prefix_divisible(max_len: int, d: int = 3) -> SOp:
    """Whether d divides the number so far, its most significant bit first.

    `binary_prefix_divisible([1, 1, 0]) -> [False, True, True]`
    """
    return remainders(tokens, 2, d, max_len) == 0


@program(
    family=FAMILY,
    vocab=(0, 1, 2, 3, 4),
    max_len=6,
    example=((2, 1, 0, 2, 4), (0, 0, 5, 1, 2)),
)
def decimal_long_division(max_len: int) -> SOp:
    """The quotient's digit at each digit; the first token is what divides.

    The first output is 0. Division by 0 gives None.

    `decimal_long_division([2, 1, 0, 2, 4]) -> [0, 0, 5, 1, 2]`
    """
    divisor = Aggregate(Select(indices, 0, EQ), tokens).named("divisor")

    def remainder_block(digit: int, d: int, i: int) -> tuple[int, int, int]:
        # The divisor is no digit: it leaves every remainder as it is.
        return (d, 1, 0) if i == 0 or not d else (d, 10 % d, digit % d)

    def joined(earlier: tuple[int, ...], later: tuple[int, ...]) -> tuple[int, ...]:
        (d, times, rest), (other, more, own) = earlier, later
        if not d or d != other:  # of one input, all blocks have one divisor
            return later
        return d, times * more % d, (rest * more + own) % d

    block = Elementwise(remainder_block, (tokens, divisor, indices)).named("block")
    rest = scan(block, joined, max_len).map(lambda block: block[2]).named("remainder")
    before = shift(rest, default=0).named("remainder_before")

    def digit(before: int, token: int, d: int, i: int) -> int | None:
        return 0 if i == 0 else (10 * before + token) // d if d else None

    return Elementwise(digit, (before, tokens, divisor, indices))


@program(
    family=FAMILY,
    vocab=(4, 6, 9, 12, 18),
    max_len=2,
    example=((12, 18), (6, 6)),
    accepts=is_a_pair,
)
def gcd() -> SOp:
    """The greatest common divisor of the two tokens: `gcd([12, 18]) -> [6, 6]`.

    Of more tokens, the first and the last one count.
    """
    ends = (first(select_all, tokens), last(select_all, tokens))
    names = (end.named(name) for end, name in zip(ends, ("one", "other"), strict=True))
    return Elementwise(math.gcd, tuple(names))
