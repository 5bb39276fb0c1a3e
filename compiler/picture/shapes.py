"""What a picture is made of: four shapes, on a page with y running down.

`paint` makes them, `svg` and `png` write them; neither of these decides anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# Width of a character of the monospaced font, as a fraction of its size.
CHARACTER = 0.602


@dataclass(frozen=True)
class Box:
    """A rectangle; `title` is shown on hovering, `subject` names the node it is of."""

    x: float
    y: float
    width: float
    height: float
    fill: str
    stroke: str | None = None
    radius: float = 0.0
    title: str = ""
    subject: str = ""


@dataclass(frozen=True)
class Text:
    """A line of text on its baseline; `subject` names the node it is of, if any."""

    x: float
    y: float
    text: str
    size: float
    color: str
    anchor: Literal["start", "middle", "end"] = "start"
    bold: bool = False
    title: str = ""
    subject: str = ""

    @property
    def width(self) -> float:
        """How wide it is, in pixels."""
        return text_width(self.text, self.size)


@dataclass(frozen=True)
class CurvedLine:
    """A line from (x0, y0) up to `bend`, then a curve to (x1, y1), upright at both.

    Attributes:
        x0: where it starts.
        y0: where it starts, further down.
        bend: the height at which it leaves the vertical.
        x1: where it ends.
        y1: where it ends.
        color: of the line.
        width: in pixels.
        arrow: whether an arrowhead stands at the end.
        title: shown on hovering.
        subject: the edge, if `arrow`; else the source whose wire it is.
    """

    x0: float
    y0: float
    bend: float
    x1: float
    y1: float
    color: str
    width: float
    arrow: bool = False
    title: str = ""
    subject: str = ""


DrawnShape = Box | Text | CurvedLine


@dataclass(frozen=True)
class Page:
    """A picture: shapes from back to front, and what it is called."""

    width: float
    height: float
    shapes: tuple[DrawnShape, ...]
    title: str


def text_width(text: str, size: float) -> float:
    """Return how wide a line of text is, in pixels."""
    return len(text) * size * CHARACTER


def shorten(text: str, limit: int) -> str:
    """Return at most `limit` characters, the last one an ellipsis if any are cut."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
