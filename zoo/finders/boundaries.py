"""Boundless DAS: how many directions it takes is learned along (Wu et al. 2023).

The whole stream is turned by an orthogonal R, and direction j is interchanged by

    m_j = sigmoid((b d_model - j - 1/2) / T)

with a boundary b in (0, 1) that is learned, at a price, and a temperature T that falls
until the mask is one of zeros and ones. The objective is otherwise that of `search.py`.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from zoo.alignment.interchanges import draw_interchanges
from zoo.alignment.subspaces import Columns, random_subspace
from zoo.cases.case import Case
from zoo.finders.descent import (
    InterchangeExamples,
    SearchSite,
    descend,
    interchange_loss,
    orthonormal,
)

STEPS, RATE = 600, 0.05
HOT, COLD = 4.0, 0.05
"""Temperatures at the start and at the end, in directions."""

PRICE = 1.0
"""Of taking all directions, in nats."""


def boundless_das(
    case: Case,
    variable: str,
    site: str,
    k: int | None = None,
    seed: int = 0,
    *,
    steps: int = STEPS,
    rate: float = RATE,
) -> Columns:
    """Return the subspace that boundless DAS finds.

    Args:
        case: the model and its inputs.
        variable: what is to be interchanged.
        site: where.
        k: cuts the directions to the first k; as many as are found if None.
        seed: of the start, and of the pairs.
        steps: of Adam.
        rate: of learning.
    """
    width = case.config.d_model
    pairs = draw_interchanges(case, variable, seed=seed)
    rng = np.random.default_rng([*b"boundless", seed])
    start = {"R": random_subspace(width, width, rng), "boundary": np.zeros(())}
    found = descend(case, site, pairs, _objective, start, seed, steps=steps, rate=rate)
    count = int(np.round(width / (1 + np.exp(-found["boundary"]))))
    count = min(max(count, 1), width)
    return np.linalg.qr(found["R"])[0][:, : count if k is None else min(k, count)]


def _objective(
    values: dict[str, Array], done: Any, site: SearchSite, rows: InterchangeExamples
) -> Float[Array, ""]:
    turn = orthonormal(values["R"]).T
    boundary = jax.nn.sigmoid(values["boundary"])
    place = jnp.arange(len(turn)).astype(turn.dtype) + 0.5
    heat = HOT * (COLD / HOT) ** done
    share = jax.nn.sigmoid((boundary * len(turn) - place) / heat)
    loss = interchange_loss(site, rows, rows.where, rows.labels, turn, share)
    return loss + PRICE * boundary
