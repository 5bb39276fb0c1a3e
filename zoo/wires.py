"""A circuit as text: every source is a wire, and every row a node that reads wires.

    tokens     ●                            tokens
    positions  │   ●                        indices
    a0.h0      │   v───●                    length
    m0         │   r───r───●                opposite_index
    a1.h0      v───k───────q───●            output
    logits                     r

Time runs down. A row's letters say how the node reads the wires above it, its dot
starts a wire of its own.
"""

from __future__ import annotations

from compiler.machine.circuit import Circuit
from compiler.picture.shapes import shorten

LEGEND = "● written   q k v read as query, key, value   r read by an MLP or the logits"
# A cell is one letter a slot, at most three; a fourth character keeps cells apart.
_CELL, _LEAST_WORDS = 4, 12


def draw_wires(circuit: Circuit, width: int = 80, indent: str = "  ") -> list[str]:
    """Return the circuit as lines.

    Args:
        circuit: what is drawn; nodes outside it are left out.
        width: of a line. Variables are cut to what remains of it, or left out where
            hardly anything does; the wires themselves are never cut.
        indent: put in front of every line.
    """
    names = circuit.names
    sources = [n for n in circuit.nodes if any(e.source == n for e in circuit.edges)]
    column = {name: i for i, name in enumerate(sources)}
    last = {e.source: _order(circuit, names.node_of(e.reader)) for e in circuit.edges}
    labels = max(len(name) for name in (*circuit.nodes, "logits")) + 2
    room = width - len(indent) - labels - _CELL * len(sources)
    lines = []
    for node in (*circuit.nodes, "logits"):
        cells = _row(circuit, node, sources, column, last)
        words = ", ".join(v for v, site in circuit.sites.items() if site.node == node)
        text = shorten(words, room) if room >= _LEAST_WORDS else ""
        lines.append(f"{indent}{node:{labels}}{''.join(cells)}{text}".rstrip())
    return lines


def _order(circuit: Circuit, node: str) -> int:
    """Return when a node reads, as a number."""
    sources = circuit.names.sources
    return sources.index(node) if node in sources else len(sources)


def _row(
    circuit: Circuit,
    node: str,
    sources: list[str],
    column: dict[str, int],
    last: dict[str, int],
) -> list[str]:
    """Return the cells of one node's row."""
    now = _order(circuit, node)
    reads: dict[int, str] = {}
    for edge in circuit.edges:
        part = circuit.names.reader_parts[edge.reader]
        if part.node == node:
            place = column[edge.source]
            reads[place] = reads.get(place, "") + (part.slot or "r")
    ends = [*reads, *([column[node]] if node in column else [])]
    first, stop = min(ends, default=0), max(ends, default=-1)
    cells = []
    for place, source in enumerate(sources):
        start, end = _order(circuit, source), last[source]
        inside = first <= place < stop
        if place in reads:
            sign = reads[place]
        elif source == node:
            sign = "●"
        elif start < now < end:
            sign = "┼" if first < place < stop else "│"
        else:
            sign = "─" if first < place < stop else " "
        cells.append(sign.ljust(_CELL, "─" if inside else " "))
    return cells
