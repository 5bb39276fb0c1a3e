"""An audit's CPU time: every edge of a 4-layer, 4-head transformer, 10,000 pairs.

The transformer is one at the start of its training, the harder case: patches move its
stream further than that of a trained one, in parts of the radius within which no output
can change (`compiler.machine.rerun.bounds`), so that its last MLP is run more often.
"""

from __future__ import annotations

from typing import Any

from benchmarks.alone import run_alone
from benchmarks.report import Table, Target

PAIRS = 10_000
LIMIT = 60.0
SHAPES = {
    "sort": {"n_layers": 4, "n_heads": 4, "d_model": 64},
    "reverse": {"n_layers": 4, "n_heads": 4, "d_model": 32},
}


def once(program: str, pairs: int, shape: dict[str, Any]) -> dict[str, Any]:
    """Audit one untrained model; return CPU seconds and what was run."""
    import time

    import zoo
    from zoo.threads import use_one_thread

    use_one_thread()
    result = zoo.train(program, steps=1, check_every=1, pairs=8, **shape)
    model = result.model
    zoo.audit(
        model, pairs=16, scope="sample"
    )  # whatever is imported or compiled once a process
    start = time.process_time()
    found = zoo.audit(model, pairs=pairs, scope="sample")
    seconds = time.process_time() - start
    return {
        "seconds": seconds,
        "edges": len(found.effects) + len(found.circuit),
        "n_ctx": model.config.n_ctx,
        "pairs": found.pairs,
    }


def measure(quick: bool) -> dict[str, Any]:
    """Return the time of each shape."""
    pairs = 200 if quick else PAIRS
    records = []
    for program, shape in SHAPES.items():
        job = {"program": program, "pairs": pairs, "shape": shape}
        found = run_alone("benchmarks.audit_speed", "once", job)
        records.append({**job, **(found.value or {"failure": found.failure})})
    return {"records": records}


def tables(result: dict[str, Any]) -> list[Table]:
    """Return one row a shape."""
    rows = [
        (
            r["program"],
            " x ".join(map(str, r["shape"].values())),
            *(
                (
                    str(r["n_ctx"]),
                    f"{r['edges']:,}",
                    f"{r['pairs']:,}",
                    f"{r['seconds']:.1f}",
                )
                if "seconds" in r
                else ("", "", "", r["failure"])
            ),
        )
        for r in result["records"]
    ]
    header = (
        "<program",
        "<layers x heads x d_model",
        "n_ctx",
        "edges",
        "pairs",
        "CPU s",
    )
    return [Table("Audit: every edge, node and variable", header, rows)]


def targets(result: dict[str, Any]) -> list[Target]:
    """Return whether the smallest shape stays under the limit."""
    return [
        Target(
            f"audit of {r['program']}, d_model {r['shape']['d_model']}",
            f"under {LIMIT:.0f} CPU s",
            f"{r.get('seconds', float('nan')):.1f}",
            r["seconds"] < LIMIT if "seconds" in r else None,
        )
        for r in result["records"]
    ]
