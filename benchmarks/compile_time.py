"""CPU seconds from a program to its model, after imports.

Each figure is the median over several processes of the first compilation in each: what
a user waits for. Later compilations in the same process are faster, and stated too.
"""

from __future__ import annotations

import sys
import time
from statistics import median
from typing import Any

from benchmarks.alone import run_alone
from benchmarks.peers.tracr import CASES, TRACR_COMPILE_SECONDS, find_case
from benchmarks.report import Table, Target

PROCESSES = 5
REPEATS = 5
# Settings at which Tracr gives no result, or a large one: seconds and bytes allowed.
LARGE = (
    ("reverse", 4, 80, 10.0, 2 * 2**30),
    ("shuffle_dyck2", 4, 40, 10.0, 2 * 2**30),
    ("sort", 128, 5, 5.0, None),
    ("sort", 128, 8, 5.0, None),
)


def once(case: str, repeats: int) -> dict[str, float]:
    """Return CPU seconds of the first compilation of a row, and the least of others."""
    from compiler.api import compile_model
    from programs import all_programs

    all_programs()
    found = find_case(case)
    seconds = []
    for _ in range(1 + repeats):
        start = time.process_time()
        compile_model(found.source(), found.vocab, found.max_len)
        seconds.append(time.process_time() - start)
    return {"first": seconds[0], "again": min(seconds[1:] or seconds)}


def at_size(program: str, n_tokens: int, max_len: int) -> dict[str, Any]:
    """Return CPU seconds and sizes of a program with other tokens and lengths."""
    from compiler.api import compile_model
    from programs import find

    found = find(program)
    vocab = found.vocab if n_tokens == len(found.vocab) else tuple(range(n_tokens))
    start = time.process_time()
    model = compile_model(found, vocab, max_len)
    seconds = time.process_time() - start
    config = model.config
    return {
        "seconds": seconds,
        "params": config.n_params,
        "layers": config.n_layers,
        "heads": config.n_heads,
        "d_model": config.d_model,
        "d_mlp": config.d_mlp,
    }


def measure(quick: bool) -> dict[str, Any]:
    """Return first and later CPU seconds of every row, and the large settings."""
    processes, repeats = (1, 1) if quick else (PROCESSES, REPEATS)
    rows = []
    for case in CASES:
        print(f"  compile_time: {case.name}", file=sys.stderr, flush=True)
        outcomes = [
            run_alone(__name__, "once", {"case": case.name, "repeats": repeats})
            for _ in range(processes)
        ]
        row: dict[str, Any] = {"program": case.name, "setting": case.setting}
        failed = [o.failure for o in outcomes if o.failure]
        if failed:
            row["failure"] = failed[0]
        else:
            row["first"] = median(o.value["first"] for o in outcomes)
            row["again"] = min(o.value["again"] for o in outcomes)
        rows.append(row)
    return {"processes": processes, "rows": rows, "large": _measure_large()}


def _measure_large() -> list[dict[str, Any]]:
    rows = []
    for program, n_tokens, max_len, limit, memory in LARGE:
        print(f"  compile_time: {program}, L = {max_len}", file=sys.stderr, flush=True)
        arguments = {"program": program, "n_tokens": n_tokens, "max_len": max_len}
        outcome = run_alone(__name__, "at_size", arguments)
        truth = run_alone("benchmarks.truths", "checked", arguments)
        row = {**arguments, "limit": limit, "memory_limit": memory}
        if outcome.failure:
            rows.append({**row, "failure": outcome.failure})
        else:
            check = truth.value or {"failure": truth.failure}
            rows.append({**row, **outcome.value, "peak": outcome.peak, "check": check})
    return rows


def tables(result: dict[str, Any]) -> list[Table]:
    """Return the rows, then the large settings."""
    small = [
        (
            row["program"],
            row["setting"],
            *(
                (row["failure"], "")
                if "failure" in row
                else (f"{row['first']:.3f}", f"{row['again']:.3f}")
            ),
        )
        for row in result["rows"]
    ]
    large = [
        (
            row["program"],
            f"{row['n_tokens']}, {row['max_len']}",
            *(
                (row["failure"], "", "", "", "")
                if "failure" in row
                else (
                    f"{row['seconds']:.2f}",
                    f"{row['peak'] / 2**20:,.0f}",
                    f"{row['layers']}",
                    f"{row['params']:,}",
                    wrong_of(row["check"]),
                )
            ),
        )
        for row in result["large"]
    ]
    low, high = TRACR_COMPILE_SECONDS
    return [
        Table(
            "Compilation, CPU s after imports",
            ("<program", "<V, L", "first", "again"),
            small,
            (
                f"first: median over {result['processes']} processes of the first "
                "compilation in each; again: the fastest later one. "
                f"Tracr: {low} to {high} CPU s whatever the program.",
            ),
        ),
        Table(
            "Compilation of large settings, one process each",
            ("<program", "<V, L", "CPU s", "peak MiB", "layers", "params", "wrong"),
            large,
            ("wrong: of inputs compared with plain Python, see benchmarks/truths.py.",),
        ),
    ]


def wrong_of(check: dict[str, Any]) -> str:
    """Return a check of `truths.py` as text: `0 of 420`."""
    return check.get("failure") or f"{check['wrong']} of {check['inputs']}"


def targets(result: dict[str, Any]) -> list[Target]:
    """Return the median, the worst, and the large settings."""
    rows = [row for row in result["rows"] if "first" in row]
    complete = len(rows) == len(result["rows"])
    middle = median(row["first"] for row in rows)
    worst = max(rows, key=lambda row: row["first"])
    found = [
        Target(
            "compile, median", "<= 0.15 CPU s", f"{middle:.3f}", middle <= 0.15, "2.5-4"
        ),
        Target(
            "compile, slowest row",
            "<= 1 CPU s",
            f"{worst['first']:.3f} ({worst['program']})",
            complete and worst["first"] <= 1,
            "4",
        ),
    ]
    return [*found, *(_large_target(row) for row in result["large"])]


def _large_target(row: dict[str, Any]) -> Target:
    memory = row["memory_limit"]
    wanted = f"< {row['limit']:.0f} s" + (f", {memory >> 30} GiB" if memory else "")
    what = f"compile {row['program']}, V, L = {row['n_tokens']}, {row['max_len']}"
    peers = {"reverse": "none in 260 s", "shuffle_dyck2": "no result"}
    tracr = peers.get(row["program"], "")
    if "failure" in row:
        return Target(what, wanted, row["failure"][:30], False, tracr)
    met = row["seconds"] < row["limit"] and (not memory or row["peak"] < memory)
    met = met and row["check"].get("wrong") == 0
    text = f"{row['seconds']:.2f} s, {row['peak'] / 2**20:,.0f} MiB"
    return Target(what, wanted, text, met, tracr)
