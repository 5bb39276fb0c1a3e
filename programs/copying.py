"""Programs that write a part of the sequence again."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

from compiler.rasp import (
    EQ,
    Aggregate,
    Elementwise,
    Select,
    Selector,
    SelectorWidth,
    SOp,
    any_of,
    first,
    indices,
    length,
    prefix,
    program,
    shift,
    tokens,
    where,
)
from compiler.rasp.values import Value
from programs.search import holding
from programs.shifting import token_at

FAMILY = "copying/memory"
BAR = "|"
SLOT = "_"


def leaves_slots(sequence: Sequence[Value], kept: int) -> bool:
    """Return whether the slots are all but the first `kept` positions."""
    return [v == SLOT for v in sequence] == [i >= kept for i in range(len(sequence))]


def leaves_half(sequence: Sequence[Value]) -> bool:
    """Return whether the second half, and nothing else, is slots ("_")."""
    return len(sequence) % 2 == 0 and leaves_slots(sequence, len(sequence) // 2)


def leaves_all_but_a_side(sequence: Sequence[Value]) -> bool:
    """Return whether there are m * m tokens: m, and then slots ("_")."""
    side = math.isqrt(len(sequence))
    return side * side == len(sequence) and leaves_slots(sequence, side)


@program(
    family=FAMILY,
    vocab="01_",
    max_len=10,
    example=("101___", "101101"),
    accepts=leaves_half,
)
def duplicate_string() -> SOp:
    """The string of the first half, twice: `duplicate_string("10__") -> "1010"`."""
    slots = SelectorWidth(holding(SLOT)).named("slots")

    def source(i: int, half: int) -> int:
        return i - half if i >= half else i

    return token_at(Elementwise(source, (indices, slots)).named("source_index"))


@program(
    family=FAMILY,
    vocab=("a", "b", SLOT),
    max_len=9,
    example=("ab__", "abab"),
    accepts=leaves_all_but_a_side,
)
def square_string() -> SOp:
    """The m first of m * m tokens, m times: `square_string("ab__") -> "abab"`."""
    side = length.map(math.isqrt).named("side")
    return token_at((indices % side).named("source_index"))


@program(family=FAMILY, vocab="abcdef", max_len=6, example=("abcdef", "ace___"))
def every_kth_token(k: int = 2) -> SOp:
    """The tokens at 0, k, 2k, .., then "_": `every_kth_token("abcdef") -> "ace___"`."""
    kth = Select(indices, indices, lambda key, query: key == k * query)
    return Aggregate(kth, tokens, SLOT)


def copies_so_far(sequence: Sequence[Value]) -> tuple[list[Value], bool]:
    """Return the source, and whether only a start of it follows the first "|"."""
    items = list(sequence)
    end = items.index(BAR) if BAR in items else len(items)
    source, copied = items[:end], items[end + 1 :]
    return source, copied == source[: len(copied)]


def copies_distinct_tokens(sequence: Sequence[Value]) -> bool:
    """Return whether the source's tokens are distinct, and a start of it is copied."""
    source, copied = copies_so_far(sequence)
    return copied and len(set(source)) == len(source)


def copies_distinct_bigrams(sequence: Sequence[Value]) -> bool:
    """Return whether the source's bigrams are distinct, and a start of it is copied."""
    source, copied = copies_so_far(sequence)
    bigrams = list(pairwise(source))
    return copied and len(set(bigrams)) == len(bigrams)


def from_source() -> Selector:
    """Select what stands before the first "|", for the positions from there on."""
    copying = any_of(holding(BAR) & prefix()).named("copying")
    return Select(copying, copying, lambda key, query: query and not key)


@program(
    family=FAMILY,
    vocab="abcd|",
    max_len=7,
    example=("cab|ca", (None, None, None, "c", "a", "b")),
    accepts=copies_distinct_tokens,
)
def copy_unique_next() -> SOp:
    """From "|" on, what follows the token in the source: "cab|ca" -> "---cab".

    A "|" is taken to stand before the first token, so that "|" finds it.
    """
    previous = shift(tokens, 1, BAR).named("previous_token")
    return Aggregate(from_source() & Select(previous, tokens, EQ), tokens)


@program(
    family=FAMILY,
    vocab="abc|",
    example=("aba|ab", (None, None, None, "a", "b", "a")),
    accepts=copies_distinct_bigrams,
)
def copy_unique_bigram_next() -> SOp:
    """From "|" on, the source's token after the last two: "aba|ab" -> "---aba".

    At "|" only "|" itself counts, as if the source began after two of them.
    """
    previous = shift(tokens, 1, BAR).named("previous_token")
    older = shift(tokens, 2, BAR).named("token_before_previous")
    context = where(tokens == BAR, BAR, previous).named("context")
    same_bigram = Select(previous, tokens, EQ) & Select(older, context, EQ)
    return Aggregate(from_source() & same_bigram, tokens)


def source_after_bar(source: Callable[[int, int], int]) -> SOp:
    """Return `source`(position, index of "|") from "|" on; None outside the source."""
    bar = first(holding(BAR), indices).named("bar_index")

    def inside(i: int, end: int | None) -> int | None:
        if end is None or i < end:
            return None
        return source(i, end) if 0 <= source(i, end) < end else None

    return Elementwise(inside, (indices, bar)).named("source_index")


def has_at_most_one_bar(sequence: Sequence[Value]) -> bool:
    """Return whether "|" occurs once or not at all."""
    return list(sequence).count(BAR) <= 1


@program(
    family=FAMILY,
    vocab="abc|",
    example=("aab|aa", (None, None, None, "a", "a", "b")),
    accepts=has_at_most_one_bar,
)
def copy_repeat_next() -> SOp:
    """From "|" on, the source in order: `copy_repeat_next("aab|aa") -> "---aab"`."""
    return token_at(source_after_bar(lambda i, bar: i - bar))


@program(
    family=FAMILY,
    vocab="abc|",
    example=("abc|cb", (None, None, None, "c", "b", "a")),
    accepts=has_at_most_one_bar,
)
def reverse_copy_next() -> SOp:
    """From "|" on, the source backwards: `reverse_copy_next("abc|cb") -> "---cba"`."""
    return token_at(source_after_bar(lambda i, bar: 2 * bar - 1 - i))
