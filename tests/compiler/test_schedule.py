"""A schedule keeps the order, wastes no layer, and is not moved by what is beside."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import programs
from compiler.ir import typed as t
from compiler.ir.domain import constant_domain
from compiler.ir.graph import build_graph
from compiler.lower.verify import verify_scheduled
from compiler.passes.codes import Affine, one_hot
from compiler.passes.infer import infer_domains
from compiler.passes.schedule import EMBEDDED, Scheduled, schedule
from compiler.passes.scores import Channel, Head
from compiler.passes.steps import CodedStep, Plan
from compiler.passes.units import Units
from compiler.pipeline import compile_stages, read_source
from compiler.rasp import tokens
from tests.steady import steady

TYPED = infer_domains(build_graph(tokens), ("a", "b"), 2)


def head(sources: list[int]) -> tuple[t.Operation, Head]:
    """Return a head that reads some steps (one as its key, query or value)."""
    key, query, value = (sources * 3)[:3]
    selector = t.Atom(key, query, np.ones((2, 2), bool))
    recode = np.arange(2, dtype=np.int32)
    pick = t.Pick(selector, value, recode, -1, "unique", proven=True)
    read, zero = Affine(np.zeros((1, 1)), np.zeros(1)), np.zeros(1)
    return pick, Head((Channel(read, read),), read, 1, zero, zero, zero)


def mlp(sources: list[int], units: int) -> tuple[t.Operation, Units]:
    """Return a table of some steps, of so many units."""
    read = tuple(np.zeros((1, units)) for _ in sources)
    solved = Units(read, np.zeros(units), np.zeros((units, 1)), np.zeros(1))
    table = np.zeros((2,) * len(sources), np.int32)
    return t.Table(tuple(sources), table), solved


def step(
    number: int, operation: t.Operation, weights: Head | Units | None = None
) -> CodedStep:
    return CodedStep(
        f"s{number}",
        constant_domain(0, 2),
        operation,
        code=one_hot(2),
        weights=weights,
        bos=None,
    )


@st.composite
def plans(draw: Any, most: int = 6) -> Plan:
    """Draw a plan of two embeddings and up to `most` heads and tables."""
    with steady():
        return draw_plan(draw, most)


def draw_plan(draw: Any, most: int) -> Plan:
    steps = [step(0, t.Input("tokens")), step(1, t.Input("indices"))]
    for number in range(2, 2 + draw(st.integers(1, most))):
        sources = draw(
            st.lists(st.integers(0, number - 1), min_size=1, max_size=3, unique=True)
        )
        if draw(st.booleans()):
            steps.append(step(number, *head(sources)))
        else:
            steps.append(step(number, *mlp(sources, draw(st.integers(1, 5)))))
    return Plan(TYPED, tuple(steps), draw(st.integers(0, len(steps) - 1)))


def holds(plan: Plan, slots: tuple[int, ...]) -> bool:
    """Return whether all steps (the embeddings first) come after what they read."""
    for planned, slot in zip(plan.steps, slots, strict=True):
        if any(slots[source] >= slot for source in planned.reads):
            return False
    return True


def fits(plan: Plan, layers: int) -> bool:
    """Return whether any placement in so many layers keeps the order."""
    options = []
    for planned in plan.steps[2:]:
        options.append(range(0 if planned.is_head else 1, 2 * layers, 2))
    return any(
        holds(plan, (EMBEDDED, EMBEDDED, *slots))
        for slots in itertools.product(*options)
    )


def check_rooms(scheduled: Scheduled) -> None:
    """Fail unless no two steps of a slot share a head or a hidden unit."""
    taken: set[tuple[int, int]] = set()
    for planned, place in zip(scheduled.plan.steps, scheduled.places, strict=True):
        if place.slot == EMBEDDED:
            continue
        size = planned.weights.count if isinstance(planned.weights, Units) else 1
        mine = {(place.slot, place.first + i) for i in range(size)}
        assert not taken & mine
        taken |= mine
    for slot in {slot for slot, _ in taken}:
        rooms = sorted(room for where, room in taken if where == slot)
        assert rooms == list(range(len(rooms)))


@settings(max_examples=60)
@given(plans())
def test_no_placement_has_fewer_layers(plan):
    # The result comes last: everything that is computed is needed by something.
    whole = Plan(TYPED, plan.steps, len(plan.steps) - 1)
    scheduled = schedule(whole)
    assert holds(whole, tuple(place.slot for place in scheduled.places))
    assert fits(whole, scheduled.n_layers)
    assert scheduled.n_layers == 0 or not fits(whole, scheduled.n_layers - 1)
    assert scheduled.n_layers == scheduled.fewest
    check_rooms(scheduled)


@given(plans(10))
def test_what_is_beside_the_program_does_not_move_it(plan):
    beside = schedule(plan)
    kept = sorted(plan.main)
    place = {old: new for new, old in enumerate(kept)}

    steps = tuple(plan.steps[i].at(place) for i in kept)
    alone = schedule(Plan(TYPED, steps, place[plan.output]))
    assert alone.places == tuple(beside.places[i] for i in kept)
    check_rooms(beside)
    verify_scheduled(beside)


@pytest.mark.parametrize(
    ("name", "layers"),
    [
        ("fraction_previous", 2),
        ("reverse", 2),
        ("sort", 2),
        ("histogram", 1),
        ("shift_right", 1),
    ],
)
def test_known_programs_have_the_fewest_layers(name, layers):
    scheduled = compile_stages(read_source(programs.find(name))).scheduled
    assert scheduled.n_layers == scheduled.fewest <= layers
