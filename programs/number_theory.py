"""Programs that apply a function or a test of integers to each token by itself."""

from __future__ import annotations

import math
from itertools import count

from compiler.rasp import SOp, program, tokens
from programs.elementwise import FAMILY

ROMAN = {
    1000: "M",
    900: "CM",
    500: "D",
    400: "CD",
    100: "C",
    90: "XC",
    50: "L",
    40: "XL",
    10: "X",
    9: "IX",
    5: "V",
    4: "IV",
    1: "I",
}


def prime(value: int) -> bool:
    """Return whether an integer is prime."""
    divisors = range(2, math.isqrt(max(value, 0)) + 1)
    return value > 1 and all(value % d for d in divisors)


def fibonacci(number: int) -> int:
    """Return the Fibonacci number of an index, from F(0) = 0 and F(1) = 1."""
    current, following = 0, 1
    for _ in range(number):
        current, following = following, current + following
    return current


def square_number(value: int) -> bool:
    """Return whether an integer is a square."""
    return value >= 0 and math.isqrt(value) ** 2 == value


@program(family=FAMILY, vocab=(0, 1, 3, 5), example=((1, 3, 5), (1, 6, 120)))
def factorial() -> SOp:
    """The token's factorial: `factorial([1, 3, 5]) -> [1, 6, 120]`."""
    return tokens.map(math.factorial)


@program(
    family=FAMILY,
    vocab=(0, 1, 2, 3, 7),
    max_len=7,
    example=((1, 2, 3, 7), (1, 1, 2, 13)),
)
def nth_fibonacci() -> SOp:
    """The n-th Fibonacci number: `nth_fibonacci([1, 2, 3, 7]) -> [1, 1, 2, 13]`."""
    return tokens.map(fibonacci)


@program(family=FAMILY, vocab=(0, 1, 4, 5), example=((1, 4, 5), (True, False, True)))
def is_fibonacci() -> SOp:
    """Whether it is a Fibonacci number: `is_fibonacci([1, 4, 5]) -> [T, F, T]`."""

    def test(value: int) -> bool:
        # v is one exactly where 5 v v + 4 or 5 v v - 4 is a square.
        near = 5 * value * value
        return value >= 0 and (square_number(near + 4) or square_number(near - 4))

    return tokens.map(test)


@program(family=FAMILY, vocab=(1, 2, 4, 5), example=((2, 4, 5), (True, False, True)))
def is_prime() -> SOp:
    """Whether it is prime: `is_prime([2, 4, 5]) -> [True, False, True]`."""
    return tokens.map(prime)


@program(family=FAMILY, vocab=(2, 3, 4, 8), example=((2, 3, 4), (2, 3, 5)))
def next_prime() -> SOp:
    """The smallest prime from the token on: `next_prime([2, 3, 4]) -> [2, 3, 5]`."""
    return tokens.map(lambda value: next(p for p in count(value) if prime(p)))


@program(
    family=FAMILY,
    vocab=(1, 2, 4, 6, 12),
    max_len=7,
    example=((2, 4, 6, 12), (1, 1, 2, 2)),
)
def count_distinct_prime_factors() -> SOp:
    """How many primes divide it: `count_distinct_prime_factors([4, 6]) -> [1, 2]`."""

    def factors(value: int) -> int:
        return sum(prime(p) and value % p == 0 for p in range(2, value + 1))

    return tokens.map(factors)


@program(
    family=FAMILY,
    vocab=(0, 3, 4, 7),
    example=((3, 4, 0, 7), (False, True, True, False)),
)
def is_even() -> SOp:
    """Whether it is even: `is_even([3, 4, 0, 7]) -> [F, T, T, F]`."""
    return tokens % 2 == 0


@program(family=FAMILY, vocab=(0, 3, 5, 9), example=((3, 5, 9), (True, False, True)))
def is_divisible(d: int = 3) -> SOp:
    """Whether `d` divides it: `is_divisible([3, 5, 9]) -> [True, False, True]`."""
    return tokens % d == 0


@program(
    family=FAMILY,
    vocab=(1, 2, 7, 8, 32),
    max_len=7,
    example=((1, 8, 2, 32, 7), (True, True, True, True, False)),
)
def is_power_of(n: int = 2) -> SOp:
    """Whether it is a power of `n`, 1 too: `is_power_of([1, 8, 7]) -> [T, T, F]`."""

    def test(value: int) -> bool:
        return any(n**exponent == value for exponent in range(value.bit_length()))

    return tokens.map(test)


@program(
    family=FAMILY,
    vocab=(1, 3, 5, 12, 16, 25),
    max_len=6,
    example=((1, 5, 16, 25, 3, 12), (True, False, True, True, False, False)),
)
def is_perfect_square() -> SOp:
    """Whether it is a square: `is_perfect_square([1, 5, 16]) -> [T, F, T]`."""
    return tokens.map(square_number)


@program(family=FAMILY, vocab=(7, 12, 34, 56), example=((12, 34, 56), (3, 7, 11)))
def sum_of_digits() -> SOp:
    """The sum of the decimal digits: `sum_of_digits([12, 34, 56]) -> [3, 7, 11]`."""
    return tokens.map(lambda value: sum(map(int, str(value))))


@program(
    family=FAMILY,
    vocab=(0, 1, 6, 8, 32),
    max_len=7,
    example=((1, 8, 6, 32), (0, 3, 0, 5)),
)
def log2_if_power_of_two() -> SOp:
    """Log2 of a power of 2, else 0: `log2_if_power_of_two([8, 6]) -> [3, 0]`."""
    return tokens.map(lambda v: v.bit_length() - 1 if v > 0 and v & (v - 1) == 0 else 0)


@program(
    family=FAMILY,
    vocab=(1, 4, 9, 14),
    example=((1, 4, 9, 14), ("I", "IV", "IX", "XIV")),
)
def decimal_to_roman() -> SOp:
    """The number in Roman numerals: `decimal_to_roman([4, 14]) -> ["IV", "XIV"]`."""

    def roman(value: int) -> str:
        written = ""
        for worth, letters in ROMAN.items():
            written += value // worth * letters
            value %= worth
        return written

    return tokens.map(roman)
