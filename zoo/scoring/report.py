"""What scores are worth on one case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from compiler import html
from compiler.errors import InputError
from zoo.cases.bootstrap import DRAWS, Interval, middle
from zoo.cases.truth import KnownEdge
from zoo.ranking import auroc, precision_at
from zoo.scoring.faithfulness import Curve
from zoo.scoring.subsets import Subsets

VERSION = 1
_SAVED_AS = {"constant": "silent"}  # fields with another name in the JSON of a report


@dataclass(frozen=True)
class Missed:
    """A true item that was not found.

    Attributes:
        item: its name.
        score: what it was given.
        rank: how many items that count have a higher score, and 1.
        edges: its used edges, with the pairs of inputs that show them.
    """

    item: str
    score: float
    rank: int
    edges: tuple[KnownEdge, ...]

    @property
    def witness(self) -> Mapping[str, Any] | None:
        """The inputs that show the effect of the first of its edges that has some."""
        return next((k.witness for k in self.edges if k.witness is not None), None)


@dataclass(frozen=True)
class Spurious:
    """An item that was found, and is not true."""

    item: str
    score: float
    rank: int


@dataclass(frozen=True)
class Record:
    """How the figures were taken: they depend on each of these.

    Attributes:
        granularity: what an item is.
        sign: `as given`, or `magnitude`.
        ablation: what stands in the place of a patched write.
        direction: `complement`: what is outside a circuit is patched on the clean run.
        positions: which positions of a run are asked for, and how many of the corrupt
            runs have their positions shifted.
        loss: of the faithfulness.
        convention: of the AUROC.
        pairs: how many were run.
        filled: how many items had no score and were given one.
        source: the format or the method.
    """

    granularity: str
    sign: str
    ablation: str
    direction: str
    positions: str
    loss: str
    convention: str
    pairs: int
    filled: int
    source: str


@dataclass(frozen=True, eq=False)
class Report:
    """The figures.

    Attributes:
        model: name of the case.
        auroc: area under the ROC curve over the items that count.
        auroc_interval: 95 %, over items drawn again.
        average_precision: mean precision at the true items.
        average_precision_interval: 95 %, over items drawn again.
        k: how many items count as found: as many as are true, unless asked otherwise.
        precision: share of the found items that are true.
        recall: share of the true items that are found.
        f1: their harmonic mean.
        hamming: items that would have to be added or taken away; where the k-th score
            is tied, the mean over the orders of the tied, as of F1.
        true: how many items are true.
        counted: how many items count.
        undetectable: circuit items that no donor can show: not counted.
        constant: other items that carry the same in every pair: not counted.
        unused: items that the program claims, and that count as outside.
        missed: true items that were not found, highest first. Items that are tied at
            the cut-off do not count as found.
        spurious: found items that are not true, highest first.
        faithfulness_curve: of the circuits of the highest scores, with their signs.
        magnitude_curve: of the circuits of the greatest absolute values.
        subsets: completeness and minimality of what was found; None where not asked.
        record: how all this was taken.
        warnings: what the reader should know.
        items: names of the items that count.
        scores: [item that counts], what was ranked.
        labels: [item that counts], the truth.
    """

    model: str
    auroc: float
    auroc_interval: Interval
    average_precision: float
    average_precision_interval: Interval
    k: int
    precision: float
    recall: float
    f1: float
    hamming: float
    true: int
    counted: int
    undetectable: int
    constant: int
    unused: int
    missed: tuple[Missed, ...]
    spurious: tuple[Spurious, ...]
    faithfulness_curve: Curve | None
    magnitude_curve: Curve | None
    subsets: Subsets | None
    record: Record
    warnings: tuple[str, ...]
    items: tuple[str, ...]
    scores: Float[np.ndarray, " item"]
    labels: Bool[np.ndarray, " item"]

    def __repr__(self) -> str:
        low, high = self.auroc_interval
        return (
            f"<Report {self.model}: AUROC {self.auroc:.3f} ({low:.3f}..{high:.3f}), "
            f"AP {self.average_precision:.3f}, {len(self.missed)} of {self.true} "
            "missed>"
        )

    def __str__(self) -> str:
        from zoo.scoring.lines import report_lines

        return "\n".join(report_lines(self))

    def _repr_html_(self) -> str:
        low, high = self.auroc_interval
        figures = html.table(
            ("AUROC", "95 %", "AP", "F1", "CPR", "CMD"),
            [
                (
                    f"{self.auroc:.3f}",
                    f"{low:.3f} to {high:.3f}",
                    f"{self.average_precision:.3f}",
                    f"{self.f1:.3f}",
                    f"{self.cpr:.3f}",
                    f"{self.cmd:.3f}",
                )
            ],
        )
        missed = html.table(
            ("missed", "score", "rank"),
            [(m.item, f"{m.score:.4g}", m.rank) for m in self.missed],
        )
        notes = "".join(html.line(f"note: {warning}") for warning in self.warnings)
        head = html.heading(
            f"{self.model}: {self.true} of {self.counted} items are true, "
            f"{len(self.missed)} of them missed"
        )
        return f"{head}{figures}{notes}{missed if self.missed else ''}"

    @property
    def cpr(self) -> float:
        """Area under the faithfulness of the highest signed scores; NaN if not run."""
        curve = self.faithfulness_curve
        return float("nan") if curve is None else curve.cpr

    @property
    def cmd(self) -> float:
        """Area of the distance to 1 of the greatest absolute values; NaN if not run."""
        curve = self.magnitude_curve
        return float("nan") if curve is None else curve.cmd

    def precision_at(self, k: int) -> float:
        """Return the share of true items among the k highest; ties in random order.

        Raises:
            InputError: k is no whole number above 0.
        """
        if not isinstance(k, int | np.integer) or k < 1:
            raise InputError(f"precision_at: found {k!r}, expected 1, 2, ..")
        return precision_at(self.scores, self.labels, k)

    def compare(self, other: Report, seed: int = 0) -> AurocDifference:
        """Return by how much this AUROC is above another one on the same items.

        Raises:
            InputError: the reports are not of the same items of one model.
        """
        if len(self.labels) != len(other.labels) or (self.labels != other.labels).any():
            raise InputError(
                f"{self.model} and {other.model}: the reports are not over the same "
                "items. Compare two scores of one model, at one granularity"
            )
        rng = np.random.default_rng(seed)
        hits, others = np.flatnonzero(self.labels), np.flatnonzero(~self.labels)
        found = np.empty(DRAWS)
        for draw in range(DRAWS):
            rows = np.append(
                rng.choice(hits, len(hits)), rng.choice(others, len(others))
            )
            first = auroc(self.scores[rows], self.labels[rows])
            found[draw] = first - auroc(other.scores[rows], other.labels[rows])
        gap = auroc(self.scores, self.labels) - auroc(other.scores, other.labels)
        tail = min((found <= 0).sum(), (found >= 0).sum())
        p = 2 * float(tail + 1) / (DRAWS + 1)
        return AurocDifference(gap, middle(found), min(1.0, p))

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values; NaN is null."""
        skipped = {"missed", "items", "scores", "labels"}
        data = {
            _SAVED_AS.get(f.name, f.name): getattr(self, f.name)
            for f in fields(self)
            if f.name not in skipped
        }
        missed = [
            {
                "item": m.item,
                "score": m.score,
                "rank": m.rank,
                "edges": [
                    {"edge": str(k.edge), "carries": k.carries, "effect": k.effect}
                    for k in m.edges
                ],
                "witness": m.witness,
            }
            for m in self.missed
        ]
        extra = {"missed": missed, "cpr": self.cpr, "cmd": self.cmd}
        head = {"format": "circuitzoo.report", "format_version": VERSION}
        return _plain({**head, **data, **extra})

    def plot(self, path: str | Path) -> None:
        """Draw the ROC curve, precision against recall, and faithfulness, as a PNG."""
        from zoo.scoring.plot import plot_report

        curves = {
            "highest": self.faithfulness_curve,
            "greatest |score|": self.magnitude_curve,
        }
        plot_report(
            self.model,
            self.scores,
            self.labels,
            (
                f"AUROC {self.auroc:.3f}",
                f"AP {self.average_precision:.3f}",
                f"CPR {self.cpr:.2f}, CMD {self.cmd:.2f}",
            ),
            {name: curve for name, curve in curves.items() if curve is not None},
            Path(path),
        )


@dataclass(frozen=True)
class AurocDifference:
    """A difference of two AUROCs, with its interval and a two-sided p-value.

    Attributes:
        difference: the first less the second.
        interval: 95 %, both scored on the same items drawn again.
        p: twice the share of draws on the rarer side of 0, the observed one counted
            as one of them (Davison and Hinkley 1997, chapter 4): never 0.
    """

    difference: float
    interval: Interval
    p: float


def _plain(data: Any) -> Any:
    """Return data as JSON has it."""
    if isinstance(data, Curve | Subsets | Record | Spurious):
        return _plain(asdict(data))
    if isinstance(data, Mapping):
        return {str(key): _plain(value) for key, value in data.items()}
    if isinstance(data, tuple | list):
        return [_plain(value) for value in data]
    if isinstance(data, float | np.floating):
        return float(data) if np.isfinite(data) else None
    return int(data) if isinstance(data, np.integer) else data
