"""What a picture shows of a circuit. A `Circuit` has it all; so can something else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from compiler.machine.names import Edge, Names


@runtime_checkable
class Located(Protocol):
    """A variable's place: the node that writes it."""

    @property
    def node(self) -> str:
        """The name of the node."""
        ...


@runtime_checkable
class Drawn(Protocol):
    """A circuit as the picture takes it."""

    @property
    def names(self) -> Names:
        """The names of the transformer."""
        ...

    @property
    def edges(self) -> tuple[Edge, ...]:
        """The edges that are drawn."""
        ...

    @property
    def nodes(self) -> tuple[str, ...]:
        """The nodes at either end of an edge."""
        ...

    @property
    def sites(self) -> Mapping[str, Located]:
        """Where each variable lives."""
        ...

    @property
    def carries(self) -> Mapping[Edge, tuple[str, ...]]:
        """The variables that each edge carries."""
        ...
