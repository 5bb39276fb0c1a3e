"""The curves of a training run: loss and worst cases over steps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from compiler.errors import FormatError, InputError
from zoo.training.store import HISTORY


def save_curves(folder: Path, path: Path) -> None:
    """Write the picture of a run's history.

    Raises:
        InputError: there is no check in it yet.
        FormatError: the history is damaged.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    history = _read(folder / HISTORY)
    steps = [check["step"] for check in history]
    figure = Figure(figsize=(7.5, 5.5), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(1, 1.6))
    upper.plot(steps, [max(check["loss"], 1e-8) for check in history], color="#333333")
    upper.set_yscale("log")
    upper.set_ylabel("training loss")
    for label, color, values in _lines(history):
        kept = [(s, 1 - v) for s, v in zip(steps, values, strict=True) if v is not None]
        shown = [max(error, 1e-4) for _, error in kept]
        lower.plot([s for s, _ in kept], shown, color=color, label=label, marker=".")
    lower.axhline(0.005, color="#999999", linewidth=0.8, linestyle=":")
    lower.axhline(0.01, color="#999999", linewidth=0.8, linestyle=":")
    lower.set_yscale("log")
    lower.set_ylim(8e-5, 1.2)
    lower.set_ylabel("share wrong, worst case\n(0 is drawn at 0.0001)")
    lower.set_xlabel("step")
    lower.legend(fontsize=8, ncols=2, frameon=False)
    for axis in (upper, lower):
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path)


def _lines(history: list[dict[str, Any]]) -> list[tuple[str, str, list[Any]]]:
    """Return (label, colour, accuracies) of every worst case."""
    return [
        ("behaviour", "#333333", [c["behaviour"] for c in history]),
        ("variables", "#0072b2", [_least(c["interchange"]) for c in history]),
        ("nodes outside", "#e69f00", [_least(c["nodes"]) for c in history]),
        ("one edge outside", "#d55e00", [c["edges"] for c in history]),
        ("all edges outside", "#009e73", [c["all_edges"] for c in history]),
        ("ablations", "#56b4e9", [_least(c.get("ablations", {})) for c in history]),
        ("an adversary", "#cc79a7", [c.get("adversary") for c in history]),
    ]


def _least(figures: dict[str, float]) -> float:
    return min(figures.values(), default=1.0)


def _read(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        raise InputError(f"{path.parent}: the run has no checks yet")
    try:
        history = json.loads(path.read_text(encoding="utf-8"))
        _lines(history)
    except (
        *(OSError, ValueError, KeyError, TypeError),
        *(AttributeError, RecursionError),
    ) as error:
        raise FormatError(f"{path}: damaged ({error}). Resume the run") from None
    if not history:
        raise InputError(f"{path.parent}: the run has no checks yet")
    return history
