"""What each component computes, before codes are chosen: Typed -> steps.

A step is one variable as one component writes it: an embedding, one attention head,
or one table of an MLP. Selectors become conjunctions here; what does not fit in one
head becomes several steps, whose names are the variable's with a suffix.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from compiler.errors import ProgramError
from compiler.ir import typed as t
from compiler.ir.domain import Domain, constant_domain, indices_domain, possible
from compiler.ir.graph import SourceKind
from compiler.passes.clauses import alike, split_clauses, truth_table, variables_of
from compiler.passes.conjuncts import Conjunction, split_selector
from compiler.passes.scores import HeadKind
from compiler.passes.select import bound, width_range
from compiler.passes.wording import author_text
from compiler.rasp.expr import Rule

# Cells of a joint (keys, queries) table: up to which a selector is taken as a whole,
# above which its cases are looked at one by one, and above which there is none.
_WHOLE_CELLS, _WIDE_CELLS, _JOINT_CELLS = 4_096, 16_384, 4_000_000
# Heads that the cases of one selector may take, and cells of a table of cases.
_MOST_HEADS, _SUM_CELLS = 64, 100_000
# Cases of a selector that are counted one by one, even where one head could do.
_MOST_COUNTED = 8
# Values that `mode` can compare.
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
                    t.Atom(place[m.key], place[m.query], m.allowed)
                    for m in work.matches
                ),
                value=None if work.value is None else place[work.value],
                grade=None if work.grade is None else place[work.grade],
            )
    return work


@dataclass(frozen=True, eq=False)
class _Joint:
    """One condition of the keys and the queries of a clause.

    Attributes:
        keys: the variables that are compared as keys.
        queries: those that are compared as queries.
        key_table: [values of the keys] class of each combination; None for one key.
        query_table: the same of the queries.
        allowed: [key classes, query classes] what is selected.
    """

    keys: list[int]
    queries: list[int]
    key_table: NDArray[np.int32] | None
    query_table: NDArray[np.int32] | None
    allowed: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class _Case:
    """A part of a selector that one head can have.

    Attributes:
        matches: its conditions, in terms of steps.
        formula: in terms of variables, what it selects and perhaps more.
    """

    matches: Conjunction
    formula: t.Formula


def split_steps(
    typed: t.Typed, counted: frozenset[int] = frozenset()
) -> tuple[list[Step], list[int]]:
    """Return (steps, the step of each variable).

    Args:
        typed: the program.
        counted: variables whose mean is a sum over a count, in place of one head.
    """
    splitter = _Splitter(typed, counted)
    for index in range(len(typed.variables)):
        splitter.place.append(splitter.visit(index))
    return splitter.steps, splitter.place


class _Splitter:
    """Builds the list of steps; `place` maps variables to steps."""

    def __init__(self, typed: t.Typed, counted: frozenset[int]) -> None:
        self.typed, self.counted = typed, counted
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
            t.Atom(self.place[m.key], self.place[m.query], m.allowed)
            for m in conjunction
        )

    def width(self, index: int, operation: t.Width) -> int:
        variable = self.typed.variables[index]
        cases = split_selector(operation.selector)
        if len(cases) == 1:
            work = Attended("width", self.matches(cases[0]))
            return self.add(variable.name, variable.domain, work, index)
        if len(cases) > _MOST_COUNTED:
            joint = self.conjunction(index, operation.selector)
            if joint is not None:
                work = Attended("width", joint)
                return self.add(variable.name, variable.domain, work, index)
        parts = []
        for number, case in enumerate(cases, start=1):
            domain = self.width_domain(as_formula(case))
            work = Attended("width", self.matches(case))
            parts.append(self.add(f"{variable.name}.case{number}", domain, work))
        domains = [self.steps[p].domain for p in parts]
        if np.prod([d.size for d in domains], dtype=float) > _SUM_CELLS:
            parts = [self.weighted_sum(f"{variable.name}.sum", parts, [1] * len(parts))]
            domains = [self.steps[parts[0]].domain]
        counts = [np.array(d.values) for d in domains]
        total = sum(np.ix_(*counts)) if len(counts) > 1 else counts[0]
        assert isinstance(total, np.ndarray)
        total = np.clip(total, 0, self.typed.max_len)
        table = np.where(possible(domains), operation.lookup[total], -1)
        work = Tabulated(tuple(parts), table.astype(np.int32))
        return self.add(variable.name, variable.domain, work, index)

    def width_domain(self, formula: t.Formula) -> Domain:
        bounds = bound(formula, self.domains, self.typed.causal)
        low, high = width_range(bounds, self.typed.causal)
        values = np.arange(low.min(), high.max() + 1)
        mask = (values >= low[:, None]) & (values <= high[:, None])
        kept = mask.any(axis=0)
        return Domain(tuple(int(v) for v in values[kept]), mask[:, kept])

    def gather(self, index: int, operation: t.Mean | t.Pick) -> int:
        variable = self.typed.variables[index]
        cases = split_selector(operation.selector)
        if not cases:
            return self.add(variable.name, variable.domain, Constant(), index)
        if len(cases) == 1:
            conjunction = self.matches(cases[0])
        else:
            joint = self.conjunction(index, operation.selector)
            if joint is None:
                self.check_cases(index, operation, cases)
                several = [_Case(self.matches(c), as_formula(c)) for c in cases]
                return self.by_cases(index, operation, several)
            conjunction = joint
        if index in self.counted:
            one = _Case(conjunction, operation.selector)
            return self.by_cases(index, operation, [one])
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

    def conjunction(self, index: int, selector: t.Formula) -> Conjunction | None:
        """Return conditions of joint keys and queries that make any selector.

        None where their tables would be large and the cases of the selector are few.
        """
        name = self.typed.variables[index].name
        cells = self.cells(selector)
        clauses = [selector] if cells <= _WHOLE_CELLS else split_clauses(selector)
        if any(self.alike_cells(c) > _JOINT_CELLS for c in clauses):
            return None
        joints = [self.joint(clause) for clause in clauses]
        if any(j.allowed.size > _WIDE_CELLS for j in joints):
            return None
        several = sum(len(j.keys) + len(j.queries) > 2 for j in joints) > 1
        matches = []
        for number, joint in enumerate(joints, start=1):
            suffix = str(number) if several else ""
            key = self.member(f"{name}.key{suffix}", joint.keys, joint.key_table)
            query = self.member(
                f"{name}.query{suffix}", joint.queries, joint.query_table
            )
            matches.append(t.Atom(key, query, joint.allowed))
        return tuple(matches)

    def cells(self, selector: t.Formula) -> float:
        """Return the combinations of values of all keys and queries of a selector."""
        keys, queries = variables_of(selector)
        sizes = [self.domains[i].size for i in (*keys, *queries)]
        return float(np.prod(sizes, dtype=float))

    def alike_cells(self, clause: t.Formula) -> float:
        """Return the combinations that a table of a clause needs, or that it reads."""
        if isinstance(clause, t.Atom):
            return 0.0
        classes, raw = 1.0, []
        for side, members in zip(("key", "query"), variables_of(clause), strict=True):
            for member in members:
                classes *= alike(clause, member, side).max() + 1.0
            raw.append(float(np.prod([self.domains[m].size for m in members])))
        return max(classes, *raw)

    def joint(self, clause: t.Formula) -> _Joint:
        """Return one condition of a joint key and a joint query for a clause."""
        keys, queries = variables_of(clause)
        if isinstance(clause, t.Atom):
            return _Joint(keys, queries, None, None, clause.allowed)
        classes = [alike(clause, k, "key") for k in keys]
        classes += [alike(clause, q, "query") for q in queries]
        values = [np.unique(c, return_index=True)[1] for c in classes]
        truth = truth_table(clause, keys, queries, values)
        count = int(np.prod([len(v) for v in values[: len(keys)]]))
        flat = truth.reshape(count, -1)
        key_table, key = self.classes(keys, classes[: len(keys)], flat)
        query_table, query = self.classes(queries, classes[len(keys) :], flat.T)
        return _Joint(keys, queries, key_table, query_table, flat[np.ix_(key, query)])

    def classes(
        self,
        members: list[int],
        alike: list[NDArray[np.intp]],
        flat: NDArray[np.bool_],
    ) -> tuple[NDArray[np.int32] | None, NDArray]:
        """Return (class of each combination of values, a row of `flat` for each class).

        Args:
            members: the keys, or the queries.
            alike: for each of them the class of each of its values.
            flat: [combinations of those classes, ..] what is selected.
        """
        if len(members) == 1:
            return None, alike[0]
        live = possible([self.domains[m] for m in members])
        sizes = [int(a.max()) + 1 for a in alike]
        rows = np.ravel_multi_index(np.ix_(*alike), sizes)[live]
        used, place = np.unique(rows, return_inverse=True)
        _, first, inverse = np.unique(
            flat[used], axis=0, return_index=True, return_inverse=True
        )
        table = np.full(live.shape, -1, np.int32)
        table[live] = inverse.reshape(-1)[place.reshape(-1)]
        return table, used[first]

    def member(
        self, name: str, members: list[int], table: NDArray[np.int32] | None
    ) -> int:
        """Return the step of a key or a query: a variable, or a class of several."""
        if table is None:
            return self.place[members[0]]
        size = int(table.max()) + 1
        mask = np.zeros((self.typed.max_len, size), dtype=bool)
        domains = [self.domains[m] for m in members]
        for position in range(self.typed.max_len):
            here = np.ix_(*(np.flatnonzero(d.mask[position]) for d in domains))
            mask[position, table[here]] = True
        domain = Domain(tuple(range(size)), mask)
        args = tuple(self.place[m] for m in members)
        work = Tabulated(args, table) if size > 1 else Constant()
        return self.add(name, domain, work)

    # Selectors that no head can have, case by case --------------------------------

    def check_cases(
        self, index: int, operation: t.Mean | t.Pick, cases: list[Conjunction]
    ) -> None:
        """Raise ProgramError where the cases of a selector take too many heads."""
        heads = len(cases)
        if isinstance(operation, t.Mean):
            heads *= 1 + len(_weights(operation, self.domains))
        if heads <= _MOST_HEADS:
            return
        keys, queries = variables_of(operation.selector)
        raise ProgramError(
            [
                f"{author_text(self.typed, index)}: its selector compares "
                f"{len(keys)} keys with {len(queries)} queries at once, in "
                f"{len(cases)} cases that would take {heads} heads, above the limit "
                f"of {_MOST_HEADS}. Split the selector, or aggregate in two steps."
            ],
            self.typed.name,
        )

    def by_cases(
        self, index: int, operation: t.Mean | t.Pick, cases: list[_Case]
    ) -> int:
        """Return the step of an aggregate whose selector is a union of many heads'."""
        if isinstance(operation, t.Mean):
            return self.mean_by_cases(index, operation, cases)
        variable = self.typed.variables[index]
        name = variable.name
        # Of `first` and `last` the position is found, and what it holds is read after.
        ordered = operation.rule in ("first", "last")
        value = self.positions() if ordered else self.place[operation.value]
        size = self.typed.max_len if ordered else variable.domain.size
        recode = np.arange(size, dtype=np.int32) if ordered else operation.recode
        grade = value if operation.rule != "unique" else None
        highest = operation.rule in ("last", "max")
        mask = np.ones((self.typed.max_len, size + 1), bool)
        # The last value of the domain stands for nothing selected.
        domain = Domain(tuple(range(size + 1)), mask)
        found = [
            self.add(
                f"{name}.case{number}",
                domain,
                Attended(
                    "pick",
                    case.matches,
                    value,
                    recode,
                    size,
                    operation.rule,
                    grade,
                ),
            )
            for number, case in enumerate(cases, start=1)
        ]
        better = _better(size, highest)
        best = self.merged(
            name, found, lambda a, b, n: self.add(n, domain, Tabulated((a, b), better))
        )
        if not ordered:
            table = np.append(np.arange(size), operation.default).astype(np.int32)
            return self.add(name, variable.domain, Tabulated((best,), table), index)
        match = t.Atom(value, best, np.eye(size, size + 1, dtype=bool))
        work = Attended(
            "pick",
            (match,),
            self.place[operation.value],
            operation.recode,
            operation.default,
        )
        return self.add(name, variable.domain, work, index)

    def mean_by_cases(self, index: int, operation: t.Mean, cases: list[_Case]) -> int:
        """Return the step of a mean as a sum over a count, each added up by cases."""
        variable = self.typed.variables[index]
        name = variable.name
        everywhere = self.add(
            f"{name}.all", constant_domain(True, self.typed.max_len), Constant()
        )
        count = self.count_cases(f"{name}.count", cases, None)
        sums, weights = [], _weights(operation, self.domains)
        for number, weight in enumerate(weights, start=1):
            column = ((operation.numerators == weight) & operation.numeric)[:, None]
            match = t.Atom(self.place[operation.value], everywhere, column)
            sums.append(self.count_cases(f"{name}.count{number}", cases, match))
        args, total = [count], np.zeros((self.steps[count].domain.size, 1))
        if sums:
            weighted = self.weighted_sum(f"{name}.sum", sums, weights)
            args.append(weighted)
            total = np.array(self.steps[weighted].domain.values)[None, :]
        counts = np.array(self.steps[count].domain.values)[:, None]
        place = np.clip(total - operation.lowest, 0, operation.lookup.shape[1] - 1)
        table = operation.lookup[counts, place.astype(int)]
        table = np.where(total == place + operation.lowest, table, -1)
        table = np.where(counts == 0, operation.default, table)
        table = table if sums else table[:, 0]
        work = Tabulated(tuple(args), table.astype(np.int32))
        return self.add(name, variable.domain, work, index)

    def count_cases(self, name: str, cases: list[_Case], extra: t.Atom | None) -> int:
        """Return how many keys the cases select that meet one more condition."""
        parts = []
        for number, case in enumerate(cases, start=1):
            domain = self.width_domain(case.formula)
            if extra is not None:
                domain = self.up_to(max(domain.values))
            more = () if extra is None else (extra,)
            work = Attended("width", (*case.matches, *more))
            parts.append(self.add(f"{name}.case{number}", domain, work))
        return self.weighted_sum(name, parts, [1] * len(parts))

    def up_to(self, most: int) -> Domain:
        return Domain(
            tuple(range(most + 1)), np.ones((self.typed.max_len, most + 1), bool)
        )

    def weighted_sum(self, name: str, parts: list[int], weights: list[int]) -> int:
        """Return the sum of counts, each times a weight, added two at a time."""
        factors = dict(zip(parts, weights, strict=True))

        def add(first: int, second: int, name: str) -> int:
            terms = [
                np.array(self.steps[p].domain.values) * factors.get(p, 1)
                for p in (first, second)
            ]
            factors[first] = factors[second] = 1
            domains = [self.steps[p].domain for p in (first, second)]
            total = terms[0][:, None] + terms[1][None, :]
            domain, table = _summed(domains, total, most)
            return self.add(name, domain, Tabulated((first, second), table))

        most = self.typed.max_len * max(map(abs, weights))
        if len(parts) == 1 and weights[0] != 1:
            values = np.array(self.steps[parts[0]].domain.values) * weights[0]
            domain, table = _summed([self.steps[parts[0]].domain], values, most)
            return self.add(name, domain, Tabulated((parts[0],), table))
        return self.merged(name, parts, add)

    def merged(
        self, name: str, parts: list[int], join: Callable[[int, int, str], int]
    ) -> int:
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

    def mode(self, index: int, operation: t.Pick) -> int:
        """Count each value, compare all pairs of counts, take the one that wins."""
        variable = self.typed.variables[index]
        value = self.typed.variables[operation.value]
        held = np.flatnonzero(operation.recode >= 0)
        held = held[np.argsort(operation.recode[held])]  # ties go to the smallest
        if len(held) > _MODE_VALUES:
            raise ProgramError(
                [
                    f"{author_text(self.typed, index)}: the rule 'mode' "
                    f"compares the counts of {len(held)} values, and it is limited "
                    f"to {_MODE_VALUES}. Map the values to fewer classes first."
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
            flags.append(self.all_zero(index, f"{variable.name}.none", counts))
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
            extra = t.Atom(self.place[operation.value], nothing, column)
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

    def all_zero(self, index: int, name: str, counts: list[int]) -> int:
        size, number = self.typed.max_len + 1, len(counts)
        grid = np.indices((size,) * number).sum(axis=0) if size**number <= 1e6 else None
        if grid is None:
            raise ProgramError(
                [
                    f"{author_text(self.typed, index)}: too many counts to "
                    "compare; give the mode fewer values"
                ],
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


def _weights(operation: t.Mean, domains: list[Domain]) -> list[int]:
    """Return the numbers other than 0 that a mean may add up, without repeats."""
    held = domains[operation.value].mask.any(axis=0) & operation.numeric
    return sorted({int(n) for n in operation.numerators[held]} - {0})


def can_be_counted(typed: t.Typed, index: int) -> bool:
    """Return whether a variable is a mean that few heads can add up exactly."""
    operation = typed.variables[index].operation
    if not isinstance(operation, t.Mean):
        return False
    return len(_weights(operation, [v.domain for v in typed.variables])) < _MOST_HEADS


def _better(size: int, highest: bool) -> NDArray[np.int32]:
    """Return the table of the lower or the higher of two; `size` stands for none."""
    left, right = np.indices((size + 1, size + 1), dtype=np.int32)
    best = np.maximum(left, right) if highest else np.minimum(left, right)
    best = np.where(left == size, right, best)
    return np.where(right == size, left, best).astype(np.int32)


def _summed(
    domains: list[Domain], total: NDArray[np.int64], most: int
) -> tuple[Domain, NDArray[np.int32]]:
    """Return (the domain of a sum of two counts, its table); `most` bounds its size."""
    live = possible(domains) & (np.abs(total) <= most)
    values, inverse = np.unique(total[live], return_inverse=True)
    table = np.full(total.shape, -1, np.int32)
    table[live] = inverse.reshape(-1)
    mask = np.zeros((len(domains[0].mask), len(values)), bool)
    for position in range(len(mask)):
        here = np.ix_(*(np.flatnonzero(d.mask[position]) for d in domains))
        sums = np.unique(table[here])
        mask[position, sums[sums >= 0]] = True
    return Domain(tuple(int(v) for v in values), mask), table


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
