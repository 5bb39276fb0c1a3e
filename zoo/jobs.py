"""Several runs at a time, a single-threaded process each."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

AGAIN = 75
"""The status of a command that got further, and has to be run again (EX_TEMPFAIL)."""


def run_jobs(commands: Mapping[str, Sequence[str]], jobs: int) -> list[str]:
    """Run `zoo` with each command, `jobs` at a time, and return which failed.

    A command that ends with the status `AGAIN` is run again.

    Args:
        commands: arguments of the command line, by a name that is put in front of
            every line of their output.
        jobs: how many run at a time.
    """
    lock = threading.Lock()

    def run(name: str) -> bool:
        while (status := once(name)) == AGAIN:
            pass
        return status == 0

    def once(name: str) -> int:
        process = subprocess.Popen(
            [sys.executable, "-m", "zoo", *commands[name]],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        for line in process.stdout:
            with lock:
                print(f"{name}: {line}", end="", flush=True)
        return process.wait()

    with ThreadPoolExecutor(jobs) as pool:
        passed = list(pool.map(run, commands))
    return [name for name, good in zip(commands, passed, strict=True) if not good]
