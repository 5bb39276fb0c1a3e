"""The effect of interchanging a subspace: IIA, cause, isolate, disentangle.

    iia          share of outputs that equal the causal model's with the variable
                 overridden
    cause        the same, only over outputs that the override changes; no interchange
                 at all gets 0
    isolate      share of outputs that stay the same when only positions are patched at
                 which the variable has the same value and the site another vector
    disentangle  the mean of the last two (Huang et al. 2024, RAVEL)

An output is one position of one pair. Numbers count as right if they are close.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from zoo.alignment.interchanges import Interchanges
from zoo.alignment.patching import Runs, logits_under
from zoo.alignment.places import Place
from zoo.auditing.certificate import Rate, rate
from zoo.cases.case import Case
from zoo.causal.outputs import differs, is_correct

MOVED = 1e-3
"""What a site holds is the same where it differs by no more than this share of it."""


@dataclass(frozen=True)
class Figures:
    """Shares of outputs, with 95 % intervals (Clopper and Pearson 1934).

    Attributes:
        iia: see the module.
        cause: None where no override changes an output.
        isolate: None if the site holds nothing else.
    """

    iia: Rate
    cause: Rate | None
    isolate: Rate | None

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
        return {**shares, "disentangle": self.disentangle}


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
    hits = np.zeros((3, 2), np.int64)
    for basis in bases:
        hits += _counts(case, pairs, runs, place, basis)
    iia, cause, isolate = (
        rate(int(right), int(total)) if total else None for right, total in hits
    )
    return Figures(iia or rate(0, 0), cause, isolate)


def _counts(
    case: Case,
    pairs: Interchanges,
    runs: Runs,
    place: Place,
    basis: Float[np.ndarray, "d_model k"],
) -> np.ndarray:
    """Return [figure, (right, total)]."""
    readout = case.model.readout
    logits = logits_under(case, place, runs, pairs.where, basis)
    right = np.asarray(is_correct(readout, logits, np.maximum(pairs.after, 0)))
    asked = pairs.after >= 0
    changed = asked & (pairs.after != pairs.before)
    shown = elsewhere(pairs, runs, place)[:, None] & (pairs.before >= 0)
    found = [(right, asked), (right, changed)]
    if shown.any():
        other = logits_under(case, place, runs, pairs.same, basis)
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
