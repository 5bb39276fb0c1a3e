"""A share of positions, with its interval and what rounding may change of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from scipy import stats

MAY_LACK = {"may lack": True}  # zoo.release.schema: an entry that may be left out


@dataclass(frozen=True)
class Rate:
    """A share of positions, with its 95 % interval (Clopper and Pearson 1934).

    Attributes:
        hits: number of positions that count.
        total: number of positions.
        low: lower end of the interval.
        high: upper end of the interval.
        ties: number of positions at which rounding would decide; these do not count.
        close: number of positions that another machine may count differently, so that
            `hits` and `ties` may differ by as much. 0 means that the figure is exact.
    """

    hits: int
    total: int
    low: float
    high: float
    ties: int = field(default=0, metadata=MAY_LACK)
    close: int = field(default=0, metadata=MAY_LACK)

    @property
    def share(self) -> float:
        """The fraction, in [0, 1]."""
        return self.hits / max(self.total, 1)


def rate(hits: int, total: int, ties: int = 0, close: int = 0) -> Rate:
    """Return a share with its interval."""
    low = stats.beta.ppf(0.025, hits, total - hits + 1) if hits else 0.0
    high = stats.beta.ppf(0.975, hits + 1, total - hits) if hits < total else 1.0
    return Rate(hits, total, round(float(low), 9), round(float(high), 9), ties, close)
