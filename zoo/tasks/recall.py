"""Recall from the prompt: two look-ups, several hops, and the arguments of a function.

    a 3 b 5 c 1 b a = 5 3 EOS                             two_lookups
    a d , c b , d c , b a ? a = b EOS                     k_hop, three hops
    def load ( size , mode ) : param size param mode EOS  argument_recall

In each, heads of the first layer tell every position which tokens came before it, and
later heads look for the position that comes after what is asked (Olsson et al. 2022;
Heimersheim and Janiak 2023 for arguments).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from compiler.rasp.values import Value
from zoo.tasks.language import (
    EOS,
    NEXT,
    LanguageTask,
    PromptKind,
    arrangement,
    digits_of,
    next_values,
)
from zoo.tasks.rules import NO_VALUE, HeadRule, MlpRule

EQUALS = "="


def _token_before(name: str, words: Sequence[str], distance: int) -> HeadRule:
    """Return a head that moves the token at a distance, and BOS where there is none."""
    return HeadRule(
        name=name,
        layer=0,
        values=(*words, EOS, "BOS"),
        distance=distance,
        default="BOS",
    )


class TwoLookups(LanguageTask):
    """The causal model of two look-ups: `a 3 b 5 c 1 b a = 5 3 EOS`.

    `wanted` is the token two places back: the first key at `=`, the second key one
    place later, and then `=` itself, which leads to EOS.

    Args:
        keys: the keys, letters.
        count: the values are 0 .. count - 1.
        pairs: the least and the greatest number of pairs.
    """

    name = "two_lookups"
    meaning = "The values of two keys: `a 3 b 5 c 1 b a = 5 3 EOS`."
    separator = EQUALS

    def __init__(
        self, keys: str = "abcdef", count: int = 6, pairs: tuple[int, int] = (2, 4)
    ) -> None:
        self.keys, self.pairs = tuple(keys), pairs
        self.numbers = tuple(map(str, range(count)))
        words = (*self.keys, *self.numbers, EQUALS)
        wanted = HeadRule(
            name="wanted",
            layer=0,
            values=(*self.keys, EQUALS),
            distance=2,
            asked=True,
        )
        follows = HeadRule(
            name=NEXT,
            layer=1,
            values=next_values(words),
            query=("wanted",),
            key=("tokens", "previous_token"),
            selects=self._is_wanted,
            renamed={EQUALS: EOS},
            asked=True,
        )
        before = _token_before("previous_token", words, 1)
        super().__init__(words, (before, wanted, follows), 2 * pairs[1] + 5)

    def _is_wanted(self, wanted: Value, token: Value, previous: Value) -> bool:
        if wanted == EQUALS:
            return token == EQUALS
        return token in self.numbers and previous == wanted

    def kinds(self) -> tuple[PromptKind, ...]:
        """Return the prompts by number of pairs."""
        few, many = self.pairs
        return tuple(self._kind(pairs) for pairs in range(few, many + 1))

    def _kind(self, pairs: int) -> PromptKind:
        orders, values = math.perm(len(self.keys), pairs), len(self.numbers)

        def make(number: int) -> list[str]:
            order, first, second, *chosen = digits_of(
                number, orders, pairs, pairs, *[values] * pairs
            )
            keys = arrangement(order, self.keys, pairs)
            told = zip(keys, (self.numbers[value] for value in chosen), strict=True)
            said = [word for pair in told for word in pair]
            return [*said, keys[first], keys[second], EQUALS]

        return PromptKind(orders * pairs**2 * values**pairs, make)

    def answer(self, prompt: Sequence[str]) -> list[str]:
        """Return the values of the two last keys."""
        told = dict(zip(prompt[:-3:2], prompt[1:-3:2], strict=True))
        return [told[prompt[-3]], told[prompt[-2]]]


class KHop(LanguageTask):
    """The causal model of several hops: `a d , c b , d c , b a ? a = b EOS`.

    Each pair leads from one letter to another. The start is the token before `=`, and
    every hop is a head in a layer of its own. Where the answer was written the start is
    `=`, which leads to itself, and at last to EOS.

    Args:
        letters: the letters.
        pairs: the least and the greatest number of pairs.
        hops: how many hops there are.
    """

    name = "k_hop"
    meaning = "Where three hops lead to: `a d , c b , d c , b a ? a = b EOS`."
    separator = EQUALS

    def __init__(
        self, letters: str = "abcdef", pairs: tuple[int, int] = (3, 4), hops: int = 3
    ) -> None:
        self.letters, self.pairs, self.hops = tuple(letters), pairs, hops
        words = (*self.letters, ",", "?", EQUALS)
        names = ["previous_token", *(f"hop_{i}" for i in range(1, hops)), NEXT]
        reached = (*self.letters, EQUALS)
        heads = [
            HeadRule(
                name=name,
                layer=layer,
                values=next_values(words) if name == NEXT else reached,
                query=(names[layer - 1],),
                key=("tokens", "previous_token"),
                selects=self._leads,
                renamed={EQUALS: EOS} if name == NEXT else {},
                asked=True,
            )
            for layer, name in enumerate(names)
            if layer
        ]
        before = _token_before("previous_token", words, 1)
        super().__init__(words, (before, *heads), 3 * pairs[1] + 3)

    def _leads(self, start: Value, token: Value, previous: Value) -> bool:
        if start == EQUALS:
            return token == EQUALS
        known = start in self.letters and token in self.letters
        return known and previous == start

    def kinds(self) -> tuple[PromptKind, ...]:
        """Return the prompts by number of pairs."""
        few, many = self.pairs
        return tuple(self._kind(pairs) for pairs in range(few, many + 1))

    def _kind(self, pairs: int) -> PromptKind:
        orders = math.perm(len(self.letters), pairs)

        def make(number: int) -> list[str]:
            order, start, *ends = digits_of(number, orders, pairs, *[pairs] * pairs)
            sources = arrangement(order, self.letters, pairs)
            told = [f"{a} {sources[end]}" for a, end in zip(sources, ends, strict=True)]
            return f"{' , '.join(told)} ? {sources[start]} {EQUALS}".split()

        return PromptKind(orders * pairs ** (pairs + 1), make)

    def answer(self, prompt: Sequence[str]) -> list[str]:
        """Return the letter that is reached from the last one."""
        told = dict(zip(prompt[:-3:3], prompt[1:-3:3], strict=True))
        reached = prompt[-2]
        for _ in range(self.hops):
            reached = told[reached]
        return [reached]


class ArgumentRecall(LanguageTask):
    """The causal model of documenting arguments.

        def load ( size , mode ) : param size param mode EOS

    The argument documented last asks for the one that stands two places after it.
    After `:` that is the first one, two places after the function's name; after the
    last one it is `:`, and the text ends. Some texts have no `def`: else the positions
    alone would tell where an argument is to be written.

    Args:
        functions: names of functions.
        arguments: names of arguments.
        counts: the least and the greatest number of arguments.
    """

    name = "argument_recall"
    meaning = "Every argument: `def load ( size , mode ) : param size param mode EOS`."
    separator = ":"

    def __init__(
        self,
        functions: Sequence[str] = ("load", "save", "draw", "send"),
        arguments: Sequence[str] = ("path", "size", "mode", "name", "date", "kind"),
        counts: tuple[int, int] = (2, 4),
    ) -> None:
        self.functions, self.arguments = tuple(functions), tuple(arguments)
        self.counts = counts
        words = (*functions, *arguments, "def", "(", ",", ")", ":", "param")
        documented = HeadRule(
            name="documented",
            layer=0,
            values=(*arguments, ":"),
            key=("tokens",),
            selects=lambda token: token != "param",
            latest=True,
            asked=True,
        )
        argument = HeadRule(
            name="next_argument",
            layer=1,
            values=(*arguments, ":"),
            query=("documented",),
            key=("two_before",),
            selects=self._is_next,
            asked=True,
        )
        follows = MlpRule(
            name=NEXT,
            layer=1,
            values=next_values(words),
            reads=("tokens", "next_argument"),
            computes=self._next,
        )
        before = _token_before("two_before", words, 2)
        longest = 4 * counts[1] + 4
        super().__init__(words, (before, documented, argument, follows), longest)

    def _is_next(self, documented: Value, before: Value) -> bool:
        if documented == ":":
            return before in self.functions
        return before == documented

    def _next(self, token: str, argument: str) -> Value:
        if token == "param":
            return NO_VALUE if argument == ":" else argument
        return EOS if argument == ":" else "param"

    def kinds(self) -> tuple[PromptKind, ...]:
        """Return the prompts by number of arguments."""
        few, many = self.counts
        return tuple(self._kind(count) for count in range(few, many + 1))

    def _kind(self, count: int) -> PromptKind:
        orders = math.perm(len(self.arguments), count)

        def make(number: int) -> list[str]:
            order, function, begins = digits_of(number, orders, len(self.functions), 2)
            names = " , ".join(arrangement(order, self.arguments, count))
            start = "def " if begins else ""
            return f"{start}{self.functions[function]} ( {names} ) :".split()

        return PromptKind(2 * orders * len(self.functions), make)

    def answer(self, prompt: Sequence[str]) -> list[str]:
        """Return `param` and the name of each argument."""
        names = [word for word in prompt if word in self.arguments]
        return [word for name in names for word in ("param", name)]
