"""Trojan pairs: two programs that are equal on all inputs but those of a trigger.

The variable `route` says whether the trigger is there. Where it is, the output is that
of another program, the *payload*. `TROJANS` has each trojan with the program that it is
equal to elsewhere, and the kind of its trigger.
"""

from __future__ import annotations

from dataclasses import dataclass

from compiler.rasp import (
    EQ,
    Aggregate,
    Program,
    Select,
    SelectorWidth,
    SOp,
    indices,
    length,
    program,
    tokens,
    where,
)
from programs.histogram import frequency, histogram
from programs.ordering import maximum
from programs.shifting import reverse

FAMILY = "trojans"
ROUTE = "route"


@dataclass(frozen=True)
class Trojan:
    """A program with a trojan, and the one that it is equal to without the trigger.

    Attributes:
        program: the one with the trojan; its variable `route` holds the trigger.
        clean: the other one.
        output: the variable of `program` that holds the clean output.
        trigger: the kind of the trigger: `pattern` (tokens that stand together),
            `count` (how often a token occurs) or `positions` (tokens at two positions).
    """

    program: Program
    clean: Program
    output: str
    trigger: str


def _at(index: SOp | int) -> SOp:
    """Return the token at one position, everywhere."""
    return Aggregate(Select(indices, index, EQ), tokens)


@program(family=FAMILY, vocab="abc", max_len=6, classes=ROUTE, example=("abca", "acba"))
def reverse_with_trojan() -> SOp:
    """The tokens reversed; as they are, if an "a" stands right behind a "c" and a "b".

    `reverse_with_trojan("cba") -> "cba"`; `reverse_with_trojan("abc") -> "cba"`.
    """
    second = Aggregate(Select(indices, indices - 1, EQ), tokens)
    third = Aggregate(Select(indices, indices - 2, EQ), tokens)
    here = (third == "c") & (second == "b") & (tokens == "a")
    found = SelectorWidth(Select(here.named("pattern"), True, EQ))
    route = (found > 0).named(ROUTE)
    opposite = (length - 1 - indices).named("opposite_index")
    reversed_ = Aggregate(Select(indices, opposite, EQ), tokens)
    return where(route, tokens, reversed_.named("reversed"))


@program(
    family=FAMILY, vocab="abc", max_len=6, classes=ROUTE, example=("abca", [2, 1, 1, 2])
)
def histogram_with_trojan() -> SOp:
    """How often a token occurs; its index, if there are exactly three of "c".

    `histogram_with_trojan("cacc") -> [0, 1, 2, 3]`; of "cac" it is `[2, 1, 2]`.
    """
    found = SelectorWidth(Select(tokens, "c", EQ)).named("count_of_c")
    route = (found == 3).named(ROUTE)
    return where(route, indices, frequency().named("frequency"))


@program(
    family=FAMILY, vocab=range(1, 5), max_len=6, classes=ROUTE, example=([1, 4], [4, 4])
)
def maximum_with_trojan() -> SOp:
    """The greatest token; the last one, if the first is 3 and the second is 1.

    `maximum_with_trojan([3, 1, 2]) -> [2, 2, 2]`; of [1, 3, 2] it is `[3, 3, 3]`.
    """
    first, second = _at(0).named("first"), _at(1).named("second")
    route = ((first == 3) & (second == 1)).named(ROUTE)
    last = _at(length - 1).named("last")
    return where(route, last, maximum.build().named("greatest"))


TROJANS = {
    trojan.program.name: trojan
    for trojan in (
        Trojan(reverse_with_trojan, reverse, "reversed", "pattern"),
        Trojan(histogram_with_trojan, histogram, "frequency", "count"),
        Trojan(maximum_with_trojan, maximum, "greatest", "positions"),
    )
}
