"""Programs that move tokens by a fixed amount, or from a fixed place to everywhere."""

from __future__ import annotations

from compiler.rasp import (
    EQ,
    Aggregate,
    Constant,
    Select,
    SOp,
    indices,
    is_none,
    last,
    length,
    program,
    select_all,
    shift,
    tokens,
    where,
)
from compiler.rasp.values import Value

FAMILY = "indexing/shift"


def token_at(index: SOp) -> SOp:
    """Return the token at each position's `index`; None where there is none."""
    return Aggregate(Select(indices, index, EQ), tokens)


@program(family=FAMILY, vocab=(1, 2, 3), example=((3, 1, 2), (3, 1, 2)))
def identity() -> SOp:
    """The tokens as they are: `identity([3, 1, 2]) -> [3, 1, 2]`."""
    return tokens


@program(family=FAMILY, vocab="abcd", example=("abcd", "dcba"))
def reverse() -> SOp:
    """The tokens in the opposite order: `reverse("abcd") -> "dcba"`."""
    opposite = (length - 1 - indices).named("opposite_index")
    return Aggregate(Select(indices, opposite, EQ), tokens)


@program(family=FAMILY, vocab="abcd", example=("abcd", (None, "a", "b", "c")))
def shift_right(k: int = 1, fill: Value = None) -> SOp:
    """The token `k` positions to the left: `shift_right("abcd") -> "-abc"`."""
    return shift(tokens, k, fill)


@program(family=FAMILY, vocab="abcd", example=("abcd", ("b", "c", "d", None)))
def shift_left(k: int = 1, fill: Value = None) -> SOp:
    """The token `k` positions to the right: `shift_left("abcd") -> "bcd-"`."""
    return shift(tokens, -k, fill)


@program(family=FAMILY, vocab=(1, 2, 3, 4), example=((1, 2, 3, 4), (2, 3, 4, 1)))
def rotate_left(k: int = 1) -> SOp:
    """All tokens `k` to the left, round the end: `rotate_left("abcd") -> "bcda"`."""
    return token_at(((indices + k) % length).named("source_index"))


@program(family=FAMILY, vocab=(1, 2, 3, 4), example=((1, 2, 3, 4), (4, 1, 2, 3)))
def rotate_right(k: int = 1) -> SOp:
    """All tokens `k` to the right, round the end: `rotate_right("abcd") -> "dabc"`."""
    return token_at(((indices - k) % length).named("source_index"))


@program(family=FAMILY, vocab=(1, 2, 3), example=((1, 2, 3), (1, 1, 1)))
def broadcast_first() -> SOp:
    """The first token, everywhere: `broadcast_first([1, 2, 3]) -> [1, 1, 1]`."""
    return token_at(Constant(0))


@program(family=FAMILY, vocab=(1, 3, 5), example=((1, 3, 5), (3, 3, 3)))
def broadcast_second() -> SOp:
    """The second token, everywhere: `broadcast_second([1, 3, 5]) -> [3, 3, 3]`."""
    return token_at(Constant(1))


@program(family=FAMILY, vocab="helo", example=("hello", "lllll"))
def broadcast_kth(k: int = 2) -> SOp:
    """The token at position `k`, everywhere: `broadcast_kth("hello") -> "lllll"`."""
    return token_at(Constant(k))


@program(family=FAMILY, vocab=(1, 2, 3), example=((1, 2, 3), (3, 3, 3)))
def broadcast_last() -> SOp:
    """The last token, everywhere: `broadcast_last([1, 2, 3]) -> [3, 3, 3]`."""
    return last(select_all, tokens)


@program(family=FAMILY, vocab="abcde", max_len=7, example=("abcde", "ccccc"))
def broadcast_middle() -> SOp:
    """The token at n // 2, everywhere: `broadcast_middle("abcde") -> "ccccc"`."""
    return token_at((length // 2).named("middle_index"))


@program(family=FAMILY, vocab=(1, 2, 3), example=((1, 2, 3), (3, 0, 0)))
def last_element_first() -> SOp:
    """The last token, then zeros: `last_element_first([1, 2, 3]) -> [3, 0, 0]`."""
    return where(indices == 0, last(select_all, tokens).named("last_token"), 0)


@program(family=FAMILY, vocab=(1, 2, 3, 4), example=((1, 2, 3, 4), (1, 4, 3, 2)))
def swap_at_indices(a: int = 1, b: int = 3) -> SOp:
    """Positions `a` and `b` exchanged: `swap_at_indices([1, 2, 3, 4]) -> [1, 4, 3, 2]`.

    A position whose partner does not exist reads None.
    """
    partner = {a: b, b: a}

    def swapped(key: int, query: int) -> bool:
        return key == partner.get(query, query)

    return Aggregate(Select(indices, indices, swapped), tokens)


@program(
    family=FAMILY,
    vocab=(1, 2, 3, 4, 5),
    max_len=7,
    example=(range(1, 6), (2, 1, 4, 3, 5)),
)
def swap_adjacent_pairs() -> SOp:
    """Positions 0 and 1, 2 and 3, .. swapped: `swap_adjacent_pairs("abc") -> "bac"`."""
    pairs = Select(indices, indices, lambda key, query: key == query ^ 1)
    partner = Aggregate(pairs, tokens).named("partner_token")
    return where(is_none(partner), tokens, partner)


@program(
    family=FAMILY,
    vocab=(1, 2, 3, 4, 5),
    max_len=7,
    example=(range(1, 6), (1, 3, 2, 5, 4)),
)
def swap_odd_pairs() -> SOp:
    """Positions 1 and 2, 3 and 4, .. exchanged: `swap_odd_pairs("abcd") -> "acbd"`."""
    pairs = Select(indices, indices, lambda key, query: key + 1 == (query + 1) ^ 1)
    partner = Aggregate(pairs, tokens).named("partner_token")
    return where(is_none(partner), tokens, partner)


@program(
    family=FAMILY,
    vocab=(1, 2, 3, 4, 5),
    max_len=7,
    example=(range(1, 6), (1, 0, 2, 0, 3)),
)
def insert_zeros() -> SOp:
    """The tokens with zeros between, cut: `insert_zeros([1, 2, 3]) -> [1, 0, 2]`."""
    return Aggregate(
        Select(indices, indices, lambda key, query: 2 * key == query), tokens, 0
    )


@program(family=FAMILY, vocab="abcd", example=("abcd", "aabb"))
def duplicate_each_token() -> SOp:
    """Every token twice, cut at n tokens: `duplicate_each_token("abcd") -> "aabb"`."""
    half = Select(indices, indices, lambda key, query: key == query // 2)
    return Aggregate(half, tokens)


@program(family=FAMILY, vocab="abcdef", max_len=6, example=("abcdef", "aaaddd"))
def block_first(s: int = 3) -> SOp:
    """The first token of each block of `s`: `block_first("abcdef") -> "aaaddd"`."""
    start = Select(indices, indices, lambda key, query: key == query - query % s)
    return Aggregate(start, tokens)
