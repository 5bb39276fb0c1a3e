"""Page -> SVG text, ready to stand alone or inside an HTML page."""

from __future__ import annotations

from xml.sax import saxutils

from compiler.escapes import escape
from compiler.picture.shapes import Box, CurvedLine, DrawnShape, Page, Text

FONT = "'DejaVu Sans Mono', Menlo, Consolas, monospace"
# A line is thin; this much of its surroundings counts as the line under a pointer.
_REACH = 9


def to_svg(page: Page) -> str:
    """Return the page as SVG; the same page gives the same text."""
    size = f'width="{_n(page.width)}" height="{_n(page.height)}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} '
        f'viewBox="0 0 {_n(page.width)} {_n(page.height)}" role="img" '
        f"font-family={saxutils.quoteattr(FONT)}>",
        f"<title>{_plain(page.title)}</title>",
        *(_shape(shape) for shape in page.shapes),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """Return text that XML can hold: no mark-up, and no character that it forbids."""
    return saxutils.escape(escape(text))


def _n(number: float) -> str:
    """Return a number with at most one decimal."""
    return f"{number:.1f}".removesuffix(".0")


def _shape(shape: DrawnShape) -> str:
    match shape:
        case Box():
            return _box(shape)
        case Text():
            return _text(shape)
        case CurvedLine():
            return _curve(shape)


def _titled(body: str, title: str) -> str:
    return f"<g><title>{_plain(title)}</title>{body}</g>" if title else body


def _box(box: Box) -> str:
    stroke = f' stroke="{box.stroke}"' if box.stroke else ""
    radius = f' rx="{_n(box.radius)}"' if box.radius else ""
    body = (
        f'<rect x="{_n(box.x)}" y="{_n(box.y)}" width="{_n(box.width)}" '
        f'height="{_n(box.height)}"{radius} fill="{box.fill}"{stroke}/>'
    )
    return _titled(body, box.title)


def _text(text: Text) -> str:
    anchor = "" if text.anchor == "start" else f' text-anchor="{text.anchor}"'
    weight = ' font-weight="bold"' if text.bold else ""
    body = (
        f'<text x="{_n(text.x)}" y="{_n(text.y)}" font-size="{_n(text.size)}" '
        f'fill="{text.color}"{anchor}{weight}>{_plain(text.text)}</text>'
    )
    return _titled(body, text.title)


def _curve(curve: CurvedLine) -> str:
    path = _line(curve)
    body = (
        f'<path d="{path}" fill="none" stroke="{curve.color}" '
        f'stroke-width="{_n(curve.width)}"/>'
    )
    if curve.arrow:
        body += f'<path d="{_arrowhead(curve)}" fill="{curve.color}"/>'
    if curve.title:
        body += (
            f'<path d="{path}" fill="none" stroke="#000" stroke-opacity="0" '
            f'stroke-width="{_REACH}"/>'
        )
    return _titled(body, curve.title)


def _line(curve: CurvedLine) -> str:
    path = f"M{_n(curve.x0)} {_n(curve.y0)}"
    if curve.x0 == curve.x1:
        return f"{path}V{_n(curve.y1)}"
    if curve.bend != curve.y0:
        path += f"V{_n(curve.bend)}"
    middle = _n((curve.bend + curve.y1) / 2)
    x0, x1 = _n(curve.x0), _n(curve.x1)
    return f"{path}C{x0} {middle} {x1} {middle} {x1} {_n(curve.y1)}"


def _arrowhead(curve: CurvedLine) -> str:
    x, y = curve.x1, curve.y1
    return f"M{_n(x)} {_n(y)}L{_n(x - 3)} {_n(y + 6)}L{_n(x + 3)} {_n(y + 6)}Z"
