"""Candidates for what a component computes: RASP expressions, with their values.

Agents compare these with writes. All values are numbers: tokens stand as their place
in the vocabulary, whose order is that of the tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from jaxtyping import Bool, Float, Int

from zoo.annotation.code import COMPARISONS

ORDERED = ("<", "<=", ">", ">=")
RULES = ("first", "last", "min", "max")

FeatureValues = Float[np.ndarray, "input seq"]


@dataclass(frozen=True, eq=False)
class CandidateFeature:
    """A RASP expression, and what it is at each token of some inputs.

    Attributes:
        text: the expression.
        values: NaN where there is no token.
        role: of a component that computes it.
        lines: statements that have to stand in front of the expression.
        is_token: whether the values are places in the vocabulary.
    """

    text: str
    values: FeatureValues
    role: str
    lines: str = ""
    is_token: bool = False

    @property
    def program(self) -> str:
        """The feature as a program."""
        return f"{self.lines}found = {self.text};"


@dataclass(frozen=True, eq=False)
class CandidateSelector:
    """A selector as text, and which keys each query selects."""

    text: str
    chosen: Bool[np.ndarray, "input query key"]
    lines: str = ""


@dataclass(frozen=True, eq=False)
class FeatureLibrary:
    """Inputs of an agent, and the expressions that it tries on them.

    Attributes:
        vocab: the tokens.
        ids: places in the vocabulary, -1 where there is no token.
        causal: whether positions see only earlier ones.
    """

    vocab: Sequence[str | int]
    ids: Int[np.ndarray, "input seq"]
    causal: bool

    @property
    def live(self) -> Bool[np.ndarray, "input seq"]:
        """Where there is a token."""
        return self.ids >= 0

    def plain(self) -> list[CandidateFeature]:
        """Return the tokens and their places as features."""
        places = np.broadcast_to(np.arange(self.ids.shape[1]), self.ids.shape)
        return [
            CandidateFeature("tokens", self._shown(self.ids), "mapper", is_token=True),
            CandidateFeature("indices", self._shown(places), "mapper"),
        ]

    def selectors(self, extra: Sequence[CandidateFeature]) -> list[CandidateSelector]:
        """Return selectors by tokens, places, both, and by further features.

        Args:
            extra: features whose values are compared with each other and constants.
        """
        tokens, places = self.plain()
        first = [self._compare(tokens, tokens, sign) for sign in COMPARISONS]
        for feature in extra:
            first.append(self._compare(feature, feature, "=="))
            if feature.is_token:
                first += [self._compare(tokens, feature, sign) for sign in COMPARISONS]
            else:
                first.append(self._compare(places, feature, "=="))
            for value in np.unique(feature.values[self.live])[:4]:
                first.append(self._is_value(feature, float(value)))
        second = [self._compare(places, places, sign) for sign in ORDERED]
        both = [
            CandidateSelector(
                f"{a.text} and {b.text}", a.chosen & b.chosen, a.lines + b.lines
            )
            for a in first
            for b in second
        ]
        return [*first, *second, *both]

    def heads(
        self, extra: Sequence[CandidateFeature] = ()
    ) -> Iterator[CandidateFeature]:
        """Yield what one attention head may compute."""
        tokens, places = self.plain()
        for selector in self.selectors(extra):
            count = selector.chosen.sum(-1).astype(float)
            yield CandidateFeature(
                f"selector_width({selector.text})",
                self._shown(count),
                "aggregator",
                selector.lines,
            )
            for value in (places, tokens, *extra):
                yield from self._aggregates(selector, value)

    def _aggregates(
        self, selector: CandidateSelector, value: CandidateFeature
    ) -> Iterator[CandidateFeature]:
        lines = selector.lines + (value.lines if value.lines else "")
        if not value.is_token:
            yield CandidateFeature(
                f"aggregate({selector.text}, {value.text})",
                self._shown(_mean(selector.chosen, value.values)),
                "aggregator",
                lines,
            )
        empty = ~selector.chosen.any(-1)
        defaults = range(len(self.vocab)) if value.is_token else (0,)
        for rule in RULES:
            found = _picked(selector.chosen, value.values, rule)
            role = "router" if rule in ("first", "last") else "aggregator"
            for default in defaults if (empty & self.live).any() else (0,):
                shown = self.show(float(default), value.is_token)
                yield CandidateFeature(
                    f'aggregate({selector.text}, {value.text}, {shown}, "{rule}")',
                    self._shown(np.where(empty, default, found)),
                    role,
                    lines,
                    value.is_token,
                )

    def show(self, value: float, is_token: bool) -> str:
        """Return a value as RASP text."""
        if is_token:
            token = self.vocab[int(value)]
            return f'"{token}"' if isinstance(token, str) else str(token)
        return str(Fraction(value).limit_denominator(60))

    def _shown(self, values: np.ndarray) -> FeatureValues:
        return np.where(self.live, values, np.nan)

    def _compare(
        self, key: CandidateFeature, query: CandidateFeature, sign: str
    ) -> CandidateSelector:
        keys, queries = key.values[:, None, :], query.values[:, :, None]
        chosen = COMPARISONS[sign](keys, queries)
        text = f"select({key.text}, {query.text}, {sign})"
        lines = key.lines if key.lines else query.lines
        return CandidateSelector(text, self._seen(chosen), lines)

    def _is_value(self, key: CandidateFeature, value: float) -> CandidateSelector:
        chosen = np.repeat(key.values[:, None, :] == value, self.ids.shape[1], axis=1)
        text = f"select({key.text}, {self.show(value, key.is_token)}, ==)"
        return CandidateSelector(text, self._seen(chosen), key.lines)

    def _seen(self, chosen: np.ndarray) -> Bool[np.ndarray, "input query key"]:
        live = self.live[:, None, :] & self.live[:, :, None]
        seen = np.tri(self.ids.shape[1], dtype=bool) if self.causal else True
        return chosen & live & seen


def _mean(chosen: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the mean of the selected values, 0 if none is."""
    total = np.where(chosen, values[:, None, :], 0.0).sum(-1)
    return total / np.maximum(chosen.sum(-1), 1)


def _picked(chosen: np.ndarray, values: np.ndarray, rule: str) -> np.ndarray:
    """Return the selected value that a rule names; anything if none is selected."""
    if rule in ("min", "max"):
        worst = np.inf if rule == "min" else -np.inf
        held = np.where(chosen, values[:, None, :], worst)
        return held.min(-1) if rule == "min" else held.max(-1)
    last = chosen.shape[-1] - 1
    place = (
        chosen.argmax(-1) if rule == "first" else last - chosen[..., ::-1].argmax(-1)
    )
    return np.take_along_axis(values, place, axis=1)
