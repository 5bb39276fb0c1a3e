"""Pictures of reports and leaderboards, drawn without a display."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from zoo.scoring.report import Report


def new_figure(columns: int, width: float = 4.0, height: float = 3.4) -> Any:
    """Return (figure, axes) that need no display."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width * columns, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(1, columns, squeeze=False)[0]


def plot_report(report: Report, path: Path) -> None:
    """Draw a report's ROC, precision and recall, and faithfulness."""
    figure, (roc, precision, curve) = new_figure(3)
    order = np.argsort(-report.scores, kind="stable")
    true = report.labels[order]
    ordered = report.scores[order]
    last = np.append(ordered[1:] != ordered[:-1], True)
    hits, wrong = np.cumsum(true)[last], np.cumsum(~true)[last]
    recall = hits / max(report.true, 1)
    roc.plot(np.append(0, wrong / max((~true).sum(), 1)), np.append(0, recall))
    roc.plot([0, 1], [0, 1], color="0.7", linewidth=0.8)
    roc.set(title=f"AUROC {report.auroc:.3f}", xlabel="false positives, share")
    roc.set_ylabel("true items found, share")
    precision.plot(recall, hits / (hits + wrong), marker=".")
    precision.set(title=f"AP {report.average_precision:.3f}", xlabel="recall")
    precision.set(ylabel="precision", ylim=(0, 1.05))
    for label, found in (
        ("highest", report.faithfulness_curve),
        ("greatest |score|", report.magnitude_curve),
    ):
        if found is not None:
            curve.semilogx(found.shares, found.values, marker=".", label=label)
    curve.axhline(1, color="0.7", linewidth=0.8)
    curve.set(title=f"CPR {report.cpr:.2f}, CMD {report.cmd:.2f}")
    curve.set(xlabel="share of the edges kept", ylabel="faithfulness")
    if report.faithfulness_curve is not None:
        curve.legend(frameon=False)
    figure.suptitle(report.model)
    # The software's version in a file would make two runs of one thing differ.
    figure.savefig(path, dpi=120, metadata={"Software": None})
