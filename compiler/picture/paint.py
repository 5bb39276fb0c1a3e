"""Circuit -> Page: every shape of the picture, in its place.

The rows of the grid run upward, from the embeddings to the logits. A line leaves its
source at the top and enters a reader at its foot.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from compiler.machine.names import Slot
from compiler.picture.drawn import Drawn
from compiler.picture.grid import Grid, Line, RowEntry, make_grid
from compiler.picture.nodes import (
    LETTER_LINE,
    NAME_LINE,
    NAME_SIZE,
    PAD,
    WORD_LINE,
    WORD_SIZE,
    DrawnNode,
    make_nodes,
)
from compiler.picture.place import WIRE, place_columns
from compiler.picture.shapes import Box, CurvedLine, DrawnShape, Page, Text, text_width

# Colours that differ for colour-blind readers too (Okabe and Ito 2008).
COLORS: dict[Slot | None, str] = {
    "q": "#0072b2",
    "k": "#d55e00",
    "v": "#00805e",
    None: "#4d4d4d",
}
TINTS: dict[Slot | None, str] = {
    "q": "#dcecf6",
    "k": "#fbe6d8",
    "v": "#d9f0e8",
    None: "#e8e8e8",
}
INK, QUIET, PALE, PALER = "#1a1a1a", "#6e6e6e", "#b8b8b8", "#dddddd"
BAND, WIRE_COLOR, PAPER = "#f6f6f3", "#9c9c9c", "#ffffff"

LEFT, RIGHT, TOP, BOTTOM = 62.0, 18.0, 52.0, 34.0
# A gap is higher where its lines have further to go sideways.
LEAST_GAP, MOST_GAP, SLOPE = 34.0, 96.0, 0.11
ARROW = 6.0
# Above this width the cells lose their text.
WIDEST = 1100.0


@dataclass(frozen=True)
class _Frame:
    """Where everything is: `left` by (row, item), `foot` and `crown` by row."""

    grid: Grid
    nodes: dict[str, DrawnNode]
    left: dict[tuple[int, RowEntry], float]
    foot: list[float]
    crown: list[float]
    width: float
    height: float


def paint(circuit: Drawn, title: str, subtitle: str = "") -> Page:
    """Return the picture of a circuit.

    Args:
        circuit: what is drawn; nodes outside it are pale.
        title: the headline.
        subtitle: a line below it.
    """
    frame = _frame(circuit, words=True)
    if frame.width > WIDEST:
        frame = _frame(circuit, words=False)
    heading = [
        Text(LEFT, 22.0, title, 15.0, INK, bold=True),
        Text(LEFT, 39.0, subtitle, WORD_SIZE, QUIET),
    ]
    legend = _legend(frame, circuit)
    widest = max(text.x + text.width for text in (*heading, *legend)) + RIGHT
    width = max(frame.width, widest)
    shift = (width - frame.width) / 2
    frame = replace(frame, left={key: x + shift for key, x in frame.left.items()})
    shapes: list[DrawnShape] = [
        Box(0.0, 0.0, width, frame.height, PAPER),
        *_bands(frame, circuit, width),
        *_lines(frame, circuit),
        *_nodes(frame),
        *heading,
        *legend,
    ]
    return Page(round(width, 1), round(frame.height, 1), tuple(shapes), title)


def _frame(circuit: Drawn, *, words: bool) -> _Frame:
    grid = make_grid(circuit)
    nodes = make_nodes(circuit, grid, words=words)
    extents = {name: node.extent for name, node in nodes.items()}
    left, width = place_columns(grid, extents)
    left = {key: x + LEFT for key, x in left.items()}
    heights = [
        max(nodes[i.name].height for i in row if not i.wire) for row in grid.rows
    ]
    gaps = [0.0, *(_gap(grid, nodes, left, r) for r in range(1, len(grid.rows)))]
    height = TOP + sum(heights) + sum(gaps) + BOTTOM
    foot, crown, y = [], [], height - BOTTOM
    for tall, gap in zip(heights, gaps, strict=True):
        y -= gap
        foot.append(y)
        y -= tall
        crown.append(y)
    return _Frame(grid, nodes, left, foot, crown, width + LEFT + RIGHT, height)


def _gap(
    grid: Grid,
    nodes: dict[str, DrawnNode],
    left: dict[tuple[int, RowEntry], float],
    row: int,
) -> float:
    """Return the height of the gap below a row."""
    ways = [0.0]
    for line in grid.gaps[row]:
        end = left[row, line.end]
        if line.edge is not None:
            end += nodes[line.end.name].extent.ends[line.edge]
        ways.append(abs(end - _leave(nodes, left, row - 1, line.start)))
    return min(MOST_GAP, LEAST_GAP + SLOPE * max(ways))


def _leave(
    nodes: dict[str, DrawnNode],
    left: dict[tuple[int, RowEntry], float],
    row: int,
    item: RowEntry,
) -> float:
    """Return where lines leave an item, from the left."""
    return left[row, item] + (WIRE if item.wire else nodes[item.name].width) / 2


# Shapes ----------------------------------------------------------------------------


def _bands(frame: _Frame, circuit: Drawn, width: float) -> list[DrawnShape]:
    """Return the background of every layer, and its label."""
    shapes: list[DrawnShape] = []
    for layer in range(circuit.names.n_layers):
        low, high = frame.foot[2 * layer + 1] + 8, frame.crown[2 * layer + 2] - 8
        shapes.append(Box(8.0, high, width - 16, low - high, BAND, radius=6.0))
        label = f"layer {layer}"
        shapes.append(Text(16.0, (low + high) / 2 + 3, label, WORD_SIZE - 1, QUIET))
    return shapes


def _lines(frame: _Frame, circuit: Drawn) -> list[DrawnShape]:
    """Return all lines: wires first, so that edges lie above them."""
    wires = _wires(frame, circuit)
    edges: list[DrawnShape] = []
    for r, line in _lines_by_row(frame):
        x0 = _leave(frame.nodes, frame.left, r - 1, line.start)
        y0, bend, y1 = _start_height(frame, r, line), frame.crown[r - 1], frame.foot[r]
        if line.edge is None:
            x1 = frame.left[r, line.end] + WIRE / 2
            wires.append(_wire(circuit, line.source, x0, y0, bend, x1, y1))
            continue
        x1 = frame.left[r, line.end] + frame.nodes[line.end.name].extent.ends[line.edge]
        carried = ", ".join(circuit.carries[line.edge])
        title = f"{line.edge} carries {carried}" if carried else str(line.edge)
        color = COLORS[line.slot]
        name = str(line.edge)
        edges.append(CurvedLine(x0, y0, bend, x1, y1, color, 1.6, True, title, name))
    return [*wires, *edges]


def _lines_by_row(frame: _Frame) -> Iterator[tuple[int, Line]]:
    for r, lines in enumerate(frame.grid.gaps):
        for line in lines:
            yield r, line


def _start_height(frame: _Frame, row: int, line: Line) -> float:
    """Return the height at which a line of the gap below a row starts."""
    if line.start.wire:
        return frame.crown[row - 1]
    return frame.foot[row - 1] - frame.nodes[line.source].height


def _wires(frame: _Frame, circuit: Drawn) -> list[DrawnShape]:
    """Return the part of every wire that crosses a row, upright."""
    shapes: list[DrawnShape] = []
    for (r, item), left in frame.left.items():
        if item.wire:
            x, low, high = left + WIRE / 2, frame.foot[r], frame.crown[r]
            shapes.append(_wire(circuit, item.name, x, low, high, x, high))
    return shapes


def _wire(
    circuit: Drawn, source: str, x0: float, y0: float, bend: float, x1: float, y1: float
) -> CurvedLine:
    readers = [edge.reader for edge in circuit.edges if edge.source == source]
    title = f"{source} is read by {', '.join(readers)}"
    color, width = WIRE_COLOR, 1.5
    return CurvedLine(x0, y0, bend, x1, y1, color, width, title=title, subject=source)


def _nodes(frame: _Frame) -> Iterator[DrawnShape]:
    for row, item in frame.left:
        if not item.wire:
            for shape in _node(frame, row, item):
                yield replace(shape, subject=item.name)


def _node(frame: _Frame, row: int, item: RowEntry) -> list[DrawnShape]:
    """Return the shapes of one node."""
    node, x = frame.nodes[item.name], frame.left[row, item]
    y = frame.foot[row] - node.height
    middle = x + node.width / 2
    if not node.used:
        size = NAME_SIZE - 2
        return [
            Box(x, y, node.width, node.height, PAPER, PALER, 4.0, node.title),
            Text(middle, y + 13, node.name, size, PALE, "middle"),
        ]
    shapes: list[DrawnShape] = [
        Box(x, y, node.width, node.height, PAPER, INK, 4.0, node.title),
        Text(middle, y + 14, node.name, NAME_SIZE, INK, "middle", bold=True),
    ]
    for i, line in enumerate(node.lines):
        below = y + 14 + NAME_LINE - 2 + WORD_LINE * i
        shapes.append(
            Text(middle, below, line, WORD_SIZE, QUIET, "middle", title=node.title)
        )
    return [*shapes, *_ports(node, x, y + node.head_height)]


def _ports(node: DrawnNode, x: float, y: float) -> list[DrawnShape]:
    """Return the shapes of a node's ports."""
    shapes: list[DrawnShape] = []
    for port in node.ports:
        color = COLORS[port.slot]
        inset = 1.5
        width, height = port.width - 2 * inset, node.port_height - inset
        shapes.append(Box(x + inset, y, width, height, TINTS[port.slot], radius=2.0))
        if port.slot:
            middle = x + port.width / 2
            shapes.append(
                Text(middle, y + 10, port.slot, WORD_SIZE, color, "middle", bold=True)
            )
        below = y + (LETTER_LINE if port.slot else 0.0) + 9
        for cell in port.cells:
            if cell.text:
                middle = x + cell.width / 2
                shapes.append(
                    Text(middle, below, cell.text, WORD_SIZE, color, "middle")
                )
            x += cell.width
    return shapes


def _legend(frame: _Frame, circuit: Drawn) -> list[Text]:
    """Return the line below the picture, in its colours."""
    slots = {circuit.names.reader_parts[edge.reader].slot for edge in circuit.edges}
    words = {
        "q": "q query",
        "k": "k key",
        "v": "v value",
        None: "input of an MLP or the logits",
    }
    texts = [(word, COLORS[slot]) for slot, word in words.items() if slot in slots]
    if any(not node.used for node in frame.nodes.values()):
        texts.append(("pale: outside the circuit", PALE))
    x, shapes = LEFT, []
    for word, color in texts:
        shapes.append(Text(x, frame.height - 12, word, WORD_SIZE, color))
        x += text_width(word, WORD_SIZE) + 2 * PAD
    return shapes
