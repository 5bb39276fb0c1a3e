"""Copy, reverse and sort: a text of different tokens, and what is written after it.

    c a d = c a d EOS        copy_text
    c a d = d a c EOS        reverse_text
    3 1 2 = 1 2 3 EOS        sort_text

Copying is induction (Olsson et al. 2022): a head looks for the position whose previous
token is the present one, and `=` looks for the token after BOS.
"""

from __future__ import annotations

from collections.abc import Sequence

from compiler.rasp.values import Value
from zoo.tasks.language import (
    EOS,
    NEXT,
    LanguageTask,
    PromptKind,
    arrangements,
    next_values,
)
from zoo.tasks.rules import HeadRule

EQUALS = "="


class _Rewriting(LanguageTask):
    """Prompts of different tokens and `=`, of every length from 2 up."""

    separator = EQUALS
    tokens: tuple[str, ...]
    longest: int

    def kinds(self) -> tuple[PromptKind, ...]:
        """Return the prompts by length."""
        return tuple(
            PromptKind(kind.count, lambda n, kind=kind: [*kind.make(n), EQUALS])
            for kind in arrangements(self.tokens, range(2, self.longest + 1))
        )


def _previous(words: Sequence[str]) -> HeadRule:
    return HeadRule(
        name="previous_token",
        layer=0,
        values=(*words, EOS, "BOS"),
        distance=1,
    )


class CopyText(_Rewriting):
    """The causal model of copying: `c a d = c a d EOS`.

    Args:
        letters: the tokens.
        longest: the most tokens of a prompt, `=` not counted.
    """

    name = "copy_text"
    meaning = "The prompt once more, token by token: `c a d = c a d EOS`."

    def __init__(self, letters: str = "abcdefgh", longest: int = 6) -> None:
        self.tokens, self.longest = tuple(letters), longest
        words = (*letters, EQUALS)
        follows = HeadRule(
            name=NEXT,
            layer=1,
            values=next_values(words),
            query=("tokens",),
            key=("previous_token",),
            selects=_is_after,
            renamed={EQUALS: EOS},
            asked=True,
        )
        super().__init__(words, (_previous(words), follows), 2 * longest + 1)

    def answer(self, prompt: Sequence[str]) -> list[str]:
        """Return the prompt without `=`."""
        return list(prompt[:-1])


def _is_after(token: Value, previous: Value) -> bool:
    """Return whether a key comes next: after the same token, or first after `=`."""
    return previous == ("BOS" if token == EQUALS else token)


class ReverseText(_Rewriting):
    """The causal model of reversal: `c a d = d a c EOS`.

    The head that writes looks for its token in the prompt, and takes the token before
    it. `after_separator` tells the prompt from what is written.

    Args:
        letters: the tokens.
        longest: the most tokens of a prompt, `=` not counted.
    """

    name = "reverse_text"
    meaning = "The prompt from its end to its start: `c a d = d a c EOS`."

    def __init__(self, letters: str = "abcdefgh", longest: int = 6) -> None:
        self.tokens, self.longest = tuple(letters), longest
        words = (*letters, EQUALS)
        after = HeadRule(
            name="after_separator",
            layer=0,
            values=(False, True),
            moves=None,
            key=("tokens",),
            selects=lambda token: token == EQUALS,
            default=False,
        )
        follows = HeadRule(
            name=NEXT,
            layer=1,
            values=next_values(words),
            moves="previous_token",
            query=("tokens",),
            key=("tokens", "after_separator"),
            selects=_is_here,
            renamed={"BOS": EOS},
            asked=True,
        )
        rules = (_previous(words), after, follows)
        super().__init__(words, rules, 2 * longest + 1)

    def answer(self, prompt: Sequence[str]) -> list[str]:
        """Return the prompt without `=`, from its end."""
        return list(prompt[-2::-1])


def _is_here(token: Value, key: Value, after: Value) -> bool:
    """Return whether a key is the same token, and in the prompt or `=`."""
    return token == key and (not after or key == EQUALS)


class SortText(_Rewriting):
    """The causal model of sorting: `3 1 2 = 1 2 3 EOS`.

    One head attends to the least number above the present token. Where there is none
    it attends to `=`, which it turns into EOS.

    Args:
        count: the numbers are 0 .. count - 1; none comes twice in a prompt.
        longest: the most numbers of a prompt.
    """

    name = "sort_text"
    meaning = "The numbers of the prompt in rising order: `3 1 2 = 1 2 3 EOS`."

    def __init__(self, count: int = 10, longest: int = 6) -> None:
        self.tokens, self.longest = tuple(map(str, range(count))), longest
        words = (*self.tokens, EQUALS)
        follows = HeadRule(
            name=NEXT,
            layer=0,
            values=next_values(words),
            query=("tokens",),
            key=("tokens",),
            selects=_is_greater,
            rank=lambda key: -int(key) if str(key).isdigit() else -count,
            renamed={EQUALS: EOS},
            asked=True,
        )
        super().__init__(words, (follows,), 2 * longest + 1)

    def answer(self, prompt: Sequence[str]) -> list[str]:
        """Return the numbers of the prompt, the least one first."""
        return sorted(prompt[:-1], key=int)


def _is_greater(token: Value, key: Value) -> bool:
    """Return whether a key is a number above the token, or `=`."""
    if key == EQUALS:
        return True
    return key.isdigit() and (token == EQUALS or (token.isdigit() and key > token))
