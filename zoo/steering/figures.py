"""How many outputs are right when a variable is steered.

right     share of all outputs that are the program's with the variable set
success   the same over telling outputs: those that setting it changes, and that
would be others if it were set to a third value; if there are none, over
all that it changes
damage    share of the outputs that should stay and are not right
reached   success - damage: 1 if all is right, 0 without any steering
gained    (reached - floor) / (1 - floor); the floor is what knowing nothing
reaches: 0, one output everywhere, or random directions as long; it is
not defined where that is all
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from compiler.lower.readout import Readout
from zoo.alignment.figures import rate_to_json
from zoo.auditing.certificate import Rate, rate
from zoo.causal.outputs import is_correct
from zoo.steering.task import SteeringExamples


@dataclass(frozen=True)
class SteeringFigures:
    """Shares of outputs, with 95 % intervals; see the module.

    Attributes:
        right: over all outputs.
        success: None where no output is telling.
        kept: 1 - damage; None where no output is to stay.
        floor: the greatest `reached` of what knows nothing.
    """

    right: Rate
    success: Rate | None
    kept: Rate | None
    floor: float = 0.0

    @property
    def damage(self) -> float:
        """The share of outputs that should stay and are wrong."""
        return 0.0 if self.kept is None else 1 - self.kept.share

    @property
    def reached(self) -> float | None:
        """Success less damage; None where no output is to change."""
        return None if self.success is None else self.success.share - self.damage

    @property
    def gained(self) -> float | None:
        """See the module; None where it is not defined."""
        if self.reached is None or self.floor > 1 - 1e-9:
            return None
        return (self.reached - self.floor) / (1 - self.floor)

    def to_json(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        return {
            "right": rate_to_json(self.right),
            "success": rate_to_json(self.success),
            "kept": rate_to_json(self.kept),
            "damage": self.damage,
            "reached": self.reached,
            "floor": self.floor,
            "gained": self.gained,
        }


def measure_steering(
    readout: Readout,
    examples: SteeringExamples,
    logits: Sequence[Float[Any, "example ctx class"]],
) -> SteeringFigures:
    """Return the figures of some outputs; of several, those of all together."""
    goal = np.maximum(examples.after, 0)
    sides = (examples.after >= 0, examples.telling, examples.kept)
    hits = np.zeros((len(sides), 2), np.int64)
    for found in logits:
        right = np.asarray(is_correct(readout, jnp.asarray(found), goal))
        hits += [((right & which).sum(), which.sum()) for which in sides]
    every, success, kept = (rate(int(h), int(n)) if n else None for h, n in hits)
    return SteeringFigures(every or rate(0, 0), success, kept)


def constant_reached(examples: SteeringExamples) -> float:
    """Return what the best output that is the same everywhere reaches."""
    telling, kept = examples.telling, examples.kept
    best = 0.0
    for value in np.unique(examples.after[telling | kept]):
        hits = examples.after == value
        lost = 1 - hits[kept].mean() if kept.any() else 0.0
        gain = hits[telling].mean() if telling.any() else 0.0
        best = max(best, float(gain - lost))
    return best
