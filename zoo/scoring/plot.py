"""Pictures of reports and leaderboards, drawn without a display."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from zoo.ranking import steps
from zoo.scoring.faithfulness import Curve


def new_figure(
    columns: int, width: float = 4.0, height: float = 3.4, share_y: bool = False
) -> Any:
    """Return (figure, axes) that need no display; width and height in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width * columns, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(1, columns, squeeze=False, sharey=share_y)[0]


def plot_report(
    name: str,
    scores: Float[np.ndarray, " item"],
    true: Bool[np.ndarray, " item"],
    titles: tuple[str, str, str],
    curves: Mapping[str, Curve],
    path: Path,
) -> None:
    """Draw a ROC curve, precision against recall, and faithfulness, as a PNG.

    Args:
        name: over all of them.
        scores: what was ranked.
        true: which items are true.
        titles: one each.
        curves: faithfulness, by a label.
        path: where to.
    """
    figure, axes = new_figure(3)
    found, taken = steps(scores, true)
    recall, wrong = found / max(true.sum(), 1), (taken - found) / max((~true).sum(), 1)
    axes[0].plot(np.append(0, wrong), np.append(0, recall))
    axes[0].plot([0, 1], [0, 1], color="0.7", linewidth=0.8)
    axes[0].set(xlabel="false positives, share", ylabel="true items found, share")
    axes[1].plot(recall, found / taken, marker=".")
    axes[1].set(xlabel="recall", ylabel="precision", xlim=(-0.02, 1.02), ylim=(0, 1.05))
    for label, curve in curves.items():
        axes[2].semilogx(curve.shares, curve.values, marker=".", label=label)
    axes[2].axhline(1, color="0.7", linewidth=0.8)
    axes[2].set(xlabel="share of the edges kept", ylabel="faithfulness")
    if curves:
        axes[2].legend(frameon=False)
    for title, axis in zip(titles, axes, strict=True):
        axis.set_title(title)
    figure.suptitle(name)
    save_figure(figure, path)


def save_figure(figure: Any, path: Path) -> None:
    """Write a figure as a PNG or, if the file's name says so, as an SVG.

    The bytes are the same every time.
    """
    from matplotlib import rc_context

    date = {"Date": None} if path.suffix == ".svg" else {"Software": None}
    with rc_context({"svg.hashsalt": path.name, "svg.fonttype": "none"}):
        figure.savefig(path, dpi=120, metadata=date)
