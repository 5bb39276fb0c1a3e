"""Relevance patching: EAP with the coefficients of LRP (Jafari et al. 2025, section 3).

    s(u -> v) = mean_i sum_t (z_u(x') - z_u(x))_t . c_{v,t}

where c is what a backward pass gives in place of the gradient, by one rule a part:

    norm         centred / std, with std a constant        (LN-rule, Ali et al. 2022)
    activation   act(h) = h r, with r = act(h) / h a constant          (identity rule)
    linear       the gradient                                                (0-rule)
    gate         each factor of a gated MLP's product has a half of its gradient
                                                         (half-rule, Arras et al. 2019)
    attention    `relp`: the pattern is a constant            (AH-rule, Ali et al. 2022)
                 `relp-half`: each factor of a product has a half of its gradient

All values are those of the model; only the way back differs. Without biases c conserves
relevance: what the inputs write, times c, is the loss. With the published rule for
attention, edges into queries and keys all get 0; the second gives them a share, for the
products pattern x values and queries x keys (Achtibat et al. 2024, section 3.3).
"""

from __future__ import annotations

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from compiler.machine.config import Config
from compiler.machine.layers import Rules, activate
from zoo.cases.case import Case
from zoo.cases.running import attribute, reader_gradients
from zoo.methods.method import method

PAPER = "Jafari et al. 2025, sec. 3"


@method(
    "relp",
    paper=PAPER,
    equation="(z' - z) . c: LRP's coefficients, attention constant",
    magnitude=True,
)
def relp(case: Case, seed: int) -> Float[np.ndarray, "reader source"]:
    """Return EAP with relevance in place of gradients; 0 into queries and keys."""
    return _scores(case, halves=False)


@method(
    "relp-half",
    paper=f"{PAPER}; Achtibat et al. 2024",
    equation="the same, with half of the gradient in factors",
    magnitude=True,
)
def relp_half(case: Case, seed: int) -> Float[np.ndarray, "reader source"]:
    """Return EAP with relevance in place of gradients, shared among factors."""
    return _scores(case, halves=True)


def coefficients(case: Case, halves: bool) -> Float[Array, "pair reader ctx d_model"]:
    """Return LRP's coefficients of each pair's loss in what every reader sees."""
    nothing = np.zeros(len(case.names.sources), np.float32)
    return reader_gradients(case.machine(), case.batch, nothing, 0, rules_of(halves))


def _scores(case: Case, halves: bool) -> Float[np.ndarray, "reader source"]:
    difference = case.batch.donors - case.batch.writes
    scores = attribute(difference, coefficients(case, halves))
    return np.asarray(scores) * case.names.visible


def rules_of(halves: bool) -> Rules:
    """Return the rules of the table above; `halves` shares attention among factors."""
    return HALVES if halves else CONSTANT_PATTERN


def _halve(product: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """Return a product of two factors whose gradient is a half of its own."""
    return product / 2 + stop_gradient(product / 2)


def _activate(config: Config, hidden: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """Return h r, where r = act(h) / h is a constant; its limit where h is 0."""
    act = activate(config, hidden)
    limit = 0.0 if config.act == "relu" else 0.5
    ratio = jnp.where(hidden == 0, limit, act / jnp.where(hidden == 0, 1.0, hidden))
    return hidden * stop_gradient(ratio)


_SHARED = Rules(rate=stop_gradient, activate=_activate, gated=_halve)
CONSTANT_PATTERN = replace(_SHARED, pattern=stop_gradient)
HALVES = replace(_SHARED, scores=_halve, mixed=_halve)
