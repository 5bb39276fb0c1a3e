"""A parameter decomposition against a model's parts: `zoo.score_parts` is here.

cos(P, C)    <P, C> / (|P| |C|) of a part and a term of the same matrix (Frobenius)
to_found     mean over parts of the greatest |cos| with a term
to_true      mean over terms of the greatest |cos| with a part
precision .. of the best one-to-one matching with |cos| of at least a threshold
importance   AUROC over inputs of a matched term's importance for whether its part
is used; 0.5 for parts without a term; mean over parts that are used on
some inputs and not on others
faithful     1 - |W - sum of terms|^2 / |W|^2 over all matrices, at least 0
behaviour    share of inputs whose outputs stay with the sums as weights
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from compiler.errors import InputError
from compiler.machine.forward import logits_batch
from compiler.model import Model
from compiler.parts import WeightPart, matrix_of, matrix_places
from zoo.auditing.certificate import rate
from zoo.auditing.subject import causal_of
from zoo.causal.population import Population, populate
from zoo.dictionary.cosines import match
from zoo.lookup import open_named
from zoo.parts.components import Decomposition, read_components
from zoo.parts.parts_report import PartsFigures, PartsReport
from zoo.parts.usage import changed, usage
from zoo.ranking import auroc

INPUTS, THRESHOLD, MOST_REMOVED = 128, 0.9, 1_000
"""Inputs that usage is measured on; the least cosine of a match; terms up to which we
measure what is not given: on which inputs a term is used."""

FAINT = 1e-4
"""A term shorter than this share of the longest one of its matrix is none."""


@dataclass(frozen=True, eq=False)
class PartsTask:
    """A model with the truth about its parts.

    Attributes:
        name: of the model.
        model: a compiled or rotated one.
        parts: all of them.
        inputs: on which usage is measured.
        used: [part, input] whether removing the part changes an output.
    """

    name: str
    model: Model
    parts: tuple[WeightPart, ...]
    inputs: Population
    used: Bool[np.ndarray, "part input"]

    def of(self, matrix: str) -> list[int]:
        """Return which parts belong to a matrix."""
        return [i for i, part in enumerate(self.parts) if part.matrix == matrix]


def open_parts(
    source: str | Path | Model | PartsTask, *, inputs: int = INPUTS, seed: int = 0
) -> PartsTask:
    """Return a compiled model's parts, with the inputs on which each is used.

    Args:
        source: a release's name, a folder, a program's name, or a model.
        inputs: how many inputs usage is measured on, at most.
        seed: of the inputs.

    Raises:
        NameLookupError: nothing has that name; the nearest are offered.
        InputError: the model was trained or compressed, so its parts are not known.
    """
    if isinstance(source, PartsTask):
        return source
    if inputs < 2:
        raise InputError(f"inputs is {inputs}; give at least 2")
    model, name = open_named(source)
    parts = model.parts
    found = populate(causal_of(model), inputs, seed)
    used = usage(model, found, [(part.matrix, part.array) for part in parts])
    return PartsTask(name, model, parts, found, used)


def score_parts(
    source: str | Path | Model | PartsTask,
    components: Any,
    importance: Any = None,
    *,
    threshold: float = THRESHOLD,
    baselines: bool = True,
    seed: int = 0,
) -> PartsReport:
    """Return how near a decomposition of the weights comes to a model's parts.

    Args:
        source: a release's name, a folder, a program's name, a compiled model, or what
            `zoo.open_parts` returned.
        components: by matrix (`a0.h1.W_Q`, `m0.W_in`, `W_U`; rows are what it reads)
            its terms [term, row, column], or a pair (u, v) of [term, row] and [term,
            column]. Only the matrices that are given count.
        importance: by matrix, [term, input] how much each term is used on the inputs of
            `zoo.open_parts`. If None, it is measured by removing each term.
        threshold: the least |cosine| of a match.
        baselines: whether other decompositions of these matrices are measured too.
        seed: of the inputs and controls.

    Raises:
        NameLookupError: the model or a matrix is unknown; the nearest are offered.
        InputError: terms or importance have another shape, or are not finite; or the
            model was trained, so that its parts are not known.
    """
    if not 0 < threshold <= 1:
        raise InputError(f"threshold is {threshold}; give a cosine above 0, at most 1")
    task = open_parts(source, seed=seed)
    given = read_components(task.model, components, importance, len(task.inputs))
    rows = {"claimed": measure_parts(task, given, threshold)}
    rows["oracle"] = measure_parts(task, true_parts(task, given), threshold)
    if baselines:
        for label, other in _others(task, given, seed).items():
            rows[label] = measure_parts(task, other, threshold)
    whole = [i for name in given.terms for i in task.of(name)]
    return PartsReport(
        model=task.name,
        matrices=tuple(given.terms),
        parts=len(whole),
        terms=len(given),
        threshold=threshold,
        inputs=len(task.inputs),
        used=float(task.used[whole].mean()) if whole else 0.0,
        rows=rows,
        missed=_missed(task, given, threshold),
        seed=seed,
    )


def true_parts(task: PartsTask, given: Decomposition) -> Decomposition:
    """Return the true parts of the matrices of a decomposition."""
    kept = {name: task.of(name) for name in given.terms}
    kept = {name: own for name, own in kept.items() if own}
    return Decomposition(
        {n: np.stack([task.parts[i].array for i in own]) for n, own in kept.items()},
        {n: task.used[own].astype(np.float64) for n, own in kept.items()},
    )


def measure_parts(
    task: PartsTask, given: Decomposition, threshold: float = THRESHOLD
) -> PartsFigures:
    """Return the figures of a decomposition."""
    to_found, to_true, told, hits, true, terms = [], [], [], 0, 0, 0
    measured = _importance(task, given)
    for name, own in given.terms.items():
        parts = task.of(name)
        near = part_cosines([task.parts[i].array for i in parts], own)
        sizes = np.linalg.norm(own.reshape(len(own), -1), axis=1)
        live = sizes > FAINT * max(sizes.max(initial=0.0), 1e-300)
        to_found += near.max(axis=1, initial=0.0).tolist()
        to_true += near.max(axis=0, initial=0.0)[live].tolist()
        pairs = match(near, threshold) if min(near.shape) else []
        hits, true = hits + len(pairs), true + len(parts)
        terms += int(live.sum())
        told += _told(task, parts, dict(pairs), measured.get(name))
    return PartsFigures(
        to_found=float(np.mean(to_found or [0.0])),
        to_true=float(np.mean(to_true or [0.0])),
        precision=rate(hits, max(terms, 1)),
        recall=rate(hits, max(true, 1)),
        f1=2 * hits / max(true + terms, 1),
        importance=float(np.mean(told)) if told else None,
        faithful=_faithful(task, given),
        behaviour=_behaviour(task, given),
    )


def part_cosines(
    parts: Sequence[Float[np.ndarray, "_ _"]],
    terms: Float[np.ndarray, "term _ _"],
) -> Float[np.ndarray, "part term"]:
    """Return |cos| of every part and every term; 0 where one is zero."""
    if not parts:
        return np.zeros((0, len(terms)))
    one = np.stack(parts).reshape(len(parts), -1)
    other = terms.reshape(len(terms), -1)
    lengths = np.outer(np.linalg.norm(one, axis=1), np.linalg.norm(other, axis=1))
    return np.minimum(np.abs(one @ other.T) / np.maximum(lengths, 1e-300), 1.0)


def _importance(task: PartsTask, given: Decomposition) -> Mapping[str, Any]:
    """Return by matrix how much each term is used; by removing it if not given."""
    if given.importance is not None:
        return given.importance
    if len(given) > MOST_REMOVED:
        return {}
    return {
        name: usage(task.model, task.inputs, [(name, term) for term in own])
        for name, own in given.terms.items()
    }


def _told(
    task: PartsTask, parts: list[int], pairs: dict[int, int], importance: Any
) -> list[float]:
    """Return by part that is used on some inputs the AUROC of its term's importance."""
    found = []
    for place, part in enumerate(parts):
        used = task.used[part]
        if used.all() or not used.any():
            continue
        term = pairs.get(place)
        if term is None or importance is None:
            found.append(0.5)
            continue
        found.append(auroc(np.asarray(importance[term], np.float64), used))
    return found


def _faithful(task: PartsTask, given: Decomposition) -> float:
    off = total = 0.0
    for name, own in given.terms.items():
        matrix = matrix_of(task.model, name)
        off += float(np.square(matrix - own.sum(axis=0)).sum())
        total += float(np.square(matrix).sum())
    return max(0.0, 1 - off / total) if total else float(off == 0)


def _behaviour(task: PartsTask, given: Decomposition) -> float:
    model, inputs = task.model, task.inputs
    places = matrix_places(model.config)
    arrays: dict[str, Any] = {}
    for name, own in given.terms.items():
        field, index = places[name]
        array = arrays.setdefault(field, np.array(getattr(model.weights, field)))
        array[index] = own.sum(axis=0)
    live = inputs.live & (inputs.values[:, inputs.output] >= 0)
    clean = jnp.asarray(logits_batch(model.transformer, inputs.ids))
    other = model.transformer.with_arrays(**arrays)
    return float(1 - changed(model, other, inputs.ids, clean, live).mean())


def _missed(
    task: PartsTask, given: Decomposition, threshold: float
) -> tuple[str, float] | None:
    """Return the part that the terms come nearest to least; None if all are near."""
    worst: tuple[str, float] | None = None
    for name, own in given.terms.items():
        parts = task.of(name)
        near = part_cosines([task.parts[i].array for i in parts], own)
        for part, best in zip(parts, near.max(axis=1, initial=0.0), strict=True):
            if best < threshold and (worst is None or best < worst[1]):
                worst = task.parts[part].name, float(best)
    return worst


def _others(
    task: PartsTask, given: Decomposition, seed: int
) -> dict[str, Decomposition]:
    """Return decompositions that know nothing of the program."""
    rng = np.random.default_rng([*b"parts", seed])
    random, axes, singular = {}, {}, {}
    for name, own in given.terms.items():
        matrix = matrix_of(task.model, name)
        rows, columns = matrix.shape
        u = rng.standard_normal((len(own), rows))
        v = rng.standard_normal((len(own), columns))
        random[name] = u[:, :, None] * v[:, None, :]
        axes[name] = np.eye(rows)[:, :, None] * matrix[:, None, :]
        left, sizes, right = np.linalg.svd(matrix, full_matrices=False)
        singular[name] = (left * sizes).T[:, :, None] * right[:, None, :]
    mixed = rng.permutation(task.used.T).T.astype(np.float64)
    shuffled = true_parts(task, given)
    shuffled = Decomposition(
        shuffled.terms, {n: mixed[task.of(n)] for n in shuffled.terms}
    )
    return {
        "random": Decomposition(random),
        "rows": Decomposition(axes),
        "singular": Decomposition(singular),
        "shuffled": shuffled,
    }
