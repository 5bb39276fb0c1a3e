"""Programs on positions: what they are, what they do to tokens, tokens as pointers."""

from __future__ import annotations

from compiler.rasp import (
    EQ,
    GT,
    Aggregate,
    Constant,
    Elementwise,
    Select,
    SelectorWidth,
    SOp,
    indices,
    length,
    mean,
    program,
    repeat,
    tokens,
    where,
)
from programs.search import holding
from programs.shifting import FAMILY, token_at


@program(family=FAMILY, vocab="abc", example=("abc", (3, 3, 3)), name="length")
def sequence_length() -> SOp:
    """The number of tokens, everywhere: `length("abc") -> [3, 3, 3]`."""
    return length


@program(family=FAMILY, vocab=(6, 7, 8, 9), example=((9, 8, 7, 6), (0, 1, 2, 3)))
def index() -> SOp:
    """The position, from 0: `index([9, 8, 7, 6]) -> [0, 1, 2, 3]`."""
    return indices


@program(family=FAMILY, vocab=(10, 20, 30), example=((10, 20, 30), (1, 2, 3)))
def position() -> SOp:
    """The position, from 1: `position([10, 20, 30]) -> [1, 2, 3]`."""
    return indices + 1


@program(family=FAMILY, vocab=(5, 6, 7), example=((5, 5, 5, 5), (0, 1, 0, 1)))
def index_parity() -> SOp:
    """The position modulo 2: `index_parity([5, 5, 5, 5]) -> [0, 1, 0, 1]`."""
    return indices % 2


@program(family=FAMILY, vocab="abcde", max_len=7, example=("abcde", (0, 1, 2, 0, 1)))
def index_mod(m: int = 3) -> SOp:
    """The position modulo `m`: `index_mod("abcde") -> [0, 1, 2, 0, 1]`."""
    return indices % m


@program(family=FAMILY, vocab="abc", example=("abc", (2, 1, 0)))
def index_from_end() -> SOp:
    """How many tokens follow: `index_from_end("abc") -> [2, 1, 0]`."""
    return SelectorWidth(Select(indices, indices, GT))


@program(
    family=FAMILY,
    vocab=(1, 2, 3, 4, 5),
    max_len=7,
    example=(range(1, 6), (1, 1, 3, 3, 5)),
)
def alternate_with_index() -> SOp:
    """Tokens at even positions, the position at odd ones.

    alternate_with_index([1, 2, 3, 4, 5]) -> [1, 1, 3, 3, 5]
    """
    return where(indices % 2 == 0, tokens, indices)


@program(family=FAMILY, vocab=(1, 2, 3), example=((1, 2, 3), (0, 2, 0)))
def mask_except_index(k: int = 1) -> SOp:
    """0 but at position `k`: `mask_except_index([1, 2, 3]) -> [0, 2, 0]`."""
    return where(indices == k, tokens, 0)


@program(
    family=FAMILY,
    vocab=range(1, 7),
    max_len=6,
    example=(range(1, 7), (1, 2, 0, 4, 5, 0)),
)
def zero_every_third() -> SOp:
    """Every third token 0: `zero_every_third([1, 2, 3, 4]) -> [1, 2, 0, 4]`."""
    return where(indices % 3 == 2, 0, tokens)


@program(family=FAMILY, vocab=(1, 2, 3, 4), example=((1, 2, 3, 4), (0, 2, 0, 4)))
def zero_even_indices() -> SOp:
    """0 at even positions: `zero_even_indices([1, 2, 3, 4]) -> [0, 2, 0, 4]`."""
    return where(indices % 2 == 0, 0, tokens)


@program(family=FAMILY, vocab=(1, 2, 3), example=((1, 1, 1, 1), (1, 2, 3, 4)))
def add_index() -> SOp:
    """The token plus its position: `add_index([1, 1, 1, 1]) -> [1, 2, 3, 4]`."""
    return tokens + indices


@program(family=FAMILY, vocab=(1, 2, 3, 4), example=((1, 2, 3, 4), (1, 3, 3, 5)))
def increment_odd_indices() -> SOp:
    """Odd positions one higher: `increment_odd_indices([1, 2, 3]) -> [1, 3, 3]`."""
    return tokens + indices % 2


@program(family=FAMILY, vocab=(1, 2, 3), example=((1, 2, 3), (2, 3, 4)))
def double_minus_index() -> SOp:
    """Twice the token less the position: `double_minus_index([1, 2]) -> [2, 3]`."""
    return 2 * tokens - indices


@program(
    family=FAMILY,
    vocab=(1, 2, 3, 5, 7),
    max_len=7,
    example=((1, 3, 5, 2, 7), (2, 6, 10, 2, 7)),
)
def double_first_half() -> SOp:
    """Tokens doubled where i < n / 2: `double_first_half([1, 3, 5]) -> [2, 6, 5]`."""

    def double(token: int, i: int, n: int) -> int:
        return 2 * token if 2 * i < n else token

    return Elementwise(double, (tokens, indices, length))


@program(
    family=FAMILY,
    vocab=(1, 2, 3, 4, 5),
    max_len=7,
    example=((1, 2, 3, 4, 5), (1, 2, 1.5, 2, 2.5)),
)
def halve_second_half() -> SOp:
    """Tokens halved from n // 2 on: `halve_second_half([1, 2, 4]) -> [1, 1, 2]`."""
    return where(indices >= length // 2, tokens / 2, tokens)


@program(
    family=FAMILY, vocab=(1, 2, 3, 5), example=((3, 2, 1, 5, 3, 2), (0, 0, 0, 1, 0, 0))
)
def one_hot_encode_first() -> SOp:
    """1 where the first token points to: `one_hot_encode_first([1, 3]) -> [0, 1]`."""
    return (token_at(Constant(0)).named("first_token") == indices).map(int)


@program(
    family=FAMILY, vocab=(0, 1), max_len=10, example=((0, 0, 0, 1, 0, 0), (3,) * 6)
)
def one_hot_decode() -> SOp:
    """The mean position of the ones, everywhere: `one_hot_decode([0, 1]) -> [1, 1]`."""
    return mean(holding(1), indices)


@program(family=FAMILY, vocab=(0, 1, 2, 3), example=((2, 0, 1, 1), (1, 2, 0, 0)))
def pointer_lookup() -> SOp:
    """The token that the token points to: `pointer_lookup([2, 0, 1]) -> [1, 2, 0]`."""
    return token_at(tokens)


@program(family=FAMILY, vocab=(0, 1, 2, 3), example=((2, 0, 1, 1), (0, 1, 2, 2)))
def pointer_chase(k: int = 2) -> SOp:
    """The token `k` pointers on: `pointer_chase([2, 0, 1]) -> [0, 1, 2]`."""
    follow = Select(indices, tokens, EQ)

    def step(ahead: SOp, number: int) -> SOp:
        return Aggregate(follow, ahead).named(f"token_after_{number + 1}_pointers")

    return repeat(k, tokens, step)
