"""Several runs at a time, a single-threaded process each."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

AGAIN = 75
"""The status of a command that got further, and has to be run again (EX_TEMPFAIL)."""

JobItem = TypeVar("JobItem")
JobResult = TypeVar("JobResult")


def run_several(
    run: Callable[[JobItem], JobResult], items: Iterable[JobItem], jobs: int
) -> Iterator[tuple[JobItem, JobResult]]:
    """Yield each item with what `run` returned for it, as they get done.

    Whoever stops early, by Ctrl-C too, has no further item begun.

    Args:
        run: is called from a thread; what takes long is a process that it waits for.
        items: what it is called with.
        jobs: how many are run at a time.
    """
    with ThreadPoolExecutor(jobs) as pool:
        asked = {pool.submit(run, item): item for item in items}
        try:
            for future in as_completed(asked):
                yield asked[future], future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def run_module(arguments: Sequence[str], on_line: Callable[[str], None]) -> int:
    """Run `python -m` with arguments, and return its status.

    Args:
        arguments: the module, and its own arguments.
        on_line: called with each line that it writes, errors among them.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        on_line(line)
    return process.wait()


def run_to_end(arguments: Sequence[str], on_line: Callable[[str], None]) -> int:
    """Run `python -m` with arguments, again while it ends with the status `AGAIN`.

    Args:
        arguments: of `run_module`.
        on_line: of `run_module`.
    """
    while (status := run_module(arguments, on_line)) == AGAIN:
        pass
    return status


def run_jobs(commands: Mapping[str, Sequence[str]], jobs: int) -> list[str]:
    """Run `zoo` with each command, `jobs` at a time, and return which failed.

    A command that ends with the status `AGAIN` is run again.

    Args:
        commands: arguments of the command line, by a name that is put in front of
            every line of their output.
        jobs: how many run at a time.
    """
    lock = threading.Lock()

    def run(name: str) -> int:
        def show(line: str) -> None:
            with lock:
                print(f"{name}: {line}", end="", flush=True)

        return run_to_end(["zoo", *commands[name]], show)

    status = dict(run_several(run, commands, jobs))
    return [name for name in commands if status[name]]
