"""Modular addition, and parity with a scratchpad.

    7 + 5 + 3 = 3                            modular_addition_text, modulo 12
    1 0 1 1 = odd odd even odd EOS                parity_scratchpad

The mechanism of modular addition is that of Nanda et al. (2023): heads move the
numbers to the last position, and MLPs add them there. Parity needs one bit and the
parity so far at each step, which is the present token, as it was written out.
"""

from __future__ import annotations

from collections.abc import Sequence

from compiler.rasp.values import Value
from zoo.tasks.language import (
    EOS,
    NEXT,
    LanguageTask,
    PromptKind,
    digits_of,
    next_values,
)
from zoo.tasks.rules import NO_VALUE, HeadRule, MlpRule

EQUALS, PLUS = "=", "+"
PARITIES = ("even", "odd")


class ModularAddition(LanguageTask):
    """The causal model of the sum of three numbers: `7 + 5 + 3 = 3`, modulo 12.

    Args:
        modulus: the numbers are 0 .. modulus - 1.
    """

    name = "modular_addition_text"
    meaning = "The sum of three numbers modulo 12: `7 + 5 + 3 =` goes on with `3`."
    separator = EQUALS
    ends = False

    def __init__(self, modulus: int = 12) -> None:
        self.modulus, numbers = modulus, tuple(range(modulus))
        words = (*map(str, numbers), PLUS, EQUALS)
        heads = [
            HeadRule(
                name=f"{which}_number",
                layer=0,
                values=numbers,
                distance=distance,
                renamed={str(number): number for number in numbers},
                asked=True,
            )
            for which, distance in (("first", 5), ("second", 3), ("third", 1))
        ]
        partial = MlpRule(
            name="sum_of_two",
            layer=0,
            values=numbers,
            reads=("first_number", "second_number"),
            computes=lambda first, second: (first + second) % modulus,
        )
        follows = MlpRule(
            name=NEXT,
            layer=1,
            values=next_values(words, self.ends),
            reads=("sum_of_two", "third_number"),
            computes=lambda so_far, third: str((so_far + third) % modulus),
        )
        super().__init__(words, (*heads, partial, follows), 6)

    def kinds(self) -> tuple[PromptKind, ...]:
        """Return all sums of three numbers."""
        return (PromptKind(self.modulus**3, self._prompt),)

    def _prompt(self, number: int) -> list[str]:
        first, second, third = map(str, digits_of(number, *[self.modulus] * 3))
        return [first, PLUS, second, PLUS, third, EQUALS]

    def answer(self, prompt: Sequence[str]) -> list[str]:
        """Return the sum."""
        return [str(sum(int(w) for w in prompt if w.isdigit()) % self.modulus)]


class ParityScratchpad(LanguageTask):
    """The causal model of running parity: `1 0 1 1 = odd odd even odd EOS`.

    Args:
        bits: how many bits every prompt has.
    """

    name = "parity_scratchpad"
    meaning = "Whether the ones so far are odd: `1 0 1 = odd odd even EOS`."
    separator = EQUALS

    def __init__(self, bits: int = 9) -> None:
        self.bits = bits
        words = ("0", "1", *PARITIES, EQUALS)
        bit = HeadRule(
            name="bit",
            layer=0,
            values=(0, 1, None),
            distance=bits,
            renamed={"0": 0, "1": 1, EQUALS: None},
            asked=True,
        )
        follows = MlpRule(
            name=NEXT,
            layer=0,
            values=next_values(words),
            reads=("tokens", "bit"),
            computes=_next_parity,
        )
        super().__init__(words, (bit, follows), 2 * bits + 1)

    def kinds(self) -> tuple[PromptKind, ...]:
        """Return all words of bits."""
        return (PromptKind(2**self.bits, self._prompt),)

    def _prompt(self, number: int) -> list[str]:
        return [*map(str, digits_of(number, *[2] * self.bits)), EQUALS]

    def answer(self, prompt: Sequence[str]) -> list[str]:
        """Return the parity of the ones up to each bit."""
        bits = [int(word) for word in prompt[:-1]]
        return [PARITIES[sum(bits[: i + 1]) % 2] for i in range(len(bits))]


def _next_parity(token: str, bit: int | None) -> Value:
    if bit is None:
        return EOS
    if token not in (EQUALS, *PARITIES):
        return NO_VALUE
    return PARITIES[bit ^ (token == "odd")]
