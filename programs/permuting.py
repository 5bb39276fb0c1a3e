"""Programs that rearrange the sequence by a source index that knows the length."""

from __future__ import annotations

from collections.abc import Callable

from compiler.rasp import Elementwise, SOp, indices, length, program
from programs.shifting import FAMILY, token_at


def source_index(source: Callable[[int, int], int | None]) -> SOp:
    """Return `source`(position, length): where each position takes its token from."""
    return Elementwise(source, (indices, length)).named("source_index")


@program(family=FAMILY, vocab=(1, 2, 3, 4), example=((1, 2, 3, 4), (4, 2, 3, 1)))
def swap_first_last() -> SOp:
    """The two ends exchanged: `swap_first_last([1, 2, 3, 4]) -> [4, 2, 3, 1]`."""

    def source(i: int, n: int) -> int:
        return n - 1 - i if i in (0, n - 1) else i

    return token_at(source_index(source))


@program(
    family=FAMILY,
    vocab=(1, 2, 3, 4),
    example=((1, 2, 3, 4, 4, 3, 2), (4, 3, 2, 4, 1, 2, 3)),
)
def flip_halves() -> SOp:
    """The halves exchanged around a middle token: `flip_halves("abcde") -> "decab"`."""

    def source(i: int, n: int) -> int:
        first_of_last = n - n // 2
        if i < n // 2:
            return i + first_of_last
        return i - first_of_last if i >= first_of_last else i

    return token_at(source_index(source))


@program(family=FAMILY, vocab=(1, 2, 3, 4), example=((1, 2, 3, 4), (1, 2, 2, 1)))
def mirror_first_half() -> SOp:
    """The first half, then its mirror image: `mirror_first_half("abcd") -> "abba"`."""
    return token_at(source_index(lambda i, n: min(i, n - 1 - i)))


@program(
    family=FAMILY,
    vocab=range(1, 7),
    max_len=6,
    example=(range(1, 7), (1, 6, 3, 4, 5, 2)),
)
def interleave_reverse() -> SOp:
    """Odd positions in reverse order, even ones kept.

    interleave_reverse([1, 2, 3, 4, 5, 6]) -> [1, 6, 3, 4, 5, 2]
    """

    def source(i: int, n: int) -> int:
        return n - n % 2 - i if i % 2 else i

    return token_at(source_index(source))


@program(family=FAMILY, vocab="abcdef", max_len=6, example=("abcdef", "cbadef"))
def reverse_first_half() -> SOp:
    """The first n // 2 tokens reversed: `reverse_first_half("abcdef") -> "cbadef"`."""
    return token_at(source_index(lambda i, n: n // 2 - 1 - i if i < n // 2 else i))


@program(family=FAMILY, vocab="abcdef", max_len=6, example=("abcdef", "abcfed"))
def reverse_second_half() -> SOp:
    """The tokens from n // 2 reversed: `reverse_second_half("abcdef") -> "abcfed"`."""
    return token_at(source_index(lambda i, n: i if i < n // 2 else n - 1 - i + n // 2))


@program(
    family=FAMILY,
    vocab=(0, 1),
    max_len=12,
    example=((0, 0, 1, 1, 0, 1, 0, 1), (0, 1, 0, 0, 0, 1, 1, 1)),
)
def odds_first() -> SOp:
    """The 1st, 3rd, .. token, then the 2nd, 4th, ..: `odds_first("abcd") -> "acbd"`."""

    def source(i: int, n: int) -> int:
        odds = (n + 1) // 2
        return 2 * i if i < odds else 2 * (i - odds) + 1

    return token_at(source_index(source))


@program(
    family=FAMILY,
    vocab=range(1, 7),
    max_len=6,
    example=(range(1, 7), (1, 4, 2, 5, 3, 6)),
)
def perfect_shuffle() -> SOp:
    """The two halves interleaved: `perfect_shuffle("abcdef") -> "adbecf"`."""
    return token_at(source_index(lambda i, n: i // 2 + (i % 2) * ((n + 1) // 2)))


@program(family=FAMILY, vocab="abcdef", max_len=6, example=("abcdef", "abcabc"))
def copy_first_half() -> SOp:
    """The first half twice, and None if n is odd: `copy_first_half("abc") -> "aa-"`."""

    def source(i: int, n: int) -> int | None:
        half = n // 2
        return i % half if i < 2 * half else None

    return token_at(source_index(source))


@program(
    family=FAMILY,
    vocab=range(1, 7),
    max_len=6,
    example=(range(1, 7), (4, 4, 10, 10, 18, 18)),
)
def product_of_halves() -> SOp:
    """The products of the two halves, each twice; an odd middle is in both halves.

    product_of_halves([1, 2, 3, 4, 5, 6]) -> [4, 4, 10, 10, 18, 18]
    """
    left_index = (indices // 2).named("left_index")
    right_index = (left_index + length // 2).named("right_index")
    left = token_at(left_index).named("left_token")
    return left * token_at(right_index).named("right_token")
