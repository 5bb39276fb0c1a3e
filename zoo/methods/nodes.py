"""Activation patching of nodes, in both directions (Heimersheim and Nanda 2024).

    noising     L(clean run, u from x') - L(clean run)
    denoising   L(corrupt run) - L(corrupt run, u from x)

Noising finds what is necessary, denoising what is sufficient.
"""

from __future__ import annotations

import numpy as np

from zoo.cases.case import Case
from zoo.cases.levels import Level
from zoo.cases.scores import Scores
from zoo.methods.method import method

PAPER = "Vig et al. 2020; Heimersheim and Nanda 2024"


@method(
    "nap-noising",
    paper=PAPER,
    equation="L(u from x') - L(x)",
    level="node",
    both_ways=True,
)
def noising(case: Case, seed: int) -> Scores:
    """Return how much worse the clean run gets when a node is patched.

    Of a case that denoises, these are the scores of `denoising`.
    """
    count = len(case.names.sources)
    *patched, base = case.node_losses(np.eye(count + 1, count)).mean(axis=1)
    change = case.sign * (np.array(patched) - base)
    return Scores(Level(case.names, "node"), change, source=f"{case.direction[:-1]}ing")


@method("nap-denoising", paper=PAPER, equation="L(x') - L(x', u from x)", level="node")
def denoising(case: Case, seed: int) -> Scores:
    """Return how much better the corrupt run gets when a node is restored.

    The corrupt run is the clean one with both embeddings patched, so that it stands
    for any ablation, and for runs with shifted positions.
    """
    return noising(case.with_changes(direction="denoise"), seed)
