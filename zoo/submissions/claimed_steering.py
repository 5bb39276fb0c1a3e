"""SteeringVectors that set a variable to a value: the kind `steering`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from compiler.errors import InputError
from zoo.cases.case import Case
from zoo.methods.method import Method
from zoo.scoring.cells import FigureTable
from zoo.steering.methods import METHODS
from zoo.steering.score import check_vector, score_steering
from zoo.steering.settings import steering_settings
from zoo.steering.task import SteeringTask, open_steering
from zoo.submissions.claim_kind import ClaimKind, Stored, mean_figures
from zoo.submissions.record import SubmittedRun

NAME = "steering"
FIGURES = ("reached", "success", "damage", "interchange", "random")
SETTINGS = 3
"""Settings of a model that are asked: of different variables, as far as there are."""
Tasks = tuple[SteeringTask, ...]
SteeringVectors = tuple[Float[np.ndarray, " d_model"], ...]


@dataclass(frozen=True)
class SubmittedVectors(SubmittedRun):
    """The steering vectors of one run.

    Attributes:
        vectors: [setting][d_model] what is added at the steered tokens.
    """

    vectors: tuple[tuple[float, ...], ...] = ()


def _ask(train: Case, test: Case, seed: int) -> tuple[Tasks, Tasks]:
    """Return the tasks twice: each has examples to fit on, and others to measure on.

    Raises:
        InputError: no output tells whether a variable was set.
    """
    told = [s for s in steering_settings(test.model) if s.telling]
    first = {setting.variable: setting for setting in reversed(told)}
    rest = [setting for setting in told if setting not in first.values()]
    chosen = [setting for setting in told if setting in first.values()] + rest
    if not chosen:
        raise InputError(f"{test.name}: no output tells whether a variable was set")
    tasks = tuple(
        open_steering(test.model, setting.variable, setting.value, seed=seed)
        for setting in chosen[:SETTINGS]
    )
    return tasks, tasks


def _store(tasks: Tasks, answer: Any) -> Stored:
    return {"vectors": [vector.tolist() for vector in _checked(tasks, answer)]}


def _restore(tasks: Tasks, entry: SubmittedVectors) -> SteeringVectors:
    return _checked(tasks, entry.vectors)


def _checked(tasks: Tasks, given: Any) -> SteeringVectors:
    """Return a vector a task.

    Raises:
        InputError: they are of another number or shape, not finite, or functions,
            which cannot be submitted.
    """
    if not isinstance(given, Sequence) or len(given) != len(tasks):
        size = len(given) if isinstance(given, Sequence) else type(given).__name__
        raise InputError(
            f"steering: found {size}, expected {len(tasks)} vectors, one for each task"
        )
    if any(callable(vector) for vector in given):
        raise InputError(
            "steering: found a function, expected vectors [d_model]: a submission "
            "holds numbers, and no code that is run"
        )
    both = zip(tasks, given, strict=True)
    return tuple(np.asarray(check_vector(task, vector)) for task, vector in both)


def _measure(
    method: Method, vectors: SteeringVectors, tasks: Tasks
) -> tuple[FigureTable, tuple[str, ...]]:
    found = []
    for task, vector in zip(tasks, vectors, strict=True):
        report = score_steering(task, "", "", vector, baselines=False, seed=task.seed)
        rows, claimed = report.rows, report.rows["claimed"]
        found.append(
            {
                "reached": claimed.reached,
                "success": None if claimed.success is None else claimed.success.share,
                "damage": claimed.damage,
                "interchange": rows["interchange"].reached,
                "random": rows["random"].reached,
            }
        )
    return {NAME: mean_figures(found, FIGURES, len(tasks))}, ()


def _of_each(find: Callable[..., Any]) -> Callable[[Tasks, int], list[Any]]:
    return lambda tasks, seed: [find(task, seed) for task in tasks]


def _methods() -> Mapping[str, Callable[..., Any]]:
    finders = {
        "steer-means": METHODS["difference-of-means"],
        "steer-probe": METHODS["probe"],
        "steer-sae": METHODS["sae"],
    }
    return {name: _of_each(find) for name, find in finders.items()}


KIND = ClaimKind(
    name=NAME,
    ask=_ask,
    measure=_measure,
    about="a tuple of SteeringTasks -> a vector [d_model] for each",
    record=SubmittedVectors,
    store=_store,
    restore=_restore,
    methods=_methods,
)
