"""Random element-wise functions of what heads give, and random constants."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from compiler.rasp.expr import SOp, indices, tokens
from compiler.rasp.idioms import maximum, minimum, where
from zoo.sampling.chance import Chance
from zoo.sampling.forms import HeadForm, SignalKind
from zoo.sampling.goal import SampleGoal


class FunctionChoices:
    """The functions that fit a goal, chosen at random.

    Args:
        goal: whose tokens and length are used.
        chance: what chooses.
    """

    def __init__(self, goal: SampleGoal, chance: Chance) -> None:
        self.goal, self.chance = goal, chance

    def combined(
        self, kind: SignalKind, kinds: list[SignalKind], parts: list[SOp]
    ) -> SOp:
        """Return one element-wise function of the signals of the last layer."""
        if kind == "bool" and kinds[0] != "bool":
            left, right = parts
            return left == right if kinds[0] == "token" else self.ordered(left, right)
        if kind == "bool":
            return self.joined(parts)
        if kinds == ["bool", "token"]:
            return where(parts[0], parts[1], self.chance.one_of((tokens, self.token())))
        tests, (left, right) = parts[:-2], parts[-2:]
        if tests:
            return where(self.joined(tests), left, right)
        return self.one_sum(left, right)

    def joined(self, tests: list[SOp]) -> SOp:
        """Return booleans joined by and, or, xor."""
        found = tests[0]
        for other in tests[1:]:
            way = self.chance.below(3)
            found = (found & other, found | other, found ^ other)[way]
        return found

    def one_sum(self, left: SOp, right: SOp) -> SOp:
        """Return the sum, the difference, the smaller or the larger of two numbers."""
        way = self.chance.below(4)
        if way < 2:
            return (left + right, left - right)[way]
        return (minimum, maximum)[way - 2](left, right)

    def ordered(self, left: SOp, right: Any) -> SOp:
        """Return a comparison of two sequences of one type."""
        way = self.chance.below(3)
        return (left == right, left < right, left >= right)[way]

    def converted(self, raw: SOp, form: HeadForm, kind: SignalKind, joint: bool) -> SOp:
        """Return a function of what a head gives, with values of a type.

        Args:
            raw: what the head gives.
            form: what that is.
            kind: the type of the function's values.
            joint: whether another function reads it in the same MLP. Then it is of the
                head alone: the joint table has every argument of both.
        """
        if form.gives == kind:
            return self.changed(raw, kind, joint)
        test = raw if form.gives == "bool" else self.test(raw, form, joint)
        if kind == "bool":
            return test
        if kind == "token":
            return where(test, self.token() if joint else tokens, self.token())
        return where(test, 0 if joint else indices, self.small())

    def test(self, raw: SOp, form: HeadForm, joint: bool) -> SOp:
        """Return a boolean function of what a head gives."""
        way = self.chance.below(4)
        if form.gives == "mean":
            part = Fraction(1 + self.chance.below(2), 3 if way % 2 else 2)
            if form.reads == "bool":
                return raw >= part if part < 1 else raw == 1
            return raw > 2 * part if way < 2 else raw >= 2 * part
        if form.gives == "token":
            other = self.token() if joint or way < 2 else tokens
            return self.ordered(raw, other)
        if way == 0:
            return raw % 2 == self.chance.below(2)
        other = indices if way == 1 and not joint else self.small()
        return self.ordered(raw, other)

    def changed(self, raw: SOp, kind: SignalKind, joint: bool) -> SOp:
        """Return a function of a signal, of the same type."""
        if kind == "token":
            order = self.chance.order(len(self.goal.vocab))
            vocab = self.goal.vocab
            table = {t: vocab[i] for t, i in zip(vocab, order, strict=True)}
            return raw.map(table.__getitem__)
        if kind == "bool":
            return ~raw if joint else self.joined([raw, tokens == self.token()])
        way = self.chance.below(2 if joint else 4)
        if way == 0:
            return raw % (2 + self.chance.below(2))
        if way == 1:
            return minimum(raw, self.small())
        return abs(raw - indices) if way == 2 else maximum(raw, indices)

    # Constants --------------------------------------------------------------------

    def token(self) -> Any:
        """Return a token of the vocabulary."""
        return self.chance.one_of(self.goal.vocab)

    def small(self) -> int:
        """Return a number from 1 to half of the greatest length."""
        return 1 + self.chance.below(max(1, self.goal.max_len // 2))

    def constant(self, kind: str) -> Any:
        """Return what a head gives where it selects nothing."""
        if kind == "token":
            return self.token()
        return False if kind == "bool" else 0
