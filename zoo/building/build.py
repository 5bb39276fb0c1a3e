"""Many releases built, in processes here or on a Dask cluster: `zoo.build`.

A release that is on the shelf already is not built again, and a training run that was
stopped goes on, so that the same call finishes what an interrupted one began.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from compiler.errors import FormatError, InputError, ZooError
from compiler.sealed import SUMS, digest_of_sums
from zoo.building.plan import (
    PLANS,
    BuildPlan,
    plan_of_release,
    read_plans,
    with_secret,
)
from zoo.building.progress import BuildProgress, write_line
from zoo.jobs import run_module, run_several
from zoo.release.shelf import find_release, folder_name, list_versions, write_index
from zoo.release.whole import open_folder
from zoo.suites import choose, parse_suite

RUNS = ".runs"
"""The folder of training runs, in that of the releases."""


@dataclass(frozen=True)
class BuiltRelease:
    """What came of building one release.

    Attributes:
        name: of the release, with its version unless that is the first.
        seconds: on the clock; 0 if it was there already.
        failure: why it was not built; "" if it was.
        same: whether its digests are those of the release that is published; None if
            none is.
    """

    name: str
    seconds: float
    failure: str = ""
    same: bool | None = None

    def __str__(self) -> str:
        if self.failure:
            return f"failed after {self.seconds:.0f} s: {self.failure}"
        there = f"built in {self.seconds:.0f} s" if self.seconds else "already there"
        if self.same is None:
            return there
        return f"{there}, {'the published' if self.same else 'other'} digests"


def build(
    plan: str | Path | None = None,
    suite: str | None = None,
    *,
    out: str | Path,
    jobs: int = 1,
    seed_file: str | Path | None = None,
    scheduler: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> list[BuiltRelease]:
    """Build releases, each put in place whole; return what came of each.

    Args:
        plan: a TOML file with a table `[[model]]` for each release.
        suite: a suite of published releases, which are built again from what their
            files say; or `held-out`, which is to be built with a secret.
        out: the folder of the releases that are built.
        jobs: how many are built at a time, each in a process of one thread.
        seed_file: a file with a secret text, from which the seeds of all models are
            then made; for plans and for `held-out`.
        scheduler: the address of a Dask scheduler, `tcp://HOST:PORT`, whose workers
            build instead of processes here; needs the extra `dask`.
        progress: called with a line whenever a release goes on; lines are written to
            standard error if None.

    Raises:
        InputError: neither a plan nor a suite is given, or both; a plan has a mistake;
            no release is in the suite; or the scheduler cannot be reached.
        FormatError: the plan is no TOML file.
    """
    plans = _plans(plan, suite, seed_file)
    shelf = Path(out)
    runs = shelf.resolve() / RUNS
    shown = BuildProgress(len(plans), progress or write_line)
    found: dict[str, BuiltRelease] = {}

    def end(one: BuildPlan, failure: str, seconds: float) -> None:
        built = _outcome(one, shelf, failure, seconds)
        found[one.title] = built
        shown.end(one.title, str(built))

    todo = []
    for one in plans:
        if (shelf / folder_name(one.name, one.version) / SUMS).is_file():
            end(one, "", 0.0)
        else:
            todo.append(one)
    if scheduler is not None:
        from zoo.building.cluster import build_on_cluster

        build_on_cluster(todo, shelf, runs, scheduler, shown.tell, end)
    else:

        def run(one: BuildPlan) -> tuple[str, float]:
            start = time.monotonic()
            return _run_process(one, shelf, runs, shown), time.monotonic() - start

        for one, outcome in run_several(run, todo, jobs):
            end(one, *outcome)
    if shelf.is_dir():
        write_index(shelf)
    return [found[one.title] for one in plans]


def _plans(
    plan: str | Path | None, suite: str | None, seed_file: str | Path | None
) -> list[BuildPlan]:
    if (plan is None) == (suite is None):
        raise InputError(
            "give what is to be built: a plan (zoo build PLAN.toml), or a suite of "
            "published releases (zoo build --suite core)"
        )
    shipped = PLANS / f"{suite}.toml"
    if suite is not None and shipped in PLANS.glob("*.toml"):
        if seed_file is None:
            raise InputError(
                f"--suite {suite} is built with a secret: write any text into a file, "
                "and give it with --seed-file"
            )
        plan = shipped
    if plan is not None:
        plans = read_plans(plan)
        secret = None if seed_file is None else _secret_in(Path(seed_file))
        return plans if secret is None else [with_secret(p, secret) for p in plans]
    assert suite is not None
    if seed_file is not None:
        raise InputError("--seed-file is for a plan, or for --suite held-out")
    parse_suite(suite)
    chosen = choose(suite, list_versions())
    if not chosen:
        raise InputError(f"--suite: no release is in {suite!r}")
    folders = [find_release(r["name"], r["version"]) for r in chosen]
    return [plan_of_release(open_folder(f)) for f in folders if f is not None]


def _secret_in(path: Path) -> str:
    """Return the secret text in a file.

    Raises:
        FormatError: there is no such file, or no text in it.
    """
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(f"--seed-file {path}: cannot be read ({error})") from None
    if not text:
        raise FormatError(f"--seed-file {path}: found nothing in it, expected a text")
    return text


def _run_process(plan: BuildPlan, shelf: Path, runs: Path, shown: BuildProgress) -> str:
    """Build a release in a process; return why that failed, "" if it did not."""
    failure, last = "", "it printed nothing"

    def hear(line: str) -> None:
        nonlocal failure, last
        try:
            said = json.loads(line)
        except ValueError:  # a warning, or the end of a traceback
            last = line.strip() or last
            return
        if "stage" in said:
            shown.tell(plan.title, said["stage"], said["done"], said["total"])
        failure = said.get("failed", failure)

    arguments = [plan.to_json(), str(shelf), str(runs)]
    status = run_module(["zoo.building.worker", *arguments], hear)
    if status and not failure:
        return f"its process ended with status {status} ({last})"
    return failure


def _outcome(
    plan: BuildPlan, shelf: Path, failure: str, seconds: float
) -> BuiltRelease:
    """Return what came of a plan, with its digests compared to the published ones."""
    if failure or not plan.published:
        return BuiltRelease(plan.title, seconds, failure)
    folder = shelf / folder_name(plan.name, plan.version)
    try:
        found = digest_of_sums(folder)
    except ZooError as error:
        return BuiltRelease(plan.title, seconds, str(error))
    return BuiltRelease(plan.title, seconds, same=found == plan.published)
