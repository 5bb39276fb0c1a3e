"""Programs in which a property of the input decides how the output is computed.

The variable `route` is that property, and divides the inputs into classes. Each class
uses edges that the other does not use, and both use the edges that lead to `route`.
"""

from __future__ import annotations

from compiler.rasp import (
    EQ,
    Aggregate,
    Select,
    SelectorWidth,
    SOp,
    indices,
    length,
    program,
    tokens,
    where,
)
from programs.histogram import frequency

FAMILY = "routed"
ROUTE = "route"


def _reversed() -> SOp:
    opposite = (length - 1 - indices).named("opposite_index")
    return Aggregate(Select(indices, opposite, EQ), tokens).named("reversed")


@program(family=FAMILY, vocab="abc", max_len=6, classes=ROUTE, example=("abcb", "babc"))
def shift_or_reverse_by_parity() -> SOp:
    """The tokens shifted if their number is even, else reversed.

    `shift_or_reverse_by_parity("abc") -> "cba"`.
    """
    before = Aggregate(Select(indices, (indices - 1) % length, EQ), tokens)
    route = (length % 2 == 0).named(ROUTE)
    return where(route, before.named("before"), _reversed())


@program(family=FAMILY, vocab="abc", max_len=6, classes=ROUTE, example=("abca", "acba"))
def reverse_if_ends_agree() -> SOp:
    """The tokens reversed if the first is the last, else as they are.

    `reverse_if_ends_agree("abc") -> "abc"`.
    """
    first = Aggregate(Select(indices, 0, EQ), tokens).named("first")
    last = Aggregate(Select(indices, length - 1, EQ), tokens).named("last")
    route = (first == last).named(ROUTE)
    return where(route, _reversed(), tokens)


@program(
    family=FAMILY, vocab="abc", max_len=6, classes=ROUTE, example=("abca", [2, 1, 1, 2])
)
def count_or_index_by_presence() -> SOp:
    """How often a token occurs if there is a "b", else its index.

    `count_or_index_by_presence("cac") -> [0, 1, 2]`.
    """
    found = SelectorWidth(Select(tokens, "b", EQ))
    route = (found > 0).named(ROUTE)
    return where(route, frequency().named("frequency"), indices)
