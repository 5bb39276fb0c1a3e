"""Exact patching of every edge at every position alone: every patch is really run.

    s(e, t) = mean |L(e patched at the reader's position t) - L(clean)|

The score of an edge is the greatest over positions.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from zoo.cases.case import Case
from zoo.cases.positions import EdgePlaces, patch_places, places_of
from zoo.methods.method import method


def exact_by_position(
    case: Case, places: EdgePlaces | None = None
) -> Float[np.ndarray, "reader source place"]:
    """Return the mean size of the change of the loss, for every edge and place.

    Args:
        case: the model, the pairs, the loss.
        places: which positions are patched together; each by itself if None.
    """
    places = places_of(case) if places is None else places
    return np.abs(patch_places(case, places).change).mean(axis=-1)


@method(
    "exact-position",
    paper="Goldowsky-Dill et al. 2023; Haklay et al. 2025",
    equation="max_t mean |L(e patched at t) - L(clean)|",
    both_ways=True,
)
def exact_position(case: Case, seed: int) -> Float[np.ndarray, "reader source"]:
    """Return the greatest score of an edge over positions."""
    return exact_by_position(case).max(axis=-1)
