"""The rows of a table of methods, and of its comparisons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from zoo.cases.bootstrap import Interval


@dataclass(frozen=True)
class Row:
    """A method at one granularity, over all models.

    Attributes:
        method: its name.
        models: on how many it has figures.
        auroc: mean over models (of the mean over seeds).
        interval: 95 %, over models drawn again.
        average_precision: mean over models (of the mean over seeds).
        f1: mean over models, with as many items found as are true.
        cpr: mean over models; NaN if the method has another granularity.
        cmd: mean over models; NaN if the method has another granularity.
        stability: mean Jaccard index of what two seeds find.
        seconds: mean over models of the fastest seed: the others may compile.
        failed: cells without figures.
        ap_interval: of the average precision, as `interval`.
    """

    method: str
    models: int
    auroc: float
    interval: Interval
    average_precision: float
    f1: float
    cpr: float
    cmd: float
    stability: float
    seconds: float
    failed: int
    ap_interval: Interval


@dataclass(frozen=True)
class ClaimRow:
    """A method that makes claims of another kind than scores, over all models.

    Attributes:
        method: its name.
        models: on how many it has figures.
        figures: means over models (of the mean over seeds); the first one ranks.
        interval: 95 % of the first figure, over models drawn again.
        seconds: mean over models of the fastest seed.
        failed: cells without figures, of models that the claims could be about.
        not_asked: cells of models of which the truth of such claims is not known.
    """

    method: str
    models: int
    figures: Mapping[str, float]
    interval: Interval
    seconds: float
    failed: int
    not_asked: int


@dataclass(frozen=True)
class MethodPair:
    """Two methods on the same models (Wilcoxon 1945; Holm 1979 for many pairs)."""

    first: str
    second: str
    models: int
    difference: float
    interval: Interval
    p: float
    corrected: float
