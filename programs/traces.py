"""What programs that write a trace have in common: words, the latest of a kind, runs.

A trace holds one word for each thing that a machine does. A word is a kind and a
number: `pc3`, `=5`. What a machine remembers is what its latest words of a kind say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, repeat
from typing import TYPE_CHECKING

from compiler.rasp import Select, SOp, last, tokens
from compiler.rasp.values import Value

if TYPE_CHECKING:  # only samples are drawn with NumPy
    import numpy as np

FAMILY = "machines"
EOS = "EOS"
"""What a machine writes where it halts."""
RUN = "run"
"""The end of a prompt: the machine begins behind it."""

_WORD = re.compile(r"(.*?)(\d+)$")


def kind(word: Value) -> str:
    """Return the kind of a word: `pc` of `pc3`, "" of `3`, the word itself of `run`."""
    found = _WORD.match(word)
    return found.group(1) if found else word


def number(word: Value) -> int:
    """Return the number at the end of a word: 3 of `pc3`, 0 of `run`."""
    found = _WORD.match(word)
    return int(found.group(2)) if found else 0


def numbered(prefix: str, size: int) -> list[str]:
    """Return the words of a kind: `pc0`, `pc1` and so on."""
    return [f"{prefix}{value}" for value in range(size)]


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a text with spaces between them."""
    return tuple(text.split())


def size_of(words: Iterable[Value], prefix: str) -> int:
    """Return how many words of a kind a vocabulary has."""
    return sum(kind(word) == prefix for word in words)


def latest(prefix: str, name: str) -> SOp:
    """Return the number of the latest word of a kind, 0 where there is none yet."""

    def of_kind(word: Value, _: Value) -> bool:
        return kind(word) == prefix

    return last(Select(tokens, tokens, of_kind), numbers(), 0).named(name)


def kinds() -> SOp:
    """Return the kind of each word."""
    return tokens.map(kind).named("kind")


def numbers() -> SOp:
    """Return the number of each word."""
    return tokens.map(number).named("number")


TraceWriter = Callable[[list[Value]], Iterator[Value]]
"""From a prompt, without the word at its end, to what is written behind that word."""


@dataclass(frozen=True)
class Traces:
    """The inputs of a machine: prompts, and what the machine wrote behind them.

    Attributes:
        prompt: returns a random prompt, without the word at its end.
        run: writes words until the machine halts, which may be never.
        allowed: whether words may stand in a prompt, or at its beginning.
        most: the greatest number of words that are drawn.
        end: the word at the end of a prompt.
    """

    prompt: Callable[[np.random.Generator], list[Value]]
    run: TraceWriter
    allowed: Callable[[Sequence[Value]], bool]
    most: int
    end: Value = RUN

    def __call__(self, tokens: Sequence[Value], /) -> bool:
        """Return whether words are a prompt with what the machine writes behind it."""
        words = list(tokens)
        size = words.index(self.end) if self.end in words else len(words)
        prompt, written = words[:size], words[size + 1 :]
        return self.allowed(prompt) and all(
            word == wanted
            for word, wanted in zip(written, self.behind(prompt), strict=False)
        )

    def draw(self, rng: np.random.Generator, count: int) -> list[list[Value]]:
        """Return random prompts with random numbers of words behind them."""
        return [self._drawn(rng) for _ in range(count)]

    def behind(self, prompt: list[Value]) -> Iterator[Value]:
        """Return what stands behind a prompt and its end, EOS from the halt on."""
        return chain(self.run(prompt), repeat(EOS))

    def _drawn(self, rng: np.random.Generator) -> list[Value]:
        prompt = self.prompt(rng)
        size = len(prompt) + 1
        most = int(rng.integers(size, self.most, endpoint=True))
        written = islice(chain(self.run(prompt), [EOS]), most - size)
        return [*prompt, self.end, *written]
