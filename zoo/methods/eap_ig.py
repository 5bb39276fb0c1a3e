"""Edge attribution patching with integrated gradients (Hanna et al. 2024, equation 4).

    s(u -> v) = (z_u(x') - z_u(x)) . mean_k dL/dr_v at z' + (k / m) (z - z')

`inputs` interpolates the embeddings, one run for all edges. `activations` interpolates
the output of each sublayer in turn: a set of embeddings, the heads of a layer, an MLP.

The paper and its code (github.com/hannamw/EAP-IG, checked at 24 July 2025) differ:

                          the paper, and the default here     the code
    inputs, k             1..m: the clean end is in           0..m-1: the corrupt end
    activations, k        1..m                                1..m
    activations, runs     an edge is credited in the runs     every edge is credited in
                          of its own source's sublayer        every run

`eap-ig-inputs` and `eap-ig-activations` are the paper's; `eap-ig-inputs-code` and
`eap-ig-activations-code` are the code's. `benchmarks/peers/with_eap_ig.py` runs the
code beside them.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from compiler.errors import InputError
from zoo.cases.case import Case
from zoo.methods.interpolation import (
    edge_scores,
    every_run_scores,
    inputs_at,
    sublayer_scores,
)
from zoo.methods.method import method

STEPS = 5
PAPER = "Hanna et al. 2024, eq. 4"
CODE = "Hanna et al. 2024, code of July 2025"


@method(
    "eap-ig-inputs",
    paper=PAPER,
    equation="(z' - z) . mean_k dL/dr at inputs z' + k/5 (z - z'), k = 1..5",
    magnitude=True,
    both_ways=True,
)
def eap_ig_inputs(
    case: Case, seed: int = 0, steps: int = STEPS, steps_from: int = 1
) -> Float[np.ndarray, "reader source"]:
    """Return EAP with gradients averaged between the corrupt and the clean input.

    Args:
        case: the model, the pairs, the loss.
        seed: changes nothing.
        steps: m, how many gradients are averaged.
        steps_from: the first k: 1 for 1..m as in the paper, 0 for 0..m-1 as in the
            authors' code.

    Raises:
        InputError: there is no step, or the first is neither 0 nor 1.
    """
    shares = shares_of(steps, steps_from)
    return edge_scores(case, [inputs_at(case, share) for share in shares])


@method(
    "eap-ig-activations",
    paper=PAPER,
    equation="(z' - z) . mean_k dL/dr with u's sublayer at z' + k/5 (z - z'), k = 1..5",
    magnitude=True,
    both_ways=True,
)
def eap_ig_activations(
    case: Case,
    seed: int = 0,
    steps: int = STEPS,
    steps_from: int = 1,
    credit: str = "own runs",
) -> Float[np.ndarray, "reader source"]:
    """Return EAP with each sublayer's output interpolated by itself.

    Args:
        case: the model, the pairs, the loss.
        seed: changes nothing.
        steps: m, how many gradients are averaged for each sublayer.
        steps_from: the first k, 1 or 0.
        credit: the runs whose gradients an edge gets: `own runs`, in which the
            sublayer of its source is interpolated; or `every run`, as in the authors'
            code, in which an interpolated output also passes no gradient back.

    Raises:
        InputError: there is no step, the first is neither 0 nor 1, or the credit is
            not known.
    """
    if credit not in ("own runs", "every run"):
        raise InputError(f"credit={credit!r}: expected 'own runs' or 'every run'")
    shares = shares_of(steps, steps_from)
    found = every_run_scores if credit == "every run" else sublayer_scores
    return found(case, shares)


@method(
    "eap-ig-inputs-code",
    paper=CODE,
    equation="(z' - z) . mean_k dL/dr at inputs z' + k/5 (z - z'), k = 0..4",
    magnitude=True,
    both_ways=True,
)
def eap_ig_inputs_code(case: Case, seed: int) -> Float[np.ndarray, "reader source"]:
    """Return `eap_ig_inputs` as the authors' code has it: k from 0 to m - 1."""
    return eap_ig_inputs(case, seed, steps_from=0)


@method(
    "eap-ig-activations-code",
    paper=CODE,
    equation="as eap-ig-activations, each edge over the runs of every sublayer",
    magnitude=True,
    both_ways=True,
)
def eap_ig_activations_code(
    case: Case, seed: int
) -> Float[np.ndarray, "reader source"]:
    """Return `eap_ig_activations` as the authors' code has it: credit in every run."""
    return eap_ig_activations(case, seed, credit="every run")


def shares_of(steps: int, steps_from: int) -> list[float]:
    """Return the share of the corrupt value at each step: 1 - k / m.

    Raises:
        InputError: there is no step, or the first is neither 0 nor 1.
    """
    if steps < 1:
        raise InputError(f"steps={steps}: expected 1 or more gradients to average")
    if steps_from not in (0, 1):
        raise InputError(
            f"steps_from={steps_from!r}: expected 1 (k = 1..m, the paper) or 0 "
            "(k = 0..m-1, the authors' code)"
        )
    return [1 - k / steps for k in range(steps_from, steps_from + steps)]
