"""What sampled programs are to be: layers, heads, output, families, inputs."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence, Set
from dataclasses import asdict, dataclass, replace
from typing import Any

from compiler.errors import InputError, unknown_name
from compiler.rasp.values import Value, show_many
from zoo.sampling.chance import Chance

FAMILIES = ("counts", "lookups", "rules", "means")
"""What a head can compute: how many positions are selected; the value at a computed
position; the first, last, smallest or largest selected value; the mean of them."""
OUTPUTS = ("categorical", "numerical", "boolean")
TOKENS: tuple[Value, ...] = ("a", "b", "c", "d")
MOST_LAYERS, MOST_HEADS, MOST_LENGTH, MOST_TOKENS = 8, 4, 12, 12


@dataclass(frozen=True)
class SampleGoal:
    """What every program of a suite has.

    Attributes:
        layers: attention layers of the compiled model.
        heads: attention heads in each of these layers.
        output: `categorical` (tokens), `numerical`, `boolean`, or None for any.
        families: the families of primitives that heads may be of.
        vocab: the tokens, all strings or all integers.
        max_len: the greatest number of tokens.
        causal: whether positions see only themselves and earlier ones.
        local: whether functions of one token and its position are kept too.

    Raises:
        InputError: one of these cannot be; says which, and what can.
    """

    layers: int = 2
    heads: int = 1
    output: str | None = None
    families: tuple[str, ...] = FAMILIES
    vocab: tuple[Value, ...] = TOKENS
    max_len: int = 6
    causal: bool = False
    local: bool = False

    def __post_init__(self) -> None:
        check_range("layers", self.layers, 1, MOST_LAYERS)
        check_range("heads", self.heads, 1, MOST_HEADS)
        check_range("max_len", self.max_len, 2, MOST_LENGTH)
        if self.output is not None and self.output not in OUTPUTS:
            raise unknown_name("type of output", str(self.output), OUTPUTS)
        for family in self.families:
            if family not in FAMILIES:
                raise unknown_name("family of primitives", str(family), FAMILIES)
        if not self.families:
            raise InputError(f"no families are given; choose of {', '.join(FAMILIES)}")
        _check_tokens(self.vocab)
        if set(self.families) == {"lookups"}:
            raise InputError(
                "lookups alone make no program: a lookup reads the position that an "
                "earlier head computed. Add a family, for example counts"
            )

    def to_json(self) -> dict[str, Any]:
        """Return the goal as JSON values."""
        found = asdict(self)
        return found | {"vocab": list(self.vocab), "families": list(self.families)}


@dataclass(frozen=True)
class GoalChoices:
    """Goals that differ in layers and heads; each draw of a suite takes one.

    Attributes:
        goals: each as likely as any other.
    """

    goals: tuple[SampleGoal, ...]

    @classmethod
    def over(
        cls, goal: SampleGoal, layers: Sequence[int], heads: Sequence[int]
    ) -> GoalChoices:
        """Return a goal with each of some numbers of layers and of heads."""
        pairs = itertools.product(layers, heads)
        return cls(tuple(replace(goal, layers=n, heads=h) for n, h in pairs))

    @property
    def any(self) -> SampleGoal:
        """One of the goals: the vocabulary and the length are those of all."""
        return self.goals[0]

    def of_draw(self, seed: int, number: int) -> SampleGoal:
        """Return the goal of one draw of a seed."""
        if len(self.goals) == 1:
            return self.any
        return Chance(f"goal {seed}-{number}").one_of(self.goals)

    def to_json(self) -> dict[str, Any]:
        """Return what is asked for as JSON values; lists where there is a choice."""
        found = self.any.to_json()
        for name in ("layers", "heads"):
            there = list(dict.fromkeys(getattr(goal, name) for goal in self.goals))
            found[name] = there if len(there) > 1 else there[0]
        return found


def read_numbers(name: str, given: int | str | Iterable[int]) -> tuple[int, ...]:
    """Return numbers of layers or heads in order: of `3`, `"2-5"`, `"2,4"`, `[2, 4]`.

    Raises:
        InputError: it is none of these. What is out of range is left to the goal.
    """
    remedy = f"give a number, such as 3, a range, such as 2-5, or a list: {name} 2,4"
    if isinstance(given, bool) or not isinstance(given, int | str | Iterable):
        raise InputError(f"{name} is {given!r}; {remedy}")
    if isinstance(given, int):
        return (given,)
    if isinstance(given, str):
        given = [n for part in given.split(",") for n in _span(name, part, remedy)]
    found = list(given)
    if not found or not all(type(n) is int for n in found):
        raise InputError(f"{name} is {found!r}; {remedy}")
    return tuple(sorted(set(found)))


def _span(name: str, text: str, remedy: str) -> Iterable[int]:
    """Return the numbers of `3` or `2-5`."""
    found = re.fullmatch(r"\s*(-?\d{1,9})\s*(?:-\s*(\d{1,9}))?\s*", text, re.ASCII)
    if found is None:
        raise InputError(f"{name} is {text!r}; {remedy}")
    first = int(found[1])
    last = first if found[2] is None else int(found[2])
    if not first <= last <= first + 100:
        raise InputError(f"{name} is {text!r}; {remedy}")
    return range(first, last + 1)


def read_families(text: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return families in their own order, from `counts,rules` or a list; all if None.

    Names that are unknown are kept, for the goal to refuse.
    """
    if text is None:
        return FAMILIES
    names = text.split(",") if isinstance(text, str) else list(text)
    given = dict.fromkeys(n.strip() if isinstance(n, str) else n for n in names)
    known = [f for f in FAMILIES if f in given]
    return (*known, *(n for n in given if n not in FAMILIES))


def read_tokens(vocab: Iterable[Value] | None) -> tuple[Value, ...]:
    """Return a vocabulary; the usual one if None.

    Raises:
        InputError: it is no list of tokens.
    """
    if vocab is None:
        return TOKENS
    if not isinstance(vocab, Iterable) or isinstance(vocab, Set):
        raise InputError(
            f"the vocabulary is {vocab!r}, a {type(vocab).__name__}; give a list of "
            "tokens, because their order counts"
        )
    return tuple(vocab)


def check_range(name: str, found: int, least: int, most: int) -> None:
    """Raise InputError for what is no integer from `least` to `most`."""
    whole = isinstance(found, int) and not isinstance(found, bool)
    if not whole or not least <= found <= most:
        raise InputError(f"{name} is {found!r}; give a number from {least} to {most}")


def _check_tokens(vocab: tuple[Value, ...]) -> None:
    kinds = {type(token) for token in vocab}
    if kinds not in ({str}, {int}) or not 2 <= len(set(vocab)) <= MOST_TOKENS:
        raise InputError(
            f"the vocabulary is {show_many(vocab)}; give 2 to {MOST_TOKENS} different "
            "tokens that are all strings or all integers, because programs compare them"
        )
    if len(set(vocab)) < len(vocab):
        raise InputError(
            f"the vocabulary {show_many(vocab)} has a token twice; give each once"
        )
