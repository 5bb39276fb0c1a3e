"""Typed -> steps: what each component computes, before codes are chosen.

Selectors become conjunctions here. What does not fit in one head becomes several steps,
whose names are the variable's with a suffix: `rank.case1`. Models are published with
these names, so they must not change.
"""

from __future__ import annotations

from dataclasses import replace

from compiler.ir import typed as t
from compiler.passes.builder import StepBuilder
from compiler.passes.cases import (
    MOST_HEADS,
    Case,
    add_up,
    by_cases,
    heads_by_cases,
)
from compiler.passes.conjuncts import split_selector
from compiler.passes.formulas import junction
from compiler.passes.joint import join_selector
from compiler.passes.mode import commonest
from compiler.passes.steps import Step

# Cases of a selector that are counted one by one, even where one head could do.
_MOST_COUNTED = 8


def split_steps(
    typed: t.Typed, counted: frozenset[int] = frozenset()
) -> tuple[list[Step], list[int]]:
    """Return (steps, the step of each variable).

    Args:
        typed: the program.
        counted: variables whose mean is a sum over a count, in place of one head.

    Raises:
        ProgramError: an aggregate would take too many heads.
    """
    builder = StepBuilder(typed)
    for index in range(len(typed.variables)):
        builder.place.append(_split(builder, index, counted))
    return builder.steps, builder.place


def _split(builder: StepBuilder, index: int, counted: frozenset[int]) -> int:
    """Return the step of a variable; those that it is derived from come before it."""
    variable = builder.typed.variables[index]
    operation, positions = variable.operation, None
    match operation:
        case t.Width():
            return _width(builder, index, operation)
        case t.Pick(rule="mode"):
            return commonest(builder, index, operation)
        case t.Mean() | t.Pick():
            return _aggregate(builder, index, operation, counted)
        case t.Input(kind="indices"):
            place = builder.positions()
            builder.steps[place] = Step(
                variable.name, variable.domain, operation, index
            )
            return place
        case t.Input(kind="length"):
            positions = builder.positions()
        case t.Table():
            operation = t.relocated(replace(operation, partial=None), builder.place)
    return builder.add(variable.name, variable.domain, operation, index, positions)


def _width(builder: StepBuilder, index: int, operation: t.Width) -> int:
    variable = builder.typed.variables[index]
    cases = split_selector(operation.selector)
    whole = None
    if len(cases) == 1:
        whole = builder.placed(cases[0])
    elif len(cases) > _MOST_COUNTED:
        whole = join_selector(builder, index, operation.selector)
    if whole is not None:
        return builder.count(variable.name, variable.domain, whole, index)
    parts = [
        builder.count(
            f"{variable.name}.case{number}",
            builder.width_domain(junction("and", case)),
            builder.placed(case),
        )
        for number, case in enumerate(cases, start=1)
    ]
    return add_up(builder, index, parts, operation.lookup)


def _aggregate(
    builder: StepBuilder,
    index: int,
    operation: t.Mean | t.Pick,
    counted: frozenset[int],
) -> int:
    variable, selector = builder.typed.variables[index], operation.selector
    cases = split_selector(selector)
    if not cases:
        return builder.add(variable.name, variable.domain, t.Fixed(), index)
    if len(cases) == 1:
        whole = builder.placed(cases[0])
    else:
        few = heads_by_cases(builder, operation, len(cases)) <= MOST_HEADS
        whole = join_selector(builder, index, selector, few_cases=few)
    if whole is None:
        several = [Case(builder.placed(c), junction("and", c)) for c in cases]
        return by_cases(builder, index, operation, several)
    if index in counted:
        return by_cases(builder, index, operation, [Case(whole, selector)])
    ordered = isinstance(operation, t.Pick) and operation.rule in ("first", "last")
    return builder.add(
        variable.name,
        variable.domain,
        replace(
            operation,
            selector=junction("and", whole),
            value=builder.place[operation.value],
        ),
        index,
        builder.positions() if ordered else None,
    )
