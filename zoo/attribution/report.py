"""The figures of attribution scores, beside the oracle and the controls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from compiler.grid import align
from zoo.attribution.localisation import Localisation

VERSION = 1


@dataclass(frozen=True)
class MissedPosition:
    """The first output at which an irrelevant position ranks above a relevant one.

    Attributes:
        tokens: the input.
        output: the output position, from 0.
        relevant: positions that the output depends on.
        highest: the irrelevant position with the highest score.
        score: its score.
    """

    tokens: tuple[Any, ...]
    output: int
    relevant: tuple[int, ...]
    highest: int
    score: float


@dataclass(frozen=True)
class AttributionReport:
    """What attribution scores are worth on one model.

    Attributes:
        model: its name.
        method: name of the method, or `array`.
        inputs: number of inputs.
        outputs: number of outputs that count.
        relevant: mean share of positions that are relevant, over these outputs.
        rows: figures of the `claimed` scores, the `oracle`, and the controls:
            `random`; `shuffled` (the claimed scores at permuted positions); `prior`
            (how often a position is relevant in other inputs of that length); and
            `untrained` (the same method on random weights), where a function was given.
        missed: the first counterexample; None where every ranking is right.
        absolute: whether positions were ranked by the size of their scores.
        seed: of inputs and controls.
    """

    model: str
    method: str
    inputs: int
    outputs: int
    relevant: float
    rows: Mapping[str, Localisation]
    missed: MissedPosition | None
    absolute: bool
    seed: int

    def __repr__(self) -> str:
        found = self.rows["claimed"]
        return (
            f"<AttributionReport {self.model}, {self.method}: AUROC {found.auroc:.3f}>"
        )

    def __str__(self) -> str:
        return self.text

    @property
    def claimed(self) -> Localisation:
        """The figures of the scores that were given."""
        return self.rows["claimed"]

    @property
    def text(self) -> str:
        """The report as a table of text."""
        header = ("", "AUROC", "95 %", "AP", "IoU", "point", "suppr.", "necess.")
        rows = [_row(name, found) for name, found in self.rows.items()]
        lines = [
            f"{self.model}, {self.method}: {self.outputs} outputs of {self.inputs} "
            f"inputs; {self.relevant:.0%} of positions are relevant",
            "",
            *align([header, *rows]),
        ]
        if self.missed is not None:
            m = self.missed
            lines += [
                "",
                f"first miss: input {list(m.tokens)}, output {m.output} depends on "
                f"{list(m.relevant)},",
                f"  and position {m.highest} scores {m.score:.3g}",
            ]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        plain = ("model", "method", "inputs", "outputs", "relevant", "absolute", "seed")
        return {
            "format": "circuitzoo.attribution",
            "format_version": VERSION,
            **{name: getattr(self, name) for name in plain},
            "rows": {name: found.to_json() for name, found in self.rows.items()},
            "missed": None if self.missed is None else _plain(self.missed),
        }


def _plain(missed: MissedPosition) -> dict[str, Any]:
    words = {"tokens": [str(token) for token in missed.tokens]}
    return {**vars(missed), "relevant": list(missed.relevant), **words}


def _row(name: str, found: Localisation) -> tuple[str, ...]:
    low, high = found.interval
    figures = (found.precision, found.iou, found.pointing, found.suppressed)
    shown = [_shown(f) for f in (*figures, found.necessary)]
    return (name, _shown(found.auroc), f"{low:.3f}..{high:.3f}", *shown)


def _shown(figure: float) -> str:
    return "-" if np.isnan(figure) else f"{figure:.3f}"
