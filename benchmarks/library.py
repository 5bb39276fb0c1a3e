"""The whole library, compiled and verified: `zoo verify --all --jobs 2`.

CPU seconds of all processes together, with the start of Python and of jax. On two cores
that nobody else uses, half of it is the time on the clock.
"""

from __future__ import annotations

import os
import resource
import time
from typing import Any

from benchmarks.report import Table, Target

JOBS = int(os.environ.get("BENCHMARK_WORKERS", "2"))
QUICK_STEP = 40  # every fortieth program
TARGET = 600  # seconds on two cores
COMPILE = 5  # CPU seconds for one program


def measure(quick: bool) -> dict[str, Any]:
    """Return what verifying all programs costs, and what it finds."""
    import programs
    from zoo.library_verification import LIMIT, SAMPLE, WORK, verify_library

    names = list(programs.all_programs())[:: QUICK_STEP if quick else 1]
    start, before = time.monotonic(), _cpu_seconds()
    found = verify_library(jobs=JOBS, names=names)
    every = sorted(found.programs, key=lambda p: p.verify_seconds, reverse=True)
    return {
        "settings": {
            "jobs": JOBS,
            "limit": LIMIT,
            "sample": SAMPLE,
            "work": WORK,
            "seed": 0,
        },
        "programs": len(every),
        "failing": [one.program for one in found.failing],
        "sampled": len(found.sampled),
        "inputs": sum(one.inputs for one in every),
        "positions": sum(one.positions for one in every),
        "cpu_seconds": _cpu_seconds() - before,
        "compile_seconds": sum(one.compile_seconds for one in every),
        "verify_seconds": sum(one.verify_seconds for one in every),
        "wall_seconds": time.monotonic() - start,
        "slowest": [[p.program, p.inputs, p.verify_seconds] for p in every[:5]],
        "slowest_to_compile": [
            [p.program, p.compile_seconds]
            for p in sorted(every, key=lambda p: p.compile_seconds, reverse=True)[:5]
        ],
    }


def _cpu_seconds() -> float:
    """Return the CPU seconds of this process and of those that it started and ended."""
    used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def tables(result: dict[str, Any]) -> list[Table]:
    """Return the sums, then the slowest programs."""
    settings = result["settings"]
    exhaustive = result["programs"] - result["sampled"] - len(result["failing"])
    rows = [
        ("programs", f"{result['programs']:,}"),
        ("  on all their inputs", f"{exhaustive:,}"),
        ("  on a sample", f"{result['sampled']:,}"),
        ("  not right", f"{len(result['failing']):,}"),
        ("inputs", f"{result['inputs']:,}"),
        ("positions", f"{result['positions']:,}"),
        ("CPU s, all processes", f"{result['cpu_seconds']:,.0f}"),
        ("  to compile", f"{result['compile_seconds']:,.0f}"),
        ("  to run and compare", f"{result['verify_seconds']:,.0f}"),
        ("wall s, with what else ran here", f"{result['wall_seconds']:,.0f}"),
    ]
    slowest = [(name, f"{n:,}", f"{s:.1f}") for name, n, s in result["slowest"]]
    note = (
        f"{settings['jobs']} processes. All inputs where there are at most "
        f"{settings['limit']:,}, else a sample of {settings['sample']:,}; fewer where "
        f"a program's would take more than {settings['work']:.0e} multiplications."
    )
    return [
        Table("The library, compiled and verified", ("<", ""), rows, (note,)),
        Table("Slowest to verify", ("<program", "inputs", "CPU s"), slowest),
        Table(
            "Slowest to compile, at their default vocabulary and length",
            ("<program", "CPU s"),
            [(name, f"{s:.1f}") for name, s in result["slowest_to_compile"]],
        ),
    ]


def targets(result: dict[str, Any]) -> list[Target]:
    """Return the time on two cores, as half of the CPU time, and the failures."""
    seconds = result["cpu_seconds"] / 2
    bad = len(result["failing"])
    name, longest = result["slowest_to_compile"][0]
    return [
        Target(
            "library verified, 2 cores",
            f"< {TARGET} s",
            f"{seconds:.0f} s (half of the CPU time)",
            seconds < TARGET,
        ),
        Target("programs that are not right", "0", f"{bad}", bad == 0),
        Target(
            "the slowest program compiles in",
            f"< {COMPILE} s",
            f"{longest:.1f} s ({name})",
            longest < COMPILE,
        ),
    ]
