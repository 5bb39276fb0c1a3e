"""Programs that look for a token elsewhere: whether, where and how often it is."""

from __future__ import annotations

from collections.abc import Sequence

from compiler.rasp import (
    EQ,
    GT,
    NEQ,
    Aggregate,
    Constant,
    Elementwise,
    Select,
    Selector,
    SelectorWidth,
    SOp,
    any_of,
    first,
    indices,
    last,
    length,
    prefix,
    program,
    select_all,
    tokens,
)
from compiler.rasp.values import Value

FAMILY = "search/match/induction"


def holding(token: Value) -> Selector:
    """Select the positions that hold one fixed token."""
    return Select(tokens, Constant(token), EQ)


def earlier_copies() -> Selector:
    """Select the positions before the query's that hold the query's token."""
    return Select(tokens, tokens, EQ) & prefix(strict=True)


def later_copies() -> Selector:
    """Select the positions after the query's that hold the query's token."""
    return Select(tokens, tokens, EQ) & Select(indices, indices, GT)


def anywhere(flag: SOp) -> SOp:
    """Return, at every position, whether a boolean holds at some position."""
    return Aggregate(select_all, flag, rule="max")


def everywhere(flag: SOp) -> SOp:
    """Return, at every position, whether a boolean holds at all positions."""
    return Aggregate(select_all, flag, rule="min")


@program(family=FAMILY, vocab="hey", example=("hey", (True, True, True)))
def contains_token(t: Value = "e") -> SOp:
    """Whether `t` occurs, everywhere: `contains_token("hey") -> TTT`."""
    return any_of(holding(t))


@program(family=FAMILY, vocab="axy", example=("xaya", (False, True, True, True)))
def has_seen_token(t: Value = "a") -> SOp:
    """Whether `t` occurred so far: `has_seen_token("xaya") -> FTTT`."""
    return any_of(holding(t) & prefix())


@program(family=FAMILY, vocab="abc", example=("abac", (False, False, True, False)))
def is_duplicate() -> SOp:
    """Whether the token occurred before: `is_duplicate("abac") -> FFTF`."""
    return any_of(earlier_copies())


@program(
    family=FAMILY, vocab="xyz", example=("xyxzy", (True, True, False, True, False))
)
def is_first_occurrence() -> SOp:
    """Whether the token is new: `is_first_occurrence("xyxzy") -> TTFTF`."""
    return SelectorWidth(earlier_copies()) == 0


@program(
    family=FAMILY, vocab="xyz", example=("xyxzy", (False, False, True, True, True))
)
def is_last_occurrence() -> SOp:
    """Whether the token never comes again: `is_last_occurrence("xyxzy") -> FFTTT`."""
    return SelectorWidth(later_copies()) == 0


@program(family=FAMILY, vocab="abc", example=("abab", (None, None, 0, 1)))
def previous_occurrence_position() -> SOp:
    """Where the token last was: `previous_occurrence_position("aba") -> [-, -, 0]`."""
    return last(earlier_copies(), indices)


@program(family=FAMILY, vocab="abc", example=("abab", (2, 3, None, None)))
def next_occurrence_position() -> SOp:
    """Where the token comes next: `next_occurrence_position("aba") -> [2, -, -]`."""
    return first(later_copies(), indices)


@program(family=FAMILY, vocab="abc", example=("abab", (0, 1, 0, 1)))
def first_occurrence_position() -> SOp:
    """Where the token came first: `first_occurrence_position("aba") -> [0, 1, 0]`."""
    return first(Select(tokens, tokens, EQ), indices)


@program(family=FAMILY, vocab="abc", example=("abaab", (None, None, 2, 1, 3)))
def distance_to_previous_occurrence() -> SOp:
    """Steps back to the token's latest copy, None if it is new.

    distance_to_previous_occurrence("abaab") -> [None, None, 2, 1, 3]
    """
    return indices - last(earlier_copies(), indices).named("previous_position")


@program(family=FAMILY, vocab="helo", example=("hello", (2, 2, 2, 2, 2)))
def first_index_of(t: Value = "l") -> SOp:
    """Where `t` comes first, everywhere: `first_index_of("hell") -> [2, 2, 2, 2]`."""
    return first(holding(t), indices)


@program(family=FAMILY, vocab="helo", example=("hello", (3, 3, 3, 3, 3)))
def last_index_of(t: Value = "l") -> SOp:
    """Where `t` comes last, everywhere: `last_index_of("hell") -> [3, 3, 3, 3]`."""
    return last(holding(t), indices)


@program(family=FAMILY, vocab="abc", example=("abca", (True,) * 4))
def first_equals_last() -> SOp:
    """Whether both ends are equal, everywhere: `first_equals_last("abca") -> TTTT`."""
    first_token = first(select_all, tokens).named("first_token")
    return first_token == last(select_all, tokens).named("last_token")


@program(family=FAMILY, vocab=(1, 2, 3), example=((3, 3, 3, 1, 3), (False,) * 5))
def all_equal() -> SOp:
    """Whether one token fills the sequence: `all_equal([3, 3, 1]) -> [F, F, F]`."""
    others = SelectorWidth(Select(tokens, tokens, NEQ)).named("others")
    return others.doc("how many tokens are not this one") == 0


@program(family=FAMILY, vocab=(1, 2, 3, 4), example=((2, 2, 4, 2), (True,) * 4))
def has_duplicate() -> SOp:
    """Whether some token occurs twice, everywhere: `has_duplicate("abb") -> TTT`."""
    copies = SelectorWidth(Select(tokens, tokens, EQ)).named("copies")
    return anywhere((copies > 1).named("repeated"))


@program(family=FAMILY, vocab=(1, 4, 6, 9), example=((1, 4, 6, 9), (True,) * 4))
def match_two(m: int = 10) -> SOp:
    """Whether v + w = 0 (mod m) for a token w: `match_two([1, 9, 4]) -> [T, T, F]`."""
    return any_of(Select(tokens, tokens, lambda key, query: (key + query) % m == 0))


@program(family=FAMILY, vocab=(1, 2, 4, 7), example=((1, 2, 7), (True,) * 3))
def match_three(vocab: Sequence[Value], m: int = 10) -> SOp:
    """Whether v + a + b = 0 (mod m) for tokens a and b, perhaps one position twice.

    match_three([1, 2, 7, 4]) -> [True, True, True, False]. Which tokens are present
    decides it, so that a head for each token of the vocabulary is enough.
    """
    present = [
        any_of(holding(value)).named(f"has_{number}")
        for number, value in enumerate(vocab)
    ]

    def completes(mine: int, *flags: bool) -> bool:
        there = [v for v, flag in zip(vocab, flags, strict=True) if flag]
        return any((mine + a + b) % m == 0 for a in there for b in there)

    return Elementwise(completes, (tokens, *present))


def is_doubled_with_a_gap(sequence: Sequence[Value]) -> bool:
    """Return whether the tokens are ww of bits but for one 2, then perhaps a 3."""
    half = len(sequence) // 2
    if len(sequence) % 2 and sequence[-1] != 3:
        return False
    body = list(sequence[: 2 * half])
    pairs = list(zip(body[:half], body[half:], strict=True))
    whole = all(a == b or 2 in (a, b) for a, b in pairs)
    return body.count(2) == 1 and 3 not in body and whole


@program(
    family=FAMILY,
    vocab=(0, 1, 2, 3),
    example=((0, 1, 1, 0, 0, 2, 1, 0), (1,) * 8),
    accepts=is_doubled_with_a_gap,
)
def missing_duplicate() -> SOp:
    """The bit that 2 replaced in a string written twice, everywhere.

    missing_duplicate([0, 1, 0, 2]) -> [1, 1, 1, 1]; a final 3 is padding.
    """
    gap = first(holding(2), indices).named("gap_index")

    def twin(position: int | None, size: int) -> int | None:
        if position is None:
            return None
        half = size // 2
        return position + half if position < half else position - half

    twin_index = Elementwise(twin, (gap, length)).named("twin_index")
    return Aggregate(Select(indices, twin_index, EQ), tokens)
