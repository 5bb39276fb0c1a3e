"""A leaderboard whose runs the workers of a Dask cluster do, one of which dies."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import zoo
from tests.zoo.calls import Call
from tests.zoo.clusters import DaskCluster

PROGRAMS = ("reverse", "histogram", "most_frequent")
SLOW = """
import time
from pathlib import Path

def lengths(case):
    Path({place!r}).touch()
    time.sleep({seconds})
    return {{str(edge): float(len(str(edge))) for edge in case.names.edges}}
"""


def figures_in(folder: Path) -> dict[str, object]:
    """Return the figures of every cell, by its file."""
    return {
        path.relative_to(folder).as_posix(): json.loads(path.read_text())["figures"]
        for path in folder.rglob("*.json")
    }


def test_a_cluster_that_loses_a_worker_makes_the_leaderboard_that_is_made_here(
    cluster: DaskCluster, tmp_path: Path, call: Call
) -> None:
    folder = tmp_path / "models"
    models = [folder / name for name in PROGRAMS]
    for model in models:
        zoo.save(zoo.compile(model.name, ["a", "b"], 3), model)
    begun, file = tmp_path / "begun", tmp_path / "mine.py"
    file.write_text(SLOW.format(place=str(begun), seconds=2.0))
    suite = [word for model in models for word in ("--suite", str(model))]
    given = ["leaderboard", "--method", str(file), "--method", "random", *suite]
    given += ["--seeds", "1", "--pairs", "8", "--out"]
    killed = threading.Event()

    def kill() -> None:
        while not begun.exists() and not killed.wait(0.05):
            pass
        cluster.workers[0].kill()
        killed.set()

    watch = threading.Thread(target=kill)
    watch.start()
    there = call(*given, tmp_path / "there", "--scheduler", cluster.address)
    assert killed.is_set(), "the worker was killed in the middle"
    watch.join()
    assert there.status == 0 and cluster.workers[0].poll() is not None
    assert "3/3" in there.err
    here = call(*given, tmp_path / "here", "--jobs", "2")
    assert here.status == 0
    places = [tmp_path / name / "cells" for name in ("here", "there")]
    ours, theirs = map(figures_in, places)
    assert ours == theirs and len(ours) == 2 * len(models)
    assert all(ours.values()), "every run has figures"
    pages = [tmp_path / name / "README.md" for name in ("here", "there")]
    tables = [
        [line.rpartition(" | ")[0].rpartition(" | ")[0] for line in page.split("\n")]
        for page in (path.read_text() for path in pages)
    ]
    assert tables[0] == tables[1], "the pages are equal but for seconds"
