"""Steering against the program: `zoo.score_steering` is here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from compiler.errors import InputError
from compiler.finite import check_finite
from compiler.model import Model
from compiler.rasp.values import Value
from compiler.torch_values import plain
from zoo.alignment.places import holds
from zoo.causal.outputs import is_correct
from zoo.steering.donors import edited, interchanged
from zoo.steering.figures import SteeringFigures, constant_reached, measure_steering
from zoo.steering.methods import (
    METHODS,
    Steering,
    find_steering,
    on_random_weights,
    steer,
    with_shuffled_labels,
)
from zoo.steering.report import SteeringCounterexample, SteeringReport
from zoo.steering.task import EXAMPLES, SteeringTask, open_steering

DRAWS = 5
CONTROLS = {"shuffled": with_shuffled_labels, "untrained": on_random_weights}
"""Name -> function to a task from which a method can learn nothing of the variable."""


def score_steering(
    source: str | Path | Model | SteeringTask,
    variable: str,
    value: Value,
    vector: Any,
    site: str | None = None,
    *,
    positions: str = "one",
    examples: int = EXAMPLES,
    baselines: bool = True,
    seed: int = 0,
) -> SteeringReport:
    """Return how well steering a site sets a variable to a value.

    Args:
        source: a release's name, a folder, a program's name, a model, or what
            `zoo.open_steering` returned, which then says variable, value and site.
        variable: of the program, computed by a head or an MLP.
        value: the one that it is to get.
        vector: [d_model] what is added to the site at steered tokens; a function of
            what it holds there, [token, d_model], that returns what it is to hold; or
            the name of a built-in method.
        site: where: a source (`m0`, `a1.h2`), or the stream before a layer
            (`stream.1`); the variable's own node if None.
        positions: whether `one` position of an example is steered, or `all`.
        examples: how many examples are drawn to fit on, and as many to measure on.
        baselines: whether the built-in methods are measured too.
        seed: of the draws and controls.

    Raises:
        NameLookupError: the model, the variable, the site or the method is unknown.
        InputError: the variable has no such value, or the vector has another shape or
            is not finite.
    """
    task = open_steering(
        source,
        variable,
        value,
        site,
        positions=positions,
        examples=examples,
        seed=seed,
    )
    name, run = _named(vector)
    steering = run(task, seed) if run else check_vector(task, vector)
    claimed = np.asarray(steer(task, task.test, steering))
    rows = {"claimed": _figures(task, claimed)}
    rows["interchange"] = _figures(task, interchanged(task, task.test))
    rows["random"] = _random(task, steering, seed)
    if run:
        for label, control in CONTROLS.items():
            given = run(control(task, seed), seed)
            rows[label] = _figures(task, steer(task, task.test, given))
    if baselines:
        for label, method in METHODS.items():
            given = steering if label == name else method(task, seed)
            rows[label] = _figures(task, steer(task, task.test, given))
        rows["edited input"] = _figures(task, edited(task, task.test)[0])
    constant = constant_reached(task.test)
    floor = max(0.0, constant, rows["random"].reached or 0.0)
    rows = {label: replace(found, floor=floor) for label, found in rows.items()}
    return SteeringReport(
        model=task.name,
        variable=task.variable,
        value=task.shown,
        method=name,
        site=task.place.name,
        right_site=holds(task.model, task.variable, task.place),
        examples=len(task.test),
        positions=task.positions,
        rows=rows,
        constant=constant,
        counterexample=_first_wrong(task, claimed),
        seed=seed,
    )


def _named(vector: Any) -> tuple[str, Callable[..., Steering] | None]:
    if isinstance(vector, str):
        return vector, find_steering(vector)
    if callable(vector):
        return getattr(vector, "__name__", type(vector).__name__), None
    return "vector", None


def check_vector(task: SteeringTask, vector: Any) -> Steering:
    """Return a function as it is, or a vector as an array."""
    if callable(vector):
        return vector
    width = task.model.config.d_model
    expected = f"expected numbers [d_model] with d_model = {width}"
    try:
        array = np.asarray(plain(vector), np.float64)
    except (TypeError, ValueError):
        raise InputError(
            f"vector: found {type(vector).__name__}, {expected}. Give an array, a "
            "function, or the name of a built-in method"
        ) from None
    if array.shape != (width,):
        raise InputError(
            f"vector: found the shape {array.shape}, {expected}. Give one direction of "
            "this model's stream"
        )
    check_finite(array, "vector", "Look at how it was made")
    return array.astype(np.float32)


def _figures(task: SteeringTask, *logits: Any) -> SteeringFigures:
    return measure_steering(task.model.readout, task.test, logits)


def _random(task: SteeringTask, steering: Steering, seed: int) -> SteeringFigures:
    """Return the figures of random directions that are as long as the claimed one."""
    rng = np.random.default_rng([*b"random", seed])
    length = np.linalg.norm(_typical(task, steering))
    found = []
    for _ in range(DRAWS):
        drawn = rng.standard_normal(task.model.config.d_model)
        drawn *= length / np.linalg.norm(drawn)
        found.append(steer(task, task.test, drawn))
    return _figures(task, *found)


def _typical(task: SteeringTask, steering: Steering) -> np.ndarray:
    if not callable(steering):
        return np.asarray(steering)
    before = task.held[task.test.rows][task.test.steered]
    moved = np.linalg.norm(np.asarray(steering(before.copy())) - before, axis=1)
    return np.array([moved.mean()])


def _first_wrong(task: SteeringTask, logits: Any) -> SteeringCounterexample | None:
    """Return the first output that steering leaves wrong; None if there is none."""
    test, domain = task.test, task.inputs.domains[task.inputs.causal.output]
    right = np.asarray(
        is_correct(task.model.readout, jnp.asarray(logits), np.maximum(test.after, 0))
    )
    misses = np.argwhere((test.changed | test.kept) & ~right)
    if not len(misses):
        return None
    row, place = (int(i) for i in misses[0])
    got = task.model.decode(np.asarray(logits)[row, place : place + 1])[0]
    return SteeringCounterexample(
        tokens=tuple(task.inputs.words(int(test.rows[row]))),
        steered=tuple(int(p) - 1 for p in np.flatnonzero(test.steered[row])),
        output=place - 1,
        before=domain[test.before[row, place]],
        expected=domain[test.after[row, place]],
        got=got,
    )
