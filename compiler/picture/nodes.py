"""The nodes of a picture: what is written in them, and how large they are.

A node has its name and the variables that it writes; at its foot stands a port for
every way that it reads (q, k and v of a head, one for an MLP and the logits), and in
the port a cell for every edge, where that edge's line ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from compiler.machine.names import SLOTS, Edge, Slot
from compiler.picture.drawn import Drawn
from compiler.picture.grid import Grid, Line, RowEntry
from compiler.picture.place import Extent
from compiler.picture.shapes import shorten, text_width

NAME_SIZE, WORD_SIZE = 12.0, 10.0
NAME_LINE, WORD_LINE = 15.0, 12.5
PAD = 7.0
LETTER_LINE, CELL_LINE, BARE_CELL = 13.0, 13.0, 6.0
NARROW_CELL = 15.0
MOST_LINES, LONGEST = 4, 22


@dataclass(frozen=True)
class EdgeEnd:
    """Where one edge ends.

    Attributes:
        edge: the edge.
        text: the variables that it carries, "" where there is no room for text.
        width: in pixels.
    """

    edge: Edge
    text: str
    width: float


@dataclass(frozen=True)
class Port:
    """One way in which a node reads, with its cells from left to right."""

    slot: Slot | None
    cells: tuple[EdgeEnd, ...]

    @property
    def width(self) -> float:
        """The width of all cells."""
        return sum(cell.width for cell in self.cells)


@dataclass(frozen=True)
class DrawnNode:
    """A node to be drawn.

    Attributes:
        name: of the source, or `logits`.
        used: whether it is in the circuit.
        lines: the variables that it writes, shortened.
        title: all of them.
        ports: from left to right.
        width: in pixels.
        words: whether cells hold text.
    """

    name: str
    used: bool
    lines: tuple[str, ...]
    title: str
    ports: tuple[Port, ...]
    width: float
    words: bool

    @property
    def head_height(self) -> float:
        """The height of the part above the ports."""
        if not self.used:
            return NAME_LINE + 4
        return NAME_LINE + WORD_LINE * len(self.lines) + 6

    @property
    def port_height(self) -> float:
        """The height of the ports."""
        if not self.ports:
            return 0.0
        letters = LETTER_LINE if any(port.slot for port in self.ports) else 0.0
        bare = 0.0 if letters else BARE_CELL
        return letters + (CELL_LINE if self.words else bare)

    @property
    def height(self) -> float:
        """The height of all of it."""
        return self.head_height + self.port_height

    @property
    def extent(self) -> Extent:
        """Its size, and where lines end."""
        ends, left = {}, 0.0
        for port in self.ports:
            for cell in port.cells:
                ends[cell.edge] = left + cell.width / 2
                left += cell.width
        return Extent(self.width, self.height, ends)


def make_nodes(circuit: Drawn, grid: Grid, *, words: bool) -> dict[str, DrawnNode]:
    """Return every node of a grid by name.

    Args:
        circuit: for the variables.
        grid: for the order in which lines arrive.
        words: whether cells name the variables that their edges carry.
    """
    used = {*circuit.nodes, "logits"}
    written: dict[str, list[str]] = {}
    for variable, site in circuit.sites.items():
        written.setdefault(site.node, []).append(variable)
    nodes = {}
    for r, row in enumerate(grid.rows):
        for item in row:
            if item.wire:
                continue
            here = [line for line in grid.gaps[r] if line.end == item]
            below = grid.rows[r - 1] if r else ()
            ports = _ports(circuit, here, below, words)
            variables = written.get(item.name, []) if item.name in used else []
            nodes[item.name] = _node(item.name, item.name in used, variables, ports)
    return nodes


def _ports(
    circuit: Drawn, lines: Sequence[Line], below: Sequence[RowEntry], words: bool
) -> tuple[Port, ...]:
    """Return the ports of one node, each line's cell in the order of their starts."""
    ports = []
    for slot in (*SLOTS, None):
        own = [line for line in lines if line.slot == slot and line.edge is not None]
        own.sort(key=lambda line: below.index(line.start))
        cells = []
        for edge in (line.edge for line in own if line.edge is not None):
            text = shorten(", ".join(circuit.carries[edge]), LONGEST) if words else ""
            width = max(NARROW_CELL, text_width(text, WORD_SIZE) + PAD)
            cells.append(EdgeEnd(edge, text, width))
        if cells:
            ports.append(Port(slot, tuple(cells)))
    return tuple(ports)


def _node(
    name: str, used: bool, variables: Sequence[str], ports: tuple[Port, ...]
) -> DrawnNode:
    """Return one node, its cells stretched to its width."""
    lines = [shorten(v, LONGEST) for v in variables]
    if len(lines) > MOST_LINES:
        rest = len(lines) - MOST_LINES + 1
        lines = [*lines[: MOST_LINES - 1], f"and {rest} more"]
    texts = [text_width(name, NAME_SIZE), *(text_width(t, WORD_SIZE) for t in lines)]
    inner = sum(port.width for port in ports)
    width = max(max(texts) + 2 * PAD, inner)
    if ports and inner < width:
        extra = (width - inner) / sum(len(port.cells) for port in ports)
        ports = tuple(
            Port(
                p.slot, tuple(EdgeEnd(c.edge, c.text, c.width + extra) for c in p.cells)
            )
            for p in ports
        )
    title = f"{name}: {', '.join(variables)}" if variables else name
    words = any(cell.text for port in ports for cell in port.cells)
    return DrawnNode(name, used, tuple(lines), title, ports, width, words)
