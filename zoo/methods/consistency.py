"""Edges whose sign is the same whatever pairs are drawn: a bootstrap of EAP-IG.

Nikankin et al. 2025 (BlackboxNLP, MIB shared task), section on bootstrapping, and their
code: EAP-IG-inputs is computed on B resamples of the pairs, with replacement. With m_e
and s_e the mean and the standard deviation of an edge's scores over the resamples,

    m_e +- z s_e / sqrt(B)        z = 1.96, B = 10

is its interval. Edges whose interval has one sign come first, by size of m_e, then all
others. EAP-IG is a mean over pairs, so a resample weighs the scores of single pairs.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from zoo.cases.case import Case
from zoo.methods.eap_ig import STEPS, shares_of
from zoo.methods.interpolation import inputs_at, pair_scores
from zoo.methods.method import method

RESAMPLES, QUANTILE = 10, 1.959963984540054
"""B, and the 97.5 % quantile of the normal distribution."""


@method(
    "eap-ig-bootstrap",
    paper="Nikankin et al. 2025",
    equation="mean m of EAP-IG over 10 resamples; first where m +- 1.96 s / 10^.5 != 0",
    magnitude=True,
    seeded=True,
    both_ways=True,
)
def eap_ig_bootstrap(case: Case, seed: int) -> Float[np.ndarray, "reader source"]:
    """Return mean scores, those of consistent sign above all others in size."""
    mean, same = consistent_scores(case, seed)
    others = np.abs(np.where(same, 0.0, mean)).max(initial=0.0)
    return mean + np.where(same, np.sign(mean) * others, 0.0)


def consistent_scores(
    case: Case, seed: int, resamples: int = RESAMPLES
) -> tuple[Float[np.ndarray, "reader source"], Bool[np.ndarray, "reader source"]]:
    """Return (mean scores over resamples of the pairs, which have a consistent sign).

    Args:
        case: the model, the pairs, the loss.
        seed: of the resamples.
        resamples: B.
    """
    masks = [inputs_at(case, share) for share in shares_of(STEPS, 1)]
    single = pair_scores(case, masks)
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, len(single), (resamples, len(single)))
    scores = np.stack([single[rows].mean(axis=0) for rows in drawn])
    mean, spread = scores.mean(axis=0), scores.std(axis=0, ddof=1)
    return mean, np.abs(mean) > QUANTILE * spread / np.sqrt(resamples)
