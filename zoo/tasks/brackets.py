"""Dyck-1 completion: brackets that are still open are closed, and then the text ends.

    ( ( ) ( = ) ) EOS

A head attends to all tokens alike, so that it sees whether more were opened than
closed (Bhattamishra et al. 2020). An MLP writes `)` or EOS.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from zoo.tasks.language import EOS, NEXT, LanguageTask, PromptKind, next_values
from zoo.tasks.rules import CountRule, MlpRule

OPEN, CLOSE, EQUALS = "(", ")", "="


class DyckCompletion(LanguageTask):
    """The causal model of Dyck-1 completion: `( ( ) ( = ) ) EOS`.

    Args:
        longest: the most brackets of a prompt.
    """

    name = "dyck_completion"
    meaning = "The brackets that close those left open: `( ( ) ( = ) ) EOS`."
    separator = EQUALS

    def __init__(self, longest: int = 10) -> None:
        self.longest = longest
        words = (OPEN, CLOSE, EQUALS)
        unclosed = CountRule(
            name="unclosed", layer=0, weights={OPEN: 1, CLOSE: -1}, asked=True
        )
        follows = MlpRule(
            name=NEXT,
            layer=0,
            values=next_values(words),
            reads=("unclosed",),
            computes=lambda unclosed: CLOSE if unclosed else EOS,
        )
        super().__init__(words, (unclosed, follows), 2 * longest + 1)

    def kinds(self) -> tuple[PromptKind, ...]:
        """Return the prompts by length: no bracket closes before it was opened."""
        return tuple(
            PromptKind(len(texts), texts.__getitem__)
            for texts in map(_prefixes, range(1, self.longest + 1))
        )

    def answer(self, prompt: Sequence[str]) -> list[str]:
        """Return as many closing brackets as are missing."""
        return [CLOSE] * (prompt.count(OPEN) - prompt.count(CLOSE))


def _prefixes(length: int) -> list[list[str]]:
    """Return every prompt with so many brackets, `=` at its end."""
    return [
        [*brackets, EQUALS]
        for brackets in itertools.product((OPEN, CLOSE), repeat=length)
        if min(itertools.accumulate(1 if b == OPEN else -1 for b in brackets)) >= 0
    ]
