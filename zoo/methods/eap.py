"""Edge attribution patching: a first-order estimate of patching each edge.

Nanda 2023; Syed et al. 2023, equation 2:

    s(u -> v) = mean_i sum_t (z_u(x') - z_u(x))_t . dL(x) / dr_{v,t}

which is the gradient of the loss in the edge mask at 0. `clean-corrupt` takes the mean
of the gradients at x and at x' (Hanna et al. 2024).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from zoo.cases.case import Case
from zoo.methods.interpolation import edge_scores, inputs_at
from zoo.methods.method import method

PAPER = "Nanda 2023; Syed et al. 2023, eq. 2"


@method(
    "eap",
    paper=PAPER,
    equation="(z' - z) . dL(x)/dr",
    magnitude=True,
    both_ways=True,
)
def eap(case: Case, seed: int) -> Float[np.ndarray, "reader source"]:
    """Return the gradient of the loss in the mask of edges."""
    return edge_scores(case, [inputs_at(case, 0.0)])


@method(
    "clean-corrupt",
    paper="Hanna et al. 2024",
    equation="(z' - z) . (dL(x)/dr + dL(x')/dr) / 2",
    magnitude=True,
    both_ways=True,
)
def clean_corrupt(case: Case, seed: int) -> Float[np.ndarray, "reader source"]:
    """Return EAP with the mean of the gradients of the clean and the corrupt run."""
    return edge_scores(case, [inputs_at(case, 0.0), inputs_at(case, 1.0)])
