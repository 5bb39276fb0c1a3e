"""The small picture of a circuit, for the list: dots for nodes, lines for edges."""

from __future__ import annotations

from compiler.machine.circuit import Circuit
from compiler.machine.names import Names, Part
from compiler.picture.grid import level_of
from zoo.gallery.markup import Markup, number, tag

_WIDE, _HIGH = 220.0, 124.0
_STYLE = (
    "path{fill:none;stroke-width:1.3;stroke-opacity:.75}.q{stroke:#0072b2}"
    ".k{stroke:#d55e00}.v{stroke:#00805e}.n{stroke:#666}circle{fill:#d9d9d4}"
    ".u{fill:#1d2733}@media(prefers-color-scheme:dark){.q{stroke:#56b4e9}"
    ".k{stroke:#f0894a}.v{stroke:#3fc79a}.n{stroke:#999}circle{fill:#3a414b}"
    ".u{fill:#e8edf2}}"
)


def small_svg(circuit: Circuit) -> bytes:
    """Return a small picture of a circuit: dots for nodes, lines for edges."""
    names = circuit.names
    places = _dots(names)
    used = {*circuit.nodes, "logits"}
    lines = [
        tag(
            "path",
            d=_bow(places[edge.source], places[names.node_of(edge.reader)]),
            class_=names.reader_parts[edge.reader].slot or "n",
        )
        for edge in circuit.edges
    ]
    dots = [
        tag(
            "circle",
            cx=number(x),
            cy=number(y),
            r="3.4" if name in used else "2.2",
            class_="u" if name in used else None,
        )
        for name, (x, y) in places.items()
    ]
    inner = [Markup(f"<style>{_STYLE}</style>"), lines, dots]
    whole = tag(
        "svg",
        inner,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {number(_WIDE)} {number(_HIGH)}",
        width=number(_WIDE),
        height=number(_HIGH),
    )
    return f"{whole}\n".encode()


def _dots(names: Names) -> dict[str, tuple[float, float]]:
    """Return where each node is: embeddings below, the logits on top."""
    parts = {**names.source_parts, "logits": Part("logits")}
    rows = {name: level_of(part, names.n_layers) for name, part in parts.items()}
    places = {}
    for level in range(2 * names.n_layers + 2):
        here = [name for name in parts if rows[name] == level]
        gap = min(26.0, (_WIDE - 24) / max(len(here), 1))
        y = _HIGH - 8 - level * (_HIGH - 16) / (2 * names.n_layers + 1)
        for place, name in enumerate(here):
            x = _WIDE / 2 + (place - (len(here) - 1) / 2) * gap
            places[name] = (x, y)
    return places


def _bow(start: tuple[float, float], end: tuple[float, float]) -> str:
    """Return a curve upwards, further to the side the more rows it passes."""
    (x0, y0), (x1, y1) = start, end
    middle = (y0 + y1) / 2
    away = 0.0 if abs(y0 - y1) < 30 else (y0 - y1) * (0.35 if x0 >= x1 else -0.35)
    c0, c1 = number(x0 + away), number(x1 + away)
    return (
        f"M{number(x0)} {number(y0)}C{c0} {number(middle)} {c1} {number(middle)} "
        f"{number(x1)} {number(y1)}"
    )
