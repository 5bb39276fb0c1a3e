"""Addition, with and without a scratchpad, and multiplication by a digit.

    7 9 0 + 5 4 1 = 2 4 2 0 EOS             addition: 97 + 145 = 242, least digit first
    7 5 9 4 0 1 = 2 c1 4 c1 2 c0 EOS        addition_scratchpad: the same, in columns
    x3 times 3 1 4 0 = 4 4 2 2 0 EOS        multiplication, in base 5

Heads at fixed distances bring the digits of a column to where the next digit is
written, as in Quirke and Barez (2024). Without a scratchpad no carry has to be handed
on from column to column: the digit that was just written, the present token, tells it.
The last sum passed the base if and only if that digit is less than the sum of the two
digits that it was made of. For products the same holds modulo the base.
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

EQUALS, PLUS, TIMES = "=", "+", "times"


def _digit_head(name: str, distance: int, words: Sequence[str], base: int) -> HeadRule:
    """Return a head that moves the digit at a distance, or None for another token."""
    digits = tuple(range(base))
    other = {word: None for word in (*words, EOS, "BOS", "PAD") if not word.isdigit()}
    return HeadRule(
        name=name,
        layer=0,
        values=(*digits, None),
        distance=distance,
        renamed={**other, **{str(digit): digit for digit in digits}},
        asked=True,
    )


def _digits(words: Sequence[str]) -> list[int]:
    return [int(word) for word in words if word.isdigit()]


def _written(number: int, base: int, count: int) -> list[str]:
    """Return a number as words, the least of its `count` digits first."""
    return [str(digit) for digit in digits_of(number, *[base] * count)]


def _value(digits: Sequence[int], base: int) -> int:
    """Return the number that has these digits, the least one first."""
    return sum(digit * base**i for i, digit in enumerate(digits))


class Addition(LanguageTask):
    """The causal model of addition: `7 9 0 + 5 4 1 = 2 4 2 0 EOS`.

    Args:
        width: the digits of each number.
        base: the base, at most 10.
    """

    name = "addition"
    meaning = "The sum of two numbers, least digit first: `7 9 + 5 4 = 2 4 1 EOS`."
    separator = EQUALS

    def __init__(self, width: int = 3, base: int = 10) -> None:
        self.width, self.base = width, base
        words = (*map(str, range(base)), PLUS, EQUALS)
        heads = {
            "first_digit": 2 * width + 1,
            "second_digit": width,
            "first_before": 2 * width + 2,
            "second_before": width + 1,
        }
        carry = MlpRule(
            name="carry",
            layer=0,
            values=(0, 1, None),
            reads=("tokens", "first_before", "second_before"),
            computes=_carry,
        )
        follows = MlpRule(
            name=NEXT,
            layer=1,
            values=next_values(words),
            reads=("first_digit", "second_digit", "carry"),
            computes=self._next,
        )
        rules = [_digit_head(name, d, words, base) for name, d in heads.items()]
        super().__init__(words, (*rules, carry, follows), 3 * width + 3)

    def _next(self, first: int | None, second: int | None, carry: int | None) -> str:
        """Return the next digit; above the last column it is the carry alone."""
        if carry is None:
            return EOS
        return str(((first or 0) + (second or 0) + carry) % self.base)

    def kinds(self) -> tuple[PromptKind, ...]:
        """Return all pairs of numbers."""
        return (PromptKind(self.base ** (2 * self.width), self._prompt),)

    def _prompt(self, number: int) -> list[str]:
        words = _written(number, self.base, 2 * self.width)
        return [*words[: self.width], PLUS, *words[self.width :], EQUALS]

    def answer(self, prompt: Sequence[str]) -> list[str]:
        """Return the digits of the sum."""
        digits = _digits(prompt)
        first, second = digits[: self.width], digits[self.width :]
        total = _value(first, self.base) + _value(second, self.base)
        return _written(total, self.base, self.width + 1)


def _carry(token: str, first: int | None, second: int | None) -> Value:
    """Return the carry of the last column, None after all columns."""
    if token == EQUALS:
        return 0
    if first is None or second is None:
        return None
    return int(int(token) < first + second) if token.isdigit() else NO_VALUE


class AdditionScratchpad(LanguageTask):
    """The causal model of addition in columns, with the carries written out.

        7 5 9 4 0 1 = 2 c1 4 c1 2 c0 EOS

    The prompt has the two digits of each column side by side, the least ones first.
    Three heads see the tokens around the column. Two of them are its digits where a
    digit is to be written, and two where its carry is: an MLP adds both pairs.

    Args:
        width: the columns.
        base: the base, at most 10.
    """

    name = "addition_scratchpad"
    meaning = "The sum of columns, with carries: `7 5 9 4 = 2 c1 4 c1 EOS`."
    separator = EQUALS

    def __init__(self, width: int = 3, base: int = 10) -> None:
        self.width, self.base = width, base
        words = (*map(str, range(base)), "c0", "c1", EQUALS)
        heads = {"near": 2 * width - 1, "middle": 2 * width, "far": 2 * width + 1}
        sums = {"sum_here": ("middle", "near"), "sum_before": ("far", "middle")}
        columns = [
            MlpRule(
                name=name,
                layer=0,
                values=(*range(2 * base - 1), None),
                reads=reads,
                computes=_sum,
            )
            for name, reads in sums.items()
        ]
        follows = MlpRule(
            name=NEXT,
            layer=1,
            values=next_values(words),
            reads=("tokens", *sums),
            computes=self._next,
        )
        rules = [_digit_head(name, d, words, base) for name, d in heads.items()]
        super().__init__(words, (*rules, *columns, follows), 4 * width + 1)

    def _next(self, token: str, here: int | None, before: int | None) -> Value:
        """Return the column's digit after `=` or a carry, and its carry after that."""
        column = before if token.isdigit() else here
        if column is None:
            return EOS
        if token in (EQUALS, "c0", "c1"):
            return str((column + (token == "c1")) % self.base)
        return f"c{int(int(token) < column)}" if token.isdigit() else NO_VALUE

    def kinds(self) -> tuple[PromptKind, ...]:
        """Return all columns of digits."""
        count = self.base ** (2 * self.width)
        return (PromptKind(count, self._prompt),)

    def _prompt(self, number: int) -> list[str]:
        return [*_written(number, self.base, 2 * self.width), EQUALS]

    def answer(self, prompt: Sequence[str]) -> list[str]:
        """Return each digit of the sum, and the carry after it."""
        digits, carry, said = _digits(prompt), 0, []
        for first, second in zip(digits[::2], digits[1::2], strict=True):
            carry, digit = divmod(first + second + carry, self.base)
            said += [str(digit), f"c{carry}"]
        return said


def _sum(first: int | None, second: int | None) -> int | None:
    """Return the sum of two digits, None where one of the tokens is no digit."""
    return None if first is None or second is None else first + second


class Multiplication(LanguageTask):
    """The causal model of multiplication: `times x3 3 1 4 0 = 4 4 2 2 0 EOS`.

    The multiplier comes before `times` or after it. The carry of the last column
    follows from the digit written there, the digit that was multiplied and the
    multiplier: `digit * multiplier + carry` has to end in what was written.

    Args:
        width: the digits of the number.
        base: the base, at most 10.
    """

    name = "multiplication"
    meaning = "A digit times a number, in base 5: `x3 times 3 1 = 4 4 0 EOS`."
    separator = EQUALS

    def __init__(self, width: int = 4, base: int = 5) -> None:
        self.width, self.base = width, base
        factors = {f"x{factor}": factor for factor in range(2, base)}
        self._factors = factors
        words = (*map(str, range(base)), *factors, TIMES, EQUALS)
        multiplier = HeadRule(
            name="multiplier",
            layer=0,
            values=tuple(factors.values()),
            key=("tokens",),
            selects=lambda token: token in factors,
            renamed=factors,
            asked=True,
        )
        carry = MlpRule(
            name="carry",
            layer=0,
            values=(*range(base), None),
            reads=("tokens", "digit_before", "multiplier"),
            computes=self._carry,
        )
        follows = MlpRule(
            name=NEXT,
            layer=1,
            values=next_values(words),
            reads=("digit", "multiplier", "carry"),
            computes=self._next,
        )
        digit = _digit_head("digit", width, words, base)
        before = _digit_head("digit_before", width + 1, words, base)
        rules = (digit, before, multiplier, carry, follows)
        super().__init__(words, rules, 2 * width + 4)

    def _carry(self, token: str, before: int | None, multiplier: int) -> Value:
        """Return the carry of the last column, None after all columns."""
        if token == EQUALS:
            return 0
        if before is None:
            return None
        if not token.isdigit():
            return NO_VALUE
        product = before * multiplier
        return (product + (int(token) - product) % self.base) // self.base

    def _next(self, digit: int | None, multiplier: int, carry: int | None) -> str:
        """Return the next digit; above the last column it is the carry alone."""
        if carry is None:
            return EOS
        return str(((digit or 0) * multiplier + carry) % self.base)

    def kinds(self) -> tuple[PromptKind, ...]:
        """Return all numbers with all multipliers, before and after `times`."""
        count = 2 * self.base**self.width * len(self._factors)
        return (PromptKind(count, self._prompt),)

    def _prompt(self, number: int) -> list[str]:
        order, factor, number = digits_of(
            number, 2, len(self._factors), self.base**self.width
        )
        said = [list(self._factors)[factor], TIMES][:: 1 - 2 * order]
        return [*said, *_written(number, self.base, self.width), EQUALS]

    def answer(self, prompt: Sequence[str]) -> list[str]:
        """Return the digits of the product."""
        factor = next(self._factors[w] for w in prompt if w in self._factors)
        product = _value(_digits(prompt), self.base) * factor
        return _written(product, self.base, self.width + 1)
