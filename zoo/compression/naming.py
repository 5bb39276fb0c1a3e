"""What each dimension of a compiled stream stands for, and how large it gets.

Read off the model itself (sites, rows, basis), so that a loaded model serves as well
as one that was just compiled.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from compiler.dimensions import label_dimensions
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
    found, size = label_dimensions(model), model.config.d_model
    scale = np.exp2(-np.round(np.log2(found.sizes)))
    wide = Weights(*(np.asarray(a, np.float64) for a in model.weights))
    if model.basis is not None:
        wide = turn(wide, found.axes.T, np.ones(size))
    scaled = turn(wide, np.eye(size), scale)
    weights = Weights(*(np.asarray(a, np.float32) for a in scaled))
    named = found.names, found.variables, found.values
    return Named(model, *named, scale, weights)


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


def _is_shaped(model: Model) -> bool:
    """Return whether a compiled model has a norm or gates."""
    return model.config.norm != "none" or model.config.gated
