"""Idioms that every RASP programmer writes again, written once.

Each is a function of expressions; each could be written by hand in two lines.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from compiler.rasp import operators as op
from compiler.rasp.expr import (
    EQ,
    LEQ,
    LT,
    TRUE,
    Aggregate,
    Elementwise,
    Select,
    Selector,
    SelectorWidth,
    SOp,
    as_sop,
    indices,
)
from compiler.rasp.values import Value

State = TypeVar("State")

select_all: Selector = TRUE
"""Selects every position."""


def prefix(*, strict: bool = False) -> Selector:
    """Return the selector of the positions up to the query's (`strict`: before it)."""
    return Select(indices, indices, LT if strict else LEQ)


def where(condition: SOp, yes: object, no: object) -> SOp:
    """Return `yes` where `condition` holds, else `no`: an if-else by position."""
    return Elementwise(op.choose, (condition, as_sop(yes), as_sop(no)))


def is_none(sop: SOp) -> SOp:
    """Return where `sop` is None, i.e. where nothing was selected."""
    return Elementwise(op.none_test, (sop,))


def minimum(first: object, second: object) -> SOp:
    """Return the smaller of two sequences at each position."""
    return Elementwise(op.smaller, (as_sop(first), as_sop(second)))


def maximum(first: object, second: object) -> SOp:
    """Return the larger of two sequences at each position."""
    return Elementwise(op.larger, (as_sop(first), as_sop(second)))


def mean(selector: Selector, value: object, default: Value = None) -> SOp:
    """Return the exact mean of the selected values (booleans count 0 and 1)."""
    return Aggregate(selector, as_sop(value), default, "mean")


def count(selector: Selector) -> SOp:
    """Return how many positions are selected."""
    return SelectorWidth(selector)


def any_of(selector: Selector) -> SOp:
    """Return whether any position is selected."""
    return SelectorWidth(selector) > 0


def total(selector: Selector, value: object) -> SOp:
    """Return the exact sum of the selected values; 0 where nothing is selected."""
    return Elementwise(op.multiply, (mean(selector, value, 0), SelectorWidth(selector)))


def prefix_sum(value: object, *, strict: bool = False) -> SOp:
    """Return the running sum of `value`: `prefix_sum([1, 0, 2]) -> [1, 1, 3]`."""
    return total(prefix(strict=strict), value)


def shift(value: SOp, by: int = 1, default: Value = None) -> SOp:
    """Return `value` moved right by `by` positions (left if negative).

    shift("abc", 1) -> [None, "a", "b"]
    """

    def apart(key: Value, query: Value) -> bool:
        return key + by == query

    return Aggregate(Select(indices, indices, apart), value, default)


def compact(value: SOp, keep: SOp, fill: Value = None) -> SOp:
    """Return the values where `keep` holds, packed to the left, then `fill`.

    compact("a1b2", is_letter, "_") -> "ab__"
    """
    rank = SelectorWidth(prefix() & Select(keep, True, EQ)) - 1
    place = where(keep, rank, None).named("packed_place")
    return Aggregate(Select(place, indices, EQ), value, fill)


def scan(
    value: SOp, combine: Callable[[Any, Any], Value], max_len: int, name: str = "last"
) -> SOp:
    """Return all values up to each position, combined: a sum for `add`.

    After a round, each position has the combination of twice as many values as before
    (Hillis & Steele 1986), so that there are log2(max_len) rounds of one head each.

    Args:
        value: what is combined.
        combine: an associative function of (earlier, later) that need not commute.
            No value may be None.
        max_len: the greatest number of tokens.
        name: what the names of its variables begin with.
    """

    def combined(earlier: Value, later: Value) -> Value:
        return later if earlier is None else combine(earlier, later)

    reach = 1
    while reach < max_len:
        earlier = shift(value, reach).named(f"{name}_{reach}_before")
        value = Elementwise(combined, (earlier, value)).named(f"{name}_{2 * reach}")
        reach *= 2
    return value


def recurrence(
    value: SOp, step: Callable[[Any, Any], Value], start: Value, max_len: int
) -> SOp:
    """Return the state after each position: `step(state before, value)`, from `start`.

    Unrolled: a round a position, each with a head that reads the state before. Where
    the steps can be combined with each other, `scan` takes fewer rounds.

    Args:
        value: what is read at each position.
        step: a function of (state, value) to the next state, which is not None.
        start: the state before the first position.
        max_len: the greatest number of tokens.
    """

    def stepped(before: Value, here: Value) -> Value:
        return step(start if before is None else before, here)

    state = Elementwise(lambda here: step(start, here), (value,)).named("state_1")
    for number in range(2, max_len + 1):
        before = shift(state).named(f"before_{number}")
        state = Elementwise(stepped, (before, value)).named(f"state_{number}")
    return state


def first(selector: Selector, value: SOp, default: Value = None) -> SOp:
    """Return the value at the first selected position."""
    return Aggregate(selector, value, default, "first")


def last(selector: Selector, value: SOp, default: Value = None) -> SOp:
    """Return the value at the last selected position."""
    return Aggregate(selector, value, default, "last")


def repeat(times: int, state: State, step: Callable[[State, int], State]) -> State:
    """Return `state` after `times` steps: a bounded loop, unrolled.

    Args:
        times: how many steps; known when the program is built.
        state: any expression, or a tuple of them.
        step: a function of (state, number of the step) to the next state.
    """
    for number in range(times):
        state = step(state, number)
    return state
