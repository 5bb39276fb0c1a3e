"""Edge attribution patching with integrated gradients (Hanna et al. 2024, equation 4).

    s(u -> v) = (z_u(x') - z_u(x)) . mean_k dL/dr_v at z' + (k / m) (z - z'), k = 1..m

`inputs` interpolates the embeddings, one run for all edges. `activations` interpolates
the output of each sublayer in turn, with the layers before it left alone; so the
gradient that an edge gets is along its own source's way from clean to corrupt.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from zoo.cases.case import Case
from zoo.methods.interpolation import edge_scores, inputs_at, sublayer_scores
from zoo.methods.method import method

STEPS = 5
SHARES = tuple(1 - k / STEPS for k in range(1, STEPS + 1))
"""Of the corrupt value, at each step: 0.8, 0.6, 0.4, 0.2, 0."""

PAPER = "Hanna et al. 2024, eq. 4"


@method(
    "eap-ig-inputs",
    paper=PAPER,
    equation="(z' - z) . mean_k dL/dr at inputs z' + k/5 (z - z'), k = 1..5",
    magnitude=True,
)
def eap_ig_inputs(case: Case, seed: int) -> Float[np.ndarray, "reader source"]:
    """Return EAP with gradients averaged between the corrupt and the clean input."""
    return edge_scores(case, [inputs_at(case, share) for share in SHARES])


@method(
    "eap-ig-activations",
    paper=PAPER,
    equation="(z' - z) . mean_k dL/dr with u's sublayer at z' + k/5 (z - z'), k = 1..5",
    magnitude=True,
)
def eap_ig_activations(case: Case, seed: int) -> Float[np.ndarray, "reader source"]:
    """Return EAP with each sublayer's output interpolated by itself."""
    return sublayer_scores(case, SHARES)
