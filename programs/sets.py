"""Programs that read a sequence as a set, or as two sets around the token "|"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from compiler.rasp import (
    EQ,
    NEQ,
    TRUE,
    Aggregate,
    Select,
    Selector,
    SOp,
    any_of,
    count,
    first,
    indices,
    last,
    prefix,
    program,
    tokens,
    where,
)

FAMILY = "set ops"
BAR = "|"


def two_sets(sequence: Sequence[Any]) -> bool:
    """Return whether there is exactly one bar ("|"); either side may be empty."""
    return sum(token == BAR for token in sequence) == 1


def seen_before() -> SOp:
    """Return whether the token occurs at an earlier position."""
    earlier = any_of(Select(tokens, tokens, EQ) & prefix(strict=True))
    return earlier.named("seen_before")


def is_left() -> SOp:
    """Return whether the position is left of the bar."""
    bar = Aggregate(Select(tokens, BAR, EQ), indices).named("bar_index")
    return (indices < bar).named("is_left")


def is_shared(left: SOp) -> SOp:
    """Return whether the token occurs on the other side too; False at the bar."""
    other_side = Select(tokens, tokens, EQ) & Select(left, left, NEQ)
    return any_of(other_side).named("is_shared")


def all_of(condition: SOp) -> SOp:
    """Return, at every position, whether `condition` holds at all of them."""
    return Aggregate(TRUE, condition, rule="min")


def marked(condition: SOp) -> Selector:
    """Return the selector of the positions where `condition` holds."""
    return Select(condition, True, EQ)


@program(family=FAMILY, vocab=range(1, 5), example=([1, 2, 2, 3, 1], [1, 2, 0, 3, 0]))
def zero_repeats() -> SOp:
    """The tokens, 0 where one occurred before.

    `zero_repeats([1, 2, 2, 3, 1]) -> [1, 2, 0, 3, 0]`
    """
    return where(seen_before(), 0, tokens)


@program(family=FAMILY, vocab=(2, 4, 5, 6), example=([4, 2, 5, 6, 2], [4, 0, 5, 6, 0]))
def zero_all_duplicated() -> SOp:
    """The tokens, 0 where one occurs twice or more.

    `zero_all_duplicated([4, 2, 5, 6, 2]) -> [4, 0, 5, 6, 0]`
    """
    frequency = count(Select(tokens, tokens, EQ)).named("frequency")
    return where(frequency > 1, 0, tokens)


@program(family=FAMILY, vocab="abcd", example=("abac", ["a", "b", None, "c"]))
def unique_tokens() -> SOp:
    """First occurrences, None at the others.

    `unique_tokens("abac") -> ["a", "b", None, "c"]`
    """
    return where(seen_before(), None, tokens)


@program(family=FAMILY, vocab="abcd", example=("abacb", "abc__"))
def unique_tokens_compacted() -> SOp:
    """The distinct tokens in order of appearance, then "_".

    `unique_tokens_compacted("abacb") -> "abc__"`: position i takes the first token
    at which i + 1 distinct tokens have been seen.
    """
    is_new = (~seen_before()).named("is_new")
    slot = (count(prefix() & marked(is_new)) - 1).named("slot")
    slot = slot.doc("how many distinct tokens were seen so far, minus one")
    return first(Select(slot, indices, EQ), tokens, default="_")


@program(
    family=FAMILY,
    vocab="abcd|",
    max_len=7,
    example=("abc|cad", [True, False, True, False, True, True, False]),
    accepts=two_sets,
)
def in_both_sets() -> SOp:
    """Whether the token is on both sides of "|" (False for "|" itself).

    `in_both_sets("ab|b") -> [False, True, False, True]`
    """
    return is_shared(is_left())


@program(
    family=FAMILY,
    vocab="abc|",
    example=("abc|ca", [False, True, False, False, False, False]),
    accepts=two_sets,
)
def in_left_only() -> SOp:
    """Whether the token is left of "|" and does not occur on the right.

    `in_left_only("ab|b") -> [True, False, False, False]`
    """
    left = is_left()
    return left & ~is_shared(left)


@program(
    family=FAMILY,
    vocab="abcd|",
    max_len=7,
    example=("ab|cd", [True] * 5),
    accepts=two_sets,
)
def sets_disjoint() -> SOp:
    """Whether the two sides share no token: `sets_disjoint("a|b") -> [True] * 3`."""
    return all_of(~is_shared(is_left()))


@program(family=FAMILY, vocab="abc|", example=("ab|cba", [True] * 6), accepts=two_sets)
def is_subset() -> SOp:
    """Whether all tokens left of "|" occur on its right.

    `is_subset("a|ba") -> [True, True, True, True]`
    """
    left = is_left()
    return all_of((~left | is_shared(left)).named("is_covered"))


@program(family=FAMILY, vocab="abc|", example=("ab|ba", [True] * 5), accepts=two_sets)
def sets_equal() -> SOp:
    """Whether both sides hold the same tokens: `sets_equal("aab|ba") -> [True] * 6`."""
    shared = is_shared(is_left())
    return all_of(((tokens == BAR) | shared).named("is_covered"))


@program(family=FAMILY, vocab="abcd", example=("abcb", [True] * 4))
def query_membership() -> SOp:
    """Whether the last token occurs before it.

    `query_membership("abcb") -> [True, True, True, True]`
    """
    query = last(TRUE, tokens).named("query")
    matches = count(Select(tokens, query, EQ)).named("matches")
    return matches > 1  # the query matches itself


@program(family=FAMILY, vocab="abc|", example=("ab|bc", [3] * 5), accepts=two_sets)
def union_size() -> SOp:
    """How many distinct tokens the two sides hold together.

    `union_size("ab|bc") -> [3, 3, 3, 3, 3]`
    """
    is_new = (~seen_before() & (tokens != BAR)).named("is_new")
    return count(marked(is_new))
