"""Names of RASP text and what they stand for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from compiler.text import syntax as s
from compiler.text.source import SourceText

_RESERVED = """True False None out get indices tokens_asis tokens_str tokens_int
    tokens_float tokens_bool select aggregate round indicator range zip len"""
RESERVED = frozenset(_RESERVED.split())
"""Names that no program may give to something else."""


@dataclass(frozen=True, eq=False)
class Function:
    """A function that RASP text defines.

    Attributes:
        name: its own.
        definition: its syntax tree.
        scope: where its body looks names up.
        source: the text that it is written in.
    """

    name: str
    definition: s.Define
    scope: NameScope
    source: SourceText


@dataclass(frozen=True, eq=False)
class Builtin:
    """A function of the language itself.

    Attributes:
        name: its own.
        parameters: their names; those from `least` on may be left out.
        least: how many arguments it needs.
        call: takes the arguments.
        rest: whether further arguments may follow.
    """

    name: str
    parameters: tuple[str, ...]
    least: int
    call: Callable[..., Any]
    rest: bool = False


@dataclass(eq=False)
class NameScope:
    """Names with what they stand for; what is not here is looked up in `parent`."""

    parent: NameScope | None = None
    names: dict[str, Any] = field(default_factory=dict)

    def _chain(self) -> Iterator[NameScope]:
        scope: NameScope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    def find(self, name: str) -> Any:
        """Return what a name stands for.

        Raises:
            KeyError: nothing has that name.
        """
        for scope in self._chain():
            if name in scope.names:
                return scope.names[name]
        raise KeyError(name)

    def all_names(self) -> list[str]:
        """Return every name that can be used here, but private ones of the language."""
        return sorted({name for scope in self._chain() for name in scope.names})
