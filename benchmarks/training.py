"""Training: CPU seconds to the thresholds, steps a second, share of the matrix rate.

A program is trained from nothing by its own recipe, in a process of its own, and the
clock includes every compilation. Runs are long and are kept as they end; a run that the
published models came from counts, with the changes to the recipe that it had.
"""

from __future__ import annotations

from typing import Any

from benchmarks.alone import run_alone
from benchmarks.report import RESULTS, Table, Target
from benchmarks.resumed import measured_once, median
from zoo.auditing.subject import TRAINED_CLAIMS

LONGER = {"steps": 16_000}
PROGRAMS: dict[str, dict[str, Any]] = {
    "reverse": {},
    "rank": {},
    "histogram": {},
    "induction": {},
    "argmax": {},
    "argmin": {},
    "bigram": {},
    "is_first_occurrence": {},
    "maximum": {},
    "minimum": {},
    "run_length": {},
    "pair_balance": {},
    "swap_min_max": {},
    "is_sorted_ascending": {},
    "tomita_2": {},
    "dyck1_prefix_balanced": {},
    "fraction_previous": {},
    "unique_tokens": {},
    "starts_with": {},
    "last_two_equal": {},
    "differs_from_neighbors": {},
    "sort": LONGER,
    "median": LONGER,
    "is_palindrome": LONGER,
    "sort_unique": LONGER,
    "dyck1_balanced": LONGER,
    "most_frequent": LONGER,
}
SMALL = {
    "n_layers": 2,
    "n_heads": 4,
    "d_model": 12,
    "d_head": 12,
    "batch": 24,
    "learning_rate": 0.02,
    "warmup": 100,
    "opening_steps": 300,
    "steps": 1500,
    "check_every": 500,
    "interchange_at_least": 0.995,
    "nodes_at_least": 0.995,
    "edges_at_least": 0.99,
}
"""fraction_previous in the size of InterpBench's case 3, to the audit's thresholds."""
PROGRAMS_WANTED, MINUTES, SMALL_SECONDS = 24, 5.0, 15.0
STEPS = 300


def once(program: str, changes: dict[str, Any]) -> dict[str, Any]:
    """Train one program; return the CPU time and the last check."""
    import time

    import zoo
    from zoo.threads import use_one_thread

    use_one_thread()
    start = time.process_time()
    result = zoo.train(program, **changes)
    seconds = time.process_time() - start
    last = result.history[-1]
    return {
        "cpu_s": round(seconds, 1),
        "steps": last.step,
        "outcome": result.outcome,
        "interchange": last.worst_interchange,
        "nodes": last.worst_node,
        "edges": last.edges,
        "all_edges": last.all_edges,
    }


def speed(program: str) -> dict[str, Any]:
    """Return the steps a CPU second of one program, once all is compiled."""
    import time

    import jax
    import jax.numpy as jnp
    import numpy as np

    from benchmarks.throughput import multiply_adds
    from programs import find
    from zoo.threads import use_one_thread
    from zoo.training.loop import advance
    from zoo.training.recipe import Recipe
    from zoo.training.run import prepare, start
    from zoo.training.session import causal_model

    use_one_thread()
    run = prepare(causal_model(find(program)), Recipe())
    state, _ = advance(run, start(run), 10)
    begin = time.process_time()
    state, _ = advance(run, state, STEPS)
    rate = STEPS / (time.process_time() - begin)
    matrix = jnp.asarray(np.random.default_rng(0).standard_normal((1024, 1024)), "f4")
    product = jax.jit(jnp.matmul)
    product(matrix, matrix).block_until_ready()
    begin = time.process_time()
    for _ in range(20):
        product(matrix, matrix).block_until_ready()
    matrix_rate = 20 * 1024**3 / (time.process_time() - begin)
    # The donor's pass and the patched one, each forward and twice as much backward.
    work = 6 * run.recipe.batch * multiply_adds(run.config)
    return {"steps_per_s": rate, "share": rate * work / matrix_rate}


def measure(quick: bool) -> dict[str, Any]:
    """Return the runs, the small one, and the speed of a few."""
    names = ["maximum"] if quick else list(PROGRAMS)
    jobs = [{"program": name, "changes": dict(PROGRAMS[name])} for name in names]
    path = None if quick else RESULTS / "training.jsonl"
    place = ("benchmarks.training", "once")
    runs = measured_once(path, jobs, place, 3600)
    small = [{"program": "fraction_previous", "changes": SMALL}]
    case = measured_once(None, small, place, 600)[0]
    speeds = {}
    for name in ("maximum", "reverse", "sort"):
        found = run_alone("benchmarks.training", "speed", {"program": name})
        speeds[name] = found.value or {"failure": found.failure}
    return {"runs": runs, "small": case, "speeds": speeds}


def tables(result: dict[str, Any]) -> list[Table]:
    """Return the runs, then steps a second."""
    done = [r for r in [*result["runs"], result["small"]] if "failure" not in r]
    rows = [
        (
            r["job"]["program"],
            f"d_model {r['job']['changes']['d_model']}"
            if "d_model" in r["job"]["changes"]
            else "",
            f"{r['cpu_s']:.0f}",
            f"{r['steps']:,}",
            r["outcome"],
            f"{r['interchange']:.4f}",
            f"{r['nodes']:.4f}",
            "" if r["edges"] is None else f"{r['edges']:.4f}",
            f"{r['all_edges']:.4f}",
        )
        for r in done
    ]
    header = (
        "<program",
        "<",
        "CPU s",
        "steps",
        "<end",
        "worst variable",
        "worst node",
        "worst edge",
        "all edges",
    )
    failed = [r for r in result["runs"] if "failure" in r]
    notes = [f"{r['job']['program']}: {r['failure']}" for r in failed]
    notes.append(
        "`passed` met the recipe's thresholds, which are above an audit's, on held-out "
        "pairs; `budget` used its steps up. CPU seconds with every compilation."
    )
    speeds = [
        (name, f"{s['steps_per_s']:.0f}", f"{s['share']:.1%}")
        if "share" in s
        else (name, "", s["failure"])
        for name, s in result["speeds"].items()
    ]
    return [
        Table("Training runs", header, rows, notes),
        Table(
            "Steps a CPU second, and their share of the matrix-product rate",
            ("<program", "steps/s", "share"),
            speeds,
        ),
    ]


def _reaches_claims(run: dict[str, Any]) -> bool:
    """Return whether the last check reached what an audit claims beside behaviour."""
    if run.get("edges") is None:
        return False
    figures = {
        "interchange": run["interchange"],
        "nodes": run["nodes"],
        "edges": run["edges"],
        "all edges at once": run["all_edges"],
    }
    return all(found >= TRAINED_CLAIMS[name] for name, found in figures.items())


def targets(result: dict[str, Any]) -> list[Target]:
    """Return whether the median run and the small one are quick enough."""
    runs = result["runs"]
    trained = [r for r in runs if _reaches_claims(r)]
    found = [
        Target(
            "programs that reach the claims on variables, nodes and edges",
            f">= {PROGRAMS_WANTED}",
            f"{len(trained)} of {len(runs)}",
            len(trained) >= PROGRAMS_WANTED,
        )
    ]
    if trained:
        middle = median([r["cpu_s"] for r in trained]) / 60
        found.append(
            Target(
                f"median of these {len(trained)}",
                f"within {MINUTES:.0f} CPU min",
                f"{middle:.1f}",
                middle <= MINUTES,
            )
        )
    small = result["small"]
    if "cpu_s" in small:
        done = small["outcome"] == "passed"
        words = f"{small['cpu_s']:.1f} CPU s, {small['outcome']}"
        wanted = f"passed within {SMALL_SECONDS:.0f} CPU s"
        met = done and small["cpu_s"] <= SMALL_SECONDS
        found.append(Target("fraction_previous, d_model 12", wanted, words, met))
    return found
