"""Programs that push tokens to one end, or into the gaps beside them."""

from __future__ import annotations

from collections.abc import Sequence

from compiler.rasp import (
    EQ,
    GEQ,
    NEQ,
    Aggregate,
    Constant,
    Elementwise,
    Select,
    Selector,
    SelectorWidth,
    SOp,
    any_of,
    first,
    indices,
    last,
    length,
    prefix,
    program,
    tokens,
    where,
)
from compiler.rasp.values import Value
from programs.search import holding
from programs.shifting import FAMILY


def not_holding(token: Value) -> Selector:
    """Select the positions that do not hold one fixed token."""
    return Select(tokens, Constant(token), NEQ)


def padded_at_the_end(sequence: Sequence[Value]) -> bool:
    """Return whether no token follows a "_"."""
    kept = len(sequence) - list(sequence).count("_")
    return "_" not in sequence[:kept]


@program(
    family=FAMILY, vocab="xyz_", example=("xyz__", "--xyz"), accepts=padded_at_the_end
)
def right_align() -> SOp:
    """The tokens moved right over the padding: `right_align("xyz__") -> "--xyz"`."""
    padding = SelectorWidth(holding("_")).named("padding")
    source = (indices - padding).named("source_index")
    return Aggregate(Select(indices, source, EQ), tokens, "-")


@program(family=FAMILY, vocab="abc_", example=("_a__bc", "abc___"))
def left_align() -> SOp:
    """The tokens but "_", packed to the left: `left_align("_a__bc") -> "abc___"`."""
    before = SelectorWidth(not_holding("_") & prefix(strict=True)).named("kept_before")
    target = where(tokens == "_", None, before).named("target_index")
    return Aggregate(Select(target, indices, EQ), tokens, "_")


def has_one_plus(sequence: Sequence[Value]) -> bool:
    """Return whether "+" occurs exactly once."""
    return list(sequence).count("+") == 1


@program(
    family=FAMILY,
    vocab="xyzr+",
    max_len=7,
    example=("xyz+zyr", "0000xyz"),
    accepts=has_one_plus,
)
def split_first_right_aligned(sep: Value = "+") -> SOp:
    """What stands before `sep`, at the right end after zeros.

    split_first_right_aligned("xyz+zyr") -> "0000xyz"
    """
    separator = first(holding(sep), indices).named("separator_index")

    def source(i: int, n: int, middle: int | None) -> int | None:
        return None if middle is None else i - (n - middle)

    index = Elementwise(source, (indices, length, separator)).named("source_index")
    return Aggregate(Select(indices, index, EQ), tokens, "0")


@program(
    family=FAMILY,
    vocab="xyzr+",
    max_len=7,
    example=("xyz+zyr", "0000zyr"),
    accepts=has_one_plus,
)
def split_second_right_aligned(sep: Value = "+") -> SOp:
    """What stands after `sep`, with zeros up to there.

    split_second_right_aligned("xyz+zyr") -> "0000zyr"
    """
    after = any_of(holding(sep) & prefix(strict=True)).named("after_separator")
    return where(after, tokens, "0")


@program(family=FAMILY, vocab="xhl<", example=("xxxh<<<l", "xxxhllll"))
def slide_next_non_marker() -> SOp:
    """Each "<" as the next other token: `slide_next_non_marker("x<<l") -> "xlll"`."""
    return first(not_holding("<") & Select(indices, indices, GEQ), tokens)


@program(
    family=FAMILY, vocab="abc_", example=("_a__b_", (None, "a", "a", "a", "b", "b"))
)
def fill_forward() -> SOp:
    """Each "_" as the last token before it: `fill_forward("_a__b") -> "-aaab"`."""
    return last(not_holding("_") & prefix(), tokens)
