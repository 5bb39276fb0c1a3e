"""Sums of evidence: hidden units that carry on what a sequence holds, unchanged.

The code of the result is one-hot where all sequences agree. Where they differ it holds
the weight of each value, so only the logits, which take the greatest, can read it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from compiler.errors import ProgramError
from compiler.ir import typed as t
from compiler.passes.codes import Code
from compiler.passes.units import Units
from compiler.passes.wording import author_text
from compiler.rasp.values import Value, show_many

FEWEST = 3
"""Values: two stand as one number, where nothing says that a value is absent."""


def check_evidence(typed: t.Typed) -> None:
    """Refuse sums of evidence that no model can compute.

    Raises:
        ProgramError: one is read by another variable, or weighs fewer than three
            values.
    """
    problems = []
    for index, variable in enumerate(typed.variables):
        operation = variable.operation
        if not isinstance(operation, t.Table) or operation.weights is None:
            continue
        readers = [v.name for v in typed.variables if index in v.reads]
        if readers or index != typed.output:
            problems.append(
                f"{author_text(typed, index)}: it weighs evidence and is not the "
                f"output (read by {', '.join(readers) or 'nothing'}). Only the logits "
                "can take the greatest sum: make it the output, or use a function"
            )
        if typed.numerical:
            problems.append(
                f"{author_text(typed, index)}: it weighs evidence for numbers that are "
                "read as one number. Call .categorical() on it"
            )
        for arg in (index, *operation.args):
            domain = typed.variables[arg].domain
            if domain.size < FEWEST:
                problems.append(
                    f"{author_text(typed, index)}: it weighs evidence, and "
                    f"{author_text(typed, arg)} has the values "
                    f"{show_many(domain.values)}. Two values stand as one number, "
                    f"where none can be absent: weigh {FEWEST} values or more"
                )
    if problems:
        raise ProgramError(problems, typed.name)


def sum_evidence(
    operation: t.Table,
    domains: Sequence[Sequence[Value]],
    codes: Sequence[Code],
    values: Sequence[Value],
    out: Code,
) -> Units:
    """Return units that add the weight of each sequence to the value that it holds.

    Args:
        operation: a table with weights.
        domains: of each argument, its values.
        codes: of each argument, one-hot.
        values: of the result.
        out: code of the result, one-hot.
    """
    assert operation.weights is not None
    total, start = sum(operation.weights), 0
    read, write = [], []
    count = sum(code.rank for code in codes)
    for held, code, weight in zip(domains, codes, operation.weights, strict=True):
        columns = np.zeros((code.rank, count))
        columns[:, start : start + code.rank] = np.eye(code.rank)
        read.append(columns)
        same = [[a == b for b in values] for a in held]
        write.append(np.array(same, float) * weight / total)
        start += code.rank
    base = np.zeros(out.rank)
    units = Units(tuple(read), np.zeros(count), np.concatenate(write), base)
    _check_sums(units, operation.table, codes)
    return units


def _check_sums(units: Units, table: NDArray[np.int32], codes: Sequence[Code]) -> None:
    """Assert that the greatest sum is that of the table's value, in every cell."""
    cells = np.argwhere(table >= 0)
    rows = [code.rows[cells[:, axis]] for axis, code in enumerate(codes)]
    sums = units.apply(rows)
    found = table[tuple(cells.T)]
    assert (sums.argmax(axis=1) == found).all(), "a sum is greater than the winner's"
