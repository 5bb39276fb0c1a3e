"""Known sequences: successors of months, days and numbers, and a table of n-grams.

    say from april to july : april may june july EOS        successor
    red big c a -> f b EOS                                  ngram

Successor heads (Gould et al. 2023) hold the order of such words in one place for all of
them, here an MLP. The table of n-grams is learnt by heart: what follows depends on a
colour, a size, and the two last letters.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import jax.numpy as jnp
from jaxtyping import Bool, Int

from compiler.rasp.values import Value
from zoo.tasks.language import EOS, NEXT, LanguageTask, PromptKind, next_values
from zoo.tasks.rules import NO_VALUE, HeadRule, MlpRule

_MONTHS = """
    january february march april may june july august september october november
    december
"""
_DAYS = "monday tuesday wednesday thursday friday saturday sunday"
_NUMBERS = "one two three four five six seven eight nine ten"
MONTHS, DAYS, NUMBERS = (tuple(text.split()) for text in (_MONTHS, _DAYS, _NUMBERS))
VERBS = ("say", "write", "list", "read")


class Successor(LanguageTask):
    """The causal model of successors: `say from april to july : april may june july`.

    `to` and `from` may come in either order. Heads look for the words after them, by
    what the previous token of each position is. After `december` and `sunday` the
    sequences start again; the numbers do not.

    Args:
        longest: the most words of an answer.
    """

    name = "successor"
    meaning = "Months, days or numbers: `say from two to four : two three four EOS`."
    separator = ":"

    def __init__(self, longest: int = 6) -> None:
        self.longest = longest
        items = (*MONTHS, *DAYS, *NUMBERS)
        words = (*items, *VERBS, "from", "to", ":")
        before = HeadRule(
            name="previous_token",
            layer=0,
            values=(*words, EOS, "BOS"),
            distance=1,
        )
        successor = MlpRule(
            name="successor",
            layer=0,
            values=(*items, None),
            reads=("tokens",),
            computes=_successor,
        )
        start = HeadRule(
            name="start",
            layer=1,
            values=items,
            key=("previous_token",),
            selects=lambda previous: previous == "from",
            asked=True,
        )
        finished = HeadRule(
            name="finished",
            layer=1,
            values=(False, True),
            moves=None,
            query=("tokens",),
            key=("tokens", "previous_token"),
            selects=lambda token, key, previous: token == key and previous == "to",
            default=False,
            asked=True,
        )
        follows = MlpRule(
            name=NEXT,
            layer=1,
            values=next_values(words),
            reads=("successor", "start", "finished"),
            computes=_next_item,
        )
        rules = (before, successor, start, finished, follows)
        super().__init__(words, rules, longest + 6)

    def kinds(self) -> tuple[PromptKind, ...]:
        """Return the prompts of months, of days and of numbers."""
        return tuple(
            PromptKind(len(texts), texts.__getitem__)
            for texts in (
                self._prompts(MONTHS, True),
                self._prompts(DAYS, True),
                self._prompts(NUMBERS, False),
            )
        )

    def _prompts(self, items: Sequence[str], again: bool) -> list[list[str]]:
        """Return the prompts of one sequence, which may start again after its end."""
        spans = [
            (first, items[end % len(items)])
            for start, first in enumerate(items)
            for end in range(start, start + self.longest)
            if again or end < len(items)
        ]
        forms = ("{} from {} to {} :", "{} to {} from {} :")
        return [
            form.format(verb, *(span if form == forms[0] else span[::-1])).split()
            for verb in VERBS
            for form in forms
            for span in spans
        ]

    def answer(self, prompt: Sequence[str]) -> list[str]:
        """Return the words from the first to the last one."""
        start = prompt[prompt.index("from") + 1]
        end = prompt[prompt.index("to") + 1]
        items = next(s for s in (MONTHS, DAYS, NUMBERS) if start in s)
        count = (items.index(end) - items.index(start)) % len(items) + 1
        return [items[(items.index(start) + i) % len(items)] for i in range(count)]


def _successor(token: str) -> str | None:
    """Return what comes after a word; None after `ten`, and for other words."""
    for items in (MONTHS, DAYS, NUMBERS):
        if token in items and token != NUMBERS[-1]:
            return items[(items.index(token) + 1) % len(items)]
    return None


def _next_item(successor: Value, start: Value, finished: Value) -> Value:
    if finished:
        return EOS
    return start if successor is None else successor


class Ngram(LanguageTask):
    """The causal model of a table of trigrams: `red big c a f b EOS`.

    A colour and a size, in either order, choose the table. It is drawn from a fixed
    seed. Prompts whose answer would be too long are left out.

    Args:
        colours: the words of the first kind that choose a table.
        sizes: the words of the second kind.
        letters: the letters.
        longest: the most letters of an answer.
    """

    name = "ngram"
    meaning = "What follows two letters in a learnt table, which two words choose."

    def __init__(
        self,
        colours: Sequence[str] = ("red", "green", "blue"),
        sizes: Sequence[str] = ("big", "small"),
        letters: str = "abcdefgh",
        longest: int = 8,
    ) -> None:
        self.colours, self.sizes = tuple(colours), tuple(sizes)
        self.longest = longest
        draw, ends = random.Random(0), (*letters, EOS, EOS)
        self.table = {
            key: ends[int(draw.random() * len(ends))]
            for key in itertools.product(colours, sizes, letters, letters)
        }
        words = (*colours, *sizes, *letters)
        before = HeadRule(
            name="previous_letter",
            layer=0,
            values=tuple(letters),
            distance=1,
            asked=True,
        )
        follows = MlpRule(
            name=NEXT,
            layer=0,
            values=next_values(words),
            reads=("colour", "size", "previous_letter", "tokens"),
            computes=lambda *key: self.table.get(key, NO_VALUE),
        )
        cues = (_cue("colour", self.colours), _cue("size", self.sizes))
        super().__init__(words, (*cues, before, follows), longest + 4)

    def prompt_length(self, words: Sequence[str]) -> int:
        """Return how many words of a text are its prompt: two words, two letters."""
        return min(4, len(words))

    def asked(self, ids: Int[Any, " ctx"]) -> Bool[Any, " ctx"]:
        """Return the positions from the second letter on; jax can trace it."""
        return (jnp.arange(self.n_ctx) >= 4) & (jnp.asarray(ids) != self.pad_id)

    @cached_property
    def _prompts(self) -> list[list[str]]:
        every = [[*key] for key in self.table]
        every += [[size, colour, *letters] for colour, size, *letters in every]
        return [key for key in every if len(self.answer(key)) < self.longest]

    def kinds(self) -> tuple[PromptKind, ...]:
        """Return every prompt whose answer ends in time."""
        return (PromptKind(len(self._prompts), self._prompts.__getitem__),)

    def answer(self, prompt: Sequence[str]) -> list[str]:
        """Return the letters of the table, at most `longest` of them."""
        cues, (first, second) = prompt[:2], prompt[2:]
        colour, size = cues if cues[0] in self.colours else cues[::-1]
        said: list[str] = []
        while len(said) < self.longest:
            first, second = second, self.table[colour, size, first, second]
            if second == EOS:
                break
            said.append(second)
        return said


def _cue(name: str, words: tuple[str, ...]) -> HeadRule:
    """Return a head that finds the one of some words that is in the text."""
    return HeadRule(
        name=name,
        layer=0,
        values=words,
        key=("tokens",),
        selects=lambda token: token in words,
        asked=True,
    )
