"""Whether a circuit gives itself away to scores that look at no output.

In a model that was only trained to be strict, what is outside the circuit hardly varies
and has small weights. Then a score finds the circuit without any look at what the model
does, and says nothing about methods that do look. So the average precision of three
such scores is measured: of the norm of each virtual weight (Elhage et al. 2021), of the
deviation of each source's writes from run to run, and of their product. A score may as
well be read the other way round, so both orders count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from compiler.machine.forward import forward_batch
from compiler.machine.virtual import virtual_norms
from zoo.auditing.subject import Subject
from zoo.causal.pairs import draw_audit_pairs
from zoo.ranking import average_precision

INPUTS = 512
"""Inputs over which writes vary."""
ORDERS = 200
"""Random orders whose mean average precision is that of random scores."""


@dataclass(frozen=True)
class Giveaways:
    """How well scores that look at no output find the edges of a circuit.

    Attributes:
        controls: by score, its average precision with the highest scores first, and
            with the lowest first.
        random: the mean average precision of random scores.
    """

    controls: Mapping[str, tuple[float, ...]]
    random: float

    @property
    def worst(self) -> float:
        """The greatest average precision of any control, over that of random scores."""
        return max(map(max, self.controls.values())) / self.random


def giveaways_of(subject: Subject, *, seed: int = 0) -> Giveaways:
    """Return how well scores that look at no output find a circuit.

    Args:
        subject: the model and its circuit.
        seed: of the inputs and of the random orders.
    """
    names = subject.config.names
    edges = names.visible
    true = (edges & ~subject.outside)[edges]
    norms = virtual_norms(names, subject.weights)
    deviations = write_deviations(subject, seed)
    scores = {
        "weight norm": norms,
        "write deviation": np.broadcast_to(deviations, norms.shape),
        "norm x deviation": norms * deviations,
    }
    rng = np.random.default_rng(seed)
    orders = [average_precision(rng.random(true.size), true) for _ in range(ORDERS)]
    return Giveaways(
        controls={
            name: (
                _rounded(average_precision(found[edges], true)),
                _rounded(average_precision(-found[edges], true)),
            )
            for name, found in scores.items()
        },
        random=_rounded(float(np.mean(orders))),
    )


def _rounded(share: float) -> float:
    return round(share, 4)


def write_deviations(subject: Subject, seed: int) -> Float[np.ndarray, " source"]:
    """Return the root mean square by which each source's write varies over inputs.

    Taken off the mean over inputs at each position, over positions with a token.
    """
    pool = draw_audit_pairs(subject.causal, INPUTS, seed).pool
    ids = np.asarray(pool.ids)
    rows = np.random.default_rng(seed).integers(len(ids), size=INPUTS)
    writes = np.asarray(
        forward_batch(subject.transformer, jnp.asarray(ids[rows])).writes, np.float64
    )
    live = (ids[rows] != subject.config.pad_id)[:, None, :, None]
    count = np.maximum(live.sum(0), 1)
    moved = np.where(live, writes - (writes * live).sum(0) / count, 0.0)
    return np.sqrt((moved**2).sum((0, 2, 3)) / live.sum())
