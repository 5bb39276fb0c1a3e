"""What a score of a parameter decomposition returns."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from compiler.grid import align
from zoo.alignment.figures import rate_to_json
from zoo.auditing.certificate import Rate

VERSION = 1


@dataclass(frozen=True)
class PartsFigures:
    """How near terms come to parts; `zoo/parts/score.py` has the definitions.

    Attributes:
        importance: None where every part is used on all inputs or on none.
    """

    to_found: float
    to_true: float
    precision: Rate
    recall: Rate
    f1: float
    importance: float | None
    faithful: float
    behaviour: float

    def to_json(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        rates = {n: rate_to_json(getattr(self, n)) for n in ("precision", "recall")}
        plain = ("to_found", "to_true", "f1", "importance", "faithful", "behaviour")
        return {**{n: getattr(self, n) for n in plain}, **rates}


@dataclass(frozen=True)
class PartsReport:
    """What a parameter decomposition is worth.

    Attributes:
        model: its name.
        matrices: which were decomposed.
        parts: how many true parts these have.
        terms: how many terms were given.
        threshold: the least |cosine| of a match.
        inputs: on which usage was measured.
        used: mean share of these on which a part is used.
        rows: figures of what was `claimed`; of the `oracle`; and of what knows nothing:
            `random` terms, `rows` (each row of a matrix), `singular` (its singular
            components), `shuffled` (true parts, usage permuted over inputs).
        missed: the part that no term comes near, and its greatest cosine; None if none.
        seed: of inputs and controls.
    """

    model: str
    matrices: tuple[str, ...]
    parts: int
    terms: int
    threshold: float
    inputs: int
    used: float
    rows: Mapping[str, PartsFigures]
    missed: tuple[str, float] | None
    seed: int

    def __repr__(self) -> str:
        found = self.claimed
        return (
            f"<PartsReport {self.model}: F1 {found.f1:.3f}, cosine to found "
            f"{found.to_found:.3f}, to true {found.to_true:.3f}>"
        )

    def __str__(self) -> str:
        return self.text

    @property
    def claimed(self) -> PartsFigures:
        """The figures of the terms that were given."""
        return self.rows["claimed"]

    @property
    def text(self) -> str:
        """The report as a table of text."""
        header = ("", "to found", "to true", "F1", "import.", "faithful", "behav.")
        lines = [
            f"{self.model}: {self.terms} terms for {self.parts} parts of "
            f"{len(self.matrices)} matrices; {self.inputs} inputs",
            "",
            *align([header, *(_row(name, f) for name, f in self.rows.items())]),
        ]
        if self.missed is not None:
            name, near = self.missed
            text = f"Missed most: {name}; the nearest term has a cosine of {near:.3f}."
            lines += ["", *textwrap.wrap(text, 78)]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        plain = ("model", "parts", "terms", "threshold", "inputs", "used", "seed")
        return {
            "format": "circuitzoo.parts",
            "format_version": VERSION,
            **{name: getattr(self, name) for name in plain},
            "matrices": list(self.matrices),
            "rows": {name: found.to_json() for name, found in self.rows.items()},
            "missed": None if self.missed is None else list(self.missed),
        }


def _row(name: str, found: PartsFigures) -> tuple[str, ...]:
    told = "-" if found.importance is None else f"{found.importance:.3f}"
    near = f"{found.to_found:.3f}", f"{found.to_true:.3f}", f"{found.f1:.3f}"
    return (name, *near, told, f"{found.faithful:.3f}", f"{found.behaviour:.3f}")
