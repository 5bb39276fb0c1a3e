"""What machines have in common whose instructions stand in the prompt.

The word `pc3` of a trace says which instruction is carried out; the words behind it say
what that did. The machines are in `registers.py` and `stack.py`; the one that has a
single instruction, and cells in place of a program, is in `machines.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from compiler.rasp import (
    EQ,
    Select,
    SequenceMap,
    SOp,
    indices,
    last,
    tokens,
)
from compiler.rasp.values import Value
from programs.traces import (
    EOS,
    RUN,
    kind,
    number,
    numbered,
)

if TYPE_CHECKING:  # only samples are drawn with NumPy
    import numpy as np

HALT = "halt"
ADDRESSES, NUMBERS = 8, 8
"""Addresses of instructions, and numbers that a register or a stack's place holds."""
WRITTEN = (*numbered("pc", ADDRESSES), *numbered("=", NUMBERS), EOS)


# What the machines do, in plain Python ---------------------------------------------


def instruction_at(prompt: Sequence[Value], pc: int) -> Value:
    """Return the instruction at an address of a prompt, `halt` if there is none."""
    return prompt[pc] if pc < min(len(prompt), ADDRESSES) else HALT


def continued(instruction: Value, pc: int, tested: int) -> Value:
    """Return the `pc` behind an instruction, EOS behind the last address."""
    jumps = kind(instruction) == "goto" or (
        kind(instruction).startswith("jz") and tested == 0
    )
    target = number(instruction) if jumps else pc + 1
    return f"pc{target}" if target < ADDRESSES else EOS


# Their inputs ----------------------------------------------------------------------


def prompts(instructions: Sequence[str]) -> Callable[[np.random.Generator], list[str]]:
    """Return what draws random programs of 2 to 8 of some instructions."""

    def draw(rng: np.random.Generator) -> list[str]:
        places = rng.integers(len(instructions), size=rng.integers(2, 9))
        return [instructions[int(place)] for place in places]

    return draw


def are_among(instructions: Sequence[str]) -> Callable[[Sequence[Value]], bool]:
    """Return what says whether words are instructions, one an address at most."""

    def check(words: Sequence[Value]) -> bool:
        return len(words) <= ADDRESSES and all(word in instructions for word in words)

    return check


# The same as programs --------------------------------------------------------------


def executed(instructions: Sequence[str], pc: SOp) -> SOp:
    """Return the instruction at the latest `pc`, `halt` where none stands there.

    Instructions are at the beginning, so that their addresses are their positions.
    """

    def address(word: Value, place: Value) -> Value:
        return place if word in instructions and place < ADDRESSES else None

    here = indices.map(lambda place: min(place, ADDRESSES)).named("place")
    known = SequenceMap(address, tokens, here).named("address")
    return last(Select(known, pc, EQ), tokens, HALT).named("executed")


def next_pc(instruction: SOp, pc: SOp) -> SOp:
    """Return the address behind the instruction that was carried out; None: none."""
    tested = tokens.map(lambda word: min(number(word), 1)).named("tested")

    def jump(instruction: Value, tested: Value) -> Value:
        target = continued(instruction, 0, tested)
        ahead = continued(instruction, 2, tested)
        return number(target) if target == ahead else None

    target = SequenceMap(jump, instruction, tested).named("jump_target")
    after = pc.map(lambda pc: pc + 1 if pc + 1 < ADDRESSES else None)
    return SequenceMap(
        lambda target, after: after if target is None else target,
        target,
        after.named("pc_behind"),
    ).named("continued")


def word_of(words: Iterable[str], *following: str) -> Callable[[Value, Value], Value]:
    """Return what makes the next word, of the kind of the last one and a number.

    Args:
        words: all words; where the next one would be none of them, EOS is next.
        following: kinds in the order in which they follow one another; behind the last
            one comes the first again.
    """
    kinds = (RUN, *following)
    after = dict(zip(kinds, (*kinds[1:], following[0]), strict=True))
    known = frozenset(words)

    def word(given: Value, value: Value) -> Value:
        found = f"{after.get(given)}{value}"
        return found if found in known else EOS

    return word
