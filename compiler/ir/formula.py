"""A selector as a Boolean formula over leaves of any type.

The leaves are comparisons of a key with a query: by a function of the author in the
graph (`graph.Atom`), by a table over domains in the typed program (`typed.Atom`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

Leaf = TypeVar("Leaf")
Other = TypeVar("Other")


@dataclass(frozen=True)
class Truth:
    """Everything, or nothing."""

    value: bool


@dataclass(frozen=True)
class Junction(Generic[Leaf]):
    """`and` / `or` / `not` of formulas."""

    kind: Literal["and", "or", "not"]
    parts: tuple[Formula[Leaf], ...]


Formula = Leaf | Junction[Leaf] | Truth


def atoms(formula: Formula[Leaf]) -> Iterator[Leaf]:
    """Yield the leaves of a formula, left to right."""
    if isinstance(formula, Junction):
        for part in formula.parts:
            yield from atoms(part)
    elif not isinstance(formula, Truth):
        yield formula


def with_atoms(
    formula: Formula[Leaf], new: Callable[[Leaf], Formula[Other]]
) -> Formula[Other]:
    """Return the formula with `new(leaf)` in the place of each leaf."""
    match formula:
        case Truth():
            return formula
        case Junction():
            parts = tuple(with_atoms(part, new) for part in formula.parts)
            return Junction(formula.kind, parts)
    return new(formula)
