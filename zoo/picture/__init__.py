"""The picture of a circuit: nodes on the (layer, component) grid, edges between them.

    grid.py    rows of nodes, wires between rows, as few crossings as possible
    nodes.py   what is written in a node, and its size
    place.py   coordinates
    paint.py   shapes, placed once
    svg.py     shapes as SVG text, by our own hand
    png.py     the same shapes through matplotlib

`draw` makes a page of a model, `save_picture` writes it into a file.
"""

from __future__ import annotations

from pathlib import Path

from compiler.errors import InputError
from compiler.model import Model
from zoo.picture.paint import paint
from zoo.picture.shapes import Page
from zoo.picture.svg import to_svg

__all__ = ["Page", "draw", "paint", "save_picture", "to_svg"]

FORMATS = (".svg", ".png")


def draw(model: Model) -> Page:
    """Return the picture of a model's circuit."""
    config, edges = model.config, len(model.circuit.edges)
    heads = f"{config.n_heads} head{'s' * (config.n_heads != 1)} a layer"
    subtitle = (
        f"{config.n_layers} layer{'s' * (config.n_layers != 1)}, {heads}, "
        f"d_model {config.d_model}; the circuit is {edges} of "
        f"{len(config.names.edges)} edges"
    )
    return paint(model.circuit, model.name, subtitle)


def save_picture(model: Model, path: str | Path) -> None:
    """Write the picture of a model's circuit into an SVG or a PNG file.

    Raises:
        InputError: the name of the file ends in neither.
    """
    check_format(path)
    target, page = Path(path), draw(model)
    if target.suffix.lower() == ".svg":
        target.write_text(to_svg(page), encoding="utf-8")
        return
    from zoo.picture.png import write_png

    write_png(page, target)


def check_format(path: str | Path) -> None:
    """Raise InputError unless a file of this name can hold a picture."""
    suffix = Path(path).suffix
    if suffix.lower() not in FORMATS:
        ending = f"its name ends in {suffix!r}" if suffix else "its name has no ending"
        raise InputError(
            f"cannot write a picture to {str(path)!r}: {ending}. Give a name that "
            "ends in .svg or .png"
        )
