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

from compiler.errors import ZooError
from zoo.building.plan import BuildPlan
from zoo.cluster import run_on_cluster, say

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
    from zoo.release.shelf import add

    begun = time.monotonic()
    named = {plan.title: plan for plan in plans}

    def hear(said: Mapping[str, Any]) -> None:
        tell(said["name"], said["stage"], said["done"], said["total"])

    pieces = {name: (plan.to_json(), str(runs)) for name, plan in named.items()}
    for name, found, failure in run_on_cluster(address, build_remotely, pieces, hear):
        plan = named[name]
        if not failure:
            files, failure = found
        try:
            if not failure:
                add(shelf, plan.name, plan.version, files)
        except ZooError as error:
            failure = str(error)
        end(plan, failure, time.monotonic() - begun)


def build_remotely(text: str, runs: str) -> tuple[dict[str, bytes], str]:
    """Build a release on a worker; return (its files by name, why that failed or "").

    Args:
        text: the plan, as JSON.
        runs: the folder of training runs on the machine that asks.
    """
    import tempfile

    from zoo.building.worker import Teller

    plan = BuildPlan.from_json(text)
    teller = Teller(lambda said: say(**said, name=plan.title))
    with tempfile.TemporaryDirectory() as own:
        place = Path(runs) if _can_write(Path(runs)) else Path(own)
        try:
            return dict(teller.build(plan, place)), ""
        except ZooError as error:
            return {}, str(error)


def _can_write(folder: Path) -> bool:
    """Return whether this machine has a folder, which it does not make."""
    import os

    return folder.is_dir() and os.access(folder, os.W_OK)
