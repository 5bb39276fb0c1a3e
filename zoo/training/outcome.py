"""A finished training, and the model that it made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from math import floor
from types import MappingProxyType
from typing import Any

from compiler import html
from compiler.errors import InputError
from compiler.machine.circuit import Circuit
from compiler.machine.config import Config
from compiler.machine.weights import Weights
from compiler.model import FAILURES, Model
from zoo.causal.by_hand import describe, facts_of
from zoo.causal.model import CausalModel, Task
from zoo.causal.outputs import unscaled
from zoo.causal.tabular import TabularModel
from zoo.training.check import Check
from zoo.training.recipe import Recipe
from zoo.training.run import TrainingRun


@dataclass(frozen=True, eq=False)
class Result:
    """A finished training.

    Attributes:
        run: what was trained, and how.
        weights: float32, read-only.
        history: one check every `check_every` steps.
        outcome: `passed` (all thresholds met), `budget` (steps used up) or
            `diverged` (the last good weights are kept).
    """

    run: TrainingRun
    weights: Weights
    history: tuple[Check, ...]
    outcome: str

    def __repr__(self) -> str:
        step = self.history[-1].step if self.history else 0
        ended = "passed" if self.passed else f"FAILED, {FAILURES[self.outcome]}"
        return f"<Result {self.name}: {ended}, step {step}>"

    @property
    def passed(self) -> bool:
        """Whether every figure reached its threshold."""
        return self.outcome == "passed"

    def _repr_html_(self) -> str:
        last = self.history[-1] if self.history else None
        failed = FAILURES.get(self.outcome, "")
        rows = [] if last is None else last.rows(self.run.recipe)
        table = html.table(
            ("figure", "found", "threshold"),
            [(name, _rounded_down(found), least) for name, found, least in rows],
        )
        step = 0 if last is None else last.step
        head = html.heading(f"{self.name}: trained for {step:,} steps")
        alarm = html.alarm(failed and f"The training failed: {failed}.")
        return f"{head}{alarm}{table}{self.circuit.picture(self.name).svg}"

    @property
    def name(self) -> str:
        """The name of what it was trained to compute."""
        return self.run.model.name

    @property
    def causal(self) -> CausalModel:
        """The causal model that it was trained on."""
        return self.run.model

    @property
    def config(self) -> Config:
        """The transformer's shape."""
        return self.run.config

    @property
    def circuit(self) -> Circuit:
        """The circuit that the placement of the variables claims."""
        return self.run.placement.circuit

    @property
    def correspondence(self) -> Mapping[str, str]:
        """By variable, the node that was trained to compute it."""
        return MappingProxyType(dict(self.run.placement.node))

    @property
    def model(self) -> Model:
        """The transformer in the type that compiled models have.

        Raises:
            InputError: the causal model was written by hand, without words for its
                tokens and values.
        """
        return self._model

    @cached_property
    def _model(self) -> Model:
        source = self.run.model
        if isinstance(source, TabularModel):
            typed, about = source.typed, source.facts
            steps = source.own_steps
        elif isinstance(source, Task):
            typed, about, steps = describe(source), facts_of(source), None
        else:
            raise InputError(
                f"{source.name} has no words for its tokens and values: give it "
                "`meaning`, `vocab` and `values`, or use result.weights and "
                "result.run.placement.circuit"
            )
        facts: dict[str, Any] = {
            **about,
            "kind": "trained",
            "outcome": self.outcome,
            "steps": self.history[-1].step if self.history else 0,
            "recipe": asdict(self.run.recipe),
        }
        accepts = source.accepts if isinstance(source, TabularModel) else None
        return Model(
            name=source.name,
            typed=typed,
            config=self.run.config,
            weights=unscaled(self.weights, source.readout),
            readout=source.readout,
            circuit=self.run.placement.circuit,
            rows=MappingProxyType({}),
            facts=MappingProxyType(facts),
            steps=steps,
            accepts=accepts,
        )


def shortfalls(check: Check, recipe: Recipe) -> list[str]:
    """Return which figures of a check miss their thresholds, as text.

    Empty where `check.passes(recipe)`.
    """
    return [
        f"{name} {_rounded_down(found)}, at least {least}"
        for name, found, least in check.rows(recipe)
        if (found or 0.0) < least
    ]


def _rounded_down(share: float | None) -> str:
    """Return four digits; what is below a threshold is not shown as being at it."""
    return "not tried yet" if share is None else f"{floor(share * 1e4) / 1e4:.4f}"
