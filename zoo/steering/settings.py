"""Which variables of a model can be steered to which values, and what that can tell."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from compiler.errors import InputError
from compiler.model import Model
from compiler.rasp.values import Value
from zoo.auditing.subject import causal_of
from zoo.causal.population import populate
from zoo.lookup import open_named
from zoo.steering.figures import constant_reached
from zoo.steering.task import EXAMPLES, INPUTS, draw_examples

MOST_VALUES = 6
"""Values that are tried of one variable, evenly over its domain."""


@dataclass(frozen=True)
class SteeringSetting:
    """A variable and a value that it can be set to.

    Attributes:
        variable: by name.
        value: one of its values.
        changed: number of outputs that change in the drawn examples.
        telling: whether some of these change so for no other value.
        constant: what one output everywhere would reach.
        output: whether the variable is the output itself; these come last.
    """

    variable: str
    value: Value
    changed: int
    telling: bool
    constant: float
    output: bool


def steering_settings(
    source: str | Path | Model, *, examples: int = EXAMPLES, seed: int = 0
) -> tuple[SteeringSetting, ...]:
    """Return what can be steered in a model, what can tell most first.

    Args:
        source: a release's name, a folder, a program's name, or a model.
        examples: how many examples are drawn of each setting.
        seed: of the draws.

    Raises:
        NameLookupError: nothing has that name; the nearest are offered.
    """
    model, name = open_named(source)
    inputs = populate(causal_of(model), INPUTS, seed)
    every = np.ones(len(inputs), bool)
    found = []
    for variable in inputs.names:
        if variable not in model.sites:
            continue
        domain = inputs.domains[variable]
        spread = np.linspace(0, len(domain) - 1, min(len(domain), MOST_VALUES))
        for index in np.unique(spread.round().astype(int)).tolist():
            rng = np.random.default_rng([*b"steering", seed])
            try:
                drawn = draw_examples(
                    name, inputs, variable, index, every, "one", examples, rng
                )
            except InputError:
                continue
            found.append(
                SteeringSetting(
                    variable=variable,
                    value=domain[index],
                    changed=int(drawn.changed.sum()),
                    telling=bool((drawn.changed & (drawn.after != drawn.other)).any()),
                    constant=constant_reached(drawn),
                    output=variable == inputs.causal.output,
                )
            )
    return tuple(sorted(found, key=_rank))


def _rank(setting: SteeringSetting) -> tuple[bool, bool, bool, float, int]:
    return (
        not setting.changed,
        setting.output,
        not setting.telling,
        round(setting.constant, 1),
        -setting.changed,
    )
