"""Attribution scores against the truth: `zoo.score_attribution` is here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from compiler.errors import InputError
from compiler.finite import check_finite
from compiler.machine.weights import init
from compiler.model import Model
from compiler.torch_values import plain
from zoo.attribution.localisation import Localisation, localise
from zoo.attribution.methods import (
    find_attribution,
    oracle_scores,
    prior_scores,
    random_scores,
)
from zoo.attribution.report import AttributionReport, MissedPosition
from zoo.attribution.task import INPUTS, AttributionTask, open_attribution


def score_attribution(
    source: str | Path | Model | AttributionTask,
    method: str | Callable[..., Any] | Any,
    *,
    inputs: int = INPUTS,
    absolute: bool = True,
    controls: bool = True,
    seed: int = 0,
) -> AttributionReport:
    """Return how well scores of input positions find those that outputs depend on.

    Args:
        source: a release's name, a folder, a program's name, a model, or what
            `zoo.open_attribution` returned.
        method: the name of a built-in method; a function of an `AttributionTask` (and
            a seed, if it takes two arguments); or its result for that task, [input,
            ctx, ctx].
        inputs: how many inputs are drawn.
        absolute: whether positions rank by the size of their scores; else by the
            scores as they are.
        controls: whether random, shuffled, prior and untrained scores are taken too.
        seed: of inputs and controls.

    Raises:
        NameLookupError: the model or the method is unknown; the nearest are offered.
        InputError: scores have another shape or are not finite, or the truth of this
            model is not known.
    """
    task = open_attribution(source, inputs=inputs, seed=seed)
    name, run = _named(method)
    given = method if run is None else _call(run, task, seed)
    scores = check_scores(task, given, absolute)
    every = {"claimed": scores, "oracle": oracle_scores(task)}
    if controls:
        every["random"] = random_scores(task, seed)
        every["shuffled"] = shuffle(task, scores, seed)
        every["prior"] = prior_scores(task)
        if run is not None:
            blank = untrained(task, seed)
            every["untrained"] = check_scores(task, _call(run, blank, seed), absolute)
    rows = {label: localise(task, found, seed) for label, found in every.items()}
    return _report(task, name, scores, rows, absolute, seed)


def _named(method: Any) -> tuple[str, Callable[..., Any] | None]:
    if isinstance(method, str):
        return method, find_attribution(method)
    if callable(method):
        return getattr(method, "__name__", type(method).__name__), method
    return "array", None


def _call(run: Callable[..., Any], task: AttributionTask, seed: int) -> Any:
    import inspect

    try:
        several = len(inspect.signature(run).parameters) > 1
    except (TypeError, ValueError):  # a function of C has none
        several = False
    return run(task, seed) if several else run(task)


def check_scores(
    task: AttributionTask, scores: Any, absolute: bool
) -> Float[np.ndarray, "input ctx ctx"]:
    """Return scores as an array.

    Raises:
        InputError: they have another shape, or one that counts is not finite.
    """
    expected = f"expected [input, output, position] = {task.shape}"
    try:
        array = np.asarray(plain(scores), np.float64)
    except (TypeError, ValueError):
        raise InputError(
            f"attribution: found {type(scores).__name__}, {expected}. Give an array of "
            "numbers"
        ) from None
    if array.shape != task.shape:
        raise InputError(
            f"attribution: found the shape {array.shape}, {expected}, BOS and PAD "
            "included. Score the inputs `ids` of zoo.open_attribution(..)"
        )
    asked = task.live[:, :, None] & task.live[:, None, :]
    check_finite(array[asked], "attribution", "Look at how they were made")
    array = np.where(asked, array, 0.0)
    return np.abs(array) if absolute else array


def shuffle(
    task: AttributionTask, scores: Float[np.ndarray, "input ctx ctx"], seed: int
) -> Float[np.ndarray, "input ctx ctx"]:
    """Return the scores of each output with its positions permuted."""
    rng = np.random.default_rng([*b"shuffle", seed])
    found = scores.copy()
    for row, live in enumerate(task.live):
        places = np.flatnonzero(live)
        for output in places:
            found[row, output, places] = scores[row, output, rng.permutation(places)]
    return found


def untrained(task: AttributionTask, seed: int) -> AttributionTask:
    """Return the task with a model of the same shape and random weights."""
    model = task.model
    weights = init(model.config, seed)
    fields = ("name", "typed", "config", "readout", "circuit", "rows")
    blank = Model(**{f: getattr(model, f) for f in fields}, weights=weights)
    return replace(task, model=blank)


def _report(
    task: AttributionTask,
    name: str,
    scores: Float[np.ndarray, "input ctx ctx"],
    rows: dict[str, Localisation],
    absolute: bool,
    seed: int,
) -> AttributionReport:
    counted = task.relevant[task.counted].sum(axis=1)
    sizes = np.broadcast_to(task.lengths[:, None], task.counted.shape)[task.counted]
    return AttributionReport(
        model=task.name,
        method=name,
        inputs=len(task),
        outputs=int(task.counted.sum()),
        relevant=float((counted / sizes).mean()) if len(sizes) else 0.0,
        rows=rows,
        missed=first_miss(task, scores),
        absolute=absolute,
        seed=seed,
    )


def first_miss(
    task: AttributionTask, scores: Float[np.ndarray, "input ctx ctx"]
) -> MissedPosition | None:
    """Return the first output whose ranking is wrong; None if none is."""
    for row, output in np.argwhere(task.counted):
        live = task.live[row]
        true = task.relevant[row, output] & live
        other = live & ~true
        own = scores[row, output]
        if own[other].max() < own[true].min():
            continue
        highest = np.flatnonzero(other)[own[other].argmax()]
        words = task.model.typed.vocab
        return MissedPosition(
            tokens=tuple(words[i] for i in task.ids[row][live]),
            output=int(output) - 1,
            relevant=tuple(int(p) - 1 for p in np.flatnonzero(true)),
            highest=int(highest) - 1,
            score=float(own[highest]),
        )
    return None
