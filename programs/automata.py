"""Programs that say, for every prefix, whether it is in a regular or counting language.

A transformer does not step through an automaton. Each language is put another way:
each part of the prefix is pure, nothing wrong has been seen, a count is right, or the
last symbol that matters says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce

from compiler.rasp import (
    EQ,
    NEQ,
    Aggregate,
    Constant,
    Elementwise,
    Select,
    Selector,
    SOp,
    count,
    indices,
    last,
    prefix,
    program,
    shift,
    tokens,
)
from compiler.rasp.values import Value

FAMILY = "automata/regular languages"
BITS = (0, 1)


def holding(value: Value) -> Selector:
    """Return the selector of the prefix's tokens that are `value`."""
    return prefix() & Select(tokens, value, EQ)


def ever(condition: SOp, name: str = "failed") -> SOp:
    """Return whether the condition has held somewhere in the prefix."""
    return Aggregate(prefix(), condition, rule="max").named(name)


def none_of(selector: Selector) -> SOp:
    """Return whether nothing is selected; a head says so without counting."""
    return Aggregate(selector, Constant(False), default=True)


def pure(letters: Sequence[Value], block: Callable[[int, int], int]) -> SOp:
    """Return whether each block of the prefix holds nothing but its letter.

    Args:
        letters: the letter of each block.
        block: the number of a position's block, from the position and the prefix's
            last position.
    """

    def pure_block(number: int) -> SOp:
        inside = Select(indices, indices, lambda j, i: block(j, i) == number)
        other = Select(tokens, letters[number], NEQ)
        return none_of(prefix() & inside & other).named(f"pure_{number}")

    blocks = map(pure_block, range(len(letters)))
    return reduce(lambda before, more: before & more, blocks)


def before(predicate: Callable[[Value, Value], bool]) -> Selector:
    """Return the selector of the token just before, if `predicate` holds of the two."""
    just_before = Select(indices, indices, lambda key, query: key + 1 == query)
    return just_before & Select(tokens, tokens, predicate)


def truth(word: str) -> tuple[bool, ...]:
    """Return booleans written as a word: `truth("TF")` is (True, False)."""
    return tuple(letter == "T" for letter in word)


@program(family=FAMILY, vocab="ab", max_len=10, example=("aaaa", truth("FTFT")))
def a_power_k_star(k: int = 2) -> SOp:
    """Whether the prefix is in (a^k)*.

    `a_power_k_star("aaaa") -> [False, True, False, True]`
    """
    only = none_of(prefix() & Select(tokens, "a", NEQ)).named("only_a")
    return only & ((indices + 1) % k == 0)


@program(family=FAMILY, vocab="ab", max_len=10, example=("abab", truth("FFFT")))
def abab_star() -> SOp:
    """Whether the prefix is in (abab)*.

    `abab_star("abab") -> [False, False, False, True]`
    """
    return pure("ab", lambda j, i: j % 2) & (indices % 4 == 3)


@program(family=FAMILY, vocab="abcde", max_len=7, example=("aabcde", truth("FFFFFT")))
def ordered_blocks(vocab: Sequence[Value]) -> SOp:
    """Whether the prefix is in a+b+c+d+e+.

    The blocks are those of the vocabulary, in its order: the first symbol comes
    first, each next one is the same or its successor, and the last one is reached.

    `ordered_blocks("aabcde") -> [False, False, False, False, False, True]`
    """
    place = {value: k for k, value in enumerate(vocab)}

    def breaks_order(now: Value, before: Value) -> bool:
        if before is None:
            return place[now] != 0
        return place[now] - place[before] not in (0, 1)

    breaks = Elementwise(breaks_order, (tokens, shift(tokens).named("previous")))
    return ~ever(breaks.named("breaks_order")) & (tokens == vocab[-1])


@program(family=FAMILY, vocab="abcd", example=("abdcb", truth("FFTTT")))
def ab_star_d_bc_star() -> SOp:
    """Whether the prefix is in {a,b}* d {b,c}*.

    `ab_star_d_bc_star("abdcb") -> [False, False, True, True, True]`
    """
    ds = count(holding("d")).named("d_count")
    wrong_side = Elementwise(
        lambda t, k: (t == "c" and k == 0) or (t == "a" and k > 0), (tokens, ds)
    ).named("wrong_side")
    return ~ever(wrong_side) & (ds == 1)


@program(family=FAMILY, vocab=(0, 1, 2), example=([1, 0, 2, 2, 1], truth("FTTTF")))
def ends_in_02star() -> SOp:
    """Whether the prefix ends in 0 2*.

    Then its last symbol that is not a 2 is a 0.

    `ends_in_02star([1, 0, 2, 1]) -> [False, True, True, False]`
    """
    decisive = last(prefix() & Select(tokens, 2, NEQ), tokens)
    return decisive.named("last_but_twos") == 0


@program(family=FAMILY, vocab="ab", max_len=10, example=("aabb", truth("FFFT")))
def a_n_b_n() -> SOp:
    """Whether the prefix is a^n b^n with n >= 1.

    Of an even prefix, the first half must be a's and the second b's.

    `a_n_b_n("aabb") -> [False, False, False, True]`
    """
    return pure("ab", lambda j, i: 2 * j // (i + 1)) & (indices % 2 == 1)


@program(family=FAMILY, vocab="abc", max_len=9, example=("abc", truth("FFT")))
def a_n_b_n_c_n() -> SOp:
    """Whether the prefix is a^n b^n c^n with n >= 1.

    Each third of the prefix must hold its own letter.

    `a_n_b_n_c_n("abc") -> [False, False, True]`
    """
    return pure("abc", lambda j, i: 3 * j // (i + 1)) & (indices % 3 == 2)


@program(
    family=FAMILY,
    vocab=("w0", "w1", "r", "i"),
    example=(["w1", "i", "r", "w0", "r"], (1, 1, 1, 0, 0)),
)
def flip_flop() -> SOp:
    """The bit written last, 0 at first.

    `flip_flop(["w1", "i", "r", "w0"]) -> [1, 1, 1, 0]`
    """
    writes = Select(tokens, True, lambda key, query: key in ("w0", "w1"))
    write = last(prefix() & writes, tokens).named("last_write")
    return write.map(lambda t: int(t == "w1"))


@program(family=FAMILY, vocab=BITS, max_len=10, example=([0, 1, 1, 0], truth("FTTF")))
def last_bit_is_one() -> SOp:
    """Whether the prefix ends in 1.

    `last_bit_is_one([0, 1, 1, 0]) -> [False, True, True, False]`
    """
    return tokens == 1


@program(family=FAMILY, vocab="abc", example=("abab", truth("FFFT")))
def even_as_and_even_bs() -> SOp:
    """Whether a and b both occur evenly often.

    `even_as_and_even_bs("abab") -> [False, False, False, True]`
    """
    a, b = count(holding("a")).named("a_count"), count(holding("b")).named("b_count")
    return (a % 2 == 0) & (b % 2 == 0)


@program(family=FAMILY, vocab="ab", max_len=10, example=("abab", truth("TTTT")))
def no_repeated_b() -> SOp:
    """Whether the prefix has no bb: `no_repeated_b("abb") -> [True, True, False]`."""
    both_b = before(lambda key, query: key == query == "b")
    repeated = Aggregate(both_b, Constant(True), default=False).named("repeated_b")
    return none_of(prefix() & Select(repeated, True, EQ))


@program(family=FAMILY, vocab="abcd", example=("abaca", truth("FFTTF")))
def exactly_k(t: str = "a", k: int = 2) -> SOp:
    """Whether t occurred k times so far.

    `exactly_k("abaca") -> [False, False, True, True, False]`
    """
    return count(holding(t)).named("t_count") == k


@program(family=FAMILY, vocab="ab", max_len=10, example=("abba", (1, 2, 0, 1)))
def dfa_state() -> SOp:
    """The state of a 3-state automaton: `dfa_state("abba") -> [1, 2, 0, 1]`.

    From state 0 an a leads to 1, from the others to 1 as well: it resets. A b steps
    on, mod 3. So the state is the distance to the last reset.
    """
    reset = last(holding("a"), indices).named("last_reset")
    return Elementwise(
        lambda a, i: (i + 1 if a is None else i - a + 1) % 3, (reset, indices)
    )
