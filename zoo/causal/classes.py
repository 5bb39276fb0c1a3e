"""Classes of inputs: those in which a variable has a given value at the last position.

A model that computes several things has a mechanism for each, and which of them an
input uses is said by a variable: which task is asked for, or which route is taken. A
causal model of one class is the same model over the inputs of that class alone.
"""

from __future__ import annotations

import copy

import numpy as np
from jaxtyping import Int

from compiler.errors import InputError, unknown_name
from compiler.rasp.values import Value
from zoo.causal.model import CausalModel
from zoo.causal.population import domains_of, run_all
from zoo.causal.tabular import TabularModel


def class_names(model: CausalModel, variable: str) -> dict[str, int]:
    """Return the classes that a variable divides inputs into, with their values.

    Args:
        model: the causal model of a program.
        variable: one of its variables.

    Returns:
        by name of the class, the index of the variable's value; None is no class.

    Raises:
        InputError: the causal model was written by hand.
        NameLookupError: there is no such variable.
    """
    if not isinstance(model, TabularModel):
        raise InputError(
            f"{model.name}: its causal model was written by hand, and classes of "
            "inputs are known of programs only"
        )
    known = domains_of(model)
    if variable not in known:
        raise unknown_name("variable", variable, known)
    values = enumerate(known[variable])
    return {class_name(value): i for i, value in values if value is not None}


def class_name(value: Value) -> str:
    """Return how a class is called: a string as it is, another value as JSON has it."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def within_class(model: CausalModel, variable: str, name: str) -> CausalModel:
    """Return a causal model over the inputs of one class alone.

    Args:
        model: the causal model of a program.
        variable: the variable that divides its inputs into classes.
        name: of the class.

    Raises:
        NameLookupError: there is no such variable or class.
    """
    classes = class_names(model, variable)
    if name not in classes:
        raise unknown_name("class of inputs", name, classes)
    return _within(model, variable, classes[name], len(classes))  # type: ignore[arg-type]


def _within(
    model: TabularModel, variable: str, value: int, classes: int
) -> TabularModel:
    row = [v.name for v in model.variables].index(variable)

    def inputs(limit: int, seed: int) -> tuple[Int[np.ndarray, "input ctx"], bool]:
        ids, complete = model.inputs(limit * classes, seed)
        last = (ids != model.pad_id).sum(axis=1) - 1
        held = run_all(model, ids)[np.arange(len(ids)), row, last]
        chosen = ids[held == value]
        if len(chosen) <= limit:
            return chosen, complete
        picked = np.random.default_rng(seed).permutation(len(chosen))[:limit]
        return chosen[np.sort(picked)], False

    restricted = copy.copy(model)  # so that it is of the kind that it was
    restricted.inputs = inputs  # type: ignore[method-assign]
    return restricted
