"""What has one score: an edge into q, k or v, an edge into a head, or a node.

Each of these is called an *item* of its level. Every edge of the transformer belongs to
one item of a level, so one array of indices takes scores and truth from edges to items.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from compiler.errors import InputError, unknown_name
from compiler.machine.names import ARROW, INPUT, Names

KINDS = ("qkv", "head", "node")


@dataclass(frozen=True)
class Level:
    """A granularity for one architecture.

    Args:
        names: the transformer's.
        kind: `qkv` (edges into each input of a head), `head` (the three as one), or
            `node` (all edges from one source).
        merged: whether `tokens` and `positions` are one source, `input`.
    """

    names: Names
    kind: str = "qkv"
    merged: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise unknown_name("granularity", self.kind, KINDS)

    def __str__(self) -> str:
        return self.kind + (", one input" if self.merged else "")

    @cached_property
    def items(self) -> tuple[str, ...]:
        """The names of the items, in the order of the edges."""
        return tuple(dict.fromkeys(self._spell(s, r) for r, s in self._entries))

    @cached_property
    def index(self) -> Int[np.ndarray, "reader source"]:
        """Which item an edge belongs to; -1 where there is no edge."""
        place = {name: i for i, name in enumerate(self.items)}
        index = np.full(self.names.visible.shape, -1)
        for reader, source in self._entries:
            index[reader, source] = place[self._spell(source, reader)]
        index.flags.writeable = False
        return index

    def collect(
        self, values: Float[np.ndarray, "reader source"]
    ) -> Float[np.ndarray, " item"]:
        """Return the greatest value of an item's edges."""
        return self._greatest(values.astype(np.float64), -np.inf)

    def any_of(
        self, mask: Bool[np.ndarray, "reader source"]
    ) -> Bool[np.ndarray, " item"]:
        """Return which items have an edge that is in the mask."""
        return self._greatest(mask, False)

    def spread(
        self, chosen: Bool[np.ndarray, " item"]
    ) -> Bool[np.ndarray, "reader source"]:
        """Return the mask of all edges of the chosen items."""
        return np.where(self.index >= 0, chosen[self.index], False)

    def holds(self, other: Level) -> bool:
        """Return whether each of the other's items is a union of items of this one."""
        finer = KINDS.index(self.kind) <= KINDS.index(other.kind)
        return self.names == other.names and finer and self.merged <= other.merged

    def parents(self, other: Level) -> Int[np.ndarray, " item"]:
        """Return the item of a coarser level that each item here belongs to."""
        if not self.holds(other):
            raise InputError(
                f"scores at the granularity '{self}' do not say what they are at "
                f"'{other}': the second is finer. Score them at '{self}' or a coarser "
                "one"
            )
        parents = np.full(len(self.items), -1)
        seen = self.index >= 0
        parents[self.index[seen]] = other.index[seen]
        return parents

    @cached_property
    def _entries(self) -> list[tuple[int, int]]:
        return [(int(r), int(s)) for r, s in np.argwhere(self.names.visible)]

    def _spell(self, source: int, reader: int) -> str:
        name = self.names.sources[source]
        if self.merged and name in ("tokens", "positions"):
            name = INPUT
        if self.kind == "node":
            return name
        end = self.names.readers[reader]
        return f"{name}{ARROW}{self.names.node_of(end) if self.kind == 'head' else end}"

    def _greatest(self, values: np.ndarray, least: float | bool) -> np.ndarray:
        found = np.full(len(self.items), least, values.dtype)
        seen = self.index >= 0
        np.maximum.at(found, self.index[seen], values[seen])
        return found


def levels(names: Names) -> tuple[Level, ...]:
    """Return every level, finest first."""
    return tuple(Level(names, kind, m) for kind in KINDS for m in (False, True))
