"""The steps of a model that carries none, read off the names in its circuit.

Releases of the first format hold a program and a circuit, and no steps. Where a
variable `x` took several components, the circuit names them by these suffixes, which
are part of that format and never change (docs/release-format.md):

    x.case1, x.case2, ..    disjoint cases of the selector whose width is x
    x.key, x.query          classes of the keys and the queries that x compares
    x.count0, x.count1, ..  how often each value is selected, where x is the commonest
    x.beats01, x.none       which counts are larger; whether nothing is selected
    x.onehot                the same value as x, held one-hot
    x.clean                 the same value as x, held with less error

Which copy of a value a component reads is what its incoming edges carry. Nothing here
is shared with the compiler, whose ways of dividing a program may change.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from compiler.errors import InputError
from compiler.ir import typed as t
from compiler.ir.domain import Domain, possible
from compiler.ir.formula import with_atoms
from compiler.machine.circuit import Circuit
from zoo.causal.model import ParentSlot

_COPIES = (".onehot", ".onehot.clean", ".clean")
_GIVEN = ("tokens", "positions")
_MANY = 4  # pairs of a key and a query, up to which all orders of them are tried

Move = Callable[[int, ParentSlot], int]
Atoms = tuple[t.Atom, ...]


def derived_steps(program: t.Typed, *circuits: Circuit) -> t.Typed | None:
    """Return the steps of a program, None if each is a variable of the program.

    Args:
        program: over its domains.
        circuits: the circuit, and that of what is computed beside it.

    Raises:
        InputError: the circuit has a variable that the program explains in no way.
    """
    nodes = {n: s.node for c in circuits for n, s in c.sites.items()}
    wanted = {
        n for n, node in nodes.items() if node not in _GIVEN and program.index(n) < 0
    }
    if not wanted:
        return None
    carried: dict[str, set[str]] = {}
    for circuit in circuits:
        for edge, names in circuit.carries.items():
            carried.setdefault(edge.reader, set()).update(names)
    return _Derivation(program, nodes, carried, wanted).read()


@dataclass
class _Derivation:
    """Steps in the making; each reads earlier ones."""

    program: t.Typed
    nodes: Mapping[str, str]
    carried: Mapping[str, set[str]]
    wanted: set[str]
    steps: list[t.Variable] = field(default_factory=list)
    place: dict[str, int] = field(default_factory=dict)

    def read(self) -> t.Typed:
        for variable in self.program.variables:
            self.visit(variable)
        if missing := sorted(self.wanted - set(self.place)):
            raise InputError(
                f"{self.program.name}: the circuit has a variable {missing[0]!r}, and "
                f"the program has {', '.join(v.name for v in self.program.variables)}. "
                "The two do not belong together"
            )
        output = self.program.variables[self.program.output].name
        return replace(
            self.program,
            variables=tuple(self.steps),
            output=self.copy_read(output, "logits"),
            extra=tuple(
                self.place[self.program.variables[i].name] for i in self.program.extra
            ),
        )

    def add(self, name: str, operation: t.Operation, domain: Domain) -> int:
        """Add a step and its copies, and return its place."""
        index = self.place[name] = len(self.steps)
        self.steps.append(t.Variable(name, operation, domain, False, "", name))
        for copy in _COPIES:
            if name + copy in self.wanted and name + copy not in self.place:
                of = self.place.get((name + copy).rpartition(".")[0], index)
                same = t.Table((of,), np.arange(domain.size, dtype=np.int32))
                self.place[name + copy] = len(self.steps)
                self.steps.append(
                    t.Variable(name + copy, same, domain, False, "", name + copy)
                )
        return index

    def visit(self, variable: t.Variable) -> None:
        """Add the steps of one variable of the program."""
        name, operation = variable.name, variable.operation
        if isinstance(operation, t.Width) and f"{name}.case1" in self.wanted:
            operation = self.sum_of_cases(name, operation)
        elif isinstance(operation, t.Pick) and operation.rule == "mode":
            operation = self.commonest(name, operation)
        elif isinstance(operation, t.Mean | t.Pick) and self.is_joint(name):
            operation = self.joint(name, operation)
        else:
            operation = _moved(operation, self.mover(name))
        self.add(name, operation, variable.domain)

    def is_joint(self, name: str) -> bool:
        return bool({f"{name}.key", f"{name}.query"} & self.wanted)

    # Which copy of a variable is read ---------------------------------------------

    def mover(self, name: str) -> Move:
        """Return what gives the step that a component reads for a variable."""
        node = self.nodes.get(name, "")

        def move(index: int, slot: ParentSlot) -> int:
            read = self.program.variables[index].name
            return self.copy_read(read, node if slot == "in" else f"{node}<{slot}>")

        return move

    def copy_read(self, name: str, reader: str) -> int:
        """Return the place of the copy of a step that a reader's edges carry."""
        found = [
            copy
            for copy in (name, *(name + suffix for suffix in _COPIES))
            if copy in self.place and copy in self.carried.get(reader, ())
        ]
        if len(found) > 1:
            raise InputError(
                f"{self.program.name}: {reader} reads {' and '.join(found)}, and the "
                "model does not say which of its steps reads which. Compile or train "
                "it anew: models carry their steps by now"
            )
        return self.place[found[0] if found else name]

    # Variables that take several components ---------------------------------------

    def counted(self, name: str, atoms: Sequence[t.Atom]) -> int:
        """Add the count of what a conjunction selects."""
        move = self.mover(name)
        moved = tuple(_atom(a, move) for a in atoms)
        most = self.program.max_len + 1
        lookup = np.arange(most, dtype=np.int32)
        return self.add(name, t.Width(_both(moved), lookup), self.counts())

    def counts(self) -> Domain:
        most = self.program.max_len + 1
        return Domain(tuple(range(most)), np.ones((most - 1, most), bool))

    def sum_of_cases(self, name: str, width: t.Width) -> t.Table:
        cases = split(width.selector)
        parts = [
            self.counted(f"{name}.case{n}", case) for n, case in enumerate(cases, 1)
        ]
        total = sum(np.indices((self.program.max_len + 1,) * len(parts)))
        possible_total = np.asarray(total) <= self.program.max_len
        found = width.lookup[np.minimum(total, self.program.max_len)]
        table = np.where(possible_total, found, -1).astype(np.int32)
        return t.Table(self.read_by(name, parts), table)

    def read_by(self, name: str, parts: Sequence[int]) -> tuple[int, ...]:
        """Return the copies of some steps that the MLP of a step reads."""
        node = self.nodes.get(name, "")
        return tuple(self.copy_read(self.steps[p].name, node) for p in parts)

    def joint(self, name: str, operation: t.Mean | t.Pick) -> t.Mean | t.Pick:
        """Add the classes of all keys together, and of all queries."""
        found = list(t.atoms(operation.selector))
        keys = list(dict.fromkeys(a.key for a in found))
        queries = list(dict.fromkeys(a.query for a in found))
        domains = [self.program.variables[i].domain for i in (*keys, *queries)]
        sizes = tuple(d.size for d in domains)
        truth = np.broadcast_to(_truth(operation.selector, keys, queries, sizes), sizes)
        flat = truth.reshape(int(np.prod(sizes[: len(keys)])), -1)
        key, key_rows = self.classes(f"{name}.key", keys, flat)
        query, query_rows = self.classes(f"{name}.query", queries, flat.T)
        move, node = self.mover(name), self.nodes.get(name, "")
        atom = t.Atom(
            self.copy_read(self.steps[key].name, f"{node}<k>"),
            self.copy_read(self.steps[query].name, f"{node}<q>"),
            flat[np.ix_(key_rows, query_rows)],
        )
        return replace(operation, selector=atom, value=move(operation.value, "v"))

    def classes(
        self, name: str, members: list[int], flat: np.ndarray
    ) -> tuple[int, np.ndarray]:
        """Return (the step of a joint value, a representative row of each class)."""
        if len(members) == 1:
            read = self.program.variables[members[0]].name
            return self.place[read], np.arange(len(flat))
        live = possible([self.program.variables[m].domain for m in members])
        rows = np.flatnonzero(live)
        _, first, inverse = np.unique(
            flat[rows], axis=0, return_index=True, return_inverse=True
        )
        table = np.full(live.size, -1, np.int32)
        table[rows] = inverse.reshape(-1)
        size = (self.program.max_len, len(first))
        domain = Domain(tuple(range(len(first))), np.ones(size, bool))
        move = self.mover(name)
        args = tuple(move(m, "in") for m in members)
        step = self.add(name, t.Table(args, table.reshape(live.shape)), domain)
        return step, rows[first]

    def commonest(self, name: str, pick: t.Pick) -> t.Table:
        """Add counts of the values, and which is at least as large as which."""
        held = np.flatnonzero(pick.recode >= 0)
        held = held[np.argsort(pick.recode[held])]
        size = self.program.variables[pick.value].domain.size
        nothing = self.add(
            f"{name}.all", t.Fixed(), Domain((True,), self.counts().mask[:, :1])
        )
        counts = []
        for number, value in enumerate(held):
            is_value = (np.arange(size) == value)[:, None]
            extra = t.Atom(pick.value, -1, is_value)
            counts.append(self.count_of(f"{name}.count{number}", pick, extra, nothing))
        boolean = Domain((False, True), self.counts().mask[:, :2])
        left, right = np.indices((self.program.max_len + 1,) * 2)
        wins = np.where(left + right <= self.program.max_len, left >= right, -1)
        flags = []
        for a, b in itertools.combinations(range(len(held)), 2):
            own = f"{name}.beats{a}{b}"
            args = self.read_by(own, (counts[a], counts[b]))
            flags.append(self.add(own, t.Table(args, wins.astype(np.int32)), boolean))
        if pick.default >= 0:
            own = f"{name}.none"
            total = np.indices((self.program.max_len + 1,) * len(held)).sum(axis=0)
            zero = np.where(total <= self.program.max_len, total == 0, -1)
            args = self.read_by(own, counts)
            flags.append(self.add(own, t.Table(args, zero.astype(np.int32)), boolean))
        if not flags:
            return t.Table((nothing,), pick.recode[held][:1].astype(np.int32))
        table = _winners(len(held), pick.recode[held], pick.default)
        return t.Table(self.read_by(name, flags), table)

    def count_of(self, name: str, pick: t.Pick, extra: t.Atom, nothing: int) -> int:
        """Add the count of one value among what is selected."""
        cases = split(pick.selector)
        parts = []
        for number, case in enumerate(cases, 1):
            own = f"{name}.case{number}" if len(cases) > 1 else name
            move = self.mover(own)
            value = replace(extra, key=move(extra.key, "k"), query=nothing)
            atoms = (*(_atom(a, move) for a in case), value)
            lookup = np.arange(self.program.max_len + 1, dtype=np.int32)
            parts.append(self.add(own, t.Width(_both(atoms), lookup), self.counts()))
        if len(parts) == 1:
            return parts[0]
        total = np.indices((self.program.max_len + 1,) * len(parts)).sum(axis=0)
        table = np.where(total <= self.program.max_len, total, -1).astype(np.int32)
        return self.add(name, t.Table(self.read_by(name, parts), table), self.counts())


def _winners(count: int, recode: np.ndarray, default: int) -> np.ndarray:
    """Return the table from which value beats which (and `none`) to the winner."""
    pairs = list(itertools.combinations(range(count), 2))
    shape = (2,) * (len(pairs) + (default >= 0))
    table = np.full(shape, -1, np.int32)
    for wins in itertools.product((0, 1), repeat=len(pairs)):
        score = np.zeros(count, int)
        for (a, b), first in zip(pairs, wins, strict=True):
            score[a if first else b] += 1
        if count > 1 and score.max() < count - 1:
            continue  # no value beats all others, which cannot be
        table[(*wins, 0) if default >= 0 else wins] = recode[score.argmax()]
    if default >= 0:
        table[(1,) * len(shape)] = default
    return table


# Selectors ------------------------------------------------------------------------


def _atom(atom: t.Atom, move: Move) -> t.Atom:
    return replace(atom, key=move(atom.key, "k"), query=move(atom.query, "q"))


def _both(atoms: Atoms) -> t.Formula:
    if not atoms:
        return t.Truth(True)
    return atoms[0] if len(atoms) == 1 else t.Junction("and", atoms)


def _moved(operation: t.Operation, move: Move) -> t.Operation:
    """Return an operation that reads the steps at other places."""

    def moved(atom: t.Atom) -> t.Atom:
        return _atom(atom, move)

    match operation:
        case t.Table(args=args):
            return replace(operation, args=tuple(move(a, "in") for a in args))
        case t.Width():
            return replace(operation, selector=with_atoms(operation.selector, moved))
        case t.Mean() | t.Pick():
            return replace(
                operation,
                selector=with_atoms(operation.selector, moved),
                value=move(operation.value, "v"),
            )
    return operation


def _truth(
    formula: t.Formula, keys: list[int], queries: list[int], sizes: tuple[int, ...]
) -> np.ndarray:
    """Return the truth of a selector over all values of its keys and its queries."""
    match formula:
        case t.Truth(value=value):
            return np.full((1,) * len(sizes), value)
        case t.Atom():
            shape = [1] * len(sizes)
            shape[keys.index(formula.key)] = formula.allowed.shape[0]
            shape[len(keys) + queries.index(formula.query)] = formula.allowed.shape[1]
            return formula.allowed.reshape(shape)
    parts = [_truth(p, keys, queries, sizes) for p in formula.parts]
    if formula.kind == "not":
        return ~parts[0]
    join: Any = np.logical_and if formula.kind == "and" else np.logical_or
    result = parts[0]
    for part in parts[1:]:
        result = join(result, part)
    return result


def split(formula: t.Formula) -> list[Atoms]:
    """Return the disjoint conjunctions that the first format divides a selector into.

    A decision tree over the (key, query) pairs that are compared, in the order of pairs
    that gives the fewest leaves.
    """
    pairs = list(dict.fromkeys((a.key, a.query) for a in t.atoms(formula)))
    orders = itertools.permutations(pairs) if len(pairs) <= _MANY else [tuple(pairs)]
    return min((_leaves(formula, order) for order in orders), key=len)


def _leaves(formula: t.Formula, order: tuple[tuple[int, int], ...]) -> list[Atoms]:
    if isinstance(formula, t.Truth):
        return [()] if formula.value else []
    result: list[Atoms] = []
    for mask, rest in _branches(formula, order[0]):
        for tail in _leaves(rest, order[1:]):
            result.append(tail if mask.all() else (t.Atom(*order[0], mask), *tail))
    return result


def _branches(
    formula: t.Formula, pair: tuple[int, int]
) -> list[tuple[np.ndarray, t.Formula]]:
    """Return which cells of one pair leave which formula over the others."""
    here = [a for a in t.atoms(formula) if (a.key, a.query) == pair]
    if not here:
        return [(np.ones((1, 1), bool), formula)]
    tables = {a.allowed.tobytes(): a.allowed for a in here}
    stacked = np.stack(list(tables.values()), axis=-1)
    found: dict[object, tuple[np.ndarray, t.Formula]] = {}
    for truth in np.unique(stacked.reshape(-1, stacked.shape[-1]), axis=0):
        cells = (stacked == truth).all(axis=-1)
        rest = _given(formula, pair, dict(zip(tables, truth.tolist(), strict=True)))
        old = found.get(_key(rest))
        found[_key(rest)] = (cells if old is None else old[0] | cells, rest)
    return list(found.values())


def _given(
    formula: t.Formula, pair: tuple[int, int], values: Mapping[bytes, bool]
) -> t.Formula:
    """Return a formula with the atoms of one pair replaced by truth values."""
    match formula:
        case t.Atom():
            if (formula.key, formula.query) != pair:
                return formula
            return t.Truth(values[formula.allowed.tobytes()])
        case t.Truth():
            return formula
    parts = [_given(p, pair, values) for p in formula.parts]
    known = [p.value for p in parts if isinstance(p, t.Truth)]
    rest = tuple(p for p in parts if not isinstance(p, t.Truth))
    if formula.kind == "not":
        return t.Truth(not known[0]) if known else t.Junction("not", rest)
    decisive = formula.kind == "or"
    if decisive in known or not rest:
        return t.Truth(decisive if decisive in known else not decisive)
    return rest[0] if len(rest) == 1 else t.Junction(formula.kind, rest)


def _key(formula: t.Formula) -> object:
    """Return a hashable that equal formulas share."""
    match formula:
        case t.Truth(value=value):
            return value
        case t.Atom():
            return (formula.key, formula.query, formula.allowed.tobytes())
    return (formula.kind, tuple(_key(p) for p in formula.parts))
