"""Features: directions of the residual stream whose meaning is known.

In a compiled stream every value of a variable has a dimension of its own. After
compression into fewer dimensions (Lindner et al. 2023, section 5), the features have
directions that overlap: they are in superposition. A compressed model carries these
directions, so that methods that look for features can be compared with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from compiler.errors import InputError


@dataclass(frozen=True, eq=False)
class Features:
    """One feature for each dimension of the compiled stream, in its order.

    Attributes:
        names: what they are called: `tokens=a`, `length`, `bos`; each once.
        variables: the variable that each belongs to; None for what is no variable's.
        values: which row of the variable (`model.rows`), hence which of its values, the
            feature stands for; None where it is a number along the direction.
        directions: [feature, d_model] what one unit of it writes to the stream.
    """

    names: tuple[str, ...]
    variables: tuple[str | None, ...]
    values: tuple[int | None, ...]
    directions: Float[np.ndarray, "feature d_model"]

    def __post_init__(self) -> None:
        counts = {len(self.names), len(self.variables), len(self.values)}
        if counts != {len(self.directions)} or len(set(self.names)) < len(self.names):
            raise InputError(
                "features: give each a name of its own, a variable, a value and a "
                f"direction; there are {len(set(self.names))} names, "
                f"{len(self.variables)} variables, {len(self.values)} values and "
                f"{len(self.directions)} directions"
            )
        frozen = np.array(self.directions, np.float64)  # a copy: ours to freeze
        frozen.flags.writeable = False
        object.__setattr__(self, "directions", frozen)

    def directions_of(self, variable: str) -> Float[np.ndarray, "own d_model"]:
        """Return the directions of one variable; none if it has no feature."""
        rows = [i for i, name in enumerate(self.variables) if name == variable]
        return self.directions[rows]

    def cosines(self) -> Float[np.ndarray, "feature feature"]:
        """Return the cosine of every two directions; 0 where one has no length."""
        lengths = np.linalg.norm(self.directions, axis=1, keepdims=True)
        units = self.directions / np.where(lengths > 0, lengths, 1.0)
        return units @ units.T

    @property
    def overlap(self) -> float:
        """The greatest |cosine| of two features, in [0, 1]; 0: no superposition."""
        apart = np.abs(self.cosines())
        np.fill_diagonal(apart, 0.0)
        return float(min(apart.max(initial=0.0), 1.0))

    def to_json(self) -> Mapping[str, Any]:
        """Return the features as JSON values."""
        return {
            "names": list(self.names),
            "variables": list(self.variables),
            "values": list(self.values),
            "directions": self.directions.tolist(),
        }
