"""The picture of a circuit as SVG for a page: classes for colours, names for parts.

The shapes are those of `compiler.picture`. A node is a group with `data-node`, an edge
one with `data-edge`; the style sheet colours both, and a script lets them be chosen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from compiler.machine.circuit import Circuit
from compiler.picture.paint import (
    BAND,
    COLORS,
    INK,
    PALE,
    PALER,
    PAPER,
    QUIET,
    TINTS,
    WIRE_COLOR,
)
from compiler.picture.shapes import Box, CurvedLine, DrawnShape, Page, Text
from zoo.gallery.markup import Markup, number, tag

_CLASSES = {
    BAND: "band",
    INK: "ink",
    PALE: "pale",
    PALER: "paler",
    PAPER: "paper",
    QUIET: "soft",
    WIRE_COLOR: "wire",
    **{color: f"slot-{slot or 'all'}" for slot, color in COLORS.items()},
    **{color: f"tint-{slot or 'all'}" for slot, color in TINTS.items()},
}
_TOP = 30.0
"""How much of the picture's top holds its title, which the page has already."""


def circuit_svg(circuit: Circuit, label: str) -> Markup:
    """Return the picture of a circuit, with its nodes and edges to be chosen.

    Args:
        circuit: what is drawn.
        label: what the picture is called, for those who do not see it.
    """
    page = circuit.picture("", " ").page  # the page has a title
    parts = [_part(subject, list(shapes)) for subject, shapes in _grouped(page)]
    size = f"0 {number(_TOP)} {number(page.width)} {number(page.height - _TOP)}"
    return tag(
        "svg",
        parts,
        viewBox=size,
        width=number(page.width),
        height=number(page.height - _TOP),
        role="group",
        aria_label=label,
        class_="circuit",
    )


def _grouped(page: Page) -> Iterator[tuple[tuple[str, str], Iterable[DrawnShape]]]:
    """Yield ((what it is, its name), shapes) from back to front, without the paper."""
    return groupby(page.shapes[1:], key=_subject)


def _subject(shape: DrawnShape) -> tuple[str, str]:
    if not shape.subject:
        return "", ""
    if isinstance(shape, CurvedLine):
        return ("edge" if shape.arrow else "wire"), shape.subject
    return "node", shape.subject


def _part(subject: tuple[str, str], shapes: list[DrawnShape]) -> Markup:
    kind, name = subject
    drawn = [_shape(shape) for shape in shapes]
    if kind == "wire":
        return tag("g", drawn, data_wire=name)
    if kind == "":
        return tag("g", drawn)
    if kind == "edge":
        label = f"edge {name}"
        known = {"data_edge": name, "aria_label": label, "class_": "part edge"}
        return tag("g", drawn, tabindex="0", role="button", **known)
    if _is_used(shapes):  # what is written in it names it
        return tag(
            "g",
            drawn,
            tabindex="0",
            role="button",
            data_node=name,
            class_="part node",
        )
    return tag("g", drawn, data_node=name, class_="outside")


def _is_used(shapes: list[DrawnShape]) -> bool:
    return any(isinstance(s, Box) and s.stroke == INK for s in shapes)


def _shape(shape: DrawnShape) -> list[Markup]:
    match shape:
        case Box():
            return [_box(shape)]
        case Text():
            return [_text(shape)]
        case CurvedLine():
            return _curve(shape)


def _box(box: Box) -> Markup:
    stroke = f" line-{_CLASSES[box.stroke]}" if box.stroke else ""
    return tag(
        "rect",
        x=number(box.x),
        y=number(box.y),
        width=number(box.width),
        height=number(box.height),
        rx=number(box.radius) if box.radius else None,
        class_=f"fill-{_CLASSES[box.fill]}{stroke}",
    )


def _text(text: Text) -> Markup:
    return tag(
        "text",
        text.text,
        x=number(text.x),
        y=number(text.y),
        font_size=number(text.size),
        text_anchor=None if text.anchor == "start" else text.anchor,
        font_weight="bold" if text.bold else None,
        class_=f"fill-{_CLASSES[text.color]}",
    )


def _curve(curve: CurvedLine) -> list[Markup]:
    middle = number((curve.bend + curve.y1) / 2)
    x0, x1, y1 = number(curve.x0), number(curve.x1), number(curve.y1)
    path = (
        f"M{x0} {number(curve.y0)}V{number(curve.bend)}"
        f"C{x0} {middle} {x1} {middle} {x1} {y1}"
    )
    color = _CLASSES[curve.color]
    found = [
        tag("path", d=path, class_="reach"),
        tag("path", d=path, class_=f"line-{color}", stroke_width=number(curve.width)),
    ]
    if curve.arrow:
        x, y = curve.x1, curve.y1
        head = f"M{x1} {y1}L{number(x - 3)} {number(y + 6)}H{number(x + 3)}Z"
        found.append(tag("path", d=head, class_=f"fill-{color}"))
    return found
