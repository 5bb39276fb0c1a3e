"""Scheduled -> LaidOut: the dimensions of the residual stream, and all sizes.

Every step has its own dimensions, in the order in which they are written; the BOS
direction has one where some head reads it. Nothing is reused: the stream is a sum,
and what was written stays.
"""

from __future__ import annotations

from dataclasses import dataclass

from compiler.passes.schedule import EMBEDDED, Scheduled
from compiler.passes.scores import Head
from compiler.passes.units import Units


@dataclass(frozen=True, eq=False)
class LaidOut:
    """A schedule with dimensions.

    Attributes:
        scheduled: the steps and their places.
        dims: for each step the first and past-the-last dimension of the stream.
        bos: the dimension that is 1 at BOS and 0 elsewhere; None where not needed.
        d_model: width of the stream.
        n_heads: the most heads of a layer.
        d_head: the widest head.
        d_mlp: the most hidden units of a layer.
        spare: dimensions that no step has, for decoys to write to.
    """

    scheduled: Scheduled
    dims: tuple[range, ...]
    bos: int | None
    d_model: int
    n_heads: int
    d_head: int
    d_mlp: int
    spare: range = range(0)


def lay_out(scheduled: Scheduled) -> LaidOut:
    """Return the schedule with dimensions; every size is at least 1."""
    steps, places = scheduled.plan.steps, scheduled.places
    order = sorted(
        range(len(steps)), key=lambda i: (places[i].slot, places[i].first, i)
    )
    heads = [s.weights for s in steps if isinstance(s.weights, Head)]
    dims: list[range] = [range(0)] * len(steps)
    width, bos = 0, None
    uses_bos = any(h.uses_bos for h in heads)
    for index in order:
        if places[index].slot != EMBEDDED and uses_bos and bos is None:
            bos, width = width, width + 1
        rank = steps[index].code.rank
        dims[index] = range(width, width + rank)
        width += rank
    per_slot: dict[int, int] = {}
    for step, place in zip(steps, places, strict=True):
        size = step.weights.count if isinstance(step.weights, Units) else 1
        if place.slot != EMBEDDED:
            per_slot[place.slot] = per_slot.get(place.slot, 0) + size
    return LaidOut(
        scheduled=scheduled,
        dims=tuple(dims),
        bos=bos,
        d_model=max(width, 1),
        n_heads=max([v for s, v in per_slot.items() if s % 2 == 0], default=1),
        d_head=max((h.dims for h in heads), default=1),
        d_mlp=max([1, *(v for s, v in per_slot.items() if s % 2 == 1)]),
    )
