"""Aggregates and widths of selectors that no single head can have, case by case."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from compiler.errors import ProgramError
from compiler.ir import typed as t
from compiler.ir.domain import Domain, image, possible
from compiler.passes.builder import StepBuilder
from compiler.passes.clauses import variables_of
from compiler.passes.conjuncts import Conjunction
from compiler.passes.formulas import junction
from compiler.passes.wording import author_text

MOST_HEADS = 64
"""Heads that the cases of one selector may take."""

# Cells of the table of all cases, above which they are added two at a time.
_SUM_CELLS = 100_000
# Values of one count from which on they are added first too. As heads write them, such
# counts lie too close for one table to add them and to tell the sums apart: it needs a
# one-hot copy of each count, which takes as many layers, and four units or more in
# place of one (`sort` of 100 tokens had 25.3 million parameters, and has 0.8 million).
_MANY_COUNTS = 48


@dataclass(frozen=True, eq=False)
class Case:
    """A part of a selector that one head can have.

    Attributes:
        matches: its conditions, in terms of steps.
        formula: in terms of variables, what it selects and perhaps more.
    """

    matches: Conjunction
    formula: t.Formula


def can_be_counted(typed: t.Typed, index: int) -> bool:
    """Return whether a variable is a mean that few heads can add up exactly."""
    operation = typed.variables[index].operation
    return isinstance(operation, t.Mean) and (
        len(_weights(operation, typed.variables[operation.value].domain)) < MOST_HEADS
    )


def _weights(operation: t.Mean, domain: Domain) -> list[int]:
    """Return the numbers other than 0 that a mean may add up, without repeats."""
    held = domain.mask.any(axis=0) & operation.numeric
    return sorted({int(n) for n in operation.numerators[held]} - {0})


def by_cases(
    builder: StepBuilder, index: int, operation: t.Mean | t.Pick, cases: list[Case]
) -> int:
    """Return the step of an aggregate whose selector is a union of cases.

    Raises:
        ProgramError: its cases would take too many heads.
    """
    heads = heads_by_cases(builder, operation, len(cases))
    if heads > MOST_HEADS:
        keys, queries = variables_of(operation.selector)
        raise ProgramError(
            [
                f"{author_text(builder.typed, index)}: its selector compares "
                f"{len(keys)} keys with {len(queries)} queries at once, in "
                f"{len(cases)} cases that would take {heads} heads, above the limit "
                f"of {MOST_HEADS}. Split the selector, or aggregate in two steps."
            ],
            builder.typed.name,
        )
    if isinstance(operation, t.Mean):
        weights = _weights(operation, builder.domains[operation.value])
        return _mean_by_cases(builder, index, operation, cases, weights)
    return _pick_by_cases(builder, index, operation, cases)


def heads_by_cases(builder: StepBuilder, operation: t.Mean | t.Pick, cases: int) -> int:
    """Return how many heads an aggregate takes that is computed case by case."""
    if isinstance(operation, t.Pick):
        return cases
    return cases * (1 + len(_weights(operation, builder.domains[operation.value])))


def _pick_by_cases(
    builder: StepBuilder, index: int, operation: t.Pick, cases: list[Case]
) -> int:
    """Return the best of what the cases pick."""
    variable, rule = builder.typed.variables[index], operation.rule
    name, max_len = variable.name, builder.typed.max_len
    # Of `first` and `last` the position is found, and what it holds is read after.
    ordered = rule in ("first", "last")
    positions = builder.positions() if ordered else None
    value = builder.place[operation.value] if positions is None else positions
    size = max_len if ordered else variable.domain.size
    recode = np.arange(size, dtype=np.int32) if ordered else operation.recode
    # The last value of the domain stands for nothing selected.
    domain = builder.up_to(size)
    found = []
    for number, case in enumerate(cases, start=1):
        selector = junction("and", case.matches)
        pick = t.Pick(selector, value, recode, size, rule, proven=True)
        found.append(
            builder.add(f"{name}.case{number}", domain, pick, positions=positions)
        )
    better = _better(size, highest=rule in ("last", "max"))
    best = _merged(
        name, found, lambda a, b, name: builder.table(name, domain, [a, b], better)
    )
    if not ordered:
        table = np.append(np.arange(size), operation.default).astype(np.int32)
        last = t.Table((best,), table)
    else:
        match = t.Atom(value, best, np.eye(size, size + 1, dtype=bool))
        last = replace(operation, selector=match, value=builder.place[operation.value])
    return builder.add(name, variable.domain, last, index)


def _better(size: int, highest: bool) -> NDArray[np.int32]:
    """Return the table of the lower or the higher of two; `size` stands for none."""
    left, right = np.indices((size + 1, size + 1), dtype=np.int32)
    best = np.maximum(left, right) if highest else np.minimum(left, right)
    best = np.where(left == size, right, best)
    return np.where(right == size, left, best).astype(np.int32)


def _mean_by_cases(
    builder: StepBuilder,
    index: int,
    operation: t.Mean,
    cases: list[Case],
    weights: list[int],
) -> int:
    """Return the step of a mean as a sum over a count, each added up by cases."""
    variable = builder.typed.variables[index]
    name = variable.name
    everywhere = builder.everywhere(f"{name}.all")
    count = _count_cases(builder, f"{name}.count", cases, None)
    sums = []
    for number, weight in enumerate(weights, start=1):
        column = ((operation.numerators == weight) & operation.numeric)[:, None]
        match = t.Atom(builder.place[operation.value], everywhere, column)
        sums.append(_count_cases(builder, f"{name}.count{number}", cases, match))
    args, total = [count], np.zeros((builder.steps[count].domain.size, 1))
    if sums:
        weighted = _weighted_sum(builder, f"{name}.sum", sums, weights)
        args.append(weighted)
        total = np.array(builder.steps[weighted].domain.values)[None, :]
    counts = np.array(builder.steps[count].domain.values)[:, None]
    place = np.clip(total - operation.lowest, 0, operation.lookup.shape[1] - 1)
    table = operation.lookup[counts, place.astype(int)]
    table = np.where(total == place + operation.lowest, table, -1)
    table = np.where(counts == 0, operation.default, table)
    table = (table if sums else table[:, 0]).astype(np.int32)
    return builder.add(name, variable.domain, t.Table(tuple(args), table), index)


def _count_cases(
    builder: StepBuilder, name: str, cases: list[Case], extra: t.Atom | None
) -> int:
    """Return how many keys the cases select that meet one more condition."""
    parts = []
    for number, case in enumerate(cases, start=1):
        domain, matches = builder.width_domain(case.formula), case.matches
        if extra is not None:
            domain, matches = builder.up_to(max(domain.values)), (*matches, extra)
        parts.append(builder.count(f"{name}.case{number}", domain, matches))
    return _weighted_sum(builder, name, parts, [1] * len(parts))


def add_up(
    builder: StepBuilder, index: int, parts: list[int], lookup: NDArray[np.int32]
) -> int:
    """Return the step of a width whose cases are counted one by one.

    Args:
        builder: of the steps.
        index: the variable.
        parts: the counts.
        lookup: [max_len + 1] count to index in the variable's domain.
    """
    variable, most = builder.typed.variables[index], builder.typed.max_len
    sizes = [builder.steps[p].domain.size for p in parts]
    if np.prod(sizes, dtype=float) > _SUM_CELLS or max(sizes) >= _MANY_COUNTS:
        ones = [1] * len(parts)
        parts = [_weighted_sum(builder, f"{variable.name}.sum", parts, ones)]
    domains = [builder.steps[p].domain for p in parts]
    total = np.clip(outer_sum(np.array(d.values) for d in domains), 0, most)
    table = np.where(possible(domains), lookup[total], -1).astype(np.int32)
    operation = t.Table(tuple(parts), table)
    return builder.add(variable.name, variable.domain, operation, index)


def outer_sum(terms: Iterable[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return [d1, .., dk] the sum of each combination of numbers from k lists."""
    total = sum(np.ix_(*terms))
    assert isinstance(total, np.ndarray)
    return total


def _weighted_sum(
    builder: StepBuilder, name: str, parts: list[int], weights: list[int]
) -> int:
    """Return the sum of counts, each times a weight, added two at a time."""
    factors = dict(zip(parts, weights, strict=True))
    most = builder.typed.max_len * max(map(abs, weights))

    def add(name: str, *terms: int) -> int:
        domains = [builder.steps[p].domain for p in terms]
        total = outer_sum(
            np.array(d.values) * factors.get(p, 1)
            for p, d in zip(terms, domains, strict=True)
        )
        factors.update(dict.fromkeys(terms, 1))
        domain, table = _summed(domains, total, most)
        return builder.table(name, domain, list(terms), table)

    if len(parts) == 1 and weights[0] != 1:
        return add(name, *parts)
    return _merged(name, parts, lambda first, second, name: add(name, first, second))


def _summed(
    domains: list[Domain], total: NDArray[np.int64], most: int
) -> tuple[Domain, NDArray[np.int32]]:
    """Return (the domain of a sum of counts, its table); `most` bounds its size."""
    live = possible(domains) & (np.abs(total) <= most)
    values, inverse = np.unique(total[live], return_inverse=True)
    table = np.full(total.shape, -1, np.int32)
    table[live] = inverse.reshape(-1)
    mask = image(domains, table, len(values))
    return Domain(tuple(int(v) for v in values), mask), table


def _merged(name: str, parts: list[int], join: Callable[[int, int, str], int]) -> int:
    """Return the step that joins all of some steps, two at a time."""
    number = 0
    while len(parts) > 1:
        even = len(parts) // 2 * 2
        joined = []
        for first, second in zip(parts[:even:2], parts[1:even:2], strict=True):
            number += 1
            joined.append(join(first, second, f"{name}.joined{number}"))
        parts = joined + parts[even:]
    return parts[0]
