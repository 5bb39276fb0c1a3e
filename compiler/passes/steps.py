"""The steps of a program: what each component computes, and how it is coded.

A step is one variable as one component writes it: an embedding, one attention head, or
one table of an MLP. What it computes is an operation like those of the typed program,
over earlier steps. Its selector is a conjunction, because a head adds up the scores of
its conditions. Which code its values have, and the weights that give them, are added
later (`passes/coding.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

from compiler.ir import typed as t
from compiler.ir.domain import Domain
from compiler.passes.codes import Code, Floats
from compiler.passes.conjuncts import Conjunction
from compiler.passes.scores import Head
from compiler.passes.units import Units


@dataclass(frozen=True, eq=False)
class Step:
    """What one component computes.

    Attributes:
        name: the variable's name, with a suffix where it is derived.
        domain: what it can hold.
        operation: how it is computed from earlier steps.
        variable: index of the program's variable that it is; None where derived.
        positions: the step of `indices`, for a head that reads it besides what the
            operation names: to know the length, or to find the first or last key.
    """

    name: str
    domain: Domain
    operation: t.Operation
    variable: int | None = None
    positions: int | None = None

    @property
    def is_head(self) -> bool:
        """Whether an attention head computes it."""
        length = self.operation == t.Input("length")
        return length or isinstance(self.operation, t.Width | t.Mean | t.Pick)

    @property
    def reads(self) -> tuple[int, ...]:
        """The steps that it reads, without repeats."""
        more = () if self.positions is None else (self.positions,)
        return tuple(dict.fromkeys((*t.reads(self.operation), *more)))

    @property
    def matches(self) -> Conjunction:
        """The conditions that a key meets together to be selected by a head."""
        match self.operation:
            case t.Width() | t.Mean() | t.Pick():
                return tuple(t.atoms(self.operation.selector))
        return ()

    @property
    def value(self) -> int | None:
        """The step that a head reads at the selected keys; None for a width."""
        match self.operation:
            case t.Mean() | t.Pick():
                return self.operation.value
        return self.positions

    @property
    def grade(self) -> int | None:
        """The step whose values order the selected keys for a rule, if there is one."""
        match self.operation:
            case t.Pick(rule="min" | "max"):
                return self.operation.value
            case t.Pick():
                return self.positions
        return None

    @property
    def compared(self) -> list[tuple[int, int | None]]:
        """The steps that each part of a head's scores reads as (key, query)."""
        pairs: list[tuple[int, int | None]] = [(m.key, m.query) for m in self.matches]
        return pairs if self.grade is None else [*pairs, (self.grade, None)]

    def at(self, place: Mapping[int, int]) -> Self:
        """Return the same step, reading step `place[i]` where it read step i."""
        return replace(
            self,
            operation=t.relocated(self.operation, place),
            positions=None if self.positions is None else place[self.positions],
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class CodedStep(Step):
    """A step with its code.

    Attributes:
        code: its rows in its own dimensions.
        weights: of the head or the MLP that writes it; None for an embedding, and for
            a constant, which its readers know.
        bos: [rank] its row at the BOS position; None where that depends on the input.
    """

    code: Code
    weights: Units | Head | None
    bos: Floats | None


@dataclass(frozen=True, eq=False)
class Plan:
    """All steps in topological order.

    Attributes:
        typed: the program.
        steps: what the components compute.
        output: the step of the result.
        extra: the steps of `typed.extra`, which are computed and never read.
    """

    typed: t.Typed
    steps: tuple[CodedStep, ...]
    output: int
    extra: tuple[int, ...] = ()

    @property
    def main(self) -> set[int]:
        """The steps that the result depends on."""
        return t.needed(self.steps, [self.output])
