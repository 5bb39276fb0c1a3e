"""What each dimension of a compiled stream stands for, read off the model itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from compiler.errors import InputError
from compiler.machine.config import Config
from compiler.machine.weights import Weights
from compiler.superposed.layout import StreamLayout, has_names, layout_of

ALL_ANDS = "ANDs"
"""What serves as the variable of a neuron that computes a part of many."""


@runtime_checkable
class SitedModel(Protocol):
    """What is needed here of `compiler.model.Model`, which imports this module."""

    @property
    def name(self) -> str:
        """Return its name."""
        ...

    @property
    def config(self) -> Config:
        """Return the transformer's shape."""
        ...

    @property
    def weights(self) -> Weights:
        """Return its arrays."""
        ...

    @property
    def output(self) -> str:
        """Return the name of the output."""
        ...

    @property
    def sites(self) -> Any:
        """Return by variable its site."""
        ...

    @property
    def rows(self) -> Any:
        """Return by variable [value, d_model] what stands for each value."""
        ...

    @property
    def variables(self) -> Any:
        """Return by name the variables."""
        ...

    @property
    def facts(self) -> Any:
        """Return what is to be known beside it."""
        ...

    @property
    def basis(self) -> Any:
        """Return the named directions, or None."""
        ...

    @property
    def features(self) -> Any:
        """Return the features of a compressed model, or None."""
        ...


@dataclass(frozen=True, eq=False)
class Dimensions:
    """The named dimensions of a compiled stream.

    Attributes:
        axes: [dimension, d_model] the direction of each, orthonormal rows.
        names: `tokens=a`, `length`, `bos`; each once.
        variables: the variable that each belongs to, None for none.
        values: the row of the variable that it stands for, None for a number.
        sizes: the greatest number that stands there.
    """

    axes: Float[np.ndarray, "dimension d_model"]
    names: tuple[str, ...]
    variables: tuple[str | None, ...]
    values: tuple[int | None, ...]
    sizes: Float[np.ndarray, " dimension"]


def label_dimensions(model: SitedModel) -> Dimensions:
    """Return what the dimensions of a compiled or rotated model stand for.

    Of a model with ANDs in superposition the dimensions are those of its layout; a
    neuron's dimension belongs to all of the ANDs that it serves, together.

    Raises:
        InputError: the model was trained or compressed, so that they have no names.
    """
    if (layout := layout_of(model.facts)) is not None:
        return _label_layout(model, layout)
    bare = any(site.basis is None for site in model.sites.values())
    if bare or model.features is not None or model.facts.get("kind") == "trained":
        made = "compressed" if model.features is not None else "trained"
        raise InputError(
            f"{model.name} was {made}: the dimensions of its stream have no names. "
            "Give a compiled or rotated model"
        )
    size = model.config.d_model
    axes = np.eye(size) if model.basis is None else np.asarray(model.basis, np.float64)
    names, variables, values = _unclaimed(model, axes)
    sizes = np.ones(size)
    for variable, site in model.sites.items():
        assert site.basis is not None
        # Row k of a site's basis is one of the axes.
        dims = np.abs(axes @ site.basis.T).argmax(axis=0)
        rows = np.asarray(model.rows[variable]) @ axes[dims].T  # [value, own]
        large = np.abs(rows).max(axis=0)
        sizes[dims] = np.where(large > 0, large, 1.0)
        labels = _labels(model, variable, rows)
        for dim, (name, value) in zip(dims, labels, strict=True):
            names[dim], variables[dim], values[dim] = name, variable, value
    return Dimensions(axes, tuple(names), tuple(variables), tuple(values), sizes)


def _label_layout(model: SitedModel, at: StreamLayout) -> Dimensions:
    """Return what the dimensions of a model with ANDs in superposition stand for."""
    axes = np.eye(at.d_model) if model.basis is None else np.asarray(model.basis)
    inputs, neurons = has_names(at.n_inputs), range(at.d_mlp)
    return Dimensions(
        axes=axes,
        names=(
            *inputs,
            *(f"token axis {i}" for i in neurons),
            *(f"neuron {i}" for i in neurons),
            *("literal", "question", model.output),
        ),
        variables=(
            *inputs,
            *("tokens" for _ in neurons),
            *(ALL_ANDS for _ in neurons),
            *("tokens", "tokens", model.output),
        ),
        values=(None,) * at.d_model,
        sizes=np.ones(at.d_model),
    )


def _unclaimed(
    model: SitedModel, axes: Float[np.ndarray, "d_model d_model"]
) -> tuple[list[str], list[str | None], list[int | None]]:
    """Return names of dimensions as if no variable had one: BOS, and the rest."""
    at_bos = np.asarray(model.weights.W_E, np.float64)[model.config.bos_id] @ axes.T
    names = [
        "bos" if abs(height) > 1e-6 else f"dimension {i}"
        for i, height in enumerate(at_bos)
    ]
    if names.count("bos") > 1:
        names = [f"bos {i}" if name == "bos" else name for i, name in enumerate(names)]
    return names, [None] * len(names), [None] * len(names)


def _labels(
    model: SitedModel, variable: str, rows: Float[np.ndarray, "value own"]
) -> list[tuple[str, int | None]]:
    """Return the name, and the row it stands for, of each dimension of a variable."""
    count, own = rows.shape
    if own == 1:
        return [(variable, None)]
    on = np.abs(rows) > 1e-6 * np.abs(rows).max()
    if count != own or not (on.sum(axis=0) == 1).all():
        return [(f"{variable}[{k}]", None) for k in range(own)]
    known = model.variables.get(variable)
    shown = known.values if known is not None else range(count)
    return [(f"{variable}={shown[i]}", int(i)) for i in on.argmax(axis=0)]
