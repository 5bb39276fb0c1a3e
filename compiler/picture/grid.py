"""A circuit on its grid: rows of nodes, and of wires that pass between them.

Row 0 holds the embeddings; above it each layer has a row of heads and a row with its
MLP, and the last row holds the logits. A source that is read further up than in the
next row passes the rows between as a *wire*: one item in each. Nodes of a row stay in
the order of their names; wires are put where the fewest lines cross.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from compiler.machine.names import SLOTS, Edge, Part, Slot
from compiler.picture.drawn import Drawn

# How often the order of every row is improved; it settles in two or three.
_SWEEPS = 4
# A line from one end of a row to the other is as bad as this many crossings.
_SIDEWAYS = 6.0


@dataclass(frozen=True)
class RowEntry:
    """One thing in a row: a node, or the wire of a source further down."""

    name: str
    wire: bool = False


@dataclass(frozen=True)
class Line:
    """What runs through one gap, from a row to the next.

    Attributes:
        source: whose write it is.
        start: the item below.
        end: the item above: the source's wire, or a node that reads it.
        edge: the edge that ends there; None for the wire.
        slot: of that edge.
    """

    source: str
    start: RowEntry
    end: RowEntry
    edge: Edge | None = None
    slot: Slot | None = None


@dataclass(frozen=True)
class Grid:
    """Rows of items from the embeddings up, and the lines of the gap below each.

    Attributes:
        rows: items from left to right.
        gaps: `gaps[r]` are the lines from row r - 1 to row r; there are none below 0.
    """

    rows: tuple[tuple[RowEntry, ...], ...]
    gaps: tuple[tuple[Line, ...], ...]


def make_grid(circuit: Drawn) -> Grid:
    """Return the grid of a circuit; nodes outside it have their places too."""
    parts = {**circuit.names.source_parts, "logits": Part("logits")}
    levels = {
        name: level_of(part, circuit.names.n_layers) for name, part in parts.items()
    }
    top: dict[str, int] = {}
    for edge in circuit.edges:
        level = levels[circuit.names.node_of(edge.reader)]
        top[edge.source] = max(top.get(edge.source, 0), level)
    rows: list[list[RowEntry]] = [[] for _ in range(max(levels.values()) + 1)]
    for name, level in levels.items():
        rows[level].append(RowEntry(name))
    for name in levels:
        for level in range(levels[name] + 1, top.get(name, 0)):
            rows[level].append(RowEntry(name, wire=True))
    gaps = tuple(tuple(_lines(circuit, levels, top, r)) for r in range(len(rows)))
    _untangle(rows, gaps)
    return Grid(tuple(tuple(row) for row in rows), gaps)


def level_of(part: Part, n_layers: int) -> int:
    """Return the row of a node, from the embeddings up."""
    if part.kind == "logits":
        return 2 * n_layers + 1
    if part.layer is None:
        return 0
    return 2 * part.layer + (2 if part.kind == "mlp" else 1)


def _lines(
    circuit: Drawn, levels: dict[str, int], top: dict[str, int], row: int
) -> Iterator[Line]:
    """Yield the lines of the gap below a row."""
    for name, level in levels.items():
        if level < row < top.get(name, 0):
            yield Line(name, RowEntry(name, level < row - 1), RowEntry(name, wire=True))
    for edge in circuit.edges:
        reader = circuit.names.reader_parts[edge.reader]
        if levels[reader.node] == row:
            start = RowEntry(edge.source, wire=levels[edge.source] < row - 1)
            yield Line(edge.source, start, RowEntry(reader.node), edge, reader.slot)


# The order within rows -------------------------------------------------------------


def _untangle(rows: list[list[RowEntry]], gaps: Sequence[Sequence[Line]]) -> None:
    """Move wires within their rows until no move makes the picture clearer."""
    wires = dict.fromkeys(item for row in rows for item in row if item.wire)
    for sweep in range(_SWEEPS):
        for wire in wires:
            _move_all(rows, gaps, wire)
        order = range(1, len(rows) - 1)
        for level in order if sweep % 2 == 0 else reversed(order):
            for item in [item for item in rows[level] if item.wire]:
                _move(rows, gaps, level, item)


def _move(
    rows: list[list[RowEntry]],
    gaps: Sequence[Sequence[Line]],
    level: int,
    item: RowEntry,
) -> None:
    """Put a wire where one row is clearest."""
    rest = [other for other in rows[level] if other != item]
    orders = [[*rest[:i], item, *rest[i:]] for i in range(len(rest) + 1)]
    costs = []
    for order in orders:
        rows[level] = order
        costs.append(sum(_cost(rows, gaps[row], row) for row in (level, level + 1)))
    rows[level] = orders[int(np.argmin(costs))]


def _move_all(
    rows: list[list[RowEntry]], gaps: Sequence[Sequence[Line]], wire: RowEntry
) -> None:
    """Put a wire at one side of all the rows that it passes, if that is clearer."""
    levels = [level for level, row in enumerate(rows) if wire in row]
    rest = {level: [i for i in rows[level] if i != wire] for level in levels}
    options = [
        {level: rows[level] for level in levels},
        {level: [*rest[level], wire] for level in levels},
        {level: [wire, *rest[level]] for level in levels},
    ]
    costs = []
    for option in options:
        for level, order in option.items():
            rows[level] = order
        touched = range(levels[0], levels[-1] + 2)
        costs.append(sum(_cost(rows, gaps[row], row) for row in touched))
    for level, order in options[int(np.argmin(costs))].items():
        rows[level] = order


def _cost(rows: list[list[RowEntry]], lines: Sequence[Line], row: int) -> float:
    """Return how tangled the gap below a row is: crossings, and ways to the side."""
    starts, ends = _ends(rows, lines, row)
    return _crossings(starts, ends) + _SIDEWAYS * float(np.abs(starts - ends).sum())


def _ends(
    rows: list[list[RowEntry]], lines: Sequence[Line], row: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return where lines start and end, as fractions of the width of their rows."""
    below = {item: i for i, item in enumerate(rows[row - 1])}
    above = {item: i for i, item in enumerate(rows[row])}
    slots = {slot: (i + 1) / 4 for i, slot in enumerate(SLOTS)}
    starts = [(below[line.start] + 0.5) / len(below) for line in lines]
    ends = [
        (above[line.end] + (slots[line.slot] if line.slot else 0.5)) / len(above)
        for line in lines
    ]
    return np.array(starts), np.array(ends)


def _crossings(starts: np.ndarray, ends: np.ndarray) -> int:
    """Return how many pairs of lines change sides."""
    sides = np.subtract.outer(starts, starts) * np.subtract.outer(ends, ends)
    return int((sides < 0).sum()) // 2
