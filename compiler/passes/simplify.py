"""Typed -> Typed: constants folded, repeats merged, dead code gone, steps joined.

Every rewrite keeps the meaning of every variable that stays, under overrides too:
a named variable is never skipped over by those that read it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from compiler.ir import typed as t
from compiler.ir.domain import Domain, indices_domain, possible
from compiler.passes.formulas import fold_formula, formula_key
from compiler.passes.wording import reword

# An unnamed element-wise step joins the one that reads it while the joint table
# stays below this; a join saves a layer, and a larger table costs hidden units.
JOINT_TABLE = 10_000


def simplify(typed: t.Typed) -> t.Typed:
    """Return the same program with fewer variables and shorter chains."""
    rewriter = _Rewriter(typed)
    for variable in typed.variables:
        rewriter.add(variable)
    pruned = t.prune(
        replace(
            typed,
            variables=tuple(rewriter.variables),
            output=rewriter.place[typed.output],
            extra=tuple(rewriter.place[i] for i in typed.extra),
        )
    )
    return reword(typed, [rewriter.variables[i] for i in rewriter.place], pruned)


class _Rewriter:
    """Builds the new list of variables; `place` maps old indices to new ones."""

    def __init__(self, typed: t.Typed) -> None:
        self.typed = typed
        self.variables: list[t.Variable] = []
        self.place: list[int] = []
        self.known: dict[object, int] = {}
        # What the output needs, in old and in new indices: it stays as it is whatever
        # is computed beside it.
        self.main = t.needed(typed.variables, [typed.output])
        self.kept: set[int] = set()

    def domain(self, index: int) -> Domain:
        return self.variables[index].domain

    def add(self, variable: t.Variable) -> None:
        main = len(self.place) in self.main
        operation = self.relink(variable.operation)
        if not t.is_partial(replace(variable, operation=operation)):
            operation = self.fold(operation, variable.domain)
        # A sum of evidence keeps each of its arguments, even one that never decides.
        if isinstance(operation, t.Table) and operation.weights is None:
            operation = self.join(operation)
            operation = _merge_arguments(operation, self.variables)
            alias = self.alias(operation, variable)
            if alias is not None:
                self.place.append(alias)
                return
        key = self.key(operation, variable)
        if key is not None and key in self.known:
            known = self.known[key]
            same = self.variables[known].name == variable.name
            if not variable.named or same or (known in self.kept and not main):
                self.place.append(known)
                return
            if not self.variables[known].named:
                # The author's name wins over a made-up one.
                self.variables[known] = replace(
                    self.variables[known],
                    name=variable.name,
                    named=True,
                    note=variable.note,
                )
                self.place.append(known)
                return
        if key is not None:
            self.known.setdefault(key, len(self.variables))
        if main:
            self.kept.add(len(self.variables))
        self.place.append(len(self.variables))
        self.variables.append(replace(variable, operation=operation))

    def relink(self, operation: t.Operation) -> t.Operation:
        operation = t.relocated(operation, self.place)
        if isinstance(operation, t.Width | t.Mean | t.Pick):
            return replace(operation, selector=fold_formula(operation.selector))
        return operation

    def fold(self, operation: t.Operation, domain: Domain) -> t.Operation:
        """Return a constant, or a function of the position, where it is just that."""
        if isinstance(operation, t.Input | t.Fixed):
            return operation
        if domain.size == 1:
            return t.Fixed()
        if (domain.mask.sum(axis=1) == 1).all():
            table = domain.mask.argmax(axis=1).astype(np.int32)
            return t.Table((self.indices(),), table)
        return operation

    def indices(self) -> int:
        for i, variable in enumerate(self.variables):
            if variable.operation == t.Input("indices"):
                return i
        self.known[("input", "indices")] = len(self.variables)
        self.variables.append(
            t.Variable(
                "indices",
                t.Input("indices"),
                indices_domain(self.typed.max_len),
                True,
                "the positions, from 0",
                "indices = input",
            )
        )
        return len(self.variables) - 1

    def join(self, operation: t.Table) -> t.Table:
        """Read the arguments of unnamed element-wise arguments directly."""
        for axis in reversed(range(len(operation.args))):
            inner = self.variables[operation.args[axis]]
            if inner.named or not isinstance(inner.operation, t.Table):
                continue
            if operation.partial is not None or inner.operation.partial is not None:
                continue
            if inner.operation.weights is not None:
                continue
            size = operation.table.size // inner.domain.size
            if size * inner.operation.table.size > JOINT_TABLE:
                continue
            operation = self.substitute(operation, axis, inner.operation)
        return operation

    def substitute(self, outer: t.Table, axis: int, inner: t.Table) -> t.Table:
        args = (*outer.args[:axis], *inner.args, *outer.args[axis + 1 :])
        # An impossible combination of the inner table stays impossible outside.
        padded = np.concatenate(
            [outer.table, np.full_like(outer.table.take([0], axis), -1)], axis
        )
        table = np.take(padded, inner.table, axis)
        return t.Table(args, table.astype(np.int32))

    def alias(self, operation: t.Table, variable: t.Variable) -> int | None:
        """Return the variable that this one merely repeats, if it is unnamed."""
        if variable.named or len(operation.args) != 1:
            return None
        source = self.variables[operation.args[0]]
        if source.domain.values != variable.domain.values:
            return None
        same_types = all(
            isinstance(a, bool) == isinstance(b, bool)
            for a, b in zip(source.domain.values, variable.domain.values, strict=True)
        )
        table = operation.table
        identity = (table == np.arange(len(table))) | (table == -1)
        return operation.args[0] if identity.all() and same_types else None

    def key(self, operation: t.Operation, variable: t.Variable) -> object:
        """Return what makes two variables one; None where that is not decided."""
        values = tuple((type(v).__name__, v) for v in variable.domain.values)
        match operation:
            case t.Input():
                return ("input", operation.kind)
            case t.Fixed():
                return ("fixed", values)
            case t.Table():
                table = operation.table.tobytes()
                return ("table", operation.args, table, values, operation.weights)
            case t.Width():
                return ("width", formula_key(operation.selector))
            case t.Mean():
                key = formula_key(operation.selector)
                return ("mean", key, operation.value, operation.default, values)
            case t.Pick():
                key = formula_key(operation.selector)
                rule = operation.rule
                return ("pick", key, operation.value, operation.default, rule, values)


def _merge_arguments(operation: t.Table, variables: list[t.Variable]) -> t.Table:
    """Drop constant arguments and those that change nothing; merge repeated ones."""
    args: list[int] = list(operation.args)
    table: Any = operation.table
    partial: Any = operation.partial
    axis = 0
    while axis < len(args):
        first = args.index(args[axis])
        if variables[args[axis]].domain.size == 1 and len(args) > 1:
            table = table.take(0, axis)
            partial = None if partial is None else partial.take(0, axis)
            del args[axis]
        elif first < axis:
            table = _diagonal(table, first, axis)
            partial = None if partial is None else _diagonal(partial, first, axis)
            del args[axis]
        else:
            axis += 1
    merged = t.Table(tuple(args), np.ascontiguousarray(table), partial)
    return merged if partial is not None else _restrict(merged, variables)


def _diagonal(array: Any, first: int, second: int) -> Any:
    """Return the array with two equal axes made one, at the place of the first."""
    return np.moveaxis(np.diagonal(array, axis1=first, axis2=second), -1, first)


def _restrict(operation: t.Table, variables: list[t.Variable]) -> t.Table:
    """Mark impossible combinations, then drop arguments that never matter."""
    live = possible([variables[a].domain for a in operation.args])
    table = np.where(live, operation.table, -1).astype(np.int32)
    args = list(operation.args)
    axis = 0
    while axis < len(args) and len(args) > 1:
        high = table.max(axis=axis)
        filled = np.where(table < 0, np.expand_dims(high, axis), table)
        if (filled == np.expand_dims(high, axis)).all():
            table = high
            del args[axis]
        else:
            axis += 1
    return t.Table(tuple(args), table)
