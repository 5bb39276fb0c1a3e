"""Programs that continue a sequence as it went on before: induction and recall."""

from __future__ import annotations

from collections.abc import Sequence

from compiler.rasp import (
    EQ,
    Aggregate,
    Select,
    Selector,
    SOp,
    first,
    indices,
    last,
    prefix,
    program,
    repeat,
    shift,
    tokens,
)
from compiler.rasp.values import Value
from programs.neighbours import previous_token
from programs.search import FAMILY, earlier_copies


def after_copies(previous: SOp) -> Selector:
    """Select the positions just after an earlier copy of the query's token.

    Args:
        previous: the token before each position.
    """
    return Select(previous, tokens, EQ) & prefix()


@program(family=FAMILY, vocab="abc", example=("abcab", (None, None, None, "b", "c")))
def induction() -> SOp:
    """What followed the token's latest copy: `induction("abcab") -> "---bc"`."""
    return last(after_copies(previous_token()), tokens)


@program(
    family=FAMILY, vocab="abcd", example=("abacad", (None, None, "b", None, "b", None))
)
def induction_first_match() -> SOp:
    """What followed the token's first copy, if that was earlier.

    induction_first_match("abacad") -> "--b-b-"
    """
    return first(after_copies(previous_token()), tokens)


@program(family=FAMILY, vocab="abc", example=("abcab", (None, None, None, None, "a")))
def anti_induction() -> SOp:
    """What preceded the token's latest copy: `anti_induction("abab") -> "---a"`."""
    return last(earlier_copies(), previous_token())


@program(
    family=FAMILY,
    vocab="abcx",
    example=("abcxabc", (None, None, None, None, None, "c", "x")),
)
def induction_bigram_match() -> SOp:
    """What followed the latest earlier copy of the current bigram.

    induction_bigram_match("abcxabc") -> "-----cx"
    """
    previous = previous_token()
    before_that = shift(tokens, 2).named("token_before_previous")
    return last(after_copies(previous) & Select(before_that, previous, EQ), tokens)


@program(
    family=FAMILY, vocab="abc", example=("abcabc", (None, None, None, None, None, "b"))
)
def k_hop_induction(k: int = 2) -> SOp:
    """The token at the end of `k` induction hops, None if one of them fails.

    k_hop_induction("abcabc") -> "-----b": c at 5 points after c at 2, to the a at 3,
    and that points after a at 0, to the b at 1.
    """
    after = after_copies(previous_token())
    pointer = last(after, indices).named("pointer").doc("where a hop leads")
    one_hop = last(after, tokens).named("token_after_1_hop")

    def hop(ahead: SOp, number: int) -> SOp:
        reached = Aggregate(Select(indices, pointer, EQ), ahead)
        return reached.named(f"token_after_{number + 2}_hops")

    return repeat(k - 1, one_hop, hop)


def alternates_keys_and_values(sequence: Sequence[Value]) -> bool:
    """Return whether letters (keys) stand at even positions, digits at odd ones."""
    return all(v.isdigit() == (i % 2 == 1) for i, v in enumerate(sequence))


@program(
    family=FAMILY,
    vocab="ab12",
    example=("a1b2a", (None, None, None, None, "1")),
    accepts=alternates_keys_and_values,
)
def associative_recall() -> SOp:
    """At a repeated key, the value that last followed it: "a1b2a" -> "----1".

    Keys are letters, values digits; at a value and at a new key the output is None.
    """

    def same_key(key: Value, query: Value) -> bool:
        return query.isalpha() and key == query

    return last(Select(previous_token(), tokens, same_key) & prefix(), tokens)


def stored_value(pair: tuple[Value, Value] | None) -> Value:
    """Return a pair's value; None for a query or no pair."""
    return None if pair is None or pair[1] == "?" else pair[1]


@program(
    family=FAMILY,
    vocab=(("a", 1), ("a", 2), ("b", 1), ("b", 2), ("a", "?"), ("b", "?")),
    max_len=6,
    example=((("a", 1), ("b", 2), ("a", "?")), (None, None, 1)),
)
def key_value_lookup() -> SOp:
    """At a query (key, "?"), the latest value of that key; None elsewhere.

    key_value_lookup([("a", 1), ("b", 2), ("a", "?")]) -> [None, None, 1]
    """

    def answers(key: Value, query: Value) -> bool:
        return query[1] == "?" and key[1] != "?" and key[0] == query[0]

    pair = last(Select(tokens, tokens, answers) & prefix(), tokens)
    return pair.named("latest_pair").map(stored_value)
