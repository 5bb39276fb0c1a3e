"""What a score of a lens returns.

gained    (right - majority) / (1 - majority) of one layer: 0 for a constant
readable  the first layer from which on gained is at least 0.9
early     mean gained in front of layers before the output is computed
late      1 - mean gained in front of the layers after
score     1 - mean over layers of |gained - gained of the oracle|, where the oracle
reads what the variables in the stream tell, and no more
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from compiler.grid import align

VERSION, READABLE = 1, 0.9


@dataclass(frozen=True)
class LensLayer:
    """How many outputs are read in front of one layer.

    Attributes:
        right: their share; see the module.
        chance: 1 / k.
    """

    right: float
    chance: float

    @property
    def gained(self) -> float:
        """See the module; 0 also where there is one output only."""
        left = 1 - self.chance
        return (self.right - self.chance) / left if left > 0 else 0.0


@dataclass(frozen=True)
class LensReport:
    """When a lens reads the output.

    Attributes:
        model: its name.
        lens: name of the lens.
        computed: the layer in front of which the output is in the stream first.
        values: how many values the output has.
        tokens: number of outputs.
        rows: by layer, for what was `claimed`, for the `oracle`, the built-in lenses,
            and the controls `shuffled` and `untrained`.
        seed: of the inputs and controls.
    """

    model: str
    lens: str
    computed: int
    values: int
    tokens: int
    rows: Mapping[str, tuple[LensLayer, ...]]
    seed: int

    def __repr__(self) -> str:
        return (
            f"<LensReport {self.model}, {self.lens}: readable {self.readable()}, "
            f"computed {self.computed}, score {self.score():.3f}>"
        )

    def __str__(self) -> str:
        return self.text

    def gained(self, row: str = "claimed") -> np.ndarray:
        """Return what a row gains in front of each layer."""
        return np.array([layer.gained for layer in self.rows[row]])

    def readable(self, row: str = "claimed") -> int | None:
        """Return the first layer from which on the output can be read, if any."""
        low = np.flatnonzero(self.gained(row) < READABLE)
        first = int(low[-1]) + 1 if len(low) else 0
        return first if first < len(self.rows[row]) else None

    def early(self, row: str = "claimed") -> float:
        """Return the mean gain before the output is computed; 0 if that is at once."""
        before = self.gained(row)[: self.computed]
        return float(before.mean()) if len(before) else 0.0

    def late(self, row: str = "claimed") -> float:
        """Return what is missing after the output is computed."""
        return float(1 - self.gained(row)[self.computed :].mean())

    def score(self, row: str = "claimed") -> float:
        """Return 1 less the mean distance from the oracle."""
        return float(1 - np.abs(self.gained(row) - self.gained("oracle")).mean())

    @property
    def text(self) -> str:
        """The report as a table of text."""
        layers = [str(i) for i in range(len(self.rows["claimed"]))]
        rows = [
            [row, *(f"{g:.2f}" for g in self.gained(row)), *self._figures(row)]
            for row in self.rows
        ]
        header = ["gained", *layers, "readable", "late", "score"]
        head = (
            f"{self.model}, {self.lens}: the output is computed in front of layer "
            f"{self.computed}"
        )
        return "\n".join([head, "", *align([tuple(header), *map(tuple, rows)])])

    def _figures(self, row: str) -> tuple[str, str, str]:
        first = self.readable(row)
        shown = "-" if first is None else str(first)
        return shown, f"{self.late(row):.3f}", f"{self.score(row):.3f}"

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        plain = ("model", "lens", "computed", "values", "tokens", "seed")
        return {
            "format": "circuitzoo.lens",
            "format_version": VERSION,
            **{name: getattr(self, name) for name in plain},
            "rows": {
                row: {
                    "right": [layer.right for layer in layers],
                    "gained": self.gained(row).tolist(),
                    "readable": self.readable(row),
                    "early": self.early(row),
                    "late": self.late(row),
                    "score": self.score(row),
                }
                for row, layers in self.rows.items()
            },
        }
