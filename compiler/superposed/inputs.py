"""The inputs that such a model is for: few literals, none of them twice, and questions.

An `accepts` of a program that draws its inputs itself (`compiler.rasp.program.Draws`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Int

from compiler.ir.typed import Typed
from compiler.rasp.values import Value
from compiler.superposed.activity import Activity, ActivityDraws
from compiler.superposed.layout import ASKED, FACT, StreamLayout, layout_of

FULL, TRUE, ABOUT = 0.5, 0.5, 0.8
"""The share of inputs that have as many literals as may be. Up to the second share,
questions are about ANDs that are true, and up to the third (or where none is true)
about one input that is on; beyond, about any."""


class SparseInputs:
    """Which inputs the model is for.

    Args:
        typed: the program of the model.
        layout: how many inputs it has.
        draws: which of them are drawn together, and how often.
    """

    def __init__(
        self, typed: Typed, layout: StreamLayout, draws: ActivityDraws
    ) -> None:
        self.draws, n = draws, layout.n_inputs
        self.literals, self.questions = typed.vocab[:n], typed.vocab[n:]
        self.known, self.max_len = set(typed.vocab), typed.max_len
        place = {name: i for i, name in enumerate(self.literals)}
        self.asked = np.full((n, n), -1)
        for number, question in enumerate(self.questions):
            first, second = (place[x] for x in question.split(ASKED))
            self.asked[first, second] = self.asked[second, first] = number

    def __call__(self, tokens: Sequence[Value], /) -> bool:
        """Return whether no literal is there twice, and few enough are there."""
        found = [t for t in tokens if t in self.literals]
        few = len(found) < self.max_len and len(set(found)) == len(found)
        return few and all(t in self.known for t in tokens)

    def draw(self, rng: np.random.Generator, count: int) -> list[list[Value]]:
        """Return inputs with as many literals as may be, or fewer, and one question.

        A good half of them have the most literals.
        """
        most = self.max_len - 1
        full = rng.random(count) < FULL
        sizes = np.where(full, most, rng.integers(1, most + 1, count))
        on = self.draws.draw(rng, sizes)
        asked, spots = self._ask(rng, on), rng.random(count)
        rows = []
        for held, question, spot in zip(on.tolist(), asked, spots, strict=True):
            row: list[Value] = [self.literals[i] for i in held if i >= 0]
            row.insert(int(spot * (len(row) + 1)), self.questions[question])
            rows.append(row)
        return rows

    def _ask(
        self, rng: np.random.Generator, on: Int[np.ndarray, "row place"]
    ) -> list[int]:
        """Return a question for each row, about inputs that are on or about any."""
        kinds, line = rng.random(len(on)), np.arange(len(on))
        there = on >= 0
        # The ANDs that are true, [row, place, place], and those of one input.
        true = self.asked[on[:, :, None], on[:, None, :]]
        true = np.where(there[:, :, None] & there[:, None, :], true, -1)
        one = on[line, rng.integers(there.sum(axis=1))]
        found = np.where(kinds < TRUE, _any(rng, true.reshape(len(on), -1)), -1)
        about = (found < 0) & (kinds < ABOUT)
        found = np.where(about, _any(rng, self.asked[one]), found)
        anything = rng.integers(len(self.questions), size=len(on))
        return np.where(found < 0, anything, found).tolist()


def _any(
    rng: np.random.Generator, given: Int[np.ndarray, "row choice"]
) -> Int[np.ndarray, " row"]:
    """Return for each row one of its numbers that are not -1; -1 if it has no other."""
    order = np.where(given >= 0, rng.random(given.shape), -1.0)
    return given[np.arange(len(given)), order.argmax(axis=1)]


def sparse_inputs(typed: Typed, facts: Mapping[str, Any]) -> SparseInputs | None:
    """Return the inputs that a model with these facts is for; None of another model."""
    layout = layout_of(facts)
    if layout is None:
        return None
    activity = Activity(**facts[FACT]["activity"])
    seed = int(facts[FACT]["seed"])
    draws = ActivityDraws(activity, layout.n_inputs, seed)
    return SparseInputs(typed, layout, draws)
