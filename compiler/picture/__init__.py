"""The picture of a circuit: nodes on the (layer, component) grid, edges between them.

    drawn.py   what is shown of a circuit
    grid.py    rows of nodes, wires between rows, as few crossings as possible
    nodes.py   what is written in a node, and its size
    place.py   coordinates
    paint.py   shapes, placed once
    svg.py     shapes as SVG text, by our own hand
    png.py     the same shapes through matplotlib

`draw` makes a `Picture`, which notebooks show and `save` writes into a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from compiler.errors import InputError
from compiler.files import check_parent
from compiler.picture.drawn import Drawn
from compiler.picture.paint import paint
from compiler.picture.shapes import Page
from compiler.picture.svg import to_svg

__all__ = ["Page", "Picture", "draw", "paint", "to_svg"]

FORMATS = (".svg", ".png")


@dataclass(frozen=True)
class Picture:
    """The picture of a circuit; a notebook shows it.

    Attributes:
        page: its shapes.
    """

    page: Page

    def __repr__(self) -> str:
        return f"<Picture: {self.page.width:.0f} x {self.page.height:.0f} points>"

    @cached_property
    def svg(self) -> str:
        """The picture as SVG text: the same circuit gives the same bytes."""
        return to_svg(self.page)

    def _repr_svg_(self) -> str:
        return self.svg

    def save(self, path: str | Path) -> None:
        """Write the picture into an SVG or a PNG file.

        Args:
            path: a name that ends in .svg or .png.

        Raises:
            InputError: the name of the file ends in neither, or it has no folder.
        """
        check_format(path)
        target = Path(path)
        check_parent(target)
        if target.suffix.lower() == ".svg":
            target.write_text(self.svg, encoding="utf-8")
            return
        from compiler.picture.png import write_png

        write_png(self.page, target)


def draw(circuit: Drawn, title: str, subtitle: str = "") -> Picture:
    """Return the picture of a circuit under a title."""
    return Picture(paint(circuit, title, subtitle))


def check_format(path: str | Path) -> None:
    """Raise InputError unless a file of this name can hold a picture."""
    suffix = Path(path).suffix
    if suffix.lower() not in FORMATS:
        ending = f"its name ends in {suffix!r}" if suffix else "its name has no ending"
        raise InputError(
            f"cannot write a picture to {str(path)!r}: {ending}. Give a name that "
            "ends in .svg or .png"
        )
