"""The features that a model is known to have at a site, and which of them are active.

A feature is a value of a one-hot variable, or a number along one direction. Features
count only if they differ between tokens of the data; no method can find the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from compiler.errors import InputError
from compiler.machine.features import Features
from compiler.model import Model
from zoo.alignment.interchanges import causal_run
from zoo.alignment.places import Place
from zoo.cases.case import Case
from zoo.causal.model import COMPUTED
from zoo.compression.naming import name_dimensions


@dataclass(frozen=True, eq=False)
class KnownFeatures:
    """The features at a site.

    Attributes:
        names: of those that are active.
        directions: [feature, d_model] theirs, of length 1.
        constant: names of those that are the same at every token, or stand in no
            variable's value; not counted.
    """

    names: tuple[str, ...]
    directions: Float[np.ndarray, "feature d_model"]
    constant: tuple[str, ...]


def known_features(case: Case, place: Place) -> KnownFeatures:
    """Return the features of a compiled, rotated or compressed model at a site.

    Raises:
        InputError: the model was trained, or no feature at the site is active.
    """
    features = features_of(case.model)
    here = _at(case.model, features, place)
    live = here & _active(case, features)
    if not live.any():
        raise InputError(
            f"{case.name}: no feature at {place.name} differs between tokens of these "
            "inputs, so there is nothing to find. Name another site"
        )
    directions = features.directions[live]
    lengths = np.linalg.norm(directions, axis=1, keepdims=True)
    names = np.array(features.names)
    return KnownFeatures(
        tuple(names[live].tolist()),
        directions / np.where(lengths > 0, lengths, 1.0),
        tuple(names[here & ~live].tolist()),
    )


def features_of(model: Model) -> Features:
    """Return the features of a whole stream, with their directions.

    Raises:
        InputError: the model was trained.
    """
    if model.features is not None:
        return model.features
    if model.facts.get("kind") == "trained" or any(
        site.basis is None for site in model.sites.values()
    ):
        raise InputError(
            f"{model.name} was trained: which directions its features have is not "
            "known. Score a compiled, rotated or compressed model"
        )
    named = name_dimensions(model)
    axes = np.eye(model.config.d_model) if model.basis is None else model.basis
    return Features(named.names, named.variables, named.values, np.asarray(axes))


def _at(model: Model, features: Features, place: Place) -> Bool[np.ndarray, " feature"]:
    """Return which features are written by the sources of a site."""
    names = model.config.names
    return np.array(
        [
            variable is not None
            and names.source_index(model.sites[variable].node) in place.sources
            for variable in features.variables
        ]
    )


def _active(case: Case, features: Features) -> Bool[np.ndarray, " feature"]:
    """Return which features differ between tokens of the case's inputs."""
    ids = case.pairs.inputs
    held = _values(case, ids)
    found = []
    for variable, value in zip(features.variables, features.values, strict=True):
        values = held.get(variable or "")
        if values is None:
            found.append(False)
        elif value is None:
            found.append(len(np.unique(values)) > 1)
        else:
            found.append(0 < (values == value).mean() < 1)
    return np.array(found)


def _values(
    case: Case, ids: Int[np.ndarray, "input ctx"]
) -> dict[str, Int[np.ndarray, " token"]]:
    """Return by variable its values at all tokens at which it has one."""
    names, _, run = causal_run(case.model)
    computed = run(ids, np.full((len(ids), len(names), ids.shape[1]), COMPUTED))
    places = np.broadcast_to(np.arange(ids.shape[1]) - 1, ids.shape)
    live = (ids != case.config.pad_id) & (places >= 0)
    held = {name: computed[:, i][computed[:, i] >= 0] for i, name in enumerate(names)}
    inputs = {"tokens": ids[live], "positions": places[live]}
    for name, site in case.model.sites.items():
        if name not in held and site.node in inputs:
            held[name] = inputs[site.node]
    return held
