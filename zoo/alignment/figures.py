"""The effect of interchanging a subspace: IIA, cause, isolate, disentangle, odds.

    iia          share of outputs that equal the causal model's with the variable
                 overridden
    cause        the same, only over outputs that the override changes; no interchange
                 at all gets 0
    isolate      share of outputs that stay the same when only positions are patched at
                 which the variable has the same value and the site another vector
    disentangle  the mean of the last two (Huang et al. 2024, RAVEL)
    odds         mean over outputs that the override changes, from y to y', of
                 log [p(y) / p(y')] before - log [p(y) / p(y')] after, in nats
                 (Arora et al. 2024, CausalGym, equation 5); of classes only
    selectivity  odds less the same with an arbitrary third class in the place of y'

An output is one position of one pair. Numbers count as right if they are close.
CausalGym takes its control from features that were fitted to arbitrary labels. A claim
is fitted already, so here its effect on an arbitrary label is taken off: an interchange
that only destroys, or that moves all outputs alike, has a selectivity near 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from zoo.alignment.interchanges import Interchanges
from zoo.alignment.patching import Runs, logits_under
from zoo.alignment.places import Place
from zoo.auditing.certificate import Rate, rate
from zoo.cases.case import Case
from zoo.causal.outputs import differs, is_correct

PatchedRun = Callable[[Any], Any]
MOVED = 1e-3
"""What a site holds is the same where it differs by no more than this share of it."""


@dataclass(frozen=True)
class Figures:
    """Shares of outputs, with 95 % intervals (Clopper and Pearson 1934).

    Attributes:
        iia: see the module.
        cause: None where no override changes an output.
        isolate: None if the site holds nothing else.
        odds: None where outputs are numbers, or no override changes an output.
        selectivity: None where odds are, or outputs have only two classes.
    """

    iia: Rate
    cause: Rate | None
    isolate: Rate | None
    odds: float | None = None
    selectivity: float | None = None

    @property
    def disentangle(self) -> float | None:
        """The mean of cause and isolate; None where one of them is not defined."""
        if self.cause is None or self.isolate is None:
            return None
        return (self.cause.share + self.isolate.share) / 2

    def to_json(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        parts = {"iia": self.iia, "cause": self.cause, "isolate": self.isolate}
        shares = {name: rate_to_json(found) for name, found in parts.items()}
        odds = {"odds": self.odds, "selectivity": self.selectivity}
        return {**shares, "disentangle": self.disentangle, **odds}


def rate_to_json(found: Rate | None) -> dict[str, Any] | None:
    """Return a share with its interval as JSON values; None stays None."""
    if found is None:
        return None
    interval = {"low": found.low, "high": found.high}
    counts = {"hits": found.hits, "total": found.total}
    return {"share": found.share, **interval, **counts}


def measure(
    case: Case,
    pairs: Interchanges,
    runs: Runs,
    place: Place,
    bases: list[Float[np.ndarray, "d_model k"]],
) -> Figures:
    """Return the figures of a subspace at a site; of several, those of all together."""
    under = partial(logits_under, case, place, runs)
    tried = [partial(under, basis=basis) for basis in bases]
    return measure_runs(case, pairs, runs, place, tried)


def measure_runs(
    case: Case,
    pairs: Interchanges,
    runs: Runs,
    place: Place,
    tried: Sequence[PatchedRun],
) -> Figures:
    """Return the figures of what may be done at a site.

    Args:
        case: the model.
        pairs: base and donor inputs.
        runs: of these.
        place: the site.
        tried: functions of the positions [pair, ctx] that return the logits with an
            interchange there; the figures are those of all together.
    """
    hits = np.zeros((3, 2), np.int64)
    odds = []
    for run in tried:
        logits = run(pairs.where)
        hits += _counts(case, pairs, runs, place, run, logits)
        odds.append(_odds(case, pairs, runs, logits))
    iia, cause, isolate = (
        rate(int(right), int(total)) if total else None for right, total in hits
    )
    means = (_mean([pair[i] for pair in odds]) for i in range(2))
    return Figures(iia or rate(0, 0), cause, isolate, *means)


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _odds(
    case: Case, pairs: Interchanges, runs: Runs, logits: Any
) -> tuple[float | None, float | None]:
    """Return the odds ratio and the selectivity of patched runs."""
    changed = (pairs.after >= 0) & (pairs.before >= 0) & (pairs.after != pairs.before)
    if case.model.readout.kind != "classes" or not changed.any():
        return None, None
    first, last = pairs.before[changed], pairs.after[changed]
    moved = (np.asarray(logits) - np.asarray(runs.clean))[changed].astype(np.float64)
    rows = np.arange(len(moved))
    odds = float((moved[rows, last] - moved[rows, first]).mean())
    third = third_class(first, last, moved.shape[1])
    if third is None:
        return odds, None
    control = float((moved[rows, third] - moved[rows, first]).mean())
    return odds, odds - control


def third_class(
    first: Int[np.ndarray, " output"], last: Int[np.ndarray, " output"], classes: int
) -> Int[np.ndarray, " output"] | None:
    """Return an arbitrary class for each pair of two: the next that is neither."""
    if classes < 3:
        return None
    found = (last + 1) % classes
    found = np.where(found == first, (found + 1) % classes, found)
    return np.where(found == last, (found + 1) % classes, found)


def _counts(
    case: Case,
    pairs: Interchanges,
    runs: Runs,
    place: Place,
    run: PatchedRun,
    logits: Any,
) -> np.ndarray:
    """Return [figure, (right, total)], given the logits of the patched runs."""
    readout = case.model.readout
    right = np.asarray(is_correct(readout, logits, np.maximum(pairs.after, 0)))
    asked = pairs.after >= 0
    changed = asked & (pairs.after != pairs.before)
    shown = elsewhere(pairs, runs, place)[:, None] & (pairs.before >= 0)
    found = [(right, asked), (right, changed)]
    if shown.any():
        other = run(pairs.same)
        kept = ~np.asarray(differs(readout, other, runs.clean))
        found.append((kept, shown))
    else:
        found.append((shown, shown))
    return np.array([[(hit & which).sum(), which.sum()] for hit, which in found])


def elsewhere(pairs: Interchanges, runs: Runs, place: Place) -> Bool[np.ndarray, " n"]:
    """Return the pairs in which the site holds something else beside the variable."""
    one, other = place.held(runs.writes), place.held(runs.donors)
    apart = np.abs(other - one).max(axis=-1) * pairs.same
    return apart.max(axis=1) > MOVED * np.abs(one).max()
