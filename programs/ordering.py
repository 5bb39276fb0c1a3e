"""Programs on which values are large and small, and whether the order ascends."""

from __future__ import annotations

from compiler.rasp import (
    EQ,
    GT,
    TRUE,
    Aggregate,
    Elementwise,
    Select,
    Selector,
    SOp,
    count,
    first,
    indices,
    length,
    prefix,
    program,
    shift,
    tokens,
    where,
)

FAMILY = "sorting/ordering"


def window(width: int) -> Selector:
    """Return the selector of the query's position and the `width` - 1 before it."""
    return Select(indices, indices, lambda key, query: 0 <= query - key < width)


def all_of(condition: SOp) -> SOp:
    """Return, at every position, whether `condition` holds at all of them."""
    return Aggregate(TRUE, condition, rule="min")


@program(family=FAMILY, vocab=(2, 3, 5, 8), example=([3, 8, 2], [8, 8, 8]))
def maximum() -> SOp:
    """The greatest token, everywhere: `maximum([3, 8, 2]) -> [8, 8, 8]`."""
    return Aggregate(TRUE, tokens, rule="max")


@program(family=FAMILY, vocab=(2, 3, 5, 7), example=([5, 3, 2, 5, 2], [2] * 5))
def minimum() -> SOp:
    """The smallest token, everywhere: `minimum([5, 3, 2]) -> [2, 2, 2]`."""
    return Aggregate(TRUE, tokens, rule="min")


@program(family=FAMILY, vocab=(2, 3, 5, 7), example=([2, 5, 3, 7], [2, 5, 5, 7]))
def running_maximum() -> SOp:
    """The greatest token so far: `running_maximum([2, 5, 3, 7]) -> [2, 5, 5, 7]`."""
    return Aggregate(prefix(), tokens, rule="max")


@program(family=FAMILY, vocab=(3, 4, 5, 7), example=([5, 7, 3, 4], [5, 5, 3, 3]))
def running_minimum() -> SOp:
    """The smallest token so far: `running_minimum([5, 7, 3, 4]) -> [5, 5, 3, 3]`."""
    return Aggregate(prefix(), tokens, rule="min")


@program(family=FAMILY, vocab=(-5, -2, 2, 3), example=([2, -5, 3], [2, 5, 5]))
def running_abs_maximum() -> SOp:
    """The greatest |token| so far: `running_abs_maximum([2, -5, 3]) -> [2, 5, 5]`."""
    return Aggregate(prefix(), abs(tokens).named("magnitude"), rule="max")


@program(family=FAMILY, vocab=(-5, -3, 3, 4), example=([4, -5, 3], [4, 4, 3]))
def running_abs_minimum() -> SOp:
    """The smallest |token| so far: `running_abs_minimum([4, -5, 3]) -> [4, 4, 3]`."""
    return Aggregate(prefix(), abs(tokens).named("magnitude"), rule="min")


@program(family=FAMILY, vocab=(2, 3, 5, 8), example=([3, 8, 2, 8], [1, 1, 1, 1]))
def argmax() -> SOp:
    """The first position of the maximum: `argmax([3, 8, 2, 8]) -> [1, 1, 1, 1]`."""
    top = Aggregate(TRUE, tokens, rule="max").named("greatest")
    return first(Select(tokens, top, EQ), indices)


@program(family=FAMILY, vocab=(2, 3, 5, 8), example=([3, 2, 8, 2], [1, 1, 1, 1]))
def argmin() -> SOp:
    """The first position of the minimum: `argmin([3, 2, 8, 2]) -> [1, 1, 1, 1]`."""
    bottom = Aggregate(TRUE, tokens, rule="min").named("smallest")
    return first(Select(tokens, bottom, EQ), indices)


@program(family=FAMILY, vocab=range(1, 5), example=([1, 3, 4, 2, 4], [4, 3, 1, 2, 1]))
def swap_min_max() -> SOp:
    """Every maximum becomes the minimum, and the reverse.

    `swap_min_max([1, 3, 4, 2, 4]) -> [4, 3, 1, 2, 1]`
    """
    top = Aggregate(TRUE, tokens, rule="max").named("greatest")
    bottom = Aggregate(TRUE, tokens, rule="min").named("smallest")

    def swapped(token: int, low: int, high: int) -> int:
        return {high: low, low: high}.get(token, token)

    return Elementwise(swapped, (tokens, bottom, top))


@program(family=FAMILY, vocab=(1, 2, 3, 5), example=([1, 3, 3, 5], [True] * 4))
def is_sorted_ascending() -> SOp:
    """Whether no token is below the one before it.

    `is_sorted_ascending([1, 3, 3, 5]) -> [True, True, True, True]`
    """
    in_order = ~(tokens < shift(tokens).named("previous"))
    return all_of(in_order.named("in_order"))


@program(family=FAMILY, vocab=range(1, 5), example=([4, 3, 2, 1], [True] * 4))
def is_sorted_descending() -> SOp:
    """Whether no token is above the one before it.

    `is_sorted_descending([4, 3, 2, 1]) -> [True, True, True, True]`
    """
    in_order = ~(tokens > shift(tokens).named("previous"))
    return all_of(in_order.named("in_order"))


@program(family=FAMILY, vocab=range(1, 5), example=([1, 2, 3], [3, 2, 1]))
def reverse_if_sorted() -> SOp:
    """Ascending tokens reversed, others as they are.

    `reverse_if_sorted([1, 2, 3]) -> [3, 2, 1]`
    """
    in_order = ~(tokens < shift(tokens).named("previous"))
    ascends = all_of(in_order.named("in_order")).named("ascends")
    source = where(ascends, length - 1 - indices, indices).named("source_index")
    return Aggregate(Select(indices, source, EQ), tokens)


@program(
    family=FAMILY,
    vocab=(3, 4, 5, 6, 8),
    max_len=7,
    example=([8, 6, 3, 5, 5, 4], [8, 8, 6, 5, 5, 5]),
)
def max_with_previous() -> SOp:
    """The greater of the token and the one before it.

    `max_with_previous([8, 6, 3, 5, 5, 4]) -> [8, 8, 6, 5, 5, 5]`
    """
    previous = shift(tokens).named("previous")
    return where(tokens < previous, previous, tokens)


@program(family=FAMILY, vocab=(3, 5, 6, 8), example=([8, 6, 3, 5], [8, 6, 3, 3]))
def min_with_previous() -> SOp:
    """The smaller of the token and the one before it.

    `min_with_previous([8, 6, 3, 5]) -> [8, 6, 3, 3]`
    """
    previous = shift(tokens).named("previous")
    return where(tokens > previous, previous, tokens)


@program(
    family=FAMILY,
    vocab=(0, 1, 2, 3, 5),
    max_len=7,
    example=([1, 5, 2, 0, 3], [1, 5, 5, 5, 3]),
)
def rolling_max(w: int = 3) -> SOp:
    """The greatest of the last w tokens: `rolling_max([1, 5, 2, 0]) -> [1, 5, 5, 5]`.

    One head: it sees the last w = 3 positions and prefers greater tokens.
    """
    return Aggregate(window(w), tokens, rule="max")


@program(family=FAMILY, vocab=range(1, 5), example=([1, 3, 2, 4], [1, 3, 0, 4]))
def zero_if_less_than_previous() -> SOp:
    """The tokens, 0 in place of those smaller than the one before.

    `zero_if_less_than_previous([1, 3, 2, 4]) -> [1, 3, 0, 4]`
    """
    return where(tokens < shift(tokens).named("previous"), 0, tokens)


@program(
    family=FAMILY, vocab=(2, 3, 5, 7), example=([2, 5, 3, 7], [True, True, False, True])
)
def is_new_maximum() -> SOp:
    """Whether the token exceeds all before it.

    `is_new_maximum([2, 5, 3, 7]) -> [True, True, False, True]`
    """
    best = Aggregate(prefix(strict=True), tokens, rule="max").named("best_before")
    return ~(tokens <= best)


@program(
    family=FAMILY,
    vocab=(10, 20, 30, 40),
    example=([30, 10, 20, 10], [None, 20, 30, 20]),
)
def next_larger_value() -> SOp:
    """The smallest greater value anywhere; None for the maximum.

    `next_larger_value([30, 10, 20, 10]) -> [None, 20, 30, 20]`
    """
    return Aggregate(Select(tokens, tokens, GT), tokens, rule="min")


@program(family=FAMILY, vocab=range(1, 5), example=([2, 1, 3, 2], [3, 3, None, None]))
def next_greater_element() -> SOp:
    """The first later token that is greater; None if there is none.

    `next_greater_element([2, 1, 3, 2]) -> [3, 3, None, None]`
    """
    return first(Select(tokens, tokens, GT) & Select(indices, indices, GT), tokens)


@program(family=FAMILY, vocab=range(1, 5), example=([3, 1, 2], [0, 1, 1]))
def inversions_before() -> SOp:
    """How many earlier tokens are greater: `inversions_before([3, 1, 2]) -> [0, 1, 1]`.

    The sum over all positions is the number of swaps that bubble sort makes.
    """
    return count(Select(tokens, tokens, GT) & prefix(strict=True))
