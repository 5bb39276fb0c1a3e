"""Scores: a number for every item of a level, as a method returns them."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
from jaxtyping import Bool, Float

from compiler.errors import InputError, count
from compiler.machine.names import ARROW, Names
from zoo.cases.levels import Level

FORMAT = "circuitzoo.scores"


@dataclass(frozen=True, eq=False)
class Scores:
    """A number for every item; positive if the item helps, so that patching it hurts.

    Args:
        level: what the items are.
        values: [item], in the order of `level.items`.
        filled: how many items had no score and were given one by `missing=`.
        source: where the scores come from: the format that was read, or a method.
        is_circuit: whether the scores are a circuit and not a ranking: 1 inside the
            circuit, 0 outside.

    Raises:
        InputError: there are too few or too many, or one is NaN.
    """

    level: Level
    values: Float[np.ndarray, " item"]
    filled: int = 0
    source: str = ""
    is_circuit: bool = False

    def __post_init__(self) -> None:
        values = np.array(self.values, np.float64)
        if values.shape != (len(self.level.items),):
            raise InputError(
                f"scores: {values.shape[0] if values.ndim == 1 else values.shape} "
                f"numbers, expected {len(self.level.items)} at '{self.level}', in the "
                "order of its items"
            )
        if len(bad := np.flatnonzero(np.isnan(values))):
            raise InputError(
                f"scores: found {count(len(bad), 'NaN')}, the first for "
                f"{self.level.items[bad[0]]}. Give each a number; a dict may leave out "
                "what you did not measure (then say missing=)"
            )
        values.flags.writeable = False
        object.__setattr__(self, "values", values)

    @classmethod
    def from_edges(
        cls, names: Names, values: Float[Any, "reader source"], source: str = ""
    ) -> Scores:
        """Return the scores of edges, from an array laid out like an edge mask."""
        level = Level(names)
        array = np.asarray(values, np.float64)
        if array.shape != names.visible.shape:
            raise InputError(
                f"scores: an array of shape {array.shape}, expected [reader, source] = "
                f"{names.visible.shape}"
            )
        return cls(level, array[names.visible], source=source)

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, item: str) -> float:
        return self.to_dict()[item]

    def __repr__(self) -> str:
        return f"<Scores: {len(self)} at {self.level}>"

    def at_level(self, level: Level) -> Scores:
        """Return the scores at a coarser level, for each item the greatest of its own.

        Raises:
            InputError: the level is finer, or of another architecture.
        """
        if level == self.level:
            return self
        found = np.full(len(level.items), -np.inf)
        np.maximum.at(found, self.level.parents(level), self.values)
        return replace(self, level=level, values=found)

    def magnitude(self) -> Scores:
        """Return the absolute values."""
        return replace(self, values=np.abs(self.values))

    def negative(self) -> Bool[np.ndarray, " item"]:
        """Return which items have a score below zero."""
        return self.values < 0

    def to_dict(self) -> dict[str, float]:
        """Return the scores by name."""
        return dict(zip(self.level.items, self.values.tolist(), strict=True))

    def to_json(self) -> dict[str, Any]:
        """Return the scores as JSON values; `read_scores` takes them."""
        names = self.level.names
        return {
            "format": FORMAT,
            "format_version": 1,
            "n_layers": names.n_layers,
            "n_heads": names.n_heads,
            **({"is_circuit": True} if self.is_circuit else {}),
            "scores": self.to_dict(),
        }

    def to_csv(self, path: str | Path) -> None:
        """Write a row for every item: its name, its score, to the last digit."""
        with Path(path).open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(("item" if self.level.kind == "node" else "edge", "score"))
            rows.writerows((item, repr(v)) for item, v in self.to_dict().items())

    def to_networkx(self) -> nx.MultiDiGraph:
        """Return a graph of nodes whose edges have `score`, keyed by their readers.

        Raises:
            InputError: the scores are of nodes.
        """
        if self.level.kind == "node":
            raise InputError(
                "to_networkx: these are scores of nodes, and a graph has scores of "
                "edges. Write them with to_csv or to_json"
            )
        graph = nx.MultiDiGraph()
        for item, value in self.to_dict().items():
            source, _, reader = item.partition(ARROW)
            node = reader.partition("<")[0]
            graph.add_edge(source, node, key=reader, reader=reader, score=value)
        return graph
