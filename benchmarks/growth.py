"""How parameters, time and memory grow with the length L and the vocabulary V.

A law is the slope of log y over log x through the last points, where the constant
parts have lost their weight.
"""

from __future__ import annotations

import math
import sys
from statistics import median
from typing import Any

from benchmarks.alone import Outcome, run_alone
from benchmarks.compile_time import wrong_of
from benchmarks.peers.tracr import TRACR_GROWTH
from benchmarks.report import Table, Target

FITTED = 3  # points
PROCESSES = 3  # a point
# (program, axis, points, what the other axis is fixed at)
SWEEPS = (
    ("reverse", "L", (5, 10, 20, 40, 80), 4),
    ("reverse", "V", (4, 8, 16, 32, 64, 128), 5),
    ("sort", "L", (5, 10, 20, 40, 80), 8),
    ("sort", "V", (4, 8, 16, 32, 64, 128), 5),
    ("shuffle_dyck2", "L", (5, 10, 20, 40), 4),
)


def measure(quick: bool) -> dict[str, Any]:
    """Return the points of every sweep, each from a process of its own."""
    return {"sweeps": [_sweep(*sweep, quick=quick) for sweep in SWEEPS]}


def _sweep(
    program: str, axis: str, points: tuple[int, ...], other: int, *, quick: bool
) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    for at in points[:3] if quick else points:
        print(f"  growth: {program}, {axis} = {at}", file=sys.stderr, flush=True)
        n_tokens, max_len = (other, at) if axis == "L" else (at, other)
        arguments = {"program": program, "n_tokens": n_tokens, "max_len": max_len}
        outcome, seconds = _compiled(arguments, processes=1 if quick else PROCESSES)
        truth = run_alone("benchmarks.truths", "checked", arguments)
        if outcome.failure:
            rows.append({"at": at, "failure": outcome.failure})
        else:
            check = truth.value or {"failure": truth.failure}
            row = {
                "at": at,
                **outcome.value,
                "seconds": seconds,
                "peak": outcome.peak,
                "check": check,
            }
            rows.append(row)
    done = [row for row in rows if "failure" not in row]
    return {
        "program": program,
        "axis": axis,
        "other": other,
        "rows": rows,
        "slopes": {key: slope(done, key) for key in ("params", "seconds")},
    }


def _compiled(arguments: dict[str, Any], processes: int) -> tuple[Outcome, float]:
    """Return one process's outcome, and the median CPU seconds of several."""
    outcomes = [
        run_alone("benchmarks.compile_time", "at_size", arguments)
        for _ in range(processes)
    ]
    failed = [outcome for outcome in outcomes if outcome.failure]
    if failed:
        return failed[0], 0.0
    return outcomes[0], median(outcome.value["seconds"] for outcome in outcomes)


def slope(rows: list[dict[str, Any]], key: str) -> float | None:
    """Return the least-squares slope of log y over log x; None below two points."""
    points = [(math.log(r["at"]), math.log(r[key])) for r in rows[-FITTED:]]
    if len(points) < 2:
        return None
    x0 = sum(x for x, _ in points) / len(points)
    y0 = sum(y for _, y in points) / len(points)
    spread = sum((x - x0) ** 2 for x, _ in points)
    return sum((x - x0) * (y - y0) for x, y in points) / spread


def tables(result: dict[str, Any]) -> list[Table]:
    """Return one table a sweep."""
    return [_table(sweep) for sweep in result["sweeps"]]


def _table(sweep: dict[str, Any]) -> Table:
    axis, slopes = sweep["axis"], sweep["slopes"]
    rows = [
        (str(row["at"]), row["failure"][:40], *[""] * 6)
        if "failure" in row
        else (
            str(row["at"]),
            f"{row['params']:,}",
            str(row["layers"]),
            str(row["d_model"]),
            str(row["d_mlp"]),
            f"{row['seconds']:.3f}",
            f"{row['peak'] / 2**20:,.0f}",
            wrong_of(row["check"]),
        )
        for row in sweep["rows"]
    ]
    law = ", ".join(
        f"{name} ~ {axis}^{slopes[key]:.2f}"
        for key, name in (("params", "params"), ("seconds", "CPU s"))
        if slopes[key] is not None
    )
    fixed = "V" if axis == "L" else "L"
    return Table(
        f"Growth of {sweep['program']} with {axis} ({fixed} = {sweep['other']})",
        (axis, "params", "layers", "d_model", "MLP", "CPU s", "peak MiB", "wrong"),
        rows,
        (
            f"CPU s: median of {PROCESSES} processes. Over the last {FITTED} points: "
            f"{law}. "
            f"Tracr: {TRACR_GROWTH[sweep['program'], axis]}.",
        ),
    )


def targets(result: dict[str, Any]) -> list[Target]:
    """Return the laws; there is nothing they must be."""
    return [
        Target(
            f"growth of {s['program']} in {s['axis']}",
            "stated",
            f"{s['axis']}^{s['slopes']['params']:.2f}"
            if s["slopes"]["params"]
            else "?",
            s["slopes"]["params"] is not None,
            TRACR_GROWTH[s["program"], s["axis"]].split(";")[0],
        )
        for s in result["sweeps"]
    ]
