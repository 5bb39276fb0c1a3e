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
from compiler.model import Model, VariableInfo
from zoo.alignment.interchanges import causal_run
from zoo.alignment.places import Place
from zoo.alignment.tokens import TokenIds, check_inputs
from zoo.cases.case import Case
from zoo.compression.naming import name_dimensions

_CHUNK = 4_096  # inputs that run at a time


@dataclass(frozen=True, eq=False)
class KnownFeatures:
    """The features at a site.

    Attributes:
        names: of those that are active.
        directions: [feature, d_model] theirs, of length 1.
        rates: [feature] the share of tokens at which each is active: the variable has
            the value, or the number is not 0.
        constant: names of those that are the same at every token, or stand in no
            variable's value; not counted.
    """

    names: tuple[str, ...]
    directions: Float[np.ndarray, "feature d_model"]
    rates: Float[np.ndarray, " feature"]
    constant: tuple[str, ...]


def known_features(
    case: Case, place: Place, inputs: TokenIds | None = None
) -> KnownFeatures:
    """Return the features of a compiled, rotated or compressed model at a site.

    Args:
        case: the model.
        place: the site.
        inputs: [input, ctx] token ids that show which are active; the case's if None.

    Raises:
        InputError: the model was trained, or no feature at the site is active.
    """
    features = features_of(case.model)
    here = _written_at(case.model, features, place)
    rates, varies = _rates(case, features, check_inputs(case, inputs))
    live = here & varies
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
        rates[live],
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


def _written_at(
    model: Model, features: Features, place: Place
) -> Bool[np.ndarray, " feature"]:
    """Return which features are written by the sources of a site."""
    names = model.config.names
    return np.array(
        [
            variable is not None
            and names.source_index(model.sites[variable].node) in place.sources
            for variable in features.variables
        ]
    )


def _rates(
    case: Case, features: Features, ids: TokenIds
) -> tuple[Float[np.ndarray, " feature"], Bool[np.ndarray, " feature"]]:
    """Return how often features are active, and which differ between tokens."""
    rates = np.zeros(len(features.names))
    varies = np.zeros(len(features.names), bool)
    held = _values(case, ids)
    known = case.model.variables
    places = zip(features.variables, features.values, strict=True)
    for row, (variable, value) in enumerate(places):
        values = held.get(variable or "")
        if values is None or not len(values):
            continue
        if value is None:
            varies[row] = len(np.unique(values)) > 1
            rates[row] = (values != _zero(known.get(variable or ""))).mean()
        else:
            rates[row] = (values == value).mean()
            varies[row] = 0 < rates[row] < 1
    return rates, varies


def _zero(variable: VariableInfo | None) -> int:
    """Return the index of 0 or False among a variable's values; -1 if not there."""
    values = () if variable is None else variable.values
    return next((i for i, value in enumerate(values) if value == 0), -1)


def _values(case: Case, ids: TokenIds) -> dict[str, Int[np.ndarray, " token"]]:
    """Return by variable its values at all tokens at which it has one."""
    names, _, run = causal_run(case.model)
    found = []
    for start in range(0, len(ids), _CHUNK):
        found.append(run(ids[start : start + _CHUNK]).swapaxes(0, 1))
    computed = np.concatenate(found, axis=1)
    places = np.broadcast_to(np.arange(ids.shape[1]) - 1, ids.shape)
    live = (ids != case.config.pad_id) & (places >= 0)
    held = {name: row[row >= 0] for name, row in zip(names, computed, strict=True)}
    inputs = {"tokens": ids[live], "positions": places[live]}
    for name, site in case.model.sites.items():
        if name not in held and site.node in inputs:
            held[name] = inputs[site.node]
    return held
