"""Programs on runs of tokens: what precedes what, and what follows it.

The fixed ones hold their table in the weights; the in-context ones read it from
the input.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

from compiler.rasp import (
    EQ,
    Aggregate,
    Elementwise,
    Select,
    Selector,
    SOp,
    any_of,
    count,
    first,
    indices,
    is_none,
    prefix,
    program,
    shift,
    tokens,
    where,
)

FAMILY = "n-gram"
SUCCESSOR: Mapping[str, str] = {"a": "b", "b": "c", "c": "a"}
OPEN, CLOSE = ">", "<"


def previous(by: int = 1) -> SOp:
    """Return the token `by` positions before; None at the start."""
    return shift(tokens, by).named("previous" if by == 1 else f"previous_{by}")


def same_bigram(before: SOp) -> Selector:
    """Return the selector of the positions with the query's token and `before`."""
    return Select(tokens, tokens, EQ) & Select(before, before, EQ)


@program(family=FAMILY, vocab="abcd", example=("abc", [None, "ab", "bc"]))
def bigram() -> SOp:
    """The previous and the current token: `bigram("abc") -> [None, "ab", "bc"]`."""
    return previous() + tokens


@program(family=FAMILY, vocab="abcd", example=("abcd", [None, None, "abc", "bcd"]))
def trigram() -> SOp:
    """The last three tokens: `trigram("abcd") -> [None, None, "abc", "bcd"]`."""
    return previous(2) + previous() + tokens


@program(family=FAMILY, vocab="abcd", example=("abab", [None, 2, 1, 2]))
def bigram_histogram() -> SOp:
    """How often the bigram that ends here occurs.

    `bigram_histogram("abab") -> [None, 2, 1, 2]`
    """
    before = previous()
    frequency = count(same_bigram(before)).named("bigram_frequency")
    return where(is_none(before), None, frequency)


@program(family=FAMILY, vocab="abcd", example=("abcab", [False] * 4 + [True]))
def is_repeated_bigram() -> SOp:
    """Whether the bigram that ends here occurred before.

    `is_repeated_bigram("abcab") -> [False, False, False, False, True]`
    """
    return any_of(same_bigram(previous()) & prefix(strict=True))


@program(family=FAMILY, vocab="abcx", example=("abx", ["b", "c", None]))
def fixed_bigram_next() -> SOp:
    """What follows in a table: `fixed_bigram_next("abx") -> ["b", "c", None]`."""
    return tokens.map(SUCCESSOR.get)


@program(family=FAMILY, vocab="abcx", example=("abab", [None, "c", None, "c"]))
def fixed_trigram_next() -> SOp:
    """What follows the last two tokens in a table.

    `fixed_trigram_next("abab") -> [None, "c", None, "c"]`
    """
    return (previous() + tokens).named("bigram").map({"ab": "c"}.get)


@program(family=FAMILY, vocab="abcx", example=("axxb", [None, None, None, "c"]))
def skip_trigram() -> SOp:
    """A "c" at each b with an a anywhere before it.

    `skip_trigram("axxb") -> [None, None, None, "c"]`
    """
    earlier = Aggregate(Select(tokens, "a", EQ) & prefix(strict=True), tokens)
    seen = earlier.named("earlier_a").doc("the a before, None without one")
    return where((tokens == "b") & (seen == "a"), "c", None)


@program(
    family=FAMILY, vocab="abc", example=("abacab", [None, None, "b", None, "b", "a"])
)
def in_context_bigram_mode(vocab: Sequence[Any]) -> SOp:
    """The most frequent successor of this token so far, ties to the one seen first.

    `in_context_bigram_mode("abacab") -> [None, None, "b", None, "b", "a"]`
    """
    follows = Select(previous(), tokens, EQ) & prefix()
    times = [
        count(follows & Select(tokens, token, EQ))
        .named(f"successors_{number}")
        .doc(f"times {token!r} followed")
        for number, token in enumerate(vocab)
    ]

    def most_frequent(*counts: int) -> tuple:
        best = max(1, *counts)
        return tuple(t for t, c in zip(vocab, counts, strict=True) if c == best)

    favourites = Elementwise(most_frequent, tuple(times)).named("favourites")
    is_favourite = Select(tokens, favourites, lambda key, query: key in query)
    return first(follows & is_favourite, tokens)


def counts_up(sequence: Sequence[Any]) -> bool:
    """Return whether the tokens begin "> a b a a+1 .. b", with a <= b."""
    if list(sequence[:1]) != [OPEN] or OPEN in sequence[1:]:
        return False
    numbers = [int(token) for token in sequence[1:]]
    low, high, steps = numbers[:1], numbers[1:2], numbers[2:]
    if not high:
        return True
    up = takewhile(lambda value: value <= high[0], range(low[0], low[0] + len(steps)))
    return low[0] <= high[0] and steps == list(up)


@program(
    family=FAMILY,
    vocab=(OPEN, "1", "2", "3", "4", "5"),
    example=((OPEN, *"252345"), (None, None, *"2345", CLOSE)),
    accepts=counts_up,
)
def counting_sequence_next() -> SOp:
    """The next token of a count from a to b after "> a b"; "<" after b.

    `counting_sequence_next(">2323") -> [None, None, "2", "3", "<"]`
    """
    start = Aggregate(Select(indices, 1, EQ), tokens).named("start")
    end = Aggregate(Select(indices, 2, EQ), tokens).named("end")

    def following(index: int, token: Any, low: Any, high: Any) -> Any:
        if index < 2 or OPEN in (token, low, high):
            return None
        if index == 2:
            return low
        return CLOSE if token == high else str(int(token) + 1)

    return Elementwise(following, (indices, tokens, start, end))
