"""Programs that check a string against itself, or one half of it against the other.

Each brings to a position the token that it should agree with (its mirror image, its
neighbour p places back, its opposite number behind the bar) and asks whether all
agree, how many differ, or where the first difference is.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from compiler.rasp import (
    EQ,
    NEQ,
    Aggregate,
    Elementwise,
    Select,
    SOp,
    count,
    first,
    indices,
    last,
    length,
    mean,
    program,
    select_all,
    shift,
    tokens,
)
from compiler.rasp.values import Value

FAMILY = "string checks"
BAR = "|"
FOUR_NO, FOUR_YES, SEVEN_NO = (False,) * 4, (True,) * 4, (False,) * 7


def at(place: SOp | int) -> SOp:
    """Return the token at position `place`, None outside the input."""
    return Aggregate(Select(indices, place, EQ), tokens)


def every(condition: SOp) -> SOp:
    """Return whether the condition holds at every position."""
    return Aggregate(select_all, condition, rule="min")


def mirrored() -> SOp:
    """Return the token at the mirrored position."""
    return at((length - 1 - indices).named("mirror_index")).named("mirrored")


def bar_index() -> SOp:
    """Return the position of the (first) bar."""
    return first(Select(tokens, BAR, EQ), indices).named("bar_index")


def opposite() -> SOp:
    """Return the token at the same place behind the bar; None where there is none."""
    return at((indices + bar_index() + 1).named("opposite_index")).named("opposite")


def two_parts(sequence: Sequence[Value]) -> bool:
    """Return whether there is exactly one bar ("|")."""
    return list(sequence).count(BAR) == 1


def two_equal_parts(sequence: Sequence[Value]) -> bool:
    """Return whether there is exactly one bar ("|"), and it is in the middle."""
    return two_parts(sequence) and 2 * list(sequence).index(BAR) + 1 == len(sequence)


@program(family=FAMILY, vocab=range(1, 4), example=([1, 2, 2, 1], FOUR_YES))
def is_palindrome() -> SOp:
    """Whether the input equals its reverse.

    `is_palindrome([1, 2]) -> [False, False]`
    """
    return every((mirrored() == tokens).named("agrees"))


@program(family=FAMILY, vocab="abc", example=("abca", (True, False, False, True)))
def matches_mirror() -> SOp:
    """Whether the mirrored token is equal.

    `matches_mirror("abca") -> [True, False, False, True]`
    """
    return mirrored() == tokens


@program(
    family=FAMILY, vocab=(0, 1), example=([1, 0, 1, 1], (True, False, True, False))
)
def prefix_is_palindrome(max_len: int) -> SOp:
    """Whether the prefix is a palindrome.

    For each distance d from the ends: the token d places after the start against the
    one d places back. All of them are brought in one layer.

    `prefix_is_palindrome([1, 0, 1, 1]) -> [True, False, True, False]`
    """

    def pair_agrees(d: int) -> SOp:
        return Elementwise(
            lambda front, back, i: 2 * d >= i or front == back,
            (at(d).named(f"front_{d}"), shift(tokens, d).named(f"back_{d}"), indices),
        ).named(f"agrees_{d}")

    pairs = [pair_agrees(d) for d in range(max(1, max_len // 2))]
    return reduce(lambda before, pair: before & pair, pairs)


@program(family=FAMILY, vocab="abc", example=("abab", FOUR_YES))
def is_square_word() -> SOp:
    """Whether the input is a word twice: `is_square_word("abab") -> [True] * 4`."""
    half_way = ((indices + length // 2) % length).named("half_way_index")
    agrees = (at(half_way).named("half_way") == tokens).named("agrees")
    return every(agrees) & (length % 2 == 0)


@program(family=FAMILY, vocab="abc", example=("abcab", (True,) * 5))
def has_period(p: int = 3) -> SOp:
    """Whether x[i] = x[i - p] throughout: `has_period("abca") -> [True] * 4`."""
    agrees = Elementwise(
        lambda now, before, i: i < p or now == before,
        (tokens, shift(tokens, p).named("a_period_ago"), indices),
    )
    return every(agrees.named("agrees"))


@program(family=FAMILY, vocab="abc", example=("abcbca", (True,) * 6))
def halves_are_anagrams() -> SOp:
    """Whether the halves are permutations of one another.

    Odd lengths give False by themselves: then some token is oftener on one side.

    `halves_are_anagrams("abba") -> [True] * 4`
    """
    side = Elementwise(lambda i, n: 1 if 2 * i < n else -1, (indices, length))
    lean = mean(Select(tokens, tokens, EQ), side.named("side")).named("lean")
    return every(lean.doc("which side has more of this token, as a share") == 0)


@program(
    family=FAMILY, vocab="abc|", example=("abc|cab", (True,) * 7), accepts=two_parts
)
def is_rotation(max_len: int) -> SOp:
    """Whether one part is a rotation of the other.

    Every rotation that fits into the length is tried, side by side.

    `is_rotation("ab|ba") -> [True] * 5`
    """
    bar = bar_index()

    def fits(turn: int) -> SOp:
        place = Elementwise(
            lambda i, b: None if b is None or i >= b else b + 1 + (i + turn) % b,
            (indices, bar),
        ).named(f"rotated_index_{turn}")
        agrees = Elementwise(
            lambda here, there, i, b: b is None or i >= b or here == there,
            (tokens, at(place).named(f"rotated_{turn}"), indices, bar),
        )
        return every(agrees.named(f"agrees_{turn}")).named(f"fits_{turn}")

    turns = [fits(turn) for turn in range(max(1, (max_len - 1) // 2))]
    any_fits = reduce(lambda before, fit: before | fit, turns)
    return any_fits & (2 * bar + 1 == length)


@program(
    family=FAMILY,
    vocab="abcd|",
    max_len=7,
    example=("abc|adc", (1,) * 7),
    accepts=two_equal_parts,
)
def hamming_distance() -> SOp:
    """How many places differ: `hamming_distance("a|c") -> [1] * 3`."""
    # Only the first part has anything opposite.
    differs = Elementwise(
        lambda here, there: there is not None and here != there, (tokens, opposite())
    ).named("differs")
    return count(Select(differs, True, EQ))


@program(
    family=FAMILY,
    vocab="abcd|",
    max_len=7,
    example=("abd|abc", SEVEN_NO),
    accepts=two_parts,
)
def lexicographic_less(vocab: Sequence[Value]) -> SOp:
    """Whether the first part comes first in a dictionary.

    Letters are in the order of the vocabulary; a word comes after its beginnings.

    `lexicographic_less("ab|b") -> [True] * 4`
    """
    order = {value: k for k, value in enumerate(vocab)}

    def less(here: Value, there: Value) -> bool | None:
        if here == BAR or there is None:
            return here == BAR and there is not None
        return None if here == there else order[here] < order[there]

    here_less = Elementwise(less, (tokens, opposite())).named("less_here")
    here_less = here_less.doc("whether this place decides for less; None: undecided")
    return first(Select(here_less, None, NEQ), here_less)


@program(
    family=FAMILY,
    vocab="abcd|",
    max_len=7,
    example=("abd|abc", (2,) * 7),
    accepts=two_parts,
)
def longest_common_prefix() -> SOp:
    """The length of the common beginning: `longest_common_prefix("abd|ab") -> [2] * 6`.

    That is the first place that differs; the bar differs from whatever is opposite.
    """
    differs = (tokens != opposite()).named("differs")
    return first(Select(differs, True, EQ), indices)


@program(family=FAMILY, vocab=(0, 1), example=([0, 0, 1, 1, 1, 0], (True,) * 6))
def even_pairs() -> SOp:
    """Whether 01 and 10 occur an even number of times.

    Each occurrence flips the bit, so this asks whether the last bit is the first.

    `even_pairs([0, 1, 0]) -> [True] * 3`
    """
    start = first(select_all, tokens).named("first_bit")
    return start == last(select_all, tokens).named("last_bit")


@program(family=FAMILY, vocab="abc", example=("cabbca", (True,) * 6))
def equal_counts_abc() -> SOp:
    """Whether a, b and c are equally many: `equal_counts_abc("cab") -> [True] * 3`."""
    a, b, c = (
        count(Select(tokens, letter, EQ)).named(f"count_{letter}") for letter in "abc"
    )
    return (a == b).named("a_is_b") & (b == c).named("b_is_c")
