"""A measurement in a fresh, single-threaded process.

`run_alone("benchmarks.compile_time", "once", {...})` calls that function with these
keyword arguments in a new process and returns the JSON value that it returns, and what
the process used. A process that takes too much is stopped, and that is a result too.

The limit is one of wall time. A limit of CPU time (RLIMIT_CPU) would be the better one
on a busy machine, but under it Linux counts the process's CPU time in clock ticks: the
very clock that is read here then moves in steps of 4 ms, as long as a compilation.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.host import SINGLE_THREADED

TIME_LIMIT = 600  # seconds, wall
MEMORY_LIMIT = 8 * 2**30  # bytes of address space
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Outcome:
    """What came of a process.

    Attributes:
        value: what the function returned; None where it gave no result.
        failure: why there is none; empty where there is one.
        peak: greatest resident memory, in bytes.
    """

    value: Any
    failure: str
    peak: int


def run_alone(
    module: str, function: str, arguments: Mapping[str, Any], limit: int = TIME_LIMIT
) -> Outcome:
    """Return what a function of a benchmark gives in a process of its own."""
    call = json.dumps([module, function, dict(arguments)])
    try:
        process = subprocess.run(
            [sys.executable, "-m", "benchmarks.alone", call],
            cwd=ROOT,
            env={**os.environ, **SINGLE_THREADED},
            capture_output=True,
            text=True,
            timeout=limit,
        )
    except subprocess.TimeoutExpired:
        return Outcome(None, f"no result in {limit} s", 0)
    if process.returncode != 0:
        lines = process.stderr.strip().splitlines() or [f"exit {process.returncode}"]
        return Outcome(None, lines[-1][:300], 0)
    value, peak = json.loads(process.stdout.splitlines()[-1])
    return Outcome(value, "", peak)


def peak_memory() -> int:
    """Return the greatest resident memory of this process so far, in bytes.

    Not `ru_maxrss` where it can be avoided: on Linux that survives `exec`, and then
    tells of the process that started this one.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _main() -> None:
    module, function, arguments = json.loads(sys.argv[1])
    if not module.startswith("benchmarks."):
        raise SystemExit(f"alone: {module!r} is no module of the benchmarks")
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
    value = getattr(importlib.import_module(module), function)(**arguments)
    print(json.dumps([value, peak_memory()]))


if __name__ == "__main__":
    _main()
