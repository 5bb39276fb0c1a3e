"""Programs over bits: parities, logic of neighbours and of pairs, dithering."""

from __future__ import annotations

from compiler.rasp import (
    EQ,
    Select,
    Selector,
    SOp,
    any_of,
    count,
    indices,
    prefix,
    program,
    shift,
    tokens,
)
from programs.accumulation import running_total, window

FAMILY = "arithmetic"
BITS = (0, 1)
PAIRS = ((0, 0), (0, 1), (1, 0), (1, 1))
ONES = Select(tokens, 1, EQ)
ZEROS = Select(tokens, 0, EQ)


def parity_of(selector: Selector, name: str) -> SOp:
    """Return whether the selected positions are odd in number, as 0 or 1."""
    return count(selector).named(name) % 2


@program(family=FAMILY, vocab=BITS, max_len=10, example=((1, 0, 1, 1), (1, 1, 1, 1)))
def parity() -> SOp:
    """The sum of the bits modulo 2, everywhere: `parity([1, 0, 1]) -> [0, 0, 0]`."""
    return parity_of(ONES, "ones")


@program(family=FAMILY, vocab=BITS, max_len=10, example=((1, 0, 1, 1), (1, 1, 0, 1)))
def running_parity() -> SOp:
    """The sum of the bits so far modulo 2: `running_parity([1, 0, 1]) -> [1, 1, 0]`."""
    return parity_of(prefix() & ONES, "ones")


@program(family=FAMILY, vocab=BITS, max_len=10, example=((1, 0, 0, 1), (0, 1, 0, 0)))
def running_parity_of_zeros() -> SOp:
    """How many zeros so far, modulo 2: `running_parity_of_zeros([1, 0]) -> [0, 1]`."""
    return parity_of(prefix() & ZEROS, "zeros")


@program(family=FAMILY, vocab=BITS, max_len=10, example=((1, 0, 1, 1), (1, 1, 0, 0)))
def window_parity(w: int = 3) -> SOp:
    """The sum of the last w bits modulo 2: `window_parity([1, 0, 1]) -> [1, 1, 0]`."""
    return parity_of(window(w) & ONES, "ones")


@program(
    family=FAMILY, vocab=BITS, max_len=10, example=((1, 0, 1, 1, 0), (0, 0, 0, 0, 0))
)
def sparse_parity(k: int = 3) -> SOp:
    """The sum of the first k bits modulo 2: `sparse_parity([1, 0, 0]) -> [1, 1, 1]`.

    A shorter input has only the bits that it has.
    """
    first_ones = Select(indices, k, lambda key, query: key < query) & ONES
    return parity_of(first_ones, "first_ones")


@program(family=FAMILY, vocab=BITS, max_len=10, example=((1, 1, 0, 1), (0, 1, 0, 0)))
def and_with_previous() -> SOp:
    """1 where it and the bit before are 1: `and_with_previous([1, 1]) -> [0, 1]`."""
    return tokens & shift(tokens, default=0).named("previous")


@program(family=FAMILY, vocab=BITS, max_len=10, example=((0, 1, 0, 0), (0, 1, 1, 0)))
def or_last_k(w: int = 2) -> SOp:
    """1 where the last w bits have a 1: `or_last_k([0, 1, 0, 0]) -> [0, 1, 1, 0]`."""
    return any_of(window(w) & ONES).map(int)


@program(family=FAMILY, vocab=PAIRS, example=(((1, 1), (1, 0), (0, 0)), (1, 0, 0)))
def bitwise_and() -> SOp:
    """1 where both are 1: `bitwise_and([(1, 1), (1, 0)]) -> [1, 0]`."""
    return tokens.map(lambda pair: pair[0] & pair[1])


@program(family=FAMILY, vocab=PAIRS, example=(((1, 1), (1, 0), (0, 0)), (1, 1, 0)))
def bitwise_or() -> SOp:
    """1 where one is 1, or both: `bitwise_or([(1, 1), (0, 0)]) -> [1, 0]`."""
    return tokens.map(lambda pair: pair[0] | pair[1])


@program(family=FAMILY, vocab=PAIRS, example=(((1, 1), (1, 0), (0, 0)), (0, 1, 0)))
def bitwise_xor() -> SOp:
    """1 where just one is 1: `bitwise_xor([(1, 1), (1, 0)]) -> [0, 1]`."""
    return tokens.map(lambda pair: pair[0] ^ pair[1])


@program(family=FAMILY, vocab=(0, 4, 8, 15), example=((8, 8, 8, 8), (0, 1, 0, 1)))
def error_diffusion_dithering(q: int = 15) -> SOp:
    """How often the sum so far passes a multiple of q here.

    The shades 0..q become black and white, and what rounding loses is carried on.

    `error_diffusion_dithering([8, 8, 8, 8]) -> [0, 1, 0, 1]`
    """
    multiples = (running_total(tokens).named("prefix_sum") // q).named("multiples")
    return multiples - shift(multiples, default=0).named("multiples_before")
