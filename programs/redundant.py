"""Programs whose output can be computed in several ways, so that several circuits do.

What a second copy means depends on what stands in a patched place. Under interchange
any one of three copies may carry another input's value, and the other two outvote it.
The functions of the copies are different objects, so the compiler keeps the copies.

Where the result is a weighed sum of evidence, what decides depends on the ablation: a
part of less weight loses against the other one's value, and wins where the other one
is knocked out by zero or by its mean.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from compiler.rasp import (
    Aggregate,
    Elementwise,
    Select,
    SelectorWidth,
    SOp,
    indices,
    length,
    program,
    tokens,
    weigh,
)
from compiler.rasp.values import Value

FAMILY = "redundant"


def majority(*values: Value) -> Value:
    """Return what most of the values are; the first of them where none is."""
    value, times = Counter(values).most_common(1)[0]
    return value if 2 * times > len(values) else values[0]


def vote(make: Callable[[], SOp], name: str, copies: int = 3) -> SOp:
    """Return what most of several copies of a sequence say.

    Args:
        make: returns a copy; predicates and functions are to be made anew each time.
        name: of the copies, which get `_1`, `_2` and so on behind it.
        copies: how many there are.
    """
    every = [make().named(f"{name}_{n + 1}") for n in range(copies)]
    return Elementwise(majority, tuple(every))


def _is_there(token: Value) -> SOp:
    found = SelectorWidth(Select(tokens, token, lambda key, wanted: key == wanted))
    return Elementwise(lambda n: n > 0, (found,))


@program(family=FAMILY, vocab="abc", max_len=6, example=("abca", "acba"))
def reverse_by_vote() -> SOp:
    """The reversed tokens, computed three times; most copies decide.

    `reverse_by_vote("abc") -> "cba"`.
    """

    def copy() -> SOp:
        end = Select(indices, length - 1 - indices, lambda key, query: key == query)
        return Aggregate(end, tokens, rule="unique")

    return vote(copy, "copy")


@program(family=FAMILY, vocab="abc", max_len=6, example=("abca", [2, 1, 1, 2]))
def histogram_by_vote() -> SOp:
    """How often each token occurs, counted three times.

    `histogram_by_vote("abca") -> [2, 1, 1, 2]`.
    """

    def copy() -> SOp:
        return SelectorWidth(Select(tokens, tokens, lambda key, query: key == query))

    return vote(copy, "count")


@program(family=FAMILY, vocab="abcd", max_len=6, example=("dda", [True] * 3))
def contains_a_or_b() -> SOp:
    """Whether there is an "a" or a "b"; either of two variables is enough.

    `contains_a_or_b("dda") -> [True] * 3`.
    """
    return _is_there("a").named("has_a") | _is_there("b").named("has_b")


@program(family=FAMILY, vocab="abcd", max_len=6, example=("dda", [False] * 3))
def contains_a_and_b() -> SOp:
    """Whether there are an "a" and a "b"; both of two variables are needed.

    `contains_a_and_b("dda") -> [False] * 3`.
    """
    return _is_there("a").named("has_a") & _is_there("b").named("has_b")


def _first() -> SOp:
    start = Select(indices, 0, lambda key, query: key == query)
    return Aggregate(start, tokens, rule="unique")


def _greatest() -> SOp:
    everything = Select(tokens, tokens, lambda key, query: True)
    return Aggregate(everything, tokens, rule="max")


@program(family=FAMILY, vocab="abc", max_len=6, example=("bca", "bbb"))
def first_with_backup() -> SOp:
    """The first token, found by its index; a second head decides without the first.

    `first_with_backup("bca") -> "bbb"`.
    """
    everything = Select(tokens, tokens, lambda key, query: True)
    backup = Aggregate(everything, tokens, rule="first")
    return weigh((_first().named("main"), backup.named("backup")), (5, 4))


@program(family=FAMILY, vocab="abc", max_len=6, example=("bca", "ccc"))
def maximum_with_backup() -> SOp:
    """The greatest token, found twice; the second head decides without the first.

    `maximum_with_backup("bca") -> "ccc"`.
    """
    return weigh((_greatest().named("main"), _greatest().named("backup")), (5, 4))


@program(family=FAMILY, vocab="abc", max_len=6, example=("bca", "bbb"))
def first_by_evidence() -> SOp:
    """The first token, for which three heads add up their evidence.

    `first_by_evidence("bca") -> "bbb"`.
    """
    return weigh([_first().named(f"part_{n}") for n in (1, 2, 3)], (4, 3, 2))


@program(family=FAMILY, vocab="abc", max_len=6, example=("bca", "ccc"))
def maximum_by_evidence() -> SOp:
    """The greatest token, for which three heads add up their evidence.

    `maximum_by_evidence("bca") -> "ccc"`.
    """
    return weigh([_greatest().named(f"part_{n}") for n in (1, 2, 3)], (4, 3, 2))


@program(family=FAMILY, vocab="abc", max_len=6, example=("bca", "bbb"))
def first_against_doubt() -> SOp:
    """The first token, which a second head speaks against and is overruled.

    `first_against_doubt("bca") -> "bbb"`.
    """
    return weigh((_first().named("main"), _first().named("doubt")), (2, -1))


@program(family=FAMILY, vocab="abc", max_len=6, example=("bca", "ccc"))
def maximum_against_doubt() -> SOp:
    """The greatest token, which a second head speaks against and is overruled.

    `maximum_against_doubt("bca") -> "ccc"`.
    """
    return weigh((_greatest().named("main"), _greatest().named("doubt")), (2, -1))
