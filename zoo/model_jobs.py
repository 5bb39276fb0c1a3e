"""A command that is run on many models, a process for each: here, or on a cluster.

Each process writes into a folder of its own, and the files come back and are put in
place, so that processes share nothing. `--jobs` and `--scheduler` of `zoo evaluate`,
`zoo leaderboard` and `zoo submit` work like that.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from compiler.errors import InputError
from compiler.files import write_atomically
from zoo.cluster import run_on_cluster
from zoo.jobs import run_several, run_to_end

KEPT = ("cells/", "entries/")
"""Where a command keeps what belongs to single models."""


@dataclass(frozen=True)
class ModelCommand:
    """A command of `zoo`, to be run on one model after the other.

    Attributes:
        words: of the command line, without `--suite` and `--out`.
        files: the user's own files among the words.
        out: the folder of what it writes.
    """

    words: tuple[str, ...]
    files: tuple[str, ...]
    out: Path

    def given(self, model: str, names: Sequence[str]) -> tuple[Any, ...]:
        """Return the arguments of `run_apart` for a model.

        Args:
            model: a line of a suite.
            names: of the files in `out` that are of this model, wherever they are.
        """
        own = {file: Path(file).read_bytes() for file in self.files}
        there = [path for path in self.out.rglob("*.json") if path.name in set(names)]
        done = {p.relative_to(self.out).as_posix(): p.read_bytes() for p in there}
        return (*self.words, "--suite", model), own, done


def run_models(
    command: ModelCommand,
    models: Mapping[str, Sequence[str]],
    jobs: int = 1,
    scheduler: str | None = None,
) -> None:
    """Run a command on each model, and put what it writes in place.

    Args:
        command: what to run.
        models: by the line of a suite, the names of the files that are of it.
        jobs: how many processes here run at a time.
        scheduler: the address of a Dask scheduler whose workers run them instead.

    Raises:
        InputError: a process failed, or the scheduler cannot be reached. What others
            did is kept.
    """
    pieces = {line: command.given(line, names) for line, names in models.items()}
    found = (
        _run_here(pieces, jobs, command.out)
        if scheduler is None
        else run_on_cluster(scheduler, run_apart, pieces)
    )
    failed = []
    for done, (line, came, failure) in enumerate(found, 1):
        files, failure = ({}, failure) if came is None else came
        _put(command.out, files)
        print(
            f"{done}/{len(pieces)} {line}{': ' * bool(failure)}{failure}",
            file=sys.stderr,
            flush=True,
        )
        failed += [f"{line} ({failure})"] if failure else []
    if failed:
        raise InputError(
            f"{', '.join(failed)}: the process failed. What was done is kept; run the "
            "same command again"
        )


def run_apart(
    words: Sequence[str], own: Mapping[str, bytes], done: Mapping[str, bytes]
) -> tuple[dict[str, bytes], str]:
    """Run a command in a folder of its own; return (what it wrote, why it failed).

    It failed if the second is not "". Of what it wrote, scores and cells come back.

    Args:
        words: of the command line.
        own: contents of the user's files that the words name.
        done: files that are there already, by their name below the folder.
    """
    with tempfile.TemporaryDirectory() as text:
        folder, out = Path(text), Path(text) / "out"
        out.mkdir()
        places = {}
        for number, (file, data) in enumerate(own.items()):
            places[file] = folder / str(number) / Path(file).name
            places[file].parent.mkdir()
            places[file].write_bytes(data)
        _put(out, done)
        last = ""

        def hear(line: str) -> None:
            nonlocal last
            last = line.strip() or last

        command = ["zoo", *(_moved(word, places) for word in words), "--out", str(out)]
        status = run_to_end(command, hear)
        files = {p.relative_to(out).as_posix(): p for p in out.rglob("*.json")}
        new = {n: p.read_bytes() for n, p in files.items() if n.startswith(KEPT)}
        failure = last.removeprefix("error: ")[:300] if status else ""
        return {n: d for n, d in new.items() if done.get(n) != d}, failure


def _run_here(
    pieces: Mapping[str, tuple[Any, ...]], jobs: int, out: Path
) -> Iterator[tuple[str, Any, str]]:
    def run(line: str) -> tuple[dict[str, bytes], str]:
        files, failure = run_apart(*pieces[line])
        _put(out, files)  # here, so that what was done is kept at Ctrl-C too
        return {}, failure

    for line, came in run_several(run, pieces, jobs):
        yield line, came, ""


def _moved(word: str, places: Mapping[str, Path]) -> str:
    """Return a word of a command line in which a file is where it is now."""
    for file, place in places.items():
        if word == file or word.startswith(f"{file}:"):
            return str(place) + word.removeprefix(file)
        if word.startswith("--method=") and word != "--method=":
            moved = _moved(word.removeprefix("--method="), {file: place})
            word = f"--method={moved}"
    return word


def _put(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files below a folder, each whole."""
    for name, data in files.items():
        plain = PurePosixPath(name)
        if plain.is_absolute() or ".." in plain.parts:
            raise InputError(f"{name!r}: a worker sent a file of this name")
        (folder / plain).parent.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / plain, data)
