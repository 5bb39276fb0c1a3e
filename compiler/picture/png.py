"""Page -> PNG through matplotlib, from the same shapes as the SVG.

Uses no pyplot: a figure of its own, so that nothing global is touched.
"""

from __future__ import annotations

from pathlib import Path as FilePath

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch, Polygon, Rectangle
from matplotlib.path import Path

from compiler.picture.shapes import Box, CurvedLine, DrawnShape, Page, Text

# A pixel of the page is a point, of which an inch has 72: font sizes are as they are.
_POINTS = 72.0
_ALIGN = {"start": "left", "middle": "center", "end": "right"}


def write_png(page: Page, path: FilePath, scale: float = 2.5) -> None:
    """Write the page as a PNG.

    Args:
        page: what is drawn.
        path: the file.
        scale: pixels of the image for one of the page.
    """
    figure = Figure(figsize=(page.width / _POINTS, page.height / _POINTS))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, page.width)
    axes.set_ylim(page.height, 0)
    axes.set_axis_off()
    for order, shape in enumerate(page.shapes):
        _draw(axes, shape, order)
    figure.savefig(path, dpi=_POINTS * scale, format="png")


def _draw(axes: Axes, shape: DrawnShape, order: int) -> None:
    match shape:
        case Box():
            _draw_box(axes, shape, order)
        case Text():
            axes.text(
                shape.x,
                shape.y,
                shape.text.replace("$", r"\$"),
                fontsize=shape.size,
                color=shape.color,
                ha=_ALIGN[shape.anchor],
                va="baseline",
                family="DejaVu Sans Mono",
                weight="bold" if shape.bold else "normal",
                zorder=order,
            )
        case CurvedLine():
            _draw_curve(axes, shape, order)


def _draw_box(axes: Axes, box: Box, order: int) -> None:
    style = {
        "facecolor": box.fill,
        "edgecolor": box.stroke or "none",
        "linewidth": 1.0 if box.stroke else 0.0,
        "zorder": order,
    }
    corner = (box.x, box.y)
    if box.radius:
        rounded = f"round,pad=0,rounding_size={box.radius}"
        patch = FancyBboxPatch(corner, box.width, box.height, rounded, **style)
    else:
        patch = Rectangle(corner, box.width, box.height, **style)
    axes.add_patch(patch)


def _draw_curve(axes: Axes, curve: CurvedLine, order: int) -> None:
    middle = (curve.bend + curve.y1) / 2
    points = [
        (curve.x0, curve.y0),
        (curve.x0, curve.bend),
        (curve.x0, middle),
        (curve.x1, middle),
        (curve.x1, curve.y1),
    ]
    codes = [Path.MOVETO, Path.LINETO, Path.CURVE4, Path.CURVE4, Path.CURVE4]
    style = {"edgecolor": curve.color, "linewidth": curve.width, "zorder": order}
    axes.add_patch(PathPatch(Path(points, codes), facecolor="none", **style))
    if curve.arrow:
        x, y = curve.x1, curve.y1
        head = [(x, y), (x - 3, y + 6), (x + 3, y + 6)]
        axes.add_patch(Polygon(head, facecolor=curve.color, zorder=order))
