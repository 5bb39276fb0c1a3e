"""The commonest of the selected values: every value is counted, all counts compared."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from compiler.errors import ProgramError
from compiler.ir import typed as t
from compiler.ir.domain import Domain
from compiler.passes.builder import StepBuilder
from compiler.passes.cases import outer_sum
from compiler.passes.conjuncts import split_selector
from compiler.passes.wording import author_text

# Values whose counts can be compared.
_MOST_VALUES = 6
# Combinations of counts up to which one table tells whether all of them are zero.
_MOST_CELLS = 1_000_000


def commonest(builder: StepBuilder, index: int, operation: t.Pick) -> int:
    """Return the step of an aggregate by the rule `mode`; ties go to the smallest.

    Raises:
        ProgramError: there are too many values or counts to compare.
    """
    variable = builder.typed.variables[index]
    held = np.flatnonzero(operation.recode >= 0)
    held = held[np.argsort(operation.recode[held])]
    if len(held) > _MOST_VALUES:
        raise _refused(
            builder,
            index,
            f"the rule 'mode' compares the counts of {len(held)} values, and it is "
            f"limited to {_MOST_VALUES}. Map the values to fewer classes first.",
        )
    everywhere = builder.everywhere(f"{variable.name}.all")
    counts = [
        _count(builder, f"{variable.name}.count{n}", operation, int(v), everywhere)
        for n, v in enumerate(held)
    ]
    flags = [
        _beats(builder, f"{variable.name}.beats{a}{b}", counts[a], counts[b])
        for a, b in itertools.combinations(range(len(held)), 2)
    ]
    if operation.default >= 0:
        flags.append(_all_zero(builder, index, counts))
    table = _winners(len(held), operation.recode[held], operation.default)
    if not flags:
        flags, table = [everywhere], operation.recode[held][:1]
    last = t.Table(tuple(flags), table.astype(np.int32))
    return builder.add(variable.name, variable.domain, last, index)


def _refused(builder: StepBuilder, index: int, problem: str) -> ProgramError:
    where = author_text(builder.typed, index)
    return ProgramError([f"{where}: {problem}"], builder.typed.name)


def _count(
    builder: StepBuilder, name: str, operation: t.Pick, value: int, everywhere: int
) -> int:
    """Return the step of how many selected keys hold one value."""
    most = builder.typed.max_len
    domain = builder.up_to(most)
    column = np.arange(builder.domains[operation.value].size) == value
    holds = t.Atom(builder.place[operation.value], everywhere, column[:, None])
    cases = split_selector(operation.selector)
    parts = []
    for number, case in enumerate(cases, start=1):
        stem = f"{name}.case{number}" if len(cases) > 1 else name
        parts.append(builder.count(stem, domain, (*builder.placed(case), holds)))
    if len(parts) == 1:
        return parts[0]
    total = outer_sum(np.array(domain.values) for _ in parts)
    return builder.table(name, domain, parts, np.where(total <= most, total, -1))


def _flag(builder: StepBuilder) -> Domain:
    return Domain((False, True), np.ones((builder.typed.max_len, 2), bool))


def _beats(builder: StepBuilder, name: str, first: int, second: int) -> int:
    """Return whether the first count is at least the second (ties to the first)."""
    most = builder.typed.max_len
    left, right = np.indices((most + 1, most + 1))
    table = np.where(left + right <= most, left >= right, -1)
    return builder.table(name, _flag(builder), [first, second], table)


def _all_zero(builder: StepBuilder, index: int, counts: list[int]) -> int:
    """Return whether all counts are zero, so that nothing is selected."""
    most, name = builder.typed.max_len, builder.typed.variables[index].name
    shape = (most + 1,) * len(counts)
    if np.prod(shape, dtype=float) > _MOST_CELLS:
        raise _refused(
            builder,
            index,
            "too many counts to compare; give the mode fewer values",
        )
    total = np.indices(shape).sum(axis=0)
    table = np.where(total <= most, total == 0, -1)
    return builder.table(f"{name}.none", _flag(builder), counts, table)


def _winners(count: int, recode: NDArray, default: int) -> NDArray[np.int32]:
    """Return the table from `a beats b` flags (and `none`) to the winner."""
    pairs = list(itertools.combinations(range(count), 2))
    flags = len(pairs) + (default >= 0)
    table = np.full((2,) * flags, -1, np.int32)
    for wins in itertools.product((0, 1), repeat=len(pairs)):
        score = [0] * count
        for (a, b), first in zip(pairs, wins, strict=True):
            score[a if first else b] += 1
        if count > 1 and max(score) < count - 1:
            continue  # no value beats all others: cannot happen
        cell = (*wins, 0) if default >= 0 else wins
        table[cell] = recode[int(np.argmax(score))]
    if default >= 0:
        table[(1,) * len(pairs) + (1,)] = default
    return table
