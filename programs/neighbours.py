"""Programs that compare a token with the tokens next to it."""

from __future__ import annotations

from itertools import pairwise

from compiler.rasp import (
    Elementwise,
    SOp,
    first,
    last,
    program,
    select_all,
    shift,
    tokens,
)
from compiler.rasp.values import Value
from programs.search import FAMILY


def previous_token() -> SOp:
    """Return the token one position earlier; None at the first position."""
    return shift(tokens).named("previous_token")


def next_token() -> SOp:
    """Return the token one position later; None at the last position."""
    return shift(tokens, -1).named("next_token")


@program(
    family=FAMILY, vocab=(2, 3, 4), example=((3, 3, 4, 4), (False, True, False, True))
)
def equals_k_before(k: int = 1) -> SOp:
    """Whether the token is the one `k` before: `equals_k_before("aabb") -> FTFT`."""
    return shift(tokens, k).named("token_k_before") == tokens


@program(
    family=FAMILY, vocab=(2, 3, 4, 5), example=((3, 2, 2, 5, 4, 3), (3, 1, 2, 5, 4, 1))
)
def one_if_equal_to_next() -> SOp:
    """The token, or 1 if the next one is the same; the first comes after the last.

    one_if_equal_to_next([3, 2, 2, 5, 4, 3]) -> [3, 1, 2, 5, 4, 1]
    """
    first_token = first(select_all, tokens).named("first_token")

    def replace(token: Value, after: Value, start: Value) -> Value:
        return 1 if token == (start if after is None else after) else token

    return Elementwise(replace, (tokens, next_token(), first_token))


@program(family=FAMILY, vocab="abc", example=("aabb", (None, False, True, False)))
def token_boundary() -> SOp:
    """Whether a new run starts here: `token_boundary("aabb") -> [None, F, T, F]`."""

    def differs(before: Value, token: Value) -> bool | None:
        return None if before is None else before != token

    return Elementwise(differs, (previous_token(), tokens))


@program(
    family=FAMILY, vocab="abc", example=("aabbcc", (None, None, "b", None, "c", None))
)
def drop_consecutive_duplicates() -> SOp:
    """The token where it differs from the one before, else None.

    drop_consecutive_duplicates("aabbcc") -> "--b-c-"; at the first position nothing
    comes before, and None stays None.
    """

    def keep_new(before: Value, token: Value) -> Value:
        return None if before is None or before == token else token

    return Elementwise(keep_new, (previous_token(), tokens))


@program(
    family=FAMILY,
    vocab=(1, 2, 3),
    example=(
        (1, 2, 3, 3, 2, 1),
        ("increasing", "increasing", "constant", "decreasing", "decreasing", None),
    ),
)
def trend() -> SOp:
    """Where it goes next: `trend([1, 2, 2]) -> [increasing, constant, None]`."""

    def direction(token: Value, after: Value) -> Value:
        if after is None:
            return None
        if after == token:
            return "constant"
        return "increasing" if after > token else "decreasing"

    return Elementwise(direction, (tokens, next_token()))


@program(
    family=FAMILY,
    vocab=(1, 2, 3),
    example=((1, 3, 1, 3, 1), (None, True, True, True, None)),
)
def is_local_extremum_or_turn() -> SOp:
    """Whether rising into here and rising out of here differ; None at the ends.

    is_local_extremum_or_turn([1, 3, 1, 3, 1]) -> [None, True, True, True, None]
    """

    def turns(before: Value, token: Value, after: Value) -> bool | None:
        if before is None or after is None:
            return None
        return (before < token) != (token < after)

    return Elementwise(turns, (previous_token(), tokens, next_token()))


@program(
    family=FAMILY,
    vocab=(1, 2, 3, 4, 5),
    max_len=7,
    example=((1, 3, 2, 5, 4), (False, True, False, True, False)),
)
def is_local_maximum() -> SOp:
    """Whether it exceeds both neighbours: `is_local_maximum([1, 3, 2]) -> FTF`."""

    def peaks(before: Value, token: Value, after: Value) -> bool:
        return None not in (before, after) and before < token > after

    return Elementwise(peaks, (previous_token(), tokens, next_token()))


@program(
    family=FAMILY,
    vocab=("bird", "cat", "dog"),
    example=(("cat", "dog", "cat", "dog"), (None, True, True, None)),
)
def differs_from_neighbors() -> SOp:
    """Whether the token is unlike both neighbours; None at the ends.

    differs_from_neighbors(["cat", "dog", "dog", "cat"]) -> [None, False, False, None]
    """

    def unlike(before: Value, token: Value, after: Value) -> bool | None:
        return None if None in (before, after) else token not in (before, after)

    return Elementwise(unlike, (previous_token(), tokens, next_token()))


@program(
    family=FAMILY,
    vocab=(0, 1),
    max_len=12,
    example=((0, 1, 0, 0, 1, 0, 1), (False, False, True, False, False, True, True)),
)
def alternating_last_k(k: int = 3) -> SOp:
    """Whether the last `k` bits alternate, with zeros before the start.

    alternating_last_k([0, 1, 0, 0, 1, 0]) -> [F, F, T, F, F, T]
    """
    older = (shift(tokens, by, 0).named(f"bit_{by}_back") for by in range(1, k))

    def alternate(*bits: Value) -> bool:
        return all(a != b for a, b in pairwise(bits))

    return Elementwise(alternate, (tokens, *older))


@program(family=FAMILY, vocab=(1, 3, 4, 7), example=((4, 7, 1, 3, 3), (True,) * 5))
def last_two_equal() -> SOp:
    """Whether the last two tokens are equal, everywhere; False for one token.

    last_two_equal([4, 7, 1, 3, 3]) -> [True, True, True, True, True]
    """
    repeats = (previous_token() == tokens).named("repeats_previous")
    return last(select_all, repeats)
