"""Plan -> Scheduled: each step in a layer, in as few layers as its chain needs.

A layer has two slots: its heads, then its MLP. The number of layers is the length of
the longest chain of steps, which no schedule can beat. Steps with slack go where the
layer's heads, or its hidden units, are fewest: every layer is as large as the largest.
"""

from __future__ import annotations

from dataclasses import dataclass

from compiler.passes.heads import Head
from compiler.passes.plan import Embedding, Known, Mlp, Part, Plan, reads

EMBEDDED = -1


@dataclass(frozen=True)
class Place:
    """Where a step is written.

    Attributes:
        slot: 2 * layer for a head, 2 * layer + 1 for an MLP, -1 for an embedding.
        first: the head's number, or the first of its hidden units.
    """

    slot: int
    first: int

    @property
    def layer(self) -> int:
        """The layer; -1 for an embedding."""
        return self.slot // 2


@dataclass(frozen=True, eq=False)
class Scheduled:
    """A plan with a place for every step.

    Attributes:
        plan: the steps.
        places: one a step; constants are placed with the embeddings.
        n_layers: how many layers there are (0 where embeddings are enough).
        fewest: the least number of layers that any schedule of the plan needs.
    """

    plan: Plan
    places: tuple[Place, ...]
    n_layers: int
    fewest: int


def schedule(plan: Plan) -> Scheduled:
    """Return the plan with places, in the fewest layers."""
    earliest = _earliest(plan)
    layers = max((s // 2 + 1 for s in earliest), default=0)
    latest = _latest(plan, layers)
    load: dict[int, int] = {}
    slots: list[int] = []
    for index, step in enumerate(plan.steps):
        low = _after(step.part, [slots[r] for r in reads(step.part)])
        slot = low
        if not isinstance(step.part, Embedding | Known):
            size = _size(step.part)
            options = range(low, latest[index] + 1, 2)
            peak = max((v for s, v in load.items() if s % 2 == low % 2), default=0)
            # The first slot that does not raise the peak, else the least loaded.
            fits = [s for s in options if load.get(s, 0) + size <= peak]
            slot = fits[0] if fits else min(options, key=lambda s: load.get(s, 0))
            load[slot] = load.get(slot, 0) + size
        slots.append(slot)
    return Scheduled(plan, _number(plan, slots), layers, layers)


def _after(part: Part, slots: list[int]) -> int:
    """Return the first slot of the right kind after those that are read."""
    ready = max(slots, default=EMBEDDED)
    match part:
        case Head():
            return ready + 1 if ready % 2 else ready + 2
        case Mlp():
            return ready + 2 if ready % 2 else ready + 1
    return EMBEDDED


def _earliest(plan: Plan) -> list[int]:
    slots: list[int] = []
    for step in plan.steps:
        slots.append(_after(step.part, [slots[r] for r in reads(step.part)]))
    return slots


def _latest(plan: Plan, layers: int) -> list[int]:
    """Return the last slot of each step that leaves room for its readers."""
    latest = [2 * layers - (2 if isinstance(s.part, Head) else 1) for s in plan.steps]
    for index in reversed(range(len(plan.steps))):
        for source in reads(plan.steps[index].part):
            part = plan.steps[source].part
            bound = latest[index] - 1
            wanted = 0 if isinstance(part, Head) else 1
            bound -= (bound - wanted) % 2
            latest[source] = min(latest[source], bound)
    return latest


def _size(part: Part) -> int:
    return part.units.count if isinstance(part, Mlp) else 1


def _number(plan: Plan, slots: list[int]) -> tuple[Place, ...]:
    used: dict[int, int] = {}
    places = []
    for step, slot in zip(plan.steps, slots, strict=True):
        places.append(Place(slot, used.get(slot, 0)))
        if slot != EMBEDDED:
            used[slot] = used.get(slot, 0) + _size(step.part)
    return tuple(places)
