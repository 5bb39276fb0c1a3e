"""Random programs: how fast they are found, and how many draws are kept

`zoo.sample` draws programs of five goals, in one process and one thread. Seconds are
of drawing, checking and printing; imports are left out. The
histogram is over all programs, by the attention layers of their compiled models.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from typing import Any

from benchmarks.report import Table, Target

GOALS = ((1, 1), (2, 1), (2, 2), (3, 1), (3, 2))
EACH = 40
COMPARED = 5
"""Programs of each goal whose compiled model is compared with the definition."""


def measure(quick: bool) -> dict[str, Any]:
    """Return times, shares and figures of the programs of every goal."""
    each = 5 if quick else EACH
    load = os.getloadavg()[0]
    rows = [_measure_goal(layers, heads, each) for layers, heads in GOALS]
    return {"rows": rows, "load": [round(load, 1), round(os.getloadavg()[0], 1)]}


def _measure_goal(layers: int, heads: int, each: int) -> dict[str, Any]:
    import zoo
    from zoo.sampling.drawing import draw_suite  # noqa: F401  (its import takes time)

    cpu, wall = time.process_time(), time.perf_counter()
    suite = zoo.sample(each, layers=layers, heads=heads, progress=False)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    programs = suite.programs
    wrong = sum(_wrong_outputs(p.text) for p in programs[:COMPARED])
    return {
        "layers": layers,
        "heads": heads,
        "programs": len(programs),
        "draws": suite.draws,
        "rejected": suite.rejected,
        "cpu": round(cpu, 2),
        "wall": round(wall, 2),
        "reached": dict(Counter(p.layers for p in programs)),
        "nodes": round(sum(p.nodes for p in programs) / len(programs), 2),
        "outputs": dict(Counter(p.output for p in programs)),
        "families": dict(Counter(f for p in programs for f in p.families)),
        "least_changed": min(p.changed for p in programs),
        "wrong": wrong,
    }


def _wrong_outputs(text: str) -> int:
    """Return at how many positions of all inputs a compiled model is wrong."""
    import zoo
    from compiler.verify import verify_outputs

    return verify_outputs(zoo.compile(text)).wrong


def tables(result: dict[str, Any]) -> list[Table]:
    """Return a row a goal, and why draws were not kept."""
    rows = [
        (
            f"{row['layers']}, {row['heads']}",
            f"{row['programs']}",
            f"{row['programs'] / row['draws']:.0%}",
            f"{row['programs'] / row['cpu']:.1f}",
            f"{row['programs'] / row['wall']:.1f}",
            f"{row['nodes']:.1f}",
            f"{row['least_changed']:.4f}",
            f"{row['wrong']}",
        )
        for row in result["rows"]
    ]
    depths = Counter[str]()
    for row in result["rows"]:
        depths.update({str(k): v for k, v in row["reached"].items()})
    histogram = ", ".join(f"{k}: {v}" for k, v in sorted(depths.items()))
    before, after = result["load"]
    notes = (
        f"Programs by attention layers: {histogram}. nodes: heads and MLPs, mean. "
        "changed: the least share of outputs that the interchange of one head or one "
        "table changes, over the programs of a row. wrong: outputs of the compiled "
        f"models of {COMPARED} programs a row, on every input. The machine was shared: "
        f"its load average was {before} before and {after} after, so wall time says "
        "little.",
    )
    header = ("<layers, heads", "programs", "kept", "a CPU s", "a wall s")
    return [
        Table(
            "Random programs",
            (*header, "nodes", "changed", "wrong"),
            rows,
            notes,
        ),
        Table(
            "Why draws were not kept",
            ("<reason", *(f"{r['layers']}, {r['heads']}" for r in result["rows"])),
            [
                (reason, *(str(row["rejected"][reason]) for row in result["rows"]))
                for reason in result["rows"][0]["rejected"]
            ],
        ),
    ]


def targets(result: dict[str, Any]) -> list[Target]:
    """Return whether wanted depths are reached and compiled models are right."""
    rows = result["rows"]
    reached = all(set(map(int, row["reached"])) == {row["layers"]} for row in rows)
    wrong = sum(row["wrong"] for row in rows)
    return [
        Target(
            "sampled programs: layers as asked, wrong outputs of compiled models",
            "all, 0",
            f"{'all' if reached else 'not all'}, {wrong}",
            reached and wrong == 0,
        )
    ]
