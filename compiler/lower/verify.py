"""Invariants between stages: our own mistakes stop here, not in a wrong model."""

from __future__ import annotations

from compiler.passes.layout import LaidOut
from compiler.passes.schedule import Scheduled
from compiler.passes.scores import Head
from compiler.passes.units import Units


def verify_scheduled(scheduled: Scheduled) -> Scheduled:
    """Return the schedule: every step is written after all that it reads."""
    steps, places = scheduled.plan.steps, scheduled.places
    for step, place in zip(steps, places, strict=True):
        kind = {Head: 0, Units: 1}.get(type(step.weights))
        assert kind is None or place.slot % 2 == kind, f"{step.name}: wrong slot"
        for source in step.reads:
            assert places[source].slot < place.slot, (
                f"{step.name} in slot {place.slot} reads {steps[source].name}"
            )
    return scheduled


def verify_laid_out(laid_out: LaidOut) -> LaidOut:
    """Return the layout: no two steps share a dimension, none lies outside."""
    seen: set[int] = set() if laid_out.bos is None else {laid_out.bos}
    for step, dims in zip(laid_out.scheduled.plan.steps, laid_out.dims, strict=True):
        assert len(dims) == step.code.rank, f"{step.name}: wrong number of dimensions"
        assert not seen & set(dims), f"{step.name}: shares a dimension"
        seen |= set(dims)
    assert not seen & set(laid_out.spare), "a step has a decoys' dimension"
    assert all(0 <= d < laid_out.d_model for d in seen | set(laid_out.spare))
    return laid_out
