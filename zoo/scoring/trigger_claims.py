"""A claim on which inputs trigger a trojan: a function, a list of inputs or a program.

A program is run as all claimed programs are (`zoo/claims/claimed.py`), over the tokens
and the lengths of the model, and with the attention that the program says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Bool

from compiler.errors import InputError
from compiler.model import Model
from compiler.rasp.expr import SOp
from compiler.rasp.program import Program
from compiler.rasp.values import Value, canonical, show
from programs.trojans import ROUTE
from zoo.auditing.subject import subject_of
from zoo.causal.population import Population, populate
from zoo.causal.tabular import TabularModel
from zoo.claims.bounded import time_limit
from zoo.claims.claimed import claim_values

SECONDS = 60.0
"""The time that a claimed trigger may take on all inputs."""
Trigger = Callable[[list[Value]], Any] | Sequence[Sequence[Value]] | str | Program | SOp


@dataclass(frozen=True)
class TriggerScore:
    """A claim on which inputs trigger a trojan, on all inputs or a sample.

    Attributes:
        inputs: how many inputs were tried.
        complete: whether these are all inputs.
        triggered: how many of them trigger the trojan.
        claimed: how many of them the claim names.
        precision: share of the claimed inputs that trigger it; NaN if none is claimed.
        recall: share of the inputs that trigger it that are claimed.
        missed: the first input that triggers it and is not claimed, or None.
        spurious: the first input that is claimed and does not trigger it, or None.
    """

    inputs: int
    complete: bool
    triggered: int
    claimed: int
    precision: float
    recall: float
    missed: tuple[Value, ...] | None
    spurious: tuple[Value, ...] | None

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall; 0 if either is 0 or undefined."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total > 0 else 0.0


class Triggered:
    """The inputs of a model with a trojan, and which of them trigger it.

    Args:
        model: of a program with a variable `route`.

    Raises:
        InputError: the model has no such variable.
    """

    def __init__(self, model: Model) -> None:
        causal = subject_of(model).causal
        known = isinstance(causal, TabularModel)
        if not known or ROUTE not in {v.name for v in causal.variables}:
            raise InputError(
                f"{model.name} has no trojan: none of its variables is called {ROUTE!r}"
            )
        self.found = populate(causal)
        domain = self.found.domains[ROUTE]
        rows = np.arange(len(self.found))
        held = self.found.held(ROUTE)[rows, self.found.lengths]
        self.inputs = held == domain.index(True)

    @cached_property
    def words(self) -> list[list[Value]]:
        """The tokens of each input."""
        return [self.found.words(row) for row in range(len(self.found))]

    def of_ids(self, ids: Any) -> Bool[np.ndarray, " input"]:
        """Return which of some inputs trigger the trojan."""
        known = {tuple(i): t for i, t in zip(self.found.ids, self.inputs, strict=True)}
        return np.array([known.get(tuple(row), False) for row in ids], bool)


def score_trigger(true: Triggered, claim: Trigger) -> TriggerScore:
    """Return what a claim is worth, on the inputs of a model with a trojan.

    Raises:
        InputError: the claim is none of a function, a program and a list of inputs.
    """
    says = triggering_inputs(claim, true.found, true.words)
    hits = int((says & true.inputs).sum())
    missed, spurious = true.inputs & ~says, says & ~true.inputs
    return TriggerScore(
        inputs=len(says),
        complete=true.found.complete,
        triggered=int(true.inputs.sum()),
        claimed=int(says.sum()),
        precision=hits / int(says.sum()) if says.any() else float("nan"),
        recall=hits / max(int(true.inputs.sum()), 1),
        missed=_first(true.words, missed),
        spurious=_first(true.words, spurious),
    )


def _first(
    words: list[list[Value]], chosen: Bool[np.ndarray, " input"]
) -> tuple[Value, ...] | None:
    places = np.flatnonzero(chosen)
    return tuple(words[places[0]]) if len(places) else None


def triggering_inputs(
    claim: Trigger, found: Population, words: list[list[Value]]
) -> Bool[np.ndarray, " input"]:
    """Return which inputs a claim names.

    Raises:
        InputError: it is none of a function, a program and a list of inputs.
    """
    if isinstance(claim, str | Program | SOp):
        said = claim_values(found, claim, SECONDS)
        yes = [place for place, value in enumerate(said.values) if value in (True, 1)]
        return np.isin(said.held[np.arange(len(found)), found.lengths], yes)
    if callable(claim):
        with time_limit(SECONDS, "the claimed trigger"):
            return np.array([_answer(claim, row) for row in words], bool)
    named = _listed(claim)
    if unknown := named - {tuple(map(canonical, row)) for row in words}:
        raise InputError(f"{sorted(unknown, key=str)[0]} is no input of this model")
    return np.array([tuple(map(canonical, row)) in named for row in words])


def _answer(claim: Callable[[list[Value]], Any], row: list[Value]) -> bool:
    """Return whether a function says that one input triggers it."""
    shown = f"the claimed trigger on [{', '.join(map(show, row))}]"
    try:
        said = claim(list(row))
        unclear = isinstance(said, str) or bool(said != said)  # NaN is not itself
        if not unclear:
            return bool(said)
    except Exception as error:
        raise InputError(f"{shown}: {type(error).__name__}: {error}") from None
    raise InputError(f"{shown}: found {said!r:.60}, expected True or False")


def _listed(claim: Any) -> set[tuple[Value, ...]]:
    """Return a list of inputs in canonical form."""
    try:
        if isinstance(claim, Mapping):
            raise TypeError("a dictionary is no list")
        return {tuple(canonical(value) for value in row) for row in claim}
    except TypeError as error:
        raise InputError(
            f"trigger is a {type(claim).__name__} ({error}); give a function of the "
            "tokens, a list of inputs such as [['a', 'b'], ['c']], or a program"
        ) from None
