"""Plan -> Typed: the program as its components compute it, one variable a component.

A variable of a program may need several components: the cases of a selector, the keys
of a joint comparison, a copy of a number as one-hot values. Written as a program of its
own, these steps are what a circuit's sites and edges speak of. A model carries them, so
that whoever audits it needs the model alone and no compiler.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from compiler.ir import typed as t
from compiler.ir.domain import Domain
from compiler.passes.plan import Plan, PlannedStep
from compiler.passes.steps import Attended, Constant, Embedded, Tabulated, as_formula


def decompose(plan: Plan) -> t.Typed:
    """Return the program whose variables are the steps of a plan.

    Its interpreter gives the values of the program itself, and of every step.
    """
    return replace(
        plan.typed,
        variables=tuple(_variable(plan, step) for step in plan.steps),
        output=plan.output,
        extra=plan.extra,
    )


def steps_beyond(plan: Plan) -> t.Typed | None:
    """Return the steps of a plan, None if each is a variable of the program itself."""
    derived = [
        step
        for step in plan.steps
        if step.variable is None and not isinstance(step.work, Embedded)
    ]
    return decompose(plan) if derived else None


def _variable(plan: Plan, step: PlannedStep) -> t.Variable:
    own = None if step.variable is None else plan.typed.variables[step.variable]
    operation = _operation(step, None if own is None else own.operation, plan.typed)
    if own is not None:
        return replace(own, operation=operation)
    return t.Variable(step.name, operation, step.domain, False, "", step.name)


def _operation(
    step: PlannedStep, own: t.Operation | None, typed: t.Typed
) -> t.Operation:
    match step.work:
        case Embedded(kind=kind):
            return t.Input(kind)
        case Constant():
            return t.Fixed()
        case Tabulated(args=args, table=table):
            return t.Table(args, table.astype(np.int32))
        case Attended() as work:
            return _attention(step, work, own, typed)


def _attention(
    step: PlannedStep, work: Attended, own: t.Operation | None, typed: t.Typed
) -> t.Operation:
    if work.kind == "length":
        return t.Input("length")
    selector = as_formula(work.matches)
    if work.kind == "width":
        return t.Width(selector, _counts(step.domain, typed.max_len))
    assert work.value is not None
    if own is None:
        # One case of a selector, picked by a head of its own.
        assert work.recode is not None
        return t.Pick(
            selector, work.value, work.recode, work.default, work.rule, proven=True
        )
    assert isinstance(own, t.Mean | t.Pick)
    return replace(own, selector=selector, value=work.value)


def _counts(domain: Domain, most: int) -> NDArray[np.int32]:
    """Return [most + 1] the index of each count in a domain, -1 if it has none."""
    place = {value: index for index, value in enumerate(domain.values)}
    return np.array([place.get(n, -1) for n in range(most + 1)], np.int32)
