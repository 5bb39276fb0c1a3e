"""Position-aware edge attribution patching: EAP that keeps positions apart.

Haklay et al. 2025, for edges within a position:

    s(u -> v, t) = mean_i (z_u(x') - z_u(x))_t . dL(x) / dr_{v,t}

where t is the position of the reader: of a query, a key or a value, an MLP, the logits.
Over a span, the terms of its positions are added in each pair. EAP is the sum over all
t, in which terms of opposite sign cancel; the score of an edge here is the sum of their
sizes, as the paper takes it. Its edges inside a head, from a key's position to a
query's, are no edges of our graph.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from zoo.cases.case import Case
from zoo.cases.positions import EdgePlaces, places_of
from zoo.methods.interpolation import gradients, inputs_at
from zoo.methods.method import method

PAPER = "Haklay et al. 2025"


def peap_by_position(
    case: Case, places: EdgePlaces | None = None
) -> Float[np.ndarray, "reader source place"]:
    """Return the score of every edge at every place.

    Args:
        case: the model, the pairs, the loss.
        places: which positions belong together; each by itself if None.
    """
    places = places_of(case) if places is None else places
    batch, slope = case.batch, gradients(case, inputs_at(case, 0.0))
    moves = jnp.asarray(batch.donors) - jnp.asarray(batch.writes)
    here = jnp.asarray(places.index)[..., None] == jnp.arange(len(places.names))
    found = jnp.einsum(
        "nscd,nrcd,ncp->rsp", moves, slope, here.astype(moves.dtype), optimize=True
    )
    scores = case.sign * np.asarray(found) / len(case.pairs)
    return scores * case.names.visible[..., None]


@method(
    "peap",
    paper=PAPER,
    equation="sum_t |mean (z' - z)_t . dL(x)/dr_t|",
    both_ways=True,
)
def peap(case: Case, seed: int) -> Float[np.ndarray, "reader source"]:
    """Return the sum of the sizes of an edge's scores over positions."""
    return np.abs(peap_by_position(case)).sum(axis=-1)
