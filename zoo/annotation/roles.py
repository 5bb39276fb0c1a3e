"""The role of a component: one of five words, decided by what its variable is.

The words are those of AgenticInterpBench (arXiv 2606.24026). The rules are ours, and
look at the operation alone:

    indicator   an MLP that says of one variable whether something holds: True or False
    mapper      an MLP that gives each value of one variable another value
    combiner    an MLP that computes a value from several variables
    router      a head that takes a value from one position to another
    aggregator  a head that makes one value of several positions: a count, a mean, the
                least, the greatest or the commonest value

A node that computes no variable of the program has no role.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from compiler.ir import typed as t
from compiler.rasp.values import Value
from zoo.causal.model import CausalVariable, Selecting
from zoo.causal.population import Population

ROLES = ("indicator", "mapper", "combiner", "router", "aggregator")

_MOVES = ("unique", "one_or_mean", "first", "last")


def role_of(steps: t.Typed, variable: t.Variable) -> str:
    """Return the role of the component that computes a step of a program.

    Args:
        steps: the program as its components compute it.
        variable: one of its variables, which a head or an MLP computes.
    """
    match variable.operation:
        case t.Table(args=args):
            free = [a for a in args if steps.variables[a].domain.size > 1]
            return _role_of_table(len(free), variable.domain.values)
        case t.Pick(rule=rule) if rule in _MOVES:
            return "router"
    return "aggregator"


def role_by_hand(found: Population, variable: CausalVariable) -> str:
    """Return the role of a variable of a task, whose operation is code.

    A head is a router if it never attends to more than one key that is a token.

    Args:
        found: the task's inputs.
        variable: one of its variables.
    """
    if variable.kind == "mlp":
        sources = {parent.source for parent in variable.parents}
        return _role_of_table(len(sources), found.domains[variable.name])
    if not isinstance(found.causal, Selecting):
        return "router"
    row = found.index(variable.name)
    ids = found.ids[:256]
    keys = np.stack([np.asarray(found.causal.selected(i))[row] for i in ids])
    return "router" if keys[:, :, 1:].sum(axis=2).max() <= 1 else "aggregator"


def _role_of_table(arguments: int, values: Sequence[Value]) -> str:
    if arguments > 1:
        return "combiner"
    return "indicator" if all(isinstance(v, bool) for v in values) else "mapper"
