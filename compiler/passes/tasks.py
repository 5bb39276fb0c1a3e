"""Several tasks in one model: the logits read the output of each by itself.

A program whose output is a tuple of variables has two forms. In the *joined* form,
which the interpreter and every causal model take, the output is one more variable,
whose values are all tuples. In the *apart* form, which is lowered, this variable is not
there: the logits read `output` and the first `read_extra` of `extra`.

What the logits are is in `compiler/lower/tuple_logits.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from math import prod
from typing import Any

import numpy as np

from compiler.errors import ProgramError
from compiler.ir import typed as t
from compiler.ir.domain import Domain, image
from compiler.rasp.values import Value

OUTPUTS = "outputs"
"""The variable that holds the tuple of all outputs; no component computes it."""
MOST_TUPLES = 10_000
"""Tuples of outputs up to which programs are computed at once: a logit for each."""


def read_tasks(typed: t.Typed, outputs: Sequence[str]) -> t.Typed:
    """Return the joined form of a program whose output is a tuple of variables.

    Args:
        typed: the program.
        outputs: the names of the variables in the tuple, one for each task.

    Raises:
        ProgramError: a task has one output for all inputs, or the tuples are too many.
    """
    found = [typed.index(name) for name in outputs]
    constant = [
        n
        for n, i in zip(outputs, found, strict=True)
        if i < 0 or typed.variables[i].domain.size < 2
    ]
    if constant:
        raise ProgramError(
            [f"{n}: its output is the same for all inputs" for n in constant],
            typed.name,
        )
    sizes = [typed.variables[i].domain.size for i in found]
    if prod(sizes) > MOST_TUPLES:
        listed = " * ".join(map(str, sizes))
        raise ProgramError(
            [
                f"there are {listed} = {prod(sizes):,} tuples of outputs, above the "
                f"limit of {MOST_TUPLES:,}. Take fewer programs, fewer tokens or a "
                "lower max_len; or let a first token choose: NAME+NAME"
            ],
            typed.name,
        )
    extra = (*found[1:], *typed.extra)
    one = replace(typed, output=found[0], extra=extra, read_extra=len(found) - 1)
    return joined(t.prune(one))


def joined(apart: t.Typed) -> t.Typed:
    """Return a program of several tasks with the variable that holds their tuple."""
    if not apart.read_extra:
        return apart
    args = outputs_of(apart)
    domains = [apart.variables[i].domain for i in args]
    shape = tuple(d.size for d in domains)
    table = np.arange(prod(shape), dtype=np.int32).reshape(shape)
    domain = Domain(tuples_of(domains), image(domains, table, table.size))
    names = ", ".join(apart.variables[i].name for i in args)
    text = f"{OUTPUTS} = ({names})"
    variable = t.Variable(OUTPUTS, t.Table(args, table), domain, False, "", text)
    return replace(
        apart,
        variables=(*apart.variables, variable),
        output=len(apart.variables),
        extra=apart.extra[apart.read_extra :],
        read_extra=0,
    )


def apart(typed: t.Typed) -> t.Typed:
    """Return what `joined` was given."""
    operation = typed.variables[typed.output].operation
    assert isinstance(operation, t.Table)
    first, *others = operation.args
    extra = (*others, *typed.extra)
    return t.prune(replace(typed, output=first, extra=extra, read_extra=len(others)))


def outputs_of(typed: t.Typed | Any) -> tuple[int, ...]:
    """Return what the logits read of a program, or of a plan, in the apart form."""
    count = typed.read_extra if isinstance(typed, t.Typed) else typed.typed.read_extra
    return (typed.output, *typed.extra[:count])


def tuples_of(domains: Sequence[Domain]) -> tuple[Value, ...]:
    """Return all tuples of values, the last place running fastest."""
    return tuple(product(*(d.values for d in domains)))
