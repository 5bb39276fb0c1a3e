"""What each component computes, before codes are chosen: Typed -> steps.

A step is one variable as one component writes it: an embedding, one attention head,
or one table of an MLP. Selectors become conjunctions here; what does not fit in one
head becomes several steps, whose names are the variable's with a suffix.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from compiler.errors import ProgramError
from compiler.ir import typed as t
from compiler.ir.domain import Domain, constant_domain, indices_domain, possible
from compiler.ir.graph import SourceKind
from compiler.passes.conjuncts import Conjunction, Match, split_selector
from compiler.passes.scores import HeadKind
from compiler.passes.select import bound, width_range
from compiler.rasp.expr import Rule

# Cells of a joint (keys, queries) table, and values that `mode` can compare.
_JOINT_CELLS = 4_000_000
_MODE_VALUES = 6


@dataclass(frozen=True)
class Embedded:
    """Written by the token or the position embedding."""

    kind: SourceKind


@dataclass(frozen=True)
class Constant:
    """One value: written nowhere, known to every reader."""


@dataclass(frozen=True, eq=False)
class Tabulated:
    """One table of an MLP; see `typed.Table`."""

    args: tuple[int, ...]
    table: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Attended:
    """One attention head.

    Attributes:
        kind: what the weights are for.
        matches: conditions that a selected key meets together.
        value: the step read at the keys (None for a width).
        recode: [value's values] index in this step's domain (pick).
        default: index of the result where nothing is selected, -1 if that cannot be.
        rule: which of several selected values a pick takes.
        grade: the step that orders the selected keys for a rule, by its values.
    """

    kind: HeadKind
    matches: Conjunction
    value: int | None = None
    recode: NDArray[np.int32] | None = None
    default: int = -1
    rule: Rule = "unique"
    grade: int | None = None


Work = Embedded | Constant | Tabulated | Attended


@dataclass(frozen=True, eq=False)
class Step:
    """One variable as one component writes it.

    Attributes:
        name: the variable's name, with a suffix where it is derived.
        domain: what it can hold.
        work: how it is computed from earlier steps.
        variable: index of the program's variable that it is; None where derived.
    """

    name: str
    domain: Domain
    work: Work
    variable: int | None


def read_steps(work: Work) -> tuple[int, ...]:
    """Return the steps that a step reads, without repeats, in order."""
    match work:
        case Tabulated():
            return tuple(dict.fromkeys(work.args))
        case Attended():
            found = [i for m in work.matches for i in (m.key, m.query)]
            found += [i for i in (work.value, work.grade) if i is not None]
            return tuple(dict.fromkeys(found))
    return ()


def needed_steps(steps: list[Step], root: int) -> set[int]:
    """Return the steps that one step depends on, itself included."""
    found = {root}
    for index in reversed(range(len(steps))):
        if index in found:
            found |= set(read_steps(steps[index].work))
    return found


def relocate(work: Work, place: Mapping[int, int]) -> Work:
    """Return the same work, reading the steps at other places."""
    match work:
        case Tabulated():
            return Tabulated(tuple(place[a] for a in work.args), work.table)
        case Attended():
            return replace(
                work,
                matches=tuple(
                    Match(place[m.key], place[m.query], m.allowed) for m in work.matches
                ),
                value=None if work.value is None else place[work.value],
                grade=None if work.grade is None else place[work.grade],
            )
    return work


def split_steps(typed: t.Typed) -> tuple[list[Step], list[int]]:
    """Return (steps, the step of each variable)."""
    splitter = _Splitter(typed)
    for index in range(len(typed.variables)):
        splitter.place.append(splitter.visit(index))
    return splitter.steps, splitter.place


class _Splitter:
    """Builds the list of steps; `place` maps variables to steps."""

    def __init__(self, typed: t.Typed) -> None:
        self.typed = typed
        self.steps: list[Step] = []
        self.place: list[int] = []
        self.domains = [v.domain for v in typed.variables]

    def add(
        self,
        name: str,
        domain: Domain,
        work: Embedded | Constant | Tabulated | Attended,
        variable: int | None = None,
    ) -> int:
        self.steps.append(Step(name, domain, work, variable))
        return len(self.steps) - 1

    def visit(self, index: int) -> int:
        variable = self.typed.variables[index]
        name, domain, operation = variable.name, variable.domain, variable.operation
        match operation:
            case t.Input(kind="length"):
                work = Attended("length", (), self.positions())
                return self.add(name, domain, work, index)
            case t.Input(kind="indices"):
                place = self.positions()
                self.steps[place] = Step(name, domain, Embedded("indices"), index)
                return place
            case t.Input(kind=kind):
                return self.add(name, domain, Embedded(kind), index)
            case t.Fixed():
                return self.add(name, domain, Constant(), index)
            case t.Table():
                args = tuple(self.place[a] for a in operation.args)
                return self.add(name, domain, Tabulated(args, operation.table), index)
            case t.Width():
                return self.width(index, operation)
            case t.Pick(rule="mode"):
                return self.mode(index, operation)
            case t.Mean() | t.Pick():
                return self.gather(index, operation)

    def positions(self) -> int:
        """Return the step of `indices`, made where the program itself has none."""
        for i, step in enumerate(self.steps):
            if step.work == Embedded("indices"):
                return i
        domain = indices_domain(self.typed.max_len)
        return self.add("indices", domain, Embedded("indices"))

    def matches(self, conjunction: Conjunction) -> Conjunction:
        return tuple(
            Match(self.place[m.key], self.place[m.query], m.allowed)
            for m in conjunction
        )

    def width(self, index: int, operation: t.Width) -> int:
        variable = self.typed.variables[index]
        cases = split_selector(operation.selector)
        if len(cases) == 1:
            work = Attended("width", self.matches(cases[0]))
            return self.add(variable.name, variable.domain, work, index)
        parts = []
        for number, case in enumerate(cases, start=1):
            domain = self.width_domain(case)
            work = Attended("width", self.matches(case))
            parts.append(self.add(f"{variable.name}.case{number}", domain, work))
        domains = [self.steps[p].domain for p in parts]
        counts = [np.array(d.values) for d in domains]
        total = sum(np.ix_(*counts)) if len(counts) > 1 else counts[0]
        assert isinstance(total, np.ndarray)
        total = np.clip(total, 0, self.typed.max_len)
        table = np.where(possible(domains), operation.lookup[total], -1)
        work = Tabulated(tuple(parts), table.astype(np.int32))
        return self.add(variable.name, variable.domain, work, index)

    def width_domain(self, case: Conjunction) -> Domain:
        formula = as_formula(case)
        bounds = bound(formula, self.domains, self.typed.causal)
        low, high = width_range(bounds, self.typed.causal)
        values = np.arange(low.min(), high.max() + 1)
        mask = (values >= low[:, None]) & (values <= high[:, None])
        kept = mask.any(axis=0)
        return Domain(tuple(int(v) for v in values[kept]), mask[:, kept])

    def gather(self, index: int, operation: t.Mean | t.Pick) -> int:
        variable = self.typed.variables[index]
        cases = split_selector(operation.selector)
        if len(cases) == 1:
            conjunction = self.matches(cases[0])
        elif not cases:
            return self.add(variable.name, variable.domain, Constant(), index)
        else:
            conjunction = (self.joint(index, operation.selector),)
        pick = isinstance(operation, t.Pick)
        grade = None
        if pick and operation.rule in ("first", "last"):
            grade = self.positions()
        elif pick and operation.rule in ("min", "max"):
            grade = self.place[operation.value]
        work = Attended(
            kind="pick" if pick else "mean",
            matches=conjunction,
            value=self.place[operation.value],
            recode=operation.recode if pick else None,
            default=operation.default,
            rule=operation.rule if pick else "mean",
            grade=grade,
        )
        return self.add(variable.name, variable.domain, work, index)

    def joint(self, index: int, selector: t.Formula) -> Match:
        """Return one match of a joint key and a joint query for any selector."""
        name = self.typed.variables[index].name
        keys = list(dict.fromkeys(a.key for a in t.atoms(selector)))
        queries = list(dict.fromkeys(a.query for a in t.atoms(selector)))
        sizes = [self.domains[i].size for i in (*keys, *queries)]
        if np.prod(sizes, dtype=float) > _JOINT_CELLS:
            raise ProgramError(
                [
                    f"{name!r}: its selector compares {len(keys)} keys with "
                    f"{len(queries)} queries at once, "
                    f"{np.prod(sizes, dtype=float):.0f} cells, above the limit of "
                    f"{_JOINT_CELLS}. Split the selector, or aggregate in two steps."
                ],
                self.typed.name,
            )
        truth = _evaluate(selector, keys, queries, self.domains)
        count = int(np.prod(sizes[: len(keys)]))
        flat = truth.reshape(count, -1)
        key, key_class = self.classes(f"{name}.key", keys, flat)
        query, query_class = self.classes(f"{name}.query", queries, flat.T)
        allowed = flat[np.ix_(key_class, query_class)]
        return Match(key, query, allowed)

    def classes(
        self, name: str, members: list[int], flat: NDArray[np.bool_]
    ) -> tuple[int, NDArray]:
        """Return (step, a representative row for each of its values)."""
        if len(members) == 1:
            return self.place[members[0]], np.arange(flat.shape[0])
        domains = [self.domains[m] for m in members]
        live = possible(domains)
        _, first, inverse = np.unique(
            flat[live.reshape(-1)], axis=0, return_index=True, return_inverse=True
        )
        table = np.full(live.shape, -1, np.int32)
        table[live] = inverse.reshape(-1)
        representatives = np.flatnonzero(live.reshape(-1))[first]
        mask = np.zeros((self.typed.max_len, len(first)), dtype=bool)
        for position in range(self.typed.max_len):
            here = np.ix_(*(np.flatnonzero(d.mask[position]) for d in domains))
            mask[position, table[here]] = True
        domain = Domain(tuple(range(len(first))), mask)
        args = tuple(self.place[m] for m in members)
        work = Tabulated(args, table) if domain.size > 1 else Constant()
        return self.add(name, domain, work), representatives

    def mode(self, index: int, operation: t.Pick) -> int:
        """Count each value, compare all pairs of counts, take the one that wins."""
        variable = self.typed.variables[index]
        value = self.typed.variables[operation.value]
        held = np.flatnonzero(operation.recode >= 0)
        held = held[np.argsort(operation.recode[held])]  # ties go to the smallest
        if len(held) > _MODE_VALUES:
            raise ProgramError(
                [
                    f"{variable.name!r}: the rule 'mode' compares the counts of "
                    f"{len(held)} values, and it is limited to {_MODE_VALUES}. Map the "
                    "values to fewer classes first."
                ],
                self.typed.name,
            )
        nothing = self.add(
            f"{variable.name}.all",
            constant_domain(True, self.typed.max_len),
            Constant(),
        )
        counts = [
            self.count_of(index, operation, int(v), nothing, f"count{n}")
            for n, v in enumerate(held)
        ]
        flags = [
            self.beats(f"{variable.name}.beats{a}{b}", counts[a], counts[b])
            for a, b in itertools.combinations(range(len(held)), 2)
        ]
        if operation.default >= 0:
            flags.append(self.all_zero(f"{variable.name}.none", counts))
        table = _winners(len(held), operation.recode[held], operation.default)
        if not flags:
            flags, table = [nothing], operation.recode[held][:1]
        assert value.domain.size >= len(held)
        work = Tabulated(tuple(flags), table.astype(np.int32))
        return self.add(variable.name, variable.domain, work, index)

    def count_of(
        self, index: int, operation: t.Pick, value: int, nothing: int, suffix: str
    ) -> int:
        name = self.typed.variables[index].name
        domain = self.domains[operation.value]
        cases = split_selector(operation.selector)
        parts = []
        for number, case in enumerate(cases):
            column = (np.arange(domain.size) == value)[:, None]
            extra = Match(self.place[operation.value], nothing, column)
            work = Attended("width", (*self.matches(case), extra))
            stem = f"{name}.{suffix}" + (f".case{number + 1}" if len(cases) > 1 else "")
            parts.append(self.add(stem, self.counts_domain(), work))
        if len(parts) == 1:
            return parts[0]
        domains = [self.steps[p].domain for p in parts]
        total = sum(np.ix_(*(np.array(d.values) for d in domains)))
        assert isinstance(total, np.ndarray)
        table = np.where(total <= self.typed.max_len, total, -1).astype(np.int32)
        work = Tabulated(tuple(parts), table)
        return self.add(f"{name}.{suffix}", self.counts_domain(), work)

    def counts_domain(self) -> Domain:
        size = self.typed.max_len + 1
        return Domain(tuple(range(size)), np.ones((self.typed.max_len, size), bool))

    def beats(self, name: str, first: int, second: int) -> int:
        """Return whether the first count is at least the second (ties to the first)."""
        size = self.typed.max_len + 1
        left, right = np.indices((size, size))
        table = np.where(left + right <= self.typed.max_len, left >= right, -1)
        domain = Domain((False, True), np.ones((self.typed.max_len, 2), bool))
        return self.add(
            name, domain, Tabulated((first, second), table.astype(np.int32))
        )

    def all_zero(self, name: str, counts: list[int]) -> int:
        size, number = self.typed.max_len + 1, len(counts)
        grid = np.indices((size,) * number).sum(axis=0) if size**number <= 1e6 else None
        if grid is None:
            raise ProgramError(
                [f"{name!r}: too many counts to compare; give the mode fewer values"],
                self.typed.name,
            )
        table = np.where(grid <= self.typed.max_len, grid == 0, -1).astype(np.int32)
        domain = Domain((False, True), np.ones((self.typed.max_len, 2), bool))
        return self.add(name, domain, Tabulated(tuple(counts), table))


def as_formula(case: Conjunction) -> t.Formula:
    """Return a conjunction as a formula."""
    parts = tuple(t.Atom(m.key, m.query, m.allowed) for m in case)
    if not parts:
        return t.Truth(True)
    return parts[0] if len(parts) == 1 else t.Junction("and", parts)


def _evaluate(
    formula: t.Formula, keys: list[int], queries: list[int], domains: list[Domain]
) -> NDArray[np.bool_]:
    """Return the truth of a formula over all values of its keys and its queries."""
    order = [*[("k", i) for i in keys], *[("q", i) for i in queries]]
    shape = tuple(domains[i].size for _, i in order)

    def truth(item: t.Formula) -> NDArray[np.bool_]:
        match item:
            case t.Truth():
                return np.full((1,) * len(shape), item.value)
            case t.Atom():
                view = [1] * len(shape)
                view[order.index(("k", item.key))] = item.allowed.shape[0]
                view[order.index(("q", item.query))] = item.allowed.shape[1]
                return item.allowed.reshape(view)
            case t.Junction(kind="not"):
                return ~truth(item.parts[0])
        join = np.logical_and if item.kind == "and" else np.logical_or
        result = truth(item.parts[0])
        for part in item.parts[1:]:
            result = join(result, truth(part))
        return result

    return np.broadcast_to(truth(formula), shape)


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
        winner = int(np.argmax(score))
        cell = (*wins, 0) if default >= 0 else wins
        table[cell] = recode[winner]
    if default >= 0:
        table[(1,) * len(pairs) + (1,)] = default
    return table
