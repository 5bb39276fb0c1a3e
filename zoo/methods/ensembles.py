"""Ensembles of methods: means of scores, and of ranks.

Mondorf et al. 2025 (BlackboxNLP, MIB shared task) average the scores of EAP,
EAP-IG-inputs and EAP-IG-activations (their parallel ensemble, of which the mean did
best). Their hybrid ensemble also has edge pruning, started from EAP-IG's scores. How
they make starting values of scores is not reproduced here: edge pruning starts as
always. Its scores are on another scale, so ranks are averaged in place of scores.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy import stats

from zoo.cases.case import Case
from zoo.methods.eap import eap
from zoo.methods.eap_ig import eap_ig_activations, eap_ig_inputs
from zoo.methods.edge_pruning import edge_pruning
from zoo.methods.method import method


@method(
    "parallel-ensemble",
    paper="Mondorf et al. 2025",
    equation="mean of EAP, EAP-IG-inputs and EAP-IG-activations",
    magnitude=True,
    both_ways=True,
)
def parallel_ensemble(case: Case, seed: int) -> Float[np.ndarray, "reader source"]:
    """Return the mean of the scores of three kinds of EAP."""
    return np.mean(_attributions(case, seed), axis=0)


@method(
    "rank-ensemble",
    paper="after Mondorf et al. 2025",
    equation="mean rank by |EAP|, two kinds of |EAP-IG|, and edge pruning",
    seeded=True,
)
def rank_ensemble(case: Case, seed: int) -> Float[np.ndarray, "reader source"]:
    """Return the mean rank of each edge by three kinds of EAP and edge pruning."""
    sizes = [np.abs(scores) for scores in _attributions(case, seed)]
    visible = case.names.visible
    found = np.zeros(visible.shape)
    found[visible] = mean_rank([*sizes, edge_pruning(case, seed)], visible)
    return found


def mean_rank(scores: list[np.ndarray], visible: np.ndarray) -> np.ndarray:
    """Return the mean over some scores of each edge's rank, 1 for the lowest."""
    return np.mean([stats.rankdata(one[visible]) for one in scores], axis=0)


def _attributions(case: Case, seed: int) -> list[np.ndarray]:
    return [
        np.asarray(run(case, seed)) for run in (eap, eap_ig_inputs, eap_ig_activations)
    ]
