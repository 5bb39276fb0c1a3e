"""Releases built by the workers of a Dask cluster (dask.distributed).

A worker sends the files of a release back, and the machine that asked puts them in
place. When a worker dies, Dask gives its plan to another one. It goes on with the same
training run where both see the folder of runs, and begins anew elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from compiler.errors import InputError, ZooError
from compiler.sealed import digest
from zoo.building.plan import BuildPlan

TOPIC = "circuitzoo-build"
WAIT = 20
"""Seconds in which a scheduler must answer."""

Told = Callable[[str, str, int, int], None]
Ended = Callable[[BuildPlan, str, float], None]


def build_on_cluster(
    plans: Sequence[BuildPlan],
    shelf: Path,
    runs: Path,
    address: str,
    tell: Told,
    end: Ended,
) -> None:
    """Build releases on a cluster, and put each on the shelf when it is back.

    Args:
        plans: of the releases.
        shelf: where they are put.
        runs: the folder of training runs; workers that cannot write there use one of
            their own.
        address: of the scheduler, `tcp://HOST:PORT`.
        tell: called with (name, stage, done, total).
        end: called with (plan, why it failed or "", seconds).

    Raises:
        InputError: dask.distributed is not installed, or no scheduler answers.
    """
    client = _connect(address)
    from distributed import as_completed

    from zoo.release.shelf import add

    begun = time.monotonic()

    def hear(event: tuple[float, Mapping[str, Any]]) -> None:
        said = event[1]
        tell(said["name"], said["stage"], said["done"], said["total"])

    with client:
        client.subscribe_topic(TOPIC, hear)
        asked = {
            client.submit(
                build_remotely, plan.to_json(), str(runs), key=_key(plan)
            ): plan
            for plan in plans
        }
        for future in as_completed(asked):
            plan, failure = asked[future], ""
            try:
                files, failure = future.result()
                if not failure:
                    add(shelf, plan.name, plan.version, files)
            except ZooError as error:
                failure = str(error)
            except Exception as error:  # a worker that is gone, or of another version
                failure = _first_line(error)
            end(plan, failure, time.monotonic() - begun)
            future.release()


def build_remotely(text: str, runs: str) -> tuple[dict[str, bytes], str]:
    """Build a release on a worker; return (its files by name, why that failed or "").

    Args:
        text: the plan, as JSON.
        runs: the folder of training runs on the machine that asks.
    """
    import tempfile

    from distributed import get_worker

    from zoo.building.worker import Teller

    plan, worker = BuildPlan.from_json(text), get_worker()
    teller = Teller(lambda said: worker.log_event(TOPIC, {**said, "name": plan.title}))
    with tempfile.TemporaryDirectory() as own:
        place = Path(runs) if _can_write(Path(runs)) else Path(own)
        try:
            return dict(teller.build(plan, place)), ""
        except ZooError as error:
            return {}, str(error)


def _key(plan: BuildPlan) -> str:
    """Return the name of a task: another plan of the same release is another task."""
    return f"build-{plan.title}-{digest(plan.to_json().encode())[:16]}"


def _first_line(error: Exception) -> str:
    """Return what kind of error it is, and the first line of what it says."""
    return f"{type(error).__name__}: {error}".splitlines()[0][:200]


def _can_write(folder: Path) -> bool:
    """Return whether this machine has a folder, which it does not make."""
    import os

    return folder.is_dir() and os.access(folder, os.W_OK)


def _connect(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError:
        raise InputError(
            "--scheduler needs dask.distributed. Install circuitzoo[dask]"
        ) from None
    try:
        return Client(address, timeout=WAIT)
    except (OSError, TimeoutError, ValueError) as error:
        raise InputError(
            f"--scheduler {address}: no Dask scheduler answers there "
            f"({_first_line(error)}). Start one with `dask scheduler`, "
            "and workers with `dask worker ADDRESS --nthreads 1`"
        ) from None
