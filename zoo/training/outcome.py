"""A finished training as a model, in the type that compiled models have."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

from compiler.lower.readout import Readout
from compiler.machine.weights import Weights, freeze
from compiler.model import Model
from zoo.training.loop import Result
from zoo.training.tabular import TabularModel


def to_model(result: Result) -> Model:
    """Return the trained model of a RASP program."""
    source = result.run.model
    assert isinstance(source, TabularModel)
    return Model(
        name=source.name,
        typed=source.typed,
        config=result.run.config,
        weights=_unscaled(result.weights, source.readout),
        readout=source.readout,
        circuit=result.run.placement.circuit,
        rows=MappingProxyType({}),
        facts=MappingProxyType({"kind": "trained", "outcome": result.outcome}),
    )


def _unscaled(weights: Weights, readout: Readout) -> Weights:
    """Return weights whose first logit is the number itself, not its place in 0..1."""
    if readout.kind == "classes":
        return weights
    real = readout.numbers[~np.isnan(readout.numbers)]
    low, span = float(real.min()), float(max(np.ptp(real), 1e-6))
    W_U, b_U = weights.W_U.copy(), weights.b_U.copy()
    W_U[:, 0] *= span
    b_U[0] = b_U[0] * span + low
    return freeze(weights._replace(W_U=W_U, b_U=b_U))
