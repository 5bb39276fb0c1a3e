"""How soon the command line answers, and what `import zoo` brings in."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.alone import ROOT, run_alone
from benchmarks.report import Table, Target

REPEATS = 7
ANSWERS = (
    ("list",),
    ("evaluate", "--list"),
    ("releases",),
    ("card", "sort-siit"),
    ("train", "--help"),
    ("train", "nope"),
    ("score", "sort-siit", "x.txt"),
)
"""Commands that need no model; those of unknown names and files end with status 2."""
HEAVY = ("jax", "flax", "datasets", "matplotlib.pyplot", "torch")


def command() -> list[str]:
    """Return how `zoo` is called: the installed script, else the module."""
    script = Path(sys.executable).with_name("zoo")
    found = str(script) if script.exists() else shutil.which("zoo")
    return [found] if found else [sys.executable, "-m", "zoo"]


def imported() -> dict[str, Any]:
    """Return which heavy modules `import zoo` brings in, and its CPU seconds."""
    start = time.process_time()
    __import__("zoo")
    seconds = time.process_time() - start
    return {"seconds": seconds, "heavy": [n for n in HEAVY if n in sys.modules]}


def measure(quick: bool) -> dict[str, Any]:
    """Return wall and CPU seconds of `zoo --help`, and what `import zoo` costs."""
    argv = [*command(), "--help"]
    runs = [_timed(argv) for _ in range(1 + (3 if quick else REPEATS))][1:]
    outcome = run_alone(__name__, "imported", {})
    failed = [run["failure"] for run in runs if run["failure"]]
    return {
        "command": "zoo --help" if len(argv) == 2 else "python -m zoo --help",
        "failure": failed[0] if failed else outcome.failure,
        "wall": median(run["wall"] for run in runs),
        "cpu": median(run["cpu"] for run in runs),
        "fastest": min(run["wall"] for run in runs),
        "import": outcome.value,
        "answers": {
            " ".join(words): _cpu([*command(), *words], 1 if quick else 3)
            for words in ANSWERS
        },
    }


def _cpu(argv: list[str], repeats: int) -> float:
    """Return the fewest CPU seconds of a command, whatever its status."""
    return min(_timed(argv)["cpu"] for _ in range(repeats))


def _timed(argv: list[str]) -> dict[str, Any]:
    """Return wall and CPU seconds of a command, and its error if it fails."""
    before, start = os.times(), time.perf_counter()
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True)
    wall, after = time.perf_counter() - start, os.times()
    cpu = (
        after.children_user
        + after.children_system
        - before.children_user
        - before.children_system
    )
    lines = done.stderr.strip().splitlines() or [f"exit {done.returncode}"]
    failure = lines[-1][:200] if done.returncode else ""
    return {"wall": wall, "cpu": cpu, "failure": failure}


def tables(result: dict[str, Any]) -> list[Table]:
    """Return the times."""
    if result["failure"]:
        return [Table(f"Start: {result['failure']}", ("<",), [])]
    rows = [
        (
            result["command"],
            f"{result['wall']:.2f}",
            f"{result['fastest']:.2f}",
            f"{result['cpu']:.2f}",
        ),
        ("import zoo", "", "", f"{result['import']['seconds']:.2f}"),
    ]
    heavy = ", ".join(result["import"]["heavy"]) or "none"
    answers = [(f"zoo {words}", f"{cpu:.2f}") for words, cpu in _answers(result)]
    return [
        Table("Answers that need no model: CPU seconds", ("<command", "CPU"), answers),
        Table(
            f"Start: seconds, median of {REPEATS}",
            ("<command", "wall", "fastest", "CPU"),
            rows,
            (f"Of {', '.join(HEAVY)}, `import zoo` brings in: {heavy}.",),
        ),
    ]


def _answers(result: dict[str, Any]) -> list[tuple[str, float]]:
    return list(result.get("answers", {}).items())


def targets(result: dict[str, Any]) -> list[Target]:
    """Return the first answer's time and what is imported."""
    if result["failure"]:
        return [Target("zoo --help", "< 0.5 s", result["failure"][:30], None)]
    heavy = result["import"]["heavy"]
    found = f"{result['wall']:.2f} s wall, {result['cpu']:.2f} CPU"
    return [
        Target("zoo --help", "< 0.5 s", found, result["wall"] < 0.5),
        *(
            Target(f"zoo {words}", "< 0.6 s CPU", f"{cpu:.2f} s", cpu < 0.6)
            for words, cpu in _answers(result)
        ),
        Target("import zoo", "without jax", ", ".join(heavy) or "without", not heavy),
    ]
