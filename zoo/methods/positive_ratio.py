"""A share of the edges by signed score, the rest by size (Nikankin et al. 2025).

Of a circuit of n edges, floor(r n) are those of the greatest scores, and the others
those of the greatest size among what is left: edges that hurt the answer come in, but
only so many. The sets grow with n, so they are a ranking: an edge's score is minus the
smallest n whose set has it. The paper tunes r by task; here it is 3/4.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from zoo.cases.case import Case
from zoo.methods.eap_ig import eap_ig_inputs
from zoo.methods.method import method

RATIO = 0.75


@method(
    "eap-ig-ratio",
    paper="Nikankin et al. 2025",
    equation="of n edges 3n/4 by EAP-IG, the rest by |EAP-IG|",
    both_ways=True,
)
def eap_ig_ratio(case: Case, seed: int) -> Float[np.ndarray, "reader source"]:
    """Return minus the least size of a circuit that has each edge."""
    scores, visible = eap_ig_inputs(case), case.names.visible
    found = np.full(visible.shape, -np.inf)
    found[visible] = -first_sizes(scores[visible], RATIO)
    return np.where(visible, found, 0.0)


def first_sizes(
    scores: Float[np.ndarray, " edge"], ratio: float
) -> Float[np.ndarray, " edge"]:
    """Return the least n for which the set of n edges has each edge.

    Args:
        scores: signed.
        ratio: r, the share that is taken by signed score, in [0, 1].
    """
    signed = np.argsort(-scores, kind="stable")
    by_size = np.argsort(-np.abs(scores), kind="stable")
    sizes = np.zeros(len(scores))
    taken, place = np.zeros(len(scores), bool), 0
    for size in range(1, len(scores) + 1):
        edge = signed[int(ratio * size) - 1]
        grows = int(ratio * size) > int(ratio * (size - 1))
        if not grows or taken[edge]:
            while taken[by_size[place]]:
                place += 1
            edge = by_size[place]
        taken[edge], sizes[edge] = True, size
    return sizes
