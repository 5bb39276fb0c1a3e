"""Programs that write what they have so far, step by step, until they are done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from compiler.errors import InputError
from compiler.rasp import (
    EQ,
    Elementwise,
    Select,
    SequenceMap,
    SOp,
    indices,
    last,
    program,
    tokens,
)
from compiler.rasp.values import Value
from programs.traces import (
    EOS,
    FAMILY,
    RUN,
    Traces,
    kind,
    latest,
    numbered,
    words_of,
)

if TYPE_CHECKING:  # only samples are drawn with NumPy
    import numpy as np

BITS = ("0", "1")
ENDS = "="
"""The word behind the letters that an automaton reads."""
MOST_STATES = 5
PLACES = 4
"""Binary digits of the counter."""
CARRIES = 2
"""A digit of 0 with a carry: 1 + 1 is 10."""


# A counter -------------------------------------------------------------------------


def digit_word(place: int, digit: int) -> str:
    """Return the word for a binary digit: `b2=0`, `b2=1`, or `b2=10` with a carry."""
    return f"b{place}={('0', '1', '10')[digit]}"


def counter_words(places: int = PLACES) -> tuple[str, ...]:
    """Return the words of a counter of some binary digits."""
    digits = [digit_word(p, d) for p in range(places) for d in (0, 1, CARRIES)]
    return (*BITS, RUN, *digits, EOS)


def digit_of(word: Value) -> tuple[int, int] | None:
    """Return the place and the digit that a word says, None if it says none."""
    if "=" not in word:
        return None
    place, digit = word[1:].split("=")
    return int(place), ("0", "1", "10").index(digit)


def next_place(word: Value, places: int) -> int | None:
    """Return the place of the digit that follows a word, None if none follows."""
    if word == RUN:
        return 0
    found = digit_of(word)
    if found is None or found == (places - 1, CARRIES):
        return None
    return (found[0] + 1) % places


def added(word: Value, old: int, places: int) -> int:
    """Return the digit that follows a word, where the number had the digit `old`."""
    found = digit_of(word)
    carry = found is None or found[0] == places - 1 or found[1] == CARRIES
    return old % CARRIES + carry  # of the digit 10, the 0 stands


def run_counter(bits: Sequence[Value], places: int = PLACES) -> Iterator[Value]:
    """Return what the counter writes behind a number, the lowest bit first."""
    digits = [*map(int, bits), *[0] * (places - len(bits))]
    word: Value = RUN
    while (place := next_place(word, places)) is not None:
        digits[place] = added(word, digits[place], places)
        word = digit_word(place, digits[place])
        yield word


def _bits(rng: np.random.Generator) -> list[Value]:
    return list(map(str, rng.integers(2, size=PLACES).tolist()))


def _are_bits(words: Sequence[Value]) -> bool:
    return len(words) <= PLACES and set(words) <= set(BITS)


@program(
    family=FAMILY,
    vocab=counter_words(),
    max_len=64,
    example=(
        words_of("1 0 1 0 run b0=10 b1=1"),
        words_of("EOS EOS EOS EOS b0=10 b1=1 b2=1"),
    ),
    accepts=Traces(_bits, run_counter, _are_bits, 64),
    generates=True,
)
def binary_counter(vocab: Sequence[Value]) -> SOp:
    """The next digit of a counter that goes on from the number in the prompt, by ones.

    Digits come in the order of their weight, the lowest first; those that the prompt
    leaves out are 0. `b2=10` is the digit 0 at place 2 with a carry. Behind the
    greatest number it halts.

        1 0 1 0 run -> b0=10 b1=1 b2=1 b3=0 b0=1 ..
    """
    places = sum(digit_of(word) is not None for word in vocab) // 3

    def place_of(word: Value, place: Value) -> Value:
        if word in BITS:
            return min(place, places)
        return (digit_of(word) or (places, 0))[0]

    def value_of(word: Value) -> Value:
        return int(word) if word in BITS else (digit_of(word) or (0, 0))[1]

    here = indices.map(lambda place: min(place, places)).named("index")
    place = SequenceMap(place_of, tokens, here)
    digit = tokens.map(value_of).named("digit")
    wanted = tokens.map(lambda word: next_place(word, places)).named("next_place")
    old = last(Select(place.named("place"), wanted, EQ), digit, 0).named("old_digit")

    def following(word: Value, old: Value) -> Value:
        place = next_place(word, places)
        return EOS if place is None else digit_word(place, added(word, old, places))

    return SequenceMap(following, tokens, old)


# An automaton ----------------------------------------------------------------------


@dataclass(frozen=True)
class Automaton:
    """A deterministic finite automaton over 0 and 1; it begins in state 0.

    Attributes:
        moves: by state, the next states at 0 and at 1.
        accepting: the states in which a text is in its language.
    """

    moves: tuple[tuple[int, int], ...]
    accepting: frozenset[int]


TOMITA = {
    1: Automaton(((1, 0), (1, 1)), frozenset({0})),
    2: Automaton(((2, 1), (0, 2), (2, 2)), frozenset({0})),
    3: Automaton(((0, 1), (2, 0), (3, 4), (2, 1), (4, 4)), frozenset({0, 1, 3})),
    4: Automaton(((1, 0), (2, 0), (3, 0), (3, 3)), frozenset({0, 1, 2})),
    5: Automaton(((1, 2), (0, 3), (3, 0), (2, 1)), frozenset({0})),
    6: Automaton(((1, 2), (2, 0), (0, 1)), frozenset({0})),
    7: Automaton(((0, 1), (2, 1), (2, 3), (4, 3), (4, 4)), frozenset({0, 1, 2, 3})),
}
"""The automata of Tomita's seven languages, which `tomita.py` states in words."""


def run_automaton(letters: Sequence[Value], language: int = 3) -> Iterator[Value]:
    """Return what the automaton of a language writes behind the letters it reads."""
    automaton, state = TOMITA[language], 0
    for letter in letters:
        state = automaton.moves[state][int(letter)]
        yield f"q{state}"
    yield "accept" if state in automaton.accepting else "reject"


def _letters(rng: np.random.Generator) -> list[Value]:
    length = rng.integers(1, 31)
    return list(map(str, rng.integers(2, size=length).tolist()))


def _are_letters(words: Sequence[Value]) -> bool:
    return all(word in BITS for word in words)


@program(
    family=FAMILY,
    vocab=("0", "1", ENDS, *numbered("q", MOST_STATES), "accept", "reject", EOS),
    max_len=64,
    example=(
        words_of("1 0 0 = q1 q2 q3 accept"),
        words_of("EOS EOS EOS q1 q2 q3 accept EOS"),
    ),
    accepts=Traces(_letters, run_automaton, _are_letters, 64, ENDS),
    generates=True,
)
def tomita_states(language: int = 3) -> SOp:
    """The next state of the automaton of a Tomita language that reads the prompt.

    The prompt is bits and `=`. It writes the state behind each bit, then `accept` or
    `reject`. The third language, the usual one, has no odd run of 1s directly before an
    odd run of 0s.

        1 0 0 = -> q1 q2 q3 accept
    """
    if language not in TOMITA:
        raise InputError(f"language is {language!r}; Tomita's languages are 1 to 7")
    automaton = TOMITA[language]
    end = last(Select(tokens, ENDS, EQ), indices, 0).named("end_of_bits")
    letter = last(Select(indices, (indices - end).named("done"), EQ), tokens, ENDS)

    def following(word: Value, letter: Value, state: Value) -> Value:
        if kind(word) not in (ENDS, "q") or state >= len(automaton.moves):
            return EOS
        if letter in BITS:
            return f"q{automaton.moves[state][int(letter)]}"
        return "accept" if state in automaton.accepting else "reject"

    state = latest("q", "state")
    return Elementwise(following, (tokens, letter.named("letter"), state))
