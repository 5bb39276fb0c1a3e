"""How long the tests take, and which take longest

Seconds of two worker processes, as `make test TORCH=1` runs them; a test's time has
that of the fixtures which it is the first to need, and of the processes it starts.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as xml
from collections import defaultdict
from pathlib import Path
from typing import Any

from benchmarks.alone import ROOT
from benchmarks.report import Table, Target

RECORDED = "CIRCUITZOO_TEST_TIMES"
"""Names what `make test ARGS=--junitxml=FILE` wrote, where the tests ran already."""
ORDER = ("--dist", "loadfile", "--no-loadscope-reorder")
MOST, SHOWN = 12 * 60, 10


def measure(quick: bool) -> dict[str, Any]:
    """Return the seconds of the whole suite, of its slowest tests and of its files."""
    if recorded := os.environ.get(RECORDED):
        return read_times(Path(recorded))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "tests.xml")
        what = ["tests/compiler/test_emit.py"] if quick else []
        command = [sys.executable, "-m", "pytest", "-n", "2", *ORDER]
        command.append(f"--junitxml={path}")
        start = time.perf_counter()
        subprocess.run([*command, *what], cwd=ROOT, stdout=sys.stderr, check=False)
        return {**read_times(path), "wall": time.perf_counter() - start}


def read_times(path: Path) -> dict[str, Any]:
    """Return the times that pytest wrote into a JUnit file."""
    suite = next(xml.parse(path).getroot().iter("testsuite"))
    tests = [
        (float(case.attrib["time"]), f"{case.attrib['classname']}::{name}")
        for case in suite.iter("testcase")
        for name in [case.attrib["name"]]
    ]
    files: dict[str, float] = defaultdict(float)
    for seconds, name in tests:
        files[name.partition("::")[0]] += seconds
    return {
        "wall": float(suite.attrib["time"]),
        "tests": len(tests),
        "failed": int(suite.attrib["failures"]) + int(suite.attrib["errors"]),
        "slowest": sorted(tests, reverse=True)[:SHOWN],
        "files": sorted(((s, n) for n, s in files.items()), reverse=True)[:SHOWN],
    }


def tables(result: dict[str, Any]) -> list[Table]:
    """Return the slowest tests and the slowest files."""
    header = ("seconds", "<what")
    return [
        Table(
            f"The {len(result[key])} {what} that take longest",
            header,
            [(f"{seconds:.1f}", name) for seconds, name in result[key]],
        )
        for key, what in (("slowest", "tests"), ("files", "files of tests"))
    ]


def targets(result: dict[str, Any]) -> list[Target]:
    """Return the time of the suite beside what it may take."""
    found = f"{result['wall'] / 60:.1f} min, {result['tests']} tests"
    if result["failed"]:
        found += f", {result['failed']} failed"
    met = result["wall"] <= MOST and not result["failed"]
    return [Target("all tests, 2 cores", f"<= {MOST // 60} min", found, met)]
