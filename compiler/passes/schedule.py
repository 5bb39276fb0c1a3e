"""Plan -> Scheduled: each step in a layer, in as few layers as its chain needs.

A layer has two slots: its heads, then its MLP. The number of layers is the length of
the longest chain of steps, which no schedule can beat. Steps with slack go where the
layer's heads, or its hidden units, are fewest: every layer is as large as the largest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from compiler.passes.scores import Head
from compiler.passes.steps import CodedStep, Plan
from compiler.passes.units import Units

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
    """Return the plan with places, in the fewest layers.

    What the output needs is placed first, as if it were alone: nothing that is
    computed beside it moves it.
    """
    main = sorted(plan.main)
    rest = sorted(set(range(len(plan.steps))) - set(main))
    slots: dict[int, int] = {}
    load: dict[int, int] = {}
    for group in (main, rest):
        _fill(plan, group, slots, load)
    order = [*main, *rest]
    return Scheduled(
        plan,
        _number(plan, order, slots),
        _layers(slots),
        _layers(_earliest(plan, order, {})),
    )


def _fill(
    plan: Plan, group: list[int], slots: dict[int, int], load: dict[int, int]
) -> None:
    """Put a group of steps into slots, after those that are there already."""
    layers = _layers(_earliest(plan, group, slots))
    latest = _latest(plan, group, layers)
    for index in group:
        step = plan.steps[index]
        slot = low = _after(step, slots)
        if step.weights is not None:
            size = _size(step)
            options = range(low, latest[index] + 1, 2)
            peak = max((v for s, v in load.items() if s % 2 == low % 2), default=0)
            # The first slot that does not raise the peak, else the least loaded.
            fits = [s for s in options if load.get(s, 0) + size <= peak]
            slot = fits[0] if fits else min(options, key=lambda s: load.get(s, 0))
            load[slot] = load.get(slot, 0) + size
        slots[index] = slot


def _layers(slots: dict[int, int]) -> int:
    return max((s // 2 + 1 for s in slots.values()), default=0)


def _after(step: CodedStep, slots: Mapping[int, int]) -> int:
    """Return the first slot of the right kind after those of what a step reads."""
    ready = max((slots[r] for r in step.reads), default=EMBEDDED)
    match step.weights:
        case Head():
            return ready + 1 if ready % 2 else ready + 2
        case Units():
            return ready + 2 if ready % 2 else ready + 1
    return EMBEDDED


def _earliest(plan: Plan, group: list[int], given: dict[int, int]) -> dict[int, int]:
    """Return the first slot of each step of a group, and the slots that are given."""
    slots = dict(given)
    for index in group:
        slots[index] = _after(plan.steps[index], slots)
    return slots


def _latest(plan: Plan, group: list[int], layers: int) -> dict[int, int]:
    """Return the last slot of each step that leaves room for its readers."""
    latest = {}
    heads = {i for i in group if isinstance(plan.steps[i].weights, Head)}
    for index in group:
        latest[index] = 2 * layers - (2 if index in heads else 1)
    for index in reversed(group):
        for source in plan.steps[index].reads:
            if source not in latest:
                continue
            bound = latest[index] - 1
            bound -= (bound - (source not in heads)) % 2
            latest[source] = min(latest[source], bound)
    return latest


def _size(step: CodedStep) -> int:
    return step.weights.count if isinstance(step.weights, Units) else 1


def _number(plan: Plan, order: list[int], slots: dict[int, int]) -> tuple[Place, ...]:
    """Return every step's place; steps come in `order` within a slot."""
    used: dict[int, int] = {}
    places: dict[int, Place] = {}
    for index in order:
        slot = slots[index]
        places[index] = Place(slot, used.get(slot, 0))
        if slot != EMBEDDED:
            used[slot] = used.get(slot, 0) + _size(plan.steps[index])
    return tuple(places[i] for i in range(len(plan.steps)))
