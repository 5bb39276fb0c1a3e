"""Plan -> Typed: the program as its components compute it, one variable a component.

A variable of a program may need several components: the cases of a selector, the keys
of a joint comparison, a copy of a number as one-hot values. Written as a program of its
own, these steps are what a circuit's sites and edges speak of. A model carries them, so
that whoever audits it needs the model alone and no compiler.
"""

from __future__ import annotations

from dataclasses import replace

from compiler.ir import typed as t
from compiler.passes.steps import Plan, Step
from compiler.passes.tasks import joined


def decompose(plan: Plan) -> t.Typed:
    """Return the program whose variables are the steps of a plan.

    Its interpreter gives the values of the program itself, and of every step.
    """
    steps = replace(
        plan.typed,
        variables=tuple(_variable(plan, step) for step in plan.steps),
        output=plan.output,
        extra=plan.extra,
    )
    return joined(steps)


def steps_beyond(plan: Plan) -> t.Typed | None:
    """Return the steps of a plan, None if each is a variable of the program itself."""
    derived = any(
        step.variable is None and not isinstance(step.operation, t.Input)
        for step in plan.steps
    )
    return decompose(plan) if derived else None


def _variable(plan: Plan, step: Step) -> t.Variable:
    if step.variable is not None:
        own = plan.typed.variables[step.variable]
        return replace(own, operation=step.operation)
    return t.Variable(step.name, step.operation, step.domain, False, "", step.name)
