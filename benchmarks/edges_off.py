"""What training on edges is for: the same runs with it and without it.

Without it a run has the losses of strict interchange intervention training as it was
published: behaviour, variables and whole nodes. Both get the same audit.
"""

from __future__ import annotations

from typing import Any

from benchmarks.report import RESULTS, Table, Target
from benchmarks.resumed import measured_once, median

PROGRAMS = ("maximum", "minimum", "histogram", "is_first_occurrence", "rank", "argmax")
SEEDS = (0, 1, 2)
PAIRS = 2000
WITHOUT: dict[str, Any] = {
    "behaviour": 0.25,
    "interchange": 0.375,
    "strict_nodes": 0.375,
    "strict_edges": 0.0,
    "circuit_steps": 0,
    "opening_steps": 0,
    "edges_at_least": 0.0,
}
"""What is changed in the recipe: no example has edges patched, at no time."""


def once(program: str, seed: int, edges: bool) -> dict[str, Any]:
    """Train and audit one model; return its worst figures."""
    import time

    import zoo
    from zoo.threads import use_one_thread

    use_one_thread()
    start = time.process_time()
    changes: dict[str, Any] = {"seed": seed, "steps": 6000, "pairs": 512}
    changes |= {} if edges else WITHOUT
    result = zoo.train(program, **changes)
    trained = time.process_time() - start
    found = zoo.audit(result.model, pairs=PAIRS, scope="sample", seed=1)
    outside = found.effects.values()
    return {
        "outcome": result.outcome,
        "steps": result.history[-1].step,
        "cpu_s": round(trained, 1),
        "behaviour": found.behaviour.share,
        "interchange": min(r.share for r in found.interchange.values()),
        "nodes": min(r.share for r in found.nodes.values()),
        "edge": min(r.share for r in found.edges.values()),
        "all_edges": found.all_edges.share,
        "largest_effect": max(r.share for r in outside),
        "effects_above_1_percent": sum(r.share > 0.01 for r in outside),
        "outside": len(found.effects),
    }


def measure(quick: bool) -> dict[str, Any]:
    """Return one record a model."""
    programs, seeds = (PROGRAMS[:1], SEEDS[:1]) if quick else (PROGRAMS, SEEDS)
    jobs = [
        {"program": program, "seed": seed, "edges": edges}
        for program in programs
        for seed in seeds
        for edges in (False, True)
    ]
    path = None if quick else RESULTS / "edges_off.jsonl"
    found = measured_once(path, jobs, ("benchmarks.edges_off", "once"), 1800)
    return {"pairs": PAIRS, "records": found}


_FIGURES = ("interchange", "nodes", "edge", "all_edges", "largest_effect")


def tables(result: dict[str, Any]) -> list[Table]:
    """Return one row a program and kind of training, the worst of its seeds."""
    rows = []
    done = [r for r in result["records"] if "failure" not in r]
    for program in dict.fromkeys(r["job"]["program"] for r in done):
        for edges in (False, True):
            group = [
                r
                for r in done
                if (r["job"]["program"], r["job"]["edges"]) == (program, edges)
            ]
            if not group:
                continue
            least = [min(r[k] for r in group) for k in _FIGURES[:-1]]
            loud = [r["effects_above_1_percent"] / r["outside"] for r in group]
            rows.append(
                (
                    program,
                    "yes" if edges else "no",
                    str(len(group)),
                    *(f"{value:.4f}" for value in least),
                    f"{max(r['largest_effect'] for r in group):.4f}",
                    f"{median(loud):.0%}",
                    f"{median([r['cpu_s'] for r in group]):.0f}",
                )
            )
    header = (
        "<program",
        "<edges trained",
        "seeds",
        "worst variable",
        "worst node",
        "worst edge",
        "all edges",
        "largest effect",
        "edges above 1 %",
        "CPU s",
    )
    note = (
        f"Audits over {result['pairs']:,} pairs; of each figure the worst seed's. "
        "'worst edge' is the accuracy with one edge outside the circuit patched, 'all "
        "edges' with all of them; 'largest effect' is the largest share of outputs "
        "that one edge outside changes; 'edges above 1 %' the share of edges outside "
        "that change more than a hundredth of the outputs."
    )
    failed = [r for r in result["records"] if "failure" in r]
    notes = (note, *(f"{r['job']}: {r['failure']}" for r in failed))
    title = "Edges outside the circuit, with and without training on edges"
    return [Table(title, header, rows, notes)]


def targets(result: dict[str, Any]) -> list[Target]:
    """Return whether six programs were measured with three seeds."""
    done = [r["job"] for r in result["records"] if "failure" not in r]
    pairs = {(j["program"], j["seed"]) for j in done if not j["edges"]}
    found = f"{len({p for p, _ in pairs})} programs, {len(pairs)} models"
    return [
        Target(
            "training without edges",
            "6 programs, 18 models",
            found,
            len(pairs) >= len(PROGRAMS) * len(SEEDS),
        )
    ]
