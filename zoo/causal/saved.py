"""The causal model of a model that was saved: from what it holds, without a planner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from compiler.errors import FormatError, count
from compiler.ir.typed import Table, Typed
from compiler.model import Model
from compiler.passes.check import Accepts
from zoo.causal.derived_steps import derived_steps
from zoo.causal.tabular import TabularModel, check_steps


def tabular_of(
    model: Model,
    accepts: Accepts | None = None,
    facts: Mapping[str, Any] | None = None,
) -> TabularModel:
    """Return the causal model of a model that computes a RASP program.

    Args:
        model: compiled, trained or loaded.
        accepts: which inputs it is for.
        facts: what is to be known beside it: family, meaning, source text.

    Raises:
        InputError: the steps that the model carries are not those of its program.
    """
    about = dict(facts or {})
    if names := task_names(model):
        about["tasks"] = list(names)
    return TabularModel(model.typed, steps_of(model, accepts), accepts, about)


def task_names(model: Model) -> tuple[str, ...]:
    """Return the programs that a model computes all at once; () of any other model.

    Raises:
        FormatError: the model's facts name tasks that its program has not.
    """
    said = model.facts.get("tasks")
    if said is None:
        return ()
    operation = model.typed.variables[model.typed.output].operation
    args = operation.args if isinstance(operation, Table) else ()
    if not isinstance(said, list | tuple) or len(said) != len(args):
        raise FormatError(
            f"{model.name}: its facts name the tasks {said!r}, and its output is made "
            f"of {count(len(args), 'variable')}. Fetch the model again"
        )
    return tuple(str(name) for name in said)


def steps_of(model: Model, accepts: Accepts | None = None) -> Typed | None:
    """Return the steps that a model carries, or those that its circuit names.

    None where each variable of the program has a component of its own.

    Args:
        model: compiled, trained or loaded.
        accepts: which inputs it is for.

    Raises:
        InputError: the steps are not those of the model's program.
    """
    if model.steps is None:
        others = () if model.beside is None else (model.beside,)
        return derived_steps(model.typed, model.circuit, *others)
    check_steps(model.typed, model.steps, accepts)
    return model.steps
