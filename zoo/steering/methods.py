"""Built-in steering methods: what they add to a site, or put in its place.

The methods that add one direction choose how much of it on the examples to fit on, as
AxBench does (Wu et al. 2025). Let h be what the site holds, v the value.

    difference-of-means  h + c (mean of h where v - mean of h elsewhere)
    probe                h + c w, w the weights by which ridge regression reads v
    sae                  h + c d, d the feature of a small sparse autoencoder whose
                         direction tells tokens with v best from others
    mean-replacement     the mean of h where v, in the place of h
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Array, Float

from compiler.errors import InputError, unknown_name
from compiler.machine.transformer import Transformer
from compiler.machine.weights import init
from zoo.alignment.patching import perturb_site, stack_base_runs
from zoo.finders.autoencoder import train_dictionary
from zoo.finders.ridge import ridge_weights
from zoo.ranking import auroc
from zoo.steering.figures import measure_steering
from zoo.steering.task import SteeringExamples, SteeringTask, hold_of

STRENGTHS = (0.5, 1.0, 1.5, 2.0, 4.0, 8.0)
"""Multiples of the distance of the means along a direction."""
SAE_STEPS, MOST_FEATURES, MOST_TOKENS = 1_000, 256, 20_000

Vector = Float[np.ndarray, " d_model"]
Steering = Any
"""A vector that is added, or a function from [token, d_model] to [token, d_model]."""


def steer(
    task: SteeringTask, examples: SteeringExamples, steering: Steering
) -> Float[Array, "example ctx class"]:
    """Return the logits when the site is steered.

    Args:
        task: the task.
        examples: of the task.
        steering: [d_model] what is added at steered tokens; or a function of
            what the site holds at these, which returns what it is to hold.

    Raises:
        InputError: the function returns another shape, or numbers that are not finite.
    """
    held = task.held[examples.rows]
    moved = np.zeros(held.shape, np.float32)
    if callable(steering):
        before = held[examples.steered]
        after = _checked(steering(before.copy()), before.shape)
        moved[examples.steered] = after - before
    else:
        moved[examples.steered] = np.asarray(steering, np.float32)
    return perturb_site(task.transformer, examples.base, task.place.target, moved)


def _checked(found: Any, shape: tuple[int, ...]) -> Float[np.ndarray, "token d_model"]:
    array = np.asarray(found, np.float32)
    if array.shape != shape or not np.isfinite(array).all():
        raise InputError(
            f"steering: the function returned the shape {array.shape}, expected finite "
            f"numbers [token, d_model] = {shape}, as it was given"
        )
    return array


def difference_of_means(task: SteeringTask, seed: int = 0) -> Steering:
    """Return the scaled difference of the means with and without the value."""
    return strengthen(task, _gap(task))


def probe(task: SteeringTask, seed: int = 0) -> Steering:
    """Return the scaled direction from which ridge regression reads the value."""
    held, labels = task.tokens
    middle = held.astype(np.float64) - held.mean(axis=0)
    goal = (labels == task.value) - (labels == task.value).mean()
    return strengthen(task, ridge_weights(middle, goal))


def sae(task: SteeringTask, seed: int = 0) -> Steering:
    """Return the scaled feature of a sparse autoencoder that fits the value best."""
    held, labels = task.tokens
    rng = np.random.default_rng([*b"sae", seed])
    some = rng.permutation(len(held))[:MOST_TOKENS]
    size = min(2 * held.shape[1], MOST_FEATURES)
    try:
        rows = train_dictionary(held[some], size, seed, steps=SAE_STEPS)
    except InputError:  # the site holds the same everywhere, or no feature fires
        return np.zeros(held.shape[1], np.float32)
    here = labels[some] == task.value
    told = [auroc(held[some] @ row, here) - 0.5 for row in rows]
    best = int(np.nanargmax(np.abs(told)))
    return strengthen(task, rows[best] * np.sign(told[best]))


def mean_replacement(task: SteeringTask, seed: int = 0) -> Steering:
    """Return the function that puts the mean with the value in the place of all."""
    held, labels = task.tokens
    mean = held[labels == task.value].mean(axis=0)
    return lambda before: np.broadcast_to(mean, before.shape)


METHODS: dict[str, Callable[..., Steering]] = {
    "difference-of-means": difference_of_means,
    "probe": probe,
    "sae": sae,
    "mean-replacement": mean_replacement,
}
"""Name -> method: a function of a task and a seed."""


def find_steering(name: str) -> Callable[..., Steering]:
    """Return the built-in method of that name.

    Raises:
        NameLookupError: there is none; the nearest are offered.
    """
    if name not in METHODS:
        raise unknown_name("steering method", name, METHODS)
    return METHODS[name]


def strengthen(task: SteeringTask, direction: Vector) -> Vector:
    """Return as much of a direction as does best on the examples to fit on.

    Multiples are tried of the distance of the two means along the direction.
    """
    length = np.linalg.norm(direction)
    if length < 1e-12:
        return np.zeros(len(direction), np.float32)
    unit = direction / length
    step = abs(float(_gap(task) @ unit))
    best, kept = -np.inf, np.zeros(len(direction), np.float32)
    for factor in STRENGTHS:
        vector = (factor * step * unit).astype(np.float32)
        logits = steer(task, task.fit, vector)
        reached = measure_steering(task.model.readout, task.fit, [logits]).reached
        if reached is not None and reached > best:
            best, kept = reached, vector
    return kept


def _gap(task: SteeringTask) -> Float[np.ndarray, " d_model"]:
    held, labels = task.tokens
    here = labels == task.value
    if here.all() or not here.any():
        return np.zeros(held.shape[1])
    one, other = (held[w].mean(axis=0, dtype=np.float64) for w in (here, ~here))
    return one - other


def with_shuffled_labels(task: SteeringTask, seed: int) -> SteeringTask:
    """Return the task with labels that say nothing, of tokens and of outputs.

    What the site holds is permuted over tokens, and the outputs that steering should
    give over examples.
    """
    rng = np.random.default_rng([*b"shuffled", seed])
    which = (task.labels >= 0) & task.known[:, None]
    mixed = task.held.copy()
    mixed[which] = rng.permutation(task.held[which])
    after = rng.permutation(task.fit.after)
    fit = replace(task.fit, after=np.where(task.fit.before >= 0, after, -1))
    return replace(task, held=mixed, fit=fit)


def on_random_weights(task: SteeringTask, seed: int) -> SteeringTask:
    """Return the task with a transformer of that shape whose weights are random."""
    config = task.model.config
    blank = Transformer(config, init(config, seed))
    return replace(
        task,
        transformer=blank,
        held=hold_of(blank, task.place, task.inputs.ids),
        fit=replace(task.fit, base=stack_base_runs(blank, task.fit.ids)),
    )
