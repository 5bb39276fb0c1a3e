"""Programs that look for a fixed string, or for one string written twice."""

from __future__ import annotations

from collections.abc import Sequence

from compiler.rasp import (
    EQ,
    GT,
    Aggregate,
    Constant,
    Elementwise,
    Select,
    SOp,
    count,
    first,
    indices,
    last,
    program,
    select_all,
    shift,
    tokens,
)
from compiler.rasp.values import Value
from programs.search import FAMILY, anywhere, everywhere, holding

# A pattern is any sequence of tokens: a string stands for its letters.
Pattern = Sequence[Value]


def window(size: int) -> tuple[SOp, ...]:
    """Return the last `size` tokens, oldest first; None before the start."""
    older = [shift(tokens, k).named(f"token_{k}_back") for k in range(1, size)]
    return (*reversed(older), tokens)


def ends_here(pattern: Pattern) -> SOp:
    """Return whether the pattern ends at this position."""
    wanted = tuple(pattern)
    here = Elementwise(lambda *found: found == wanted, window(len(wanted)))
    return here.named("ends_here").doc("whether the pattern ends at this position")


@program(
    family=FAMILY,
    vocab="abc",
    example=("abcabc", (None, None, True, False, False, True)),
)
def detect_pattern(pattern: Pattern = "abc") -> SOp:
    """Whether `pattern` ends here, None where too little came before.

    detect_pattern("abcabc") -> [None, None, True, False, False, True]
    """
    wanted = tuple(pattern)

    def detect(*found: Value) -> bool | None:
        return None if found[0] is None else found == wanted

    return Elementwise(detect, window(len(wanted)))


@program(family=FAMILY, vocab="helo", example=("hello", (True,) * 5))
def starts_with(s: Pattern = "he") -> SOp:
    """Whether the sequence begins with `s`, everywhere: `starts_with("hel") -> TTT`."""
    wanted = tuple(s)
    read = tuple(
        Aggregate(Select(indices, Constant(k), EQ), tokens).named(f"token_{k}")
        for k in range(len(wanted))
    )
    return Elementwise(lambda *found: found == wanted, read)


@program(family=FAMILY, vocab="helo", example=("hello", (True,) * 5))
def ends_with(s: Pattern = "lo") -> SOp:
    """Whether the sequence ends with `s`, everywhere: `ends_with("lol") -> FFF`."""
    return last(select_all, ends_here(s))


@program(family=FAMILY, vocab="abxy", example=("xaby", (True,) * 4))
def contains_substring(s: Pattern = "ab") -> SOp:
    """Whether `s` occurs, everywhere: `contains_substring("xaby") -> TTTT`."""
    return anywhere(ends_here(s))


@program(family=FAMILY, vocab="abc", example=("ababa", (2,) * 5))
def count_substring(s: Pattern = "ab") -> SOp:
    """How often `s` occurs, overlaps too: `count_substring("ababa") -> [2, ...]`."""
    return count(Select(ends_here(s), Constant(True), EQ))


@program(
    family=FAMILY, vocab="abcx", example=("xaxbc", (False, False, False, True, True))
)
def contains_subsequence(s: Pattern = "ab") -> SOp:
    """Whether the letters of `s` came in order so far, with others between.

    contains_subsequence("xaxbc") -> FFFTT. Each letter is sought after the place of
    the one before it: an attention layer a letter.
    """
    place = first(holding(s[0]), indices).named("letter_0_index")
    for number, letter in enumerate(s[1:], start=1):
        later = holding(letter) & Select(indices, place, GT)
        place = first(later, indices).named(f"letter_{number}_index")
    return indices >= place


@program(family=FAMILY, vocab="ab#", max_len=9, example=("ab#ab", (True,) * 5))
def is_copy_language() -> SOp:
    """Whether the sequence is w#w, everywhere: `is_copy_language("ab#ab") -> TTTTT`.

    Each position looks up its counterpart in the other copy; "#" is its own.
    """
    separator = first(holding("#"), indices).named("separator_index")

    def counterpart(position: int, middle: int | None) -> int | None:
        if middle is None or position == middle:
            return middle
        if position < middle:
            return position + middle + 1
        other = position - middle - 1
        return other if other < middle else None

    other_index = Elementwise(counterpart, (indices, separator)).named("other_index")
    other = Aggregate(Select(indices, other_index, EQ), tokens).named("other_token")
    return everywhere((other == tokens).named("agrees"))
