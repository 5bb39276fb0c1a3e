"""Programs of numbers in digits, and of sums and remainders, most of them modulo m."""

from __future__ import annotations

from collections.abc import Sequence

from compiler.rasp import (
    EQ,
    Aggregate,
    Elementwise,
    Select,
    SOp,
    first,
    indices,
    last,
    length,
    program,
    select_all,
    shift,
    tokens,
)
from compiler.rasp.values import Value
from programs.accumulation import running_total
from programs.bits import BITS, FAMILY
from programs.copying import SLOT


def is_a_pair(x: Sequence[Value]) -> bool:
    """Return whether an input has two tokens."""
    return len(x) == 2


def number_then_slots(x: Sequence[Value]) -> bool:
    """Return whether an input is a number with nothing but slots after it."""
    return x[0] != SLOT and all(token == SLOT for token in x[1:])


def positional(base: int, max_len: int) -> SOp:
    """Return the number whose digits, the most significant first, are the tokens."""
    places = range(max_len)

    def digit(place: int) -> SOp:
        there = Select(indices, length - 1 - place, EQ)
        return Aggregate(there, tokens, default=0).named(f"digit_{place}")

    def value(*digits: int) -> int:
        return sum(digits[k] * base**k for k in places)

    return Elementwise(value, tuple(map(digit, places)))


@program(family=FAMILY, vocab=BITS, example=((1, 0, 1), (5, 5, 5)))
def binary_to_integer(max_len: int) -> SOp:
    """The number in binary, everywhere: `binary_to_integer([1, 1, 0]) -> [6, 6, 6]`."""
    return positional(2, max_len)


@program(family=FAMILY, vocab=(0, 3, 7), max_len=5, example=((3, 0, 7), (307,) * 3))
def digits_to_integer(max_len: int) -> SOp:
    """The number in decimals, everywhere: `digits_to_integer([3, 0]) -> [30, 30]`."""
    return positional(10, max_len)


@program(
    family=FAMILY,
    vocab=(0, 1, 2, 5, 6, 11, SLOT),
    max_len=5,
    example=((5, SLOT, SLOT, SLOT), (0, 1, 0, 1)),
    accepts=number_then_slots,
)
def integer_to_binary() -> SOp:
    """The first token in binary, one bit a position.

    The most significant bit comes first. A number with too many bits for the length
    loses its highest ones. Where the first token is no number, nothing is written.

    `integer_to_binary([5, "_", "_", "_"]) -> [0, 1, 0, 1]`
    """
    number = Aggregate(Select(indices, 0, EQ), tokens).named("number")
    place = (length - 1 - indices).named("place")

    def bit(value: Value, place: int) -> int | None:
        return None if value in (SLOT, None) else value >> max(place, 0) & 1

    return Elementwise(bit, (number, place))


@program(
    family=FAMILY,
    vocab=range(13),
    max_len=2,
    example=((5, 10), (2, 2)),
    accepts=is_a_pair,
)
def modular_addition(m: int = 13) -> SOp:
    """The sum of the two tokens modulo m: `modular_addition([5, 10]) -> [2, 2]`.

    Of more tokens, the first and the last one count.
    """
    one = first(select_all, tokens).named("first_summand")
    other = last(select_all, tokens).named("second_summand")
    return Elementwise(lambda x, y: (x + y) % m, (one, other))


@program(family=FAMILY, vocab=range(3), example=((2, 2, 1, 0), (2, 1, 2, 2)))
def cumulative_sum_mod(m: int = 3) -> SOp:
    """The sum so far modulo m: `cumulative_sum_mod([2, 2, 1, 0]) -> [2, 1, 2, 2]`."""
    return running_total(tokens).named("prefix_sum") % m


@program(family=FAMILY, vocab=(0, 1, 2, 5), example=((2, 5, 1), (17, 12, 11)))
def cumulative_difference_mod(m: int = 19) -> SOp:
    """What is left of 0, modulo m, once all so far is subtracted.

    `cumulative_difference_mod([2, 5, 1]) -> [17, 12, 11]`
    """
    return -running_total(tokens).named("prefix_sum") % m


@program(family=FAMILY, vocab=(0, 3, 5, 7), example=((7, 3, 5), (None, 3, 2)))
def mod_by_previous() -> SOp:
    """The remainder by the token before: `mod_by_previous([7, 3, 5]) -> [None, 3, 2]`.

    None at the start and after a 0.
    """
    previous = shift(tokens).named("previous")
    return Elementwise(lambda now, d: now % d if d else None, (tokens, previous))


@program(family=FAMILY, vocab=(0, 3, 4, 6), example=((3, 6, 4), (None, True, False)))
def is_multiple_of_previous() -> SOp:
    """Whether the token before divides it, None at the start.

    Only 0 is a multiple of 0.

    `is_multiple_of_previous([3, 6, 4]) -> [None, True, False]`
    """

    def multiple(now: int, before: int | None) -> bool | None:
        if before is None:
            return None
        return now % before == 0 if before else now == 0

    return Elementwise(multiple, (tokens, shift(tokens).named("previous")))


@program(
    family=FAMILY, vocab=(0, 3, 6, 12), max_len=8, example=((0, 12, 6, 3), (1, 0, 0, 1))
)
def card_counting() -> SOp:
    """The Hi-Lo count of the cards 0..12 so far: 0..4 add 1, 8..12 subtract 1.

    `card_counting([0, 12, 6, 3]) -> [1, 0, 0, 1]`
    """
    worth = tokens.map(lambda rank: (rank < 5) - (rank > 7)).named("worth")
    return running_total(worth)
