"""What a method is given that makes claims about the variables of a model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from compiler.errors import InputError
from compiler.model import Model
from zoo.auditing.subject import causal_of
from zoo.cases.case import Case
from zoo.causal.population import Population, populate
from zoo.causal.tabular import TabularModel

INPUTS = 1_000
"""Inputs on which descriptions and programs are compared with the model."""


@dataclass(frozen=True, eq=False)
class ClaimTask:
    """A model, and the variables that claims are about.

    Attributes:
        case: the model with pairs of inputs.
        seed: of the run, which draws `population`.
    """

    case: Case
    seed: int

    @property
    def model(self) -> Model:
        """The model."""
        return self.case.model

    @cached_property
    def population(self) -> Population:
        """Inputs of the model, at most 1,000, the same for method and judge."""
        return populate(causal_of(self.model), INPUTS, self.seed)

    @cached_property
    def variables(self) -> tuple[str, ...]:
        """The variables that heads and MLPs compute, each one after its parents."""
        names = (variable.name for variable in causal_of(self.model).variables)
        return tuple(name for name in names if name in self.model.sites)


def ask_about_variables(
    train: Case, test: Case, seed: int
) -> tuple[ClaimTask, ClaimTask]:
    """Return the task of the training pairs, and that of the test pairs.

    Raises:
        InputError: no variable of the model has a site.
    """
    tasks = ClaimTask(train, seed), ClaimTask(test, seed)
    if not tasks[0].variables:
        raise InputError(f"{train.name}: it is not known where its variables are")
    return tasks


def check_of_program(case: Case) -> None:
    """Raise InputError unless a model computes a RASP program."""
    if not isinstance(causal_of(case.model), TabularModel):
        raise InputError(
            f"{case.name}: its causal model was written by hand and is no RASP program"
        )
