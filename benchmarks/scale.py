"""What a zoo of 10^4 and 10^6 models costs, and how soon its index answers.

Costs of a model come from the records of other measurements. The index is measured
with a million entries, made up from the published ones; one of them has files, and is
loaded.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean, median
from typing import Any

from benchmarks.alone import ROOT, run_alone
from benchmarks.report import RESULTS, Table, Target

SHELF = ROOT / "releases"
ENTRIES, FEW = 10**6, 10**4
CELLS = (20, 100, 5)
"""Methods, models and seeds of the leaderboard: 10^4 cells."""
ONE = "reverse-siit"
SECONDS, BYTES = 1.0, 300 * 2**20
LIMIT = 3000
"""Seconds after which a part of this is given up."""
PAGE = ("--limit", "100")
ASKED = (
    ("releases", *PAGE),
    ("releases", "--skip", "500000", *PAGE),
    ("releases", "--kind", "compiled", "--difficulty", "4-", *PAGE),
    ("releases", "--suite", "layers>=3 and holds and not family=sorting", *PAGE),
    ("releases", "--suite", "name=sort-00099*", *PAGE),
    ("card", ONE),
    ("card", "revrese-siit"),
)
ASKED_ELSEWHERE = (("releases", *PAGE), ("download", ONE))


def measure(quick: bool) -> dict[str, Any]:
    """Return costs of a model, and times and bytes of an index of so many."""
    entries = FEW if quick else ENTRIES
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        with _only(folder):
            made = _alone("make", entries=entries, folder=text)
            answers = [_answer(words) for words in ASKED]
            load = _alone("load", name=ONE, folder=str(folder / "shelf" / ONE))
            with _served(folder / "served") as address:
                elsewhere = [
                    _answer((*words, "--from", address)) for words in ASKED_ELSEWHERE
                ]
            real = _alone("index_real", folder=text)
    return {
        "entries": entries,
        "model": _cost_of_a_model(),
        "made": made,
        "answers": answers,
        "load": load,
        "elsewhere": elsewhere,
        "real": real,
        "leaderboard": _alone("leaderboard", cells=[2, 5, 2] if quick else CELLS),
    }


# Costs ----------------------------------------------------------------------------


def _cost_of_a_model() -> dict[str, float]:
    """Return means over what was recorded: CPU seconds, and bytes of releases."""
    training = [run for run in _recorded("training")["runs"] if run["cpu_s"]]
    index = json.loads((SHELF / "index.json").read_text(encoding="utf-8"))["releases"]
    passed = [run["cpu_s"] for run in training if run["outcome"] == "passed"]
    sizes = {
        kind: fmean(entry["bytes"] for entry in index if entry["kind"] == kind)
        for kind in ("compiled", "trained")
    }
    return {
        "training": fmean(passed),
        "training_runs": len(passed),
        "audit": fmean(r["seconds"] for r in _recorded("audit_speed")["records"]),
        "compile": fmean(r["first"] for r in _recorded("compile_time")["rows"]),
        "compiled_bytes": sizes["compiled"],
        "trained_bytes": sizes["trained"],
    }


def _recorded(name: str) -> dict[str, Any]:
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


# The index ------------------------------------------------------------------------


def make(entries: int, folder: str) -> dict[str, float]:
    """Write an index of so many entries, here and in parts for a server."""
    from zoo.release.index_condition import EVERY
    from zoo.release.index_shards import write_shards
    from zoo.release.index_tables import LAYOUT
    from zoo.release.shelf_index import index_path

    shelf, served = Path(folder) / "shelf", Path(folder) / "served"
    for place in (shelf, served):
        shutil.copytree(SHELF / ONE, place / ONE)
    path = index_path(shelf)
    path.parent.mkdir(parents=True)
    start = time.perf_counter()
    index = _fill(shelf, path, entries)
    written = time.perf_counter() - start
    start = time.perf_counter()
    write_shards(served, index.entries(EVERY))
    parts = list((served / "index.d").iterdir())
    return {
        "layout": LAYOUT,
        "seconds": written,
        "bytes": path.stat().st_size,
        "parts": len(parts),
        "parts_seconds": time.perf_counter() - start,
        "parts_bytes": sum(part.stat().st_size for part in parts),
        "largest_part": max(part.stat().st_size for part in parts),
        "root_bytes": (served / "index.json").stat().st_size,
    }


def _fill(shelf: Path, path: Path, entries: int) -> Any:
    """Return an index with made-up entries, which counts as up to date."""
    from zoo.release.entry import read_entry
    from zoo.release.index_tables import make_tables
    from zoo.release.shelf_index import ShelfIndex

    connection = sqlite3.connect(path, isolation_level=None)
    make_tables(connection)
    index = ShelfIndex(shelf, connection)
    connection.execute("BEGIN")
    index.insert(_made_up(entries - 1))
    index.insert([read_entry(shelf / ONE)])
    for key, value in (("count", entries), ("time", shelf.stat().st_mtime_ns)):
        connection.execute("REPLACE INTO about VALUES (?, ?)", (key, str(value)))
    connection.execute("COMMIT")
    return index


def _made_up(number: int) -> Iterator[dict[str, Any]]:
    """Yield lines like the published ones, with names and sizes of their own."""
    lines = json.loads((SHELF / "index.json").read_text(encoding="utf-8"))["releases"]
    draw = random.Random(0)
    for at in range(number):
        line = lines[at % len(lines)]
        name = f"{line['program'].replace('_', '-')[:60]}-{at:07}"
        sizes = {"layers": draw.randint(1, 8), "heads": draw.choice((1, 2, 4, 8))}
        sums = f"{draw.getrandbits(256):064x}"
        own = {"name": name, "folder": name, "version": 1, "sums": sums}
        yield {**line, **sizes, **own}


def load(name: str, folder: str) -> dict[str, float]:
    """Return seconds of `zoo.load` by name and by folder, once all is imported."""
    import zoo

    zoo.load(folder)
    found: dict[str, float] = {}
    for what, source in (("name", name), ("folder", folder)):
        times = []
        for _ in range(5):
            start = time.perf_counter()
            zoo.load(source)
            times.append(time.perf_counter() - start)
        found[what] = median(times)
    return found


def index_real(folder: str) -> dict[str, float]:
    """Return seconds a release of reading files, and of finding them unchanged."""
    from zoo.release import shelf_index
    from zoo.release.index_condition import EVERY

    shelf_index.SMALL = 1
    times = []
    for _ in range(2):
        start = time.perf_counter()
        index = shelf_index.open_index(SHELF)
        assert index is not None
        times.append(time.perf_counter() - start)
        number = index.count(EVERY)
        index.close()
    return {"read": times[0] / number, "unchanged": times[1] / number}


def leaderboard(cells: list[int]) -> dict[str, float]:
    """Return seconds of the tables and pages of a leaderboard of made-up cells."""
    from zoo.scoring.cells import Cell
    from zoo.scoring.leaderboard import write_leaderboard
    from zoo.scoring.table import Table as Cells

    draw = random.Random(0)

    def figures(method: int) -> dict[str, float]:
        names = ("auroc", "average_precision", "f1", "hamming", "cpr", "cmd")
        return {name: draw.betavariate(2 + method, 3) for name in names}

    methods, models, seeds = cells
    found = [
        Cell(
            f"method{method}",
            f"model{model}",
            seed,
            "ok",
            seconds=draw.random(),
            figures={level: figures(method) for level in ("qkv", "head", "node")},
            found=tuple(f"a0.h{draw.randint(0, 9)}->m{k}" for k in range(8)),
        )
        for method in range(methods)
        for model in range(models)
        for seed in range(seeds)
    ]
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as out:
        write_leaderboard(Cells(tuple(found)), Path(out))
    return {"cells": len(found), "seconds": time.perf_counter() - start}


# Running --------------------------------------------------------------------------


@contextmanager
def _only(folder: Path) -> Iterator[None]:
    """Let processes see one folder of releases, and an own cache."""
    names = ("CIRCUITZOO_RELEASES", "CIRCUITZOO_CACHE", "no_proxy")
    before = {name: os.environ.get(name) for name in names}
    values = (str(folder / "shelf"), str(folder / "cache"), "127.0.0.1")
    os.environ.update(zip(names, values, strict=True))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _alone(function: str, **arguments: Any) -> dict[str, Any]:
    outcome = run_alone(__name__, function, arguments, LIMIT)
    if outcome.failure:
        raise RuntimeError(f"{function}: {outcome.failure}")
    return {**outcome.value, "peak": outcome.peak}


def _answer(words: tuple[str, ...]) -> dict[str, Any]:
    """Return wall and CPU seconds and peak memory of a command, the best of three."""
    runs = []
    for _ in range(3):
        start = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "zoo", *words],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        cpu = usage.ru_utime + usage.ru_stime
        runs.append((time.perf_counter() - start, cpu, usage.ru_maxrss * 1024))
    shown = [word for word in words if word != "--from" and "://" not in word]
    return {
        "words": shown,
        "seconds": min(run[0] for run in runs),
        "cpu": min(run[1] for run in runs),
        "peak": max(run[2] for run in runs),
        "status": process.returncode,
    }


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    """Serve a folder of releases in a process; yield its address."""
    command = [sys.executable, "-u", "-m", "zoo", "index", "serve", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--folder", str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().split()[0]
    finally:
        process.terminate()
        process.wait()


# Tables ---------------------------------------------------------------------------


def tables(result: dict[str, Any]) -> list[Table]:
    """Return the costs and the times."""
    return [_costs(result), _sizes(result), _answers(result)]


def _costs(result: dict[str, Any]) -> Table:
    model = result["model"]
    trained = 2 * model["training"] + model["audit"]
    rows = []
    for kind, seconds in (
        ("trained, with twin and audit", trained),
        ("compiled", model["compile"]),
    ):
        size = model[f"{kind.split(',')[0]}_bytes"]
        rows.append(
            (
                kind,
                f"{seconds:,.2f} s",
                f"{size / 1024:,.0f} KiB",
                *(
                    cell
                    for number in (10**4, 10**6)
                    for cell in (_days(seconds * number), _bytes(size * number))
                ),
            )
        )
    return Table(
        "What models cost: CPU time and bytes",
        ("<model", "one", "one", "10^4", "10^4", "10^6", "10^6"),
        rows,
        (
            f"Means over {model['training_runs']} recorded trainings that reached the "
            f"bar ({model['training']:.0f} s each), the recorded audits of 10,000 "
            f"pairs ({model['audit']:.0f} s) and compilations, and the published "
            "releases. A twin is counted as a second training.",
        ),
    )


def _sizes(result: dict[str, Any]) -> Table:
    made, real, board = result["made"], result["real"], result["leaderboard"]
    number = result["entries"]
    rows = [
        ("index here, SQLite", _bytes(made["bytes"]), f"{made['seconds']:.0f} s"),
        (
            f"index in {made['parts']:,} parts",
            _bytes(made["parts_bytes"]),
            f"{made['parts_seconds']:.0f} s",
        ),
        ("list of the parts", _bytes(made["root_bytes"]), ""),
        ("largest part", _bytes(made["largest_part"]), ""),
        ("files read into the index, a release", "", f"{real['read'] * 1e3:.2f} ms"),
        ("files found unchanged, a release", "", f"{real['unchanged'] * 1e3:.3f} ms"),
        (
            f"leaderboard of {board['cells']:,} cells, memory",
            _bytes(board["peak"]),
            f"{board['seconds']:.0f} s",
        ),
    ]
    return Table(f"Index of {number:,} releases", ("<what", "bytes", "time"), rows)


def _answers(result: dict[str, Any]) -> Table:
    load = result["load"]
    asked = [(" ".join(a["words"]), a) for a in result["answers"]]
    asked += [(f"{' '.join(a['words'])} --from URL", a) for a in result["elsewhere"]]
    rows = [
        (f"zoo {words}", f"{a['cpu']:.2f}", f"{a['seconds']:.2f}", _bytes(a["peak"]))
        for words, a in asked
    ]
    memory = _bytes(load["peak"])
    rows.append((f"zoo.load('{ONE}')", "", f"{load['name']:.2f}", memory))
    rows.append(("zoo.load(its folder)", "", f"{load['folder']:.2f}", ""))
    return Table(
        f"Answers of a zoo of {result['entries']:,} releases: seconds, memory",
        ("<asked", "CPU", "wall", "memory"),
        rows,
        (
            "Commands are timed as processes, the best of three, start included; other "
            "work ran on the machine. `zoo.load` is timed once jax is imported, whose "
            "memory it has. The server is on the same machine.",
        ),
    )


def _days(seconds: float) -> str:
    days = seconds / 86_400
    return f"{days:,.0f} days" if days >= 2 else f"{seconds / 3600:,.1f} h"


def _bytes(size: float) -> str:
    for unit, least in (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20)):
        if size >= least:
            return f"{size / least:,.1f} {unit}"
    return f"{size / 1024:,.0f} KiB"


def targets(result: dict[str, Any]) -> list[Target]:
    """Return whether every answer is soon and small enough."""
    every = [*result["answers"], *result["elsewhere"]]
    slowest = max(every, key=lambda answer: answer["cpu"])
    largest = max(answer["peak"] for answer in every)
    found = f"{slowest['cpu']:.2f} s, zoo {' '.join(slowest['words'])}"
    loaded = result["load"]["name"]
    number = f"{result['entries']:,} releases"
    return [
        Target(f"answer, {number}", "< 1 s CPU", found, slowest["cpu"] < SECONDS),
        Target(f"zoo.load, {number}", "< 1 s", f"{loaded:.2f} s", loaded < SECONDS),
        Target(f"memory, {number}", "< 300 MiB", _bytes(largest), largest < BYTES),
    ]
