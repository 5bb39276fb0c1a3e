"""The figures of a dictionary, compared with random ones of its size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from compiler.grid import align
from zoo.alignment.figures import rate_to_json
from zoo.auditing.certificate import Rate
from zoo.cases.bootstrap import Interval

if TYPE_CHECKING:
    from zoo.dictionary.coders import CoderFigures

VERSION = 1
FREQUENCIES = (0.001, 0.01, 0.1)
"""Shares of tokens between bands of features."""
FIGURES = ("figures", "random", "visible", "visible_random")


@dataclass(frozen=True)
class DictionaryFigures:
    """How near a dictionary comes to the true features.

    Attributes:
        to_found: mean over true features of the greatest |cosine| of a found one.
        to_found_interval: 95 %, true features drawn again.
        to_true: mean over found ones of the greatest |cosine| of a true one.
        to_true_interval: 95 %, found ones drawn again.
        precision: share of the found ones that match a true one.
        recall: share of the true ones that are matched.
        f1: their harmonic mean.
    """

    to_found: float
    to_found_interval: Interval
    to_true: float
    to_true_interval: Interval
    precision: Rate
    recall: Rate
    f1: float

    def to_json(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        shares = {n: rate_to_json(getattr(self, n)) for n in ("precision", "recall")}
        return {**asdict(self), **shares}


@dataclass(frozen=True)
class Feature:
    """A true feature.

    Attributes:
        name: `tokens=a`, `length`.
        nearest: number of the found direction nearest to it.
        cosine: |cosine| of the two.
        matched: number of the one it is matched with; None for none.
        rate: share of tokens at which it is active.
    """

    name: str
    nearest: int
    cosine: float
    matched: int | None
    rate: float


@dataclass(frozen=True)
class FrequencyBand:
    """The true features that are about as frequent.

    Attributes:
        least: the share of tokens at which each is active, at least.
        below: what this share is below; None for no limit.
        count: how many features there are.
        cosine: mean of the greatest |cosine| of a found one.
        matched: share of them that are matched.
    """

    least: float
    below: float | None
    count: int
    cosine: float
    matched: float


@dataclass(frozen=True)
class DictionaryReport:
    """The figures of a dictionary.

    Attributes:
        model: name of the case.
        site: where its activations come from.
        threshold: the least |cosine| of a match.
        found: how many directions it has.
        features: the true ones that count.
        left_out: true features of the site that never differ in the data.
        figures: of the dictionary.
        random: of random directions, as many; means over `draws`.
        visible: the same after projection to the span in which the data vary; the
            values of a one-hot variable sum to 1, so data do not vary in their sum.
        visible_random: the same for random directions, after this projection.
        draws: number of random dictionaries.
        seed: seed of the random dictionaries and of the intervals.
        coders: where an SAE was given, figures of its encoder and decoder, and of two
            coders to compare with: one that changes nothing, and a random one.
    """

    model: str
    site: str
    threshold: float
    found: int
    features: tuple[Feature, ...]
    left_out: tuple[str, ...]
    figures: DictionaryFigures
    random: DictionaryFigures
    visible: DictionaryFigures
    visible_random: DictionaryFigures
    draws: int
    seed: int
    coders: Mapping[str, CoderFigures] = field(default_factory=dict)

    def __repr__(self) -> str:
        got = self.figures
        return (
            f"<DictionaryReport {self.model} at {self.site}: MMCS {got.to_found:.3f} "
            f"and {got.to_true:.3f}, F1 {got.f1:.3f}>"
        )

    def __str__(self) -> str:
        return self.text

    @property
    def missed(self) -> tuple[Feature, ...]:
        """The true features that nothing matches, the nearest first."""
        lost = [f for f in self.features if f.matched is None]
        return tuple(sorted(lost, key=lambda f: -f.cosine))

    def by_frequency(
        self, limits: Sequence[float] = FREQUENCIES
    ) -> tuple[FrequencyBand, ...]:
        """Return the figures by how often features are active, the rarest first.

        Args:
            limits: shares of tokens between the bands, ascending.
        """
        ends = [0.0, *limits, None]
        found = []
        for least, below in pairwise(ends):
            own = [
                f
                for f in self.features
                if f.rate >= (least or 0) and (below is None or f.rate < below)
            ]
            if own:
                near = sum(f.cosine for f in own) / len(own)
                hits = sum(f.matched is not None for f in own) / len(own)
                found.append(FrequencyBand(least or 0.0, below, len(own), near, hits))
        return tuple(found)

    @property
    def text(self) -> str:
        """The report as a table of text."""
        count = len(self.features)
        lines = [
            f"{self.model} at {self.site}: {self.found} directions, {count} true "
            f"features; {len(self.left_out)} left out, the same in all of the data",
            "",
            *align(
                [
                    ("", "true->found", "found->true", "precision", "recall", "F1"),
                    _row("dictionary", self.figures),
                    _row(f"random, mean of {self.draws}", self.random),
                    _row("dictionary, visible part", self.visible),
                    _row("random, visible part", self.visible_random),
                ]
            ),
            "",
            *_bands(self.by_frequency()),
            f"a match has |cosine| of at least {self.threshold:g}",
            *coder_lines(self.coders),
        ]
        if self.missed:
            shown = [f"{f.name} ({f.cosine:.2f})" for f in self.missed[:8]]
            more = ", .." if len(self.missed) > 8 else ""
            lines.append(f"missed: {', '.join(shown)}{more}")
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        head = {"format": "circuitzoo.dictionary", "format_version": VERSION}
        figures = {n: getattr(self, n).to_json() for n in FIGURES}
        return {**head, **asdict(self), **figures}


def coder_lines(coders: Mapping[str, CoderFigures]) -> list[str]:
    """Return the figures of coders as lines; none if there are none."""
    if not coders:
        return []
    head = ("", "explained", "L0", "dead", "outputs kept", "with 0 instead")
    rows = [
        (
            name,
            f"{found.explained:.3f}",
            f"{found.l0:.1f}",
            f"{found.dead:.3f}",
            f"{found.behaviour.share:.3f}",
            f"{found.zeroed.share:.3f}",
        )
        for name, found in coders.items()
    ]
    return ["", *align([head, *rows])]


def _row(name: str, found: DictionaryFigures) -> tuple[str, ...]:
    low, high = found.to_found_interval
    other_low, other_high = found.to_true_interval
    return (
        name,
        f"{found.to_found:.3f} ({low:.3f}..{high:.3f})",
        f"{found.to_true:.3f} ({other_low:.3f}..{other_high:.3f})",
        f"{found.precision.share:.3f}",
        f"{found.recall.share:.3f}",
        f"{found.f1:.3f}",
    )


def _bands(bands: Sequence[FrequencyBand]) -> list[str]:
    """Return lines on features by frequency; none where all are about as frequent."""
    if len(bands) < 2:
        return []
    rows = [("active at a share of", "features", "true->found", "recall")]
    for band in bands:
        upper = "" if band.below is None else f" to {band.below:g}"
        share = f"{band.least:g}{upper}"
        figures = str(band.count), f"{band.cosine:.3f}", f"{band.matched:.3f}"
        rows.append((share, *figures))
    return [*align(rows), ""]
