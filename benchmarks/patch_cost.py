"""Forward passes under patches, as multiples of a plain one; see `machine.py`."""

from __future__ import annotations

from typing import Any

from benchmarks.alone import run_alone
from benchmarks.report import Table, Target

BATCH = 256


def times(batch: int) -> dict[str, dict[str, float]]:
    """Return seconds of each kind of pass, by kind of LayerNorm."""
    from benchmarks import machine

    return {n: machine.measure(machine.make_runs(n, batch)) for n in ("none", "pre")}


def limits() -> dict[str, float]:
    """Return the greatest multiple allowed of each kind of pass."""
    from benchmarks import machine

    return dict(machine.TARGETS)


def measure(quick: bool) -> dict[str, Any]:
    """Return seconds and limits, measured in a process of its own."""
    outcome = run_alone(__name__, "times", {"batch": 32 if quick else BATCH})
    if outcome.failure:
        return {"failure": outcome.failure}
    allowed = run_alone(__name__, "limits", {})
    return {"times": outcome.value, "limits": allowed.value}


def tables(result: dict[str, Any]) -> list[Table]:
    """Return one row a pass."""
    if "failure" in result:
        return [Table(f"Patches: {result['failure']}", ("<",), [])]
    rows = [
        (kind, norm, f"{seconds * 1e3:.1f}", f"{seconds / by_kind['plain']:.2f}")
        for norm, by_kind in result["times"].items()
        for kind, seconds in by_kind.items()
    ]
    return [
        Table(
            "Patched forward passes: 4 layers, 4 heads, d_model 64, seq 16",
            ("<pass", "<LayerNorm", "ms", "x plain"),
            rows,
        )
    ]


def targets(result: dict[str, Any]) -> list[Target]:
    """Return the dearer of the two LayerNorms for each kind of patch."""
    if "failure" in result:
        return [Target("patched passes", "1.5, 3 x", result["failure"][:30], None)]
    found = []
    for kind, limit in result["limits"].items():
        worst = max(times[kind] / times["plain"] for times in result["times"].values())
        text = f"{worst:.2f} x a plain pass"
        found.append(Target(kind, f"<= {limit} x", text, worst <= limit))
    return found
