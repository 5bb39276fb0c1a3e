"""The program over domains: every function a table, every value an index.

What lives here: the third stage's types. Nothing after this stage calls the user's
Python. The interpreter (`ir/interpret.py`) and the passes read these types only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from compiler.ir.domain import Domain
from compiler.ir.formula import Junction, Truth, atoms, with_atoms
from compiler.ir.graph import SourceKind
from compiler.rasp.expr import Rule
from compiler.rasp.values import Value


@dataclass(frozen=True)
class Input:
    """A primitive: tokens, indices or length."""

    kind: SourceKind


@dataclass(frozen=True)
class Fixed:
    """The same value everywhere."""


@dataclass(frozen=True, eq=False)
class Table:
    """A function of the values at one position.

    Attributes:
        args: the nodes read.
        table: [d1, .., dk] index into the node's domain; -1 where the arguments can
            never meet, or where the function is not defined.
        partial: [d1, .., dk] combinations that can meet where the function raised.
        weights: for each argument how much it counts, where the result is the value
            with the greatest sum of weights; see `compiler/rasp/evidence.py`.
    """

    args: tuple[int, ...]
    table: NDArray[np.int32]
    partial: NDArray[np.bool_] | None = None
    weights: tuple[int, ...] | None = None


@dataclass(frozen=True, eq=False)
class Atom:
    """One Select; `allowed` is [key values, query values]."""

    key: int
    query: int
    allowed: NDArray[np.bool_]


Formula = Atom | Junction["Atom"] | Truth


@dataclass(frozen=True, eq=False)
class Width:
    """How many positions are selected; the node's domain is of integers.

    Attributes:
        selector: what is counted.
        lookup: [max_len + 1] count to index in the domain, -1 if impossible.
    """

    selector: Formula
    lookup: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Mean:
    """The exact mean of the selected values.

    Attributes:
        selector: which positions.
        value: the node that is averaged.
        numerators: [value's domain] its values times `denominator`; a value that is
            no number has `numeric` False and makes the mean undefined.
        numeric: [value's domain].
        denominator: common denominator of the values.
        default: index of the result where nothing is selected; -1 if that cannot be.
        lookup: [max_len + 1, span] (count, sum - lowest) to index; -1 if impossible.
        lowest: the smallest sum.
    """

    selector: Formula
    value: int
    numerators: NDArray[np.int64]
    numeric: NDArray[np.bool_]
    denominator: int
    default: int
    lookup: NDArray[np.int32]
    lowest: int


@dataclass(frozen=True, eq=False)
class Pick:
    """The one value that the selected positions hold, or the one a rule takes.

    Attributes:
        selector: which positions.
        value: the node that is read.
        recode: [value's domain] index in this node's domain; -1 if never picked.
        default: index of the result where nothing is selected; -1 if that cannot be.
        rule: `unique`, `first`, `last`, `min`, `max` or `mode`.
        proven: whether `unique` was proven to hold for every input.
    """

    selector: Formula
    value: int
    recode: NDArray[np.int32]
    default: int
    rule: Rule
    proven: bool


Operation = Input | Fixed | Table | Width | Mean | Pick


@dataclass(frozen=True, eq=False)
class Variable:
    """A variable of the program, with its exact domain.

    Attributes:
        name: unique in the program.
        operation: how it is computed.
        domain: what it can hold, by position.
        named: whether the author gave the name.
        note: the author's line of documentation.
        text: the operation as text.
    """

    name: str
    operation: Operation
    domain: Domain
    named: bool
    note: str
    text: str

    @property
    def reads(self) -> tuple[int, ...]:
        """The variables that it is computed from, without repeats, in order."""
        return reads(self.operation)


@dataclass(frozen=True, eq=False)
class Typed:
    """A whole program over a vocabulary and a maximum length.

    Attributes:
        name: the program's.
        variables: in topological order.
        output: index of the result.
        causal: whether positions see only themselves and earlier ones.
        vocab: the tokens, in order.
        max_len: the greatest number of tokens.
        numerical: whether the output is one number, not one of some classes.
        notes: what was checked on a sample and not proven.
        extra: variables that are kept although the output does not need them: what is
            computed beside the program.
        read_extra: how many of `extra`, from the first on, the logits read too, each
            by itself: the outputs of further tasks (`compiler/passes/tasks.py`).
    """

    name: str
    variables: tuple[Variable, ...]
    output: int
    causal: bool
    vocab: tuple[Value, ...]
    max_len: int
    numerical: bool
    notes: tuple[str, ...] = field(default=())
    extra: tuple[int, ...] = ()
    read_extra: int = 0

    def index(self, name: str) -> int:
        """Return the index of the variable called `name`, -1 if there is none."""
        for i, variable in enumerate(self.variables):
            if variable.name == name:
                return i
        return -1


def reads(operation: Operation) -> tuple[int, ...]:
    """Return the variables that an operation reads, without repeats, in order."""
    found: list[int] = []
    match operation:
        case Table():
            found = list(operation.args)
        case Width() | Mean() | Pick():
            found = [i for a in atoms(operation.selector) for i in (a.key, a.query)]
            if not isinstance(operation, Width):
                found.append(operation.value)
    return tuple(dict.fromkeys(found))


def _moved(atom: Atom, place: Sequence[int] | Mapping[int, int]) -> Atom:
    return replace(atom, key=place[atom.key], query=place[atom.query])


def relocated(
    operation: Operation, place: Sequence[int] | Mapping[int, int]
) -> Operation:
    """Return an operation that reads variable `place[i]` where it read variable i."""
    move = partial(_moved, place=place)
    match operation:
        case Table():
            return replace(operation, args=tuple(place[a] for a in operation.args))
        case Width():
            return replace(operation, selector=with_atoms(operation.selector, move))
        case Mean() | Pick():
            selector = with_atoms(operation.selector, move)
            return replace(operation, selector=selector, value=place[operation.value])
    return operation


@runtime_checkable
class Reads(Protocol):
    """What reads earlier ones of a sequence."""

    @property
    def reads(self) -> tuple[int, ...]:
        """The indices of what is read."""
        ...


def needed(items: Sequence[Reads], roots: Iterable[int]) -> set[int]:
    """Return the items that `roots` depend on, themselves included.

    Args:
        items: variables or steps, each after all that it reads.
        roots: indices of some of them.
    """
    found = set(roots)
    for index in reversed(range(len(items))):
        if index in found:
            found |= set(items[index].reads)
    return found


def prune(typed: Typed) -> Typed:
    """Return the program without what neither its output nor `extra` depends on."""
    keep = sorted(needed(typed.variables, [typed.output, *typed.extra]))
    place = {old: new for new, old in enumerate(keep)}
    return replace(
        typed,
        variables=tuple(
            replace(v, operation=relocated(v.operation, place))
            for v in (typed.variables[i] for i in keep)
        ),
        output=place[typed.output],
        extra=tuple(place[i] for i in typed.extra),
    )


def weights_of(operation: Operation) -> tuple[int, ...] | None:
    """Return the weights of a sum of evidence; None of any other operation."""
    return operation.weights if isinstance(operation, Table) else None


def is_partial(variable: Variable) -> bool:
    """Return whether the variable can be undefined although its inputs are not."""
    match variable.operation:
        case Table(partial=mask):
            return mask is not None and bool(mask.any())
        case Mean(numeric=numeric):
            return not bool(numeric.all())
        case Pick(rule="unique", proven=proven):
            return not proven
    return False
