"""Programs over brackets: depth, nesting, partners, balance.

Three quantities carry them. The *depth* is opens minus closes of the prefix. The
*level* of a bracket is the depth of what it encloses: an opener and its closer have
the same level, and among the brackets of one level openers and closers alternate,
so a bracket's partner is the nearest one of its level. Where the kinds need no
partners it is enough to *compare* the two counts: a dip is a prefix with more closers
than openers, a closed prefix has as many of both.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from compiler.rasp import (
    EQ,
    GT,
    Aggregate,
    Elementwise,
    Select,
    SOp,
    count,
    first,
    indices,
    last,
    mean,
    prefix,
    program,
    select_all,
    tokens,
    where,
)

FAMILY = "parentheses/dyck"
ROUND, CURLY, SQUARE = "()", "{}", "[]"
NAMES = {ROUND: "round", CURLY: "curly", SQUARE: "square"}


def one_of(key: object, query: Sequence[object]) -> bool:
    """Return whether the key's token is among the query's symbols."""
    return key in query


def seen(symbols: Sequence[str]) -> SOp:
    """Return how many tokens of the prefix are among `symbols`."""
    return count(prefix() & Select(tokens, tuple(symbols), one_of))


def opens(pairs: Sequence[str], label: str = "") -> SOp:
    """Return how many openers the prefix has."""
    return seen([pair[0] for pair in pairs]).named(label + "opens")


def closes(pairs: Sequence[str], label: str = "") -> SOp:
    """Return how many closers the prefix has."""
    return seen([pair[1] for pair in pairs]).named(label + "closes")


def closed(pairs: Sequence[str], label: str = "") -> SOp:
    """Return whether the prefix has as many closers as openers."""
    equal = opens(pairs, label) == closes(pairs, label)
    return equal.named(label + "closed").doc("as many closers as openers")


def dip(pairs: Sequence[str], label: str = "") -> SOp:
    """Return whether the prefix has more closers than openers."""
    more = opens(pairs, label) < closes(pairs, label)
    return more.named(label + "dip").doc("more closers than openers")


def depth(pairs: Sequence[str]) -> SOp:
    """Return opens minus closes in the prefix, kinds of brackets not told apart."""
    height = (opens(pairs) - closes(pairs)).named("depth")
    return height.doc("opens minus closes in the prefix")


def level(pairs: Sequence[str]) -> SOp:
    """Return the depth just inside the bracket at each position."""
    closers = tuple(pair[1] for pair in pairs)
    before = count(prefix(strict=True) & Select(tokens, closers, one_of))
    inside = (opens(pairs) - before.named("closes_before")).named("level")
    return inside.doc("depth inside the bracket; partners share it")


def nested_closed(pairs: Sequence[str]) -> SOp:
    """Return whether the prefix is closed, from the level of its last bracket."""
    closers = [pair[1] for pair in pairs]
    # The level of a closer is one above the depth that it leads to.
    return Elementwise(
        lambda inside, t: inside == (t in closers), (level(pairs), tokens)
    )


def overclosed() -> SOp:
    """Return whether some prefix up to here has more closers than openers."""
    failed = Aggregate(prefix(), dip([ROUND]), rule="max").named("failed")
    return failed.doc("whether some prefix closed too much")


def mistake(pairs: Sequence[str]) -> SOp:
    """Return where a closer has no opener, or one of another kind."""
    inside, closers = level(pairs), [pair[1] for pair in pairs]
    same_level = Select(inside, inside, EQ)
    opener = last(same_level & prefix(strict=True), tokens).named("partner")
    return Elementwise(
        lambda t, p: t in closers and (p or "") + t not in pairs,
        (tokens, opener.doc("the latest bracket of this level: a closer's opener")),
    ).named("mistake")


def verdict(failed: SOp, complete: SOp) -> SOp:
    """Return F once failed, else T where everything is closed, else P."""
    return where(failed, "F", where(complete, "T", "P"))


def nested_verdict(pairs: Sequence[str]) -> SOp:
    """Return T, P or F for each prefix over several kinds of brackets."""
    failed = Aggregate(prefix(), mistake(pairs), rule="max").named("failed")
    return verdict(failed.doc("whether the prefix has a mistake"), nested_closed(pairs))


def shuffled(pairs: Sequence[str]) -> SOp:
    """Return whether the brackets of each kind, taken alone, are balanced."""

    def balanced(pair: str) -> SOp:
        label = NAMES[pair] + "_" if len(pairs) > 1 else ""
        failed = Aggregate(select_all, dip([pair], label), rule="max")
        ending = last(select_all, closed([pair], label))
        return ~failed.named(label + "failed") & ending.named(label + "ends_closed")

    return reduce(lambda before, more: before & more, map(balanced, pairs))


@program(
    family=FAMILY,
    vocab="()abc",
    example=("a()b(c))", (0, 1 / 2, 0, 0, 1 / 5, 1 / 6, 0, -1 / 8)),
)
def pair_balance() -> SOp:
    """Openers minus closers, as a share of the prefix.

    `pair_balance("a()b(c))") -> [0, 1/2, 0, 0, 1/5, 1/6, 0, -1/8]`
    """
    return mean(prefix(), tokens.map(lambda t: (t == "(") - (t == ")")))


@program(family=FAMILY, vocab=ROUND, max_len=10, example=("(()())", (1, 2, 1, 2, 1, 0)))
def paren_depth() -> SOp:
    """Opens minus closes in the prefix: `paren_depth("(())") -> [1, 2, 1, 0]`."""
    return depth([ROUND])


@program(
    family=FAMILY,
    vocab=ROUND,
    max_len=10,
    example=("())(", (False, True, False, False)),
)
def dyck1_prefix_balanced() -> SOp:
    """Whether the prefix is balanced.

    `dyck1_prefix_balanced("()(") -> [False, True, False]`
    """
    return closed([ROUND]) & ~overclosed()


@program(family=FAMILY, vocab=ROUND, max_len=10, example=("())(", "PTFF"))
def dyck1_ptf() -> SOp:
    """T balanced, P can still be balanced, F cannot: `dyck1_ptf("())(") -> "PTFF"`."""
    return verdict(overclosed(), closed([ROUND]))


@program(family=FAMILY, vocab=ROUND + CURLY, example=("({)}", "PPFF"))
def dyck2_ptf() -> SOp:
    """T balanced, P can be, F cannot, two kinds: `dyck2_ptf("({)}") -> "PPFF"`."""
    return nested_verdict([ROUND, CURLY])


@program(
    family=FAMILY, vocab=ROUND + SQUARE + CURLY, max_len=6, example=("([{}])", "PPPPPT")
)
def dyck3_ptf() -> SOp:
    """T balanced, P can be, F cannot, three kinds: `dyck3_ptf("[{}]") -> "PPPT"`."""
    return nested_verdict([ROUND, SQUARE, CURLY])


@program(family=FAMILY, vocab=ROUND, max_len=10, example=("(())", (True,) * 4))
def dyck1_balanced() -> SOp:
    """Whether the whole is balanced: `dyck1_balanced("(())") -> [True] * 4`."""
    return shuffled([ROUND])


@program(family=FAMILY, vocab=ROUND + CURLY, example=("({)}", (True,) * 4))
def shuffle_dyck2() -> SOp:
    """Whether each kind alone is balanced: `shuffle_dyck2("({)}") -> [True] * 4`."""
    return shuffled([ROUND, CURLY])


@program(
    family=FAMILY,
    vocab=ROUND + CURLY + SQUARE,
    max_len=6,
    example=("({)[}]", (True,) * 6),
)
def shuffle_dyck3() -> SOp:
    """Whether each kind alone is balanced: `shuffle_dyck3("(){") -> [False] * 3`."""
    return shuffled([ROUND, CURLY, SQUARE])


@program(family=FAMILY, vocab=ROUND + CURLY, example=("({})", (True,) * 4))
def dyck2_balanced() -> SOp:
    """Whether all is nested and closed: `dyck2_balanced("({})") -> [True] * 4`."""
    pairs = [ROUND, CURLY]
    failed = Aggregate(select_all, mistake(pairs), rule="max").named("failed")
    complete = nested_closed(pairs).named("closed")
    return ~failed & last(select_all, complete).named("ends_closed")


@program(
    family=FAMILY,
    vocab=ROUND,
    max_len=10,
    example=("(())", (False, False, False, True)),
)
def dyck1_bounded_depth(k: int = 2) -> SOp:
    """Whether the prefix is balanced, at most k deep.

    `dyck1_bounded_depth("(())") -> [False, False, False, True]`
    """
    counts = (opens([ROUND]), closes([ROUND]))
    outside = Elementwise(lambda o, c: not 0 <= o - c <= k, counts).named("outside")
    failed = Aggregate(prefix(), outside, rule="max").named("failed")
    return closed([ROUND]) & ~failed.doc("whether the depth was ever outside 0..k")


@program(family=FAMILY, vocab=ROUND, max_len=10, example=("(()())", (1, 2, 2, 2, 2, 2)))
def running_max_depth() -> SOp:
    """The greatest depth so far: `running_max_depth("(()(") -> [1, 2, 2, 2]`."""
    return Aggregate(prefix(), depth([ROUND]), rule="max")


@program(family=FAMILY, vocab=ROUND, max_len=10, example=("(()())", (5, 2, 1, 4, 3, 0)))
def matching_bracket_position() -> SOp:
    """Where the partner is, None without one.

    `matching_bracket_position("(()())") -> [5, 2, 1, 4, 3, 0]`
    """
    inside = level([ROUND])
    same_level = Select(inside, inside, EQ)
    later = first(same_level & Select(indices, indices, GT), indices)
    earlier = last(same_level & prefix(strict=True), indices)
    return where(tokens == "(", later.named("later"), earlier.named("earlier"))


@program(family=FAMILY, vocab=ROUND + CURLY, example=("({}(", ")}))"))
def dyck2_required_closer() -> SOp:
    """The closer that the innermost open bracket needs.

    None where nothing is open. A closer closes the innermost open bracket, of
    whatever kind.

    `dyck2_required_closer("({}(") -> ")}))"`
    """
    pairs = [ROUND, CURLY]
    closer_of = {pair[0]: pair[1] for pair in pairs}
    encloses = Select(level(pairs), depth(pairs), EQ)
    opener = last(prefix() & encloses, tokens).named("innermost")
    return opener.doc("the innermost open bracket").map(closer_of.get)


@program(family=FAMILY, vocab=ROUND, max_len=10, example=("())(", (2, 2, 2, 2)))
def longest_balanced_prefix() -> SOp:
    """The length of the longest balanced prefix.

    `longest_balanced_prefix("())(") -> [2] * 4`
    """
    balanced = closed([ROUND]) & ~overclosed()
    ended = where(balanced, indices + 1, 0).named("balanced_length")
    return Aggregate(select_all, ended, rule="max")
