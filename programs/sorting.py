"""Programs that rank tokens and move them to the place their rank gives.

Two mechanisms. `stable_rank` counts what comes before a token, ties in input
order, and the answer moves tokens there. Without ties to break it is enough to
count how many tokens reach a value: position i of the sorted sequence holds the
smallest value that more than i tokens do not exceed.
"""

from __future__ import annotations

from compiler.rasp import (
    EQ,
    GEQ,
    GT,
    LEQ,
    LT,
    Aggregate,
    Select,
    SOp,
    count,
    indices,
    prefix,
    program,
    tokens,
)

FAMILY = "sorting/ordering"


def stable_rank(key: SOp, *, descending: bool = False) -> SOp:
    """Return how many positions come before this one in the order of `key`."""
    earlier_tie = Select(key, key, EQ) & prefix(strict=True)
    return count(Select(key, key, GT if descending else LT) | earlier_tie)


def placed(value: SOp, target: SOp) -> SOp:
    """Return `value` with each position's item moved to position `target`."""
    return Aggregate(Select(target, indices, EQ), value)


@program(
    family=FAMILY,
    vocab=range(1, 7),
    max_len=6,
    example=([2, 4, 3, 1], [1, 2, 3, 4]),
    accepts=lambda sequence: len(set(sequence)) == len(sequence),
)
def sort_unique() -> SOp:
    """Distinct tokens, ascending: `sort_unique([2, 4, 3, 1]) -> [1, 2, 3, 4]`."""
    target = count(Select(tokens, tokens, LT)).named("target_index")
    return placed(tokens, target.doc("how many tokens are smaller"))


@program(family=FAMILY, vocab=range(1, 5), example=([2, 4, 1, 2], [1, 2, 2, 4]))
def sort() -> SOp:
    """The tokens in ascending order: `sort([2, 4, 1, 2]) -> [1, 2, 2, 4]`."""
    target = stable_rank(tokens).named("target_index")
    return placed(tokens, target.doc("how many tokens go before this one"))


@program(family=FAMILY, vocab=range(1, 5), example=([2, 4, 1, 2], [4, 2, 2, 1]))
def sort_descending() -> SOp:
    """The tokens in descending order: `sort_descending([2, 4, 1, 2]) -> [4, 2, 2, 1]`.

    Position i holds the greatest value that more than i tokens reach.
    """
    reached = count(Select(tokens, tokens, GEQ)).named("reached_by")
    reached = reached.doc("how many tokens are at least this one")
    return Aggregate(Select(reached, indices, GT), tokens, rule="max")


@program(family=FAMILY, vocab="abcd", example=("abcd", "dcba"))
def sort_by_key() -> SOp:
    """The tokens by a key, here 1 - position: `sort_by_key("abcd") -> "dcba"`."""
    key = (1 - indices).named("sort_key")
    target = count(Select(key, key, LT)).named("target_index")
    return placed(tokens, target.doc("how many keys are smaller"))


@program(family=FAMILY, vocab=range(1, 5), example=([2, 4, 2, 1], [2, 2, 4, 1]))
def sort_by_frequency() -> SOp:
    """The most frequent tokens first, ties in input order.

    `sort_by_frequency([2, 4, 2, 1]) -> [2, 2, 4, 1]`
    """
    frequency = count(Select(tokens, tokens, EQ)).named("frequency")
    target = stable_rank(frequency, descending=True).named("target_index")
    return placed(tokens, target.doc("how many tokens go before this one"))


@program(
    family=FAMILY,
    vocab=("a", "d", "bb", "ccc"),
    example=(["ccc", "a", "bb", "d"], ["a", "d", "bb", "ccc"]),
)
def sort_by_length() -> SOp:
    """The shortest words first, ties in input order.

    `sort_by_length(["ccc", "a", "bb", "d"]) -> ["a", "d", "bb", "ccc"]`
    """
    size = tokens.map(len).named("word_length")
    target = stable_rank(size).named("target_index")
    return placed(tokens, target.doc("how many words go before this one"))


@program(family=FAMILY, vocab=(10, 20, 30, 40), example=([30, 10, 20], [1, 2, 0]))
def argsort() -> SOp:
    """The position of the i-th smallest token: `argsort([30, 10, 20]) -> [1, 2, 0]`."""
    target = stable_rank(tokens).named("target_index")
    return placed(indices, target.doc("how many tokens go before this one"))


@program(family=FAMILY, vocab=range(1, 5), example=([4, 1, 3, 2], [3, 0, 2, 1]))
def count_less_than() -> SOp:
    """How many tokens are smaller: `count_less_than([4, 1, 3, 2]) -> [3, 0, 2, 1]`."""
    return count(Select(tokens, tokens, LT))


@program(family=FAMILY, vocab=range(1, 5), example=([1, 3, 2, 4], [3, 1, 2, 0]))
def count_greater_than() -> SOp:
    """How many tokens are greater.

    `count_greater_than([1, 3, 2, 4]) -> [3, 1, 2, 0]`
    """
    return count(Select(tokens, tokens, GT))


@program(family=FAMILY, vocab=range(1, 5), example=([2, 3, 1], [2, 3, 1]))
def rank() -> SOp:
    """The place in ascending order, from 1, ties sharing the lowest.

    `rank([2, 3, 1]) -> [2, 3, 1]`
    """
    return count(Select(tokens, tokens, LT)).named("smaller") + 1


@program(
    family=FAMILY, vocab=(10, 20, 30, 40), example=([10, 30, 10, 20], [1, 3, 1, 2])
)
def dense_rank() -> SOp:
    """The place among the distinct values, from 1.

    `dense_rank([10, 30, 10, 20]) -> [1, 3, 1, 2]`
    """
    repeats = count(Select(tokens, tokens, EQ) & prefix(strict=True))
    is_first = (repeats == 0).named("is_first").doc("the value's first occurrence")
    smaller = count(Select(tokens, tokens, LT) & Select(is_first, True, EQ))
    return smaller.named("smaller_values") + 1


@program(family=FAMILY, vocab=(2, 3, 5, 8), example=([3, 8, 2, 5], [5, 5, 5, 5]))
def second_maximum() -> SOp:
    """The second largest token, counting multiplicity; None for one token.

    `second_maximum([3, 8, 2, 5]) -> [5, 5, 5, 5]`
    """
    above = stable_rank(tokens, descending=True).named("descending_rank")
    return Aggregate(Select(above, 1, EQ), tokens)


@program(family=FAMILY, vocab=(10, 20, 30, 40), example=([30, 10, 20], [20, 20, 20]))
def kth_smallest(k: int = 1) -> SOp:
    """The token of rank k (from 0) in ascending order; None if there is none.

    `kth_smallest([30, 10, 20]) -> [20, 20, 20]` with k = 1: it is the smallest
    value that more than k tokens do not exceed.
    """
    covered = count(Select(tokens, tokens, LEQ)).named("covers")
    covered = covered.doc("how many tokens are at most this one")
    return Aggregate(Select(covered, k, GT), tokens, rule="min")
