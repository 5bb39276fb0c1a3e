"""Many releases checked: each in a process of its own, several at a time.

`zoo verify --releases` and `zoo.verify_releases`. What is checked of each is what
`zoo verify NAME` checks.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from compiler.errors import InputError
from zoo.jobs import run_several

MOST_NAMED = 5
"""Differences of one release that are named in a line."""


@dataclass(frozen=True)
class VerifiedRelease:
    """What checking one release found.

    Attributes:
        name: of the release, `NAME@VERSION`.
        files: how many files it has.
        differences: where they do not say what they must.
        failure: why nothing was found; "" where something was.
        seconds: on the clock.
    """

    name: str
    files: int = 0
    differences: tuple[str, ...] = ()
    failure: str = ""
    seconds: float = 0.0

    @property
    def right(self) -> bool:
        """Whether it was checked, and every file says what it must."""
        return not self.failure and not self.differences

    @property
    def fault(self) -> str:
        """What is not right, in one line; "" where all is."""
        more = len(self.differences) - MOST_NAMED
        parts = [*self.differences[:MOST_NAMED], *([f"{more} more"] * (more > 0))]
        return self.failure or "; ".join(parts)


def verify_releases(
    suite: str = "",
    *,
    jobs: int = 1,
    quick: bool = False,
    progress: bool | Callable[[int, int], None] = True,
) -> tuple[VerifiedRelease, ...]:
    """Return what checking all releases finds, or those of a suite.

    Args:
        suite: a suite's name or an expression; all versions of all releases if empty.
        jobs: how many are checked at a time, each in a process.
        quick: whether files are checked and no audit is run.
        progress: whether it is shown how far it is; or a function that is called with
            (releases that are done, all).

    Raises:
        InputError: the suite cannot be read, no release is in it, or `jobs` is no
            positive number.
    """
    from zoo.progress import show_progress
    from zoo.release.shelf import list_versions
    from zoo.suites import choose

    if jobs < 1:
        raise InputError(f"jobs is {jobs}: at least one process has to check releases")
    every = list_versions()
    chosen = choose(suite, every) if suite.strip() else every
    if not chosen:
        where = f" in {suite!r}" if suite else ""
        raise InputError(
            f"--releases: found none{where}. `zoo releases` lists what there is"
        )
    names = [f"{release['name']}@{release['version']}" for release in chosen]
    found: dict[str, VerifiedRelease] = {}
    with show_progress("verify", "releases", progress) as show:
        for name, one in run_several(partial(_verify, quick=quick), names, jobs):
            found[name] = one
            show(len(found), len(names))
    return tuple(found[name] for name in names)


def _verify(name: str, *, quick: bool) -> VerifiedRelease:
    """Check one release in a process of its own."""
    start = time.monotonic()
    command = [sys.executable, "-m", "zoo", "verify", f"release:{name}", "--json"]
    ran = subprocess.run(
        [*command, *(["--quick"] if quick else [])], capture_output=True, text=True
    )
    seconds = round(time.monotonic() - start, 1)
    try:
        rows: list[dict[str, Any]] = json.loads(ran.stdout)
        differences = tuple(d for row in rows for d in row["differences"])
        return VerifiedRelease(name, len(rows), differences, "", seconds)
    except (ValueError, KeyError, TypeError):
        *_, said = ran.stderr.strip().splitlines() or [""]
        told = said.startswith("error: ")
        failure = said.removeprefix("error: ") if told else f"status {ran.returncode}"
        return VerifiedRelease(name, failure=failure, seconds=seconds)
