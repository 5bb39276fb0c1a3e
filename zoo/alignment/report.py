"""A claim about where a variable is, compared with the truth and two controls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from compiler.grid import align
from zoo.alignment.figures import Figures
from zoo.alignment.reading import ReadShares
from zoo.auditing.certificate import Rate

VERSION = 1
HEAD = ("", "IIA", "95 %", "cause", "isolate", "both", "odds", "select.")


@dataclass(frozen=True)
class Geometry:
    """The geometry of a claimed subspace and the true one.

    Attributes:
        dimensions: dimension of the true subspace.
        needed: dimension of its part in which two values of the variable can differ.
        angles: principal angles to the true subspace in degrees, smallest first.
        inside: share of the claimed subspace that lies in the true one, in [0, 1].
        covered: share of the needed directions that lie in the claimed one.
        random_inside: mean of `inside` over random subspaces.
        random_covered: mean of `covered` over random subspaces.
    """

    dimensions: int
    needed: int
    angles: tuple[float, ...]
    inside: float
    covered: float
    random_inside: float
    random_covered: float

    def to_json(self) -> dict[str, Any]:
        """Return the geometry as JSON values."""
        return {**vars(self), "angles": list(self.angles)}


@dataclass(frozen=True)
class AlignmentRecord:
    """How the figures were measured.

    Attributes:
        pairs: number of pairs of a base and a donor input.
        positions: `all` that both inputs have.
        draws: random subspaces whose outputs are counted together.
        other_site: where the claimed subspace was put for the control.
        seed: of pairs and controls.
    """

    pairs: int
    positions: str
    draws: int
    other_site: str
    seed: int


@dataclass(frozen=True)
class AlignmentReport:
    """The figures of a claimed subspace.

    Attributes:
        model: name of the case.
        variable: the variable that the claim is about.
        site: the claimed site.
        true_site: the node that writes it.
        right_site: whether an interchange at the claimed site is right by the circuit.
        dimension: dimension of the claimed subspace.
        claimed: figures of the claimed subspace.
        truth: figures of the true subspace at the true site; if no subspace is known,
            of everything that the node writes.
        random_subspace: figures of random subspaces of that dimension at that site.
        random_site: figures of the claimed subspace at a wrong site.
        geometry: angles to the true subspace; None if that is not known.
        record: how the figures were measured.
        warnings: what the reader should know.
        read_part: figures of what of the claimed subspace is read behind the site.
        shares: of the claimed subspace that are read, and that vary.
    """

    model: str
    variable: str
    site: str
    true_site: str
    right_site: bool
    dimension: int
    claimed: Figures
    truth: Figures
    random_subspace: Figures
    random_site: Figures
    geometry: Geometry | None
    record: AlignmentRecord
    warnings: tuple[str, ...]
    read_part: Figures
    shares: ReadShares

    def __repr__(self) -> str:
        where = "right site" if self.right_site else "wrong site"
        return (
            f"<AlignmentReport {self.model}, {self.variable} at {self.site} ({where}): "
            f"IIA {self.claimed.iia.share:.3f}, cause {_share(self.claimed.cause)}>"
        )

    def __str__(self) -> str:
        return self.text

    @property
    def angles(self) -> tuple[float, ...] | None:
        """Principal angles to the true subspace in degrees; None if it is not known."""
        return None if self.geometry is None else self.geometry.angles

    @property
    def rows(self) -> Mapping[str, Figures]:
        """The figures by what was interchanged."""
        return {
            "claimed": self.claimed,
            "truth": self.truth,
            "random subspace": self.random_subspace,
            f"at {self.record.other_site}": self.random_site,
            "its read part": self.read_part,
        }

    @property
    def text(self) -> str:
        """The report as a table of text."""
        site = "the right site" if self.right_site else "not a right site"
        lines = [
            f"{self.model}: {self.variable} at {self.site}, {site} "
            f"(written by {self.true_site}); {self.dimension} of the stream's "
            "directions",
            "",
            *align([HEAD] + [_row(name, found) for name, found in self.rows.items()]),
            "",
            *_lines(self.geometry),
            f"of the claim, nothing behind the site reads {self.shares.null:.3f}; "
            f"{self.shares.dormant:.3f} is",
            f"read and never varies; {self.shares.active:.3f} is read and varies",
            f"{self.record.pairs} pairs, seed {self.record.seed}",
            *(f"Note: {warning}." for warning in self.warnings),
        ]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        figures = ("claimed", "read_part", "truth", "random_subspace", "random_site")
        plain = ("model", "variable", "site", "true_site", "right_site", "dimension")
        return {
            "format": "circuitzoo.alignment",
            "format_version": VERSION,
            **{name: getattr(self, name) for name in plain},
            **{name: getattr(self, name).to_json() for name in figures},
            "shares": dict(vars(self.shares)),
            "geometry": None if self.geometry is None else self.geometry.to_json(),
            "record": dict(vars(self.record)),
            "warnings": list(self.warnings),
        }


def _share(found: Rate | None) -> str:
    return "-" if found is None else f"{found.share:.3f}"


def _row(name: str, found: Figures) -> tuple[str, ...]:
    both = found.disentangle
    return (
        name,
        f"{found.iia.share:.3f}",
        f"{found.iia.low:.2f}..{found.iia.high:.2f}",
        _share(found.cause),
        _share(found.isolate),
        "-" if both is None else f"{both:.3f}",
        *("-" if v is None else f"{v:.2f}" for v in (found.odds, found.selectivity)),
    )


def _lines(found: Geometry | None) -> list[str]:
    if found is None:
        return ["The true subspace is not known: a trained model's site is a node."]
    shown = ", ".join(f"{angle:.1f}" for angle in found.angles)
    return [
        f"angles to the true subspace ({found.dimensions} dimensions): {shown} degrees",
        f"inside it: {found.inside:.3f} (random {found.random_inside:.3f}); covered "
        f"of the {found.needed} needed: {found.covered:.3f} (random "
        f"{found.random_covered:.3f})",
    ]
