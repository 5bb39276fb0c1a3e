"""Exact edge patching: every edge alone, really patched.

    s(e) = L(edge e patched) - L(clean)        (Goldowsky-Dill et al. 2023, section 2)

Positive where patching hurts. Two scores come of it. `exact` is the mean over pairs of
the *size* of the change, so that an edge that helps in some pairs and hurts in others
is seen; `exact-size` names the same. `exact-mean` is the mean change, in which these
cancel: EAP-IG and MIB mean this one when they say `exact`.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from zoo.cases.case import Case
from zoo.methods.method import method


@method(
    "exact",
    paper="Goldowsky-Dill et al. 2023",
    equation="mean |L(e patched) - L(clean)|; EAP-IG's `exact` is exact-mean",
    both_ways=True,
)
def exact(case: Case, seed: int) -> Float[np.ndarray, "reader source"]:
    """Return the mean size of the change of the loss when each edge is patched."""
    change = case.single_edges() - case.losses()
    return np.abs(change).mean(axis=-1) * case.names.visible


@method(
    "exact-mean",
    paper="Goldowsky-Dill et al. 2023",
    equation="mean L(e patched) - L(clean)",
    both_ways=True,
)
def exact_mean(case: Case, seed: int) -> Float[np.ndarray, "reader source"]:
    """Return the mean change of the loss, in which opposite effects cancel.

    It is what EAP-IG's `get_scores_exact`, and so MIB, calls exact.
    """
    change = case.single_edges() - case.losses()
    return case.sign * change.mean(axis=-1) * case.names.visible
