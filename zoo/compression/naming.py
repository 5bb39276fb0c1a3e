"""What each dimension of a compiled stream stands for, and how large it gets.

Read off the model itself (sites, rows, basis), so that a loaded model serves as well
as one that was just compiled.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from compiler.errors import InputError
from compiler.lower.options import turn
from compiler.machine.weights import Weights
from compiler.model import Model


@dataclass(frozen=True, eq=False)
class Named:
    """A compiled model in front of a compression: named axes, all of a size.

    Attributes:
        model: the compiled model.
        names: of every dimension.
        variables: the variable that each dimension belongs to, None for none.
        values: the row of the variable that it stands for, None for a number.
        scale: [feature] by what each dimension was multiplied, powers of two.
        weights: float32, the stream in named and scaled dimensions.
    """

    model: Model
    names: tuple[str, ...]
    variables: tuple[str | None, ...]
    values: tuple[int | None, ...]
    scale: Float[np.ndarray, " feature"]
    weights: Weights


def name_dimensions(model: Model) -> Named:
    """Return the model over named dimensions, each scaled to about 1.

    Scaling makes the errors of all variables count alike: a mean lies in 0..1, and a
    count may reach hundreds.

    Raises:
        InputError: the model is not a compiled one, so its dimensions have no names.
    """
    _check_compiled(model)
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
    scale = np.exp2(-np.round(np.log2(sizes)))
    wide = Weights(*(np.asarray(a, np.float64) for a in model.weights))
    if model.basis is not None:
        wide = turn(wide, axes.T, np.ones(size))
    scaled = turn(wide, np.eye(size), scale)
    weights = Weights(*(np.asarray(a, np.float32) for a in scaled))
    return Named(model, tuple(names), tuple(variables), tuple(values), scale, weights)


def _check_compiled(model: Model) -> None:
    """Raise InputError unless every dimension of the stream has a meaning."""
    if model.features is not None:
        raise InputError(
            f"{model.name} is compressed already. Compress the compiled model to the "
            "width you want"
        )
    bare = any(site.basis is None for site in model.sites.values())
    if not bare and model.facts.get("kind") != "trained" and _is_shaped(model):
        raise InputError(
            f"{model.name} was compiled with a norm or with gates, which a projection "
            "of the stream does not keep. Compile it without norm=, gated= and like="
        )
    if bare or model.config.norm != "none" or model.facts.get("kind") == "trained":
        raise InputError(
            f"{model.name} was trained: its dimensions have no names, and only those "
            "of a compiled model can be followed into a compressed one. Give a "
            "program's name, or a model that `zoo compile` saved"
        )


def _unclaimed(
    model: Model, axes: Float[np.ndarray, "d_model d_model"]
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
    model: Model, variable: str, rows: Float[np.ndarray, "value own"]
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


def _is_shaped(model: Model) -> bool:
    """Return whether a compiled model has a norm or gates."""
    return model.config.norm != "none" or model.config.gated
