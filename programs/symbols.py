"""Programs that look up what each token, a letter or a word, becomes by itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from string import ascii_lowercase

from compiler.rasp import SOp, program, tokens, where
from compiler.rasp.values import Value
from programs.elementwise import FAMILY

CIPHER = {"a": "t", "b": "d", "c": "o", "z": "p"}


def advance(letter: str, places: int) -> str:
    """Return the letter so many places on in the alphabet, `a` after `z`.

    What is no lower-case letter stays as it is.
    """
    place = ascii_lowercase.find(letter)
    return letter if place < 0 else ascii_lowercase[(place + places) % 26]


@program(family=FAMILY, vocab=(0, 1), max_len=10, example=((0, 1, 1), (1, 0, 0)))
def bitwise_not() -> SOp:
    """The other bit: `bitwise_not([0, 1, 1]) -> [1, 0, 0]`."""
    return 1 - tokens


@program(family=FAMILY, vocab="aehy", example=("hey", (False, True, False)))
def token_in_set(group: Collection[Value] = "aeiou") -> SOp:
    """Whether it is one of `group`: `token_in_set("hey") -> [False, True, False]`."""
    return tokens.map(lambda token: token in group)


@program(
    family=FAMILY, vocab="ehlo", example=("hello", (False, False, True, True, False))
)
def equals_constant(t: Value = "l") -> SOp:
    """Whether it is `t`: `equals_constant("hell") -> [False, False, True, True]`."""
    return tokens == t


@program(
    family=FAMILY,
    vocab=("a", "b", "-", "findme"),
    example=(("a", "findme", "b"), ("a", "-", "b")),
)
def replace_token(old: Value = "findme", new: Value = "-") -> SOp:
    """`new` in place of `old`: `replace_token(["a", "findme"]) -> ["a", "-"]`."""
    return where(tokens == old, new, tokens)


@program(family=FAMILY, vocab="abcdz", max_len=7, example=("abz", "tdp"))
def substitution_cipher(table: Mapping[str, str] = CIPHER) -> SOp:
    """The letter that stands for it: `substitution_cipher("abz") -> "tdp"`.

    A letter that `table` does not have stands for itself.
    """
    return tokens.map(lambda letter: table.get(letter, letter))


@program(family=FAMILY, vocab="axyz!", max_len=7, example=("xyz!", "abc!"))
def caesar_shift(k: int = 3) -> SOp:
    """The letter `k` places on, `a` after `z`: `caesar_shift("xyz!") -> "abc!"`.

    What is no lower-case letter stays as it is.
    """
    return tokens.map(lambda letter: advance(letter, k))


@program(family=FAMILY, vocab="013a", example=("31a", (3, 1, -1)))
def atoi() -> SOp:
    """A digit's value, -1 for other characters: `atoi("31a") -> [3, 1, -1]`."""
    return tokens.map("0123456789".find)
