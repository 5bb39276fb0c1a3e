"""A Dask cluster of processes on this machine, for tests."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

STARTED = 60
"""Seconds in which a scheduler must have started."""


@dataclass(frozen=True)
class DaskCluster:
    """A scheduler with workers.

    Attributes:
        address: of the scheduler.
        workers: the processes that work.
    """

    address: str
    workers: list[subprocess.Popen]


@contextmanager
def dask_cluster(folder: Path, workers: int = 2) -> Iterator[DaskCluster]:
    """Yield a real scheduler with workers, each a process; they are ended behind.

    Args:
        folder: for their files.
        workers: how many.
    """
    file = folder / "scheduler.json"
    options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    options += ["--scheduler-file", str(file)]
    processes = [_start("scheduler", options)]
    options = ["--scheduler-file", str(file), "--nthreads", "1", "--no-nanny"]
    options += ["--no-dashboard", "--local-directory", str(folder / "workers")]
    processes += [_start("worker", options) for _ in range(workers)]
    try:
        end = time.monotonic() + STARTED
        while not file.is_file() and time.monotonic() < end:
            time.sleep(0.1)
        yield DaskCluster(json.loads(file.read_text())["address"], processes[1:])
    finally:
        for process in reversed(processes):
            process.kill()
            process.wait()


def _start(what: str, options: list[str]) -> subprocess.Popen:
    command = [sys.executable, "-m", f"distributed.cli.dask_{what}", *options]
    null = subprocess.DEVNULL
    return subprocess.Popen(command, stdout=null, stderr=null)
