"""Sampled programs with their compiled models, as a folder that `datasets` reads.

    README.md          which files are which split, what is in a row, how to read it
    dataset.json       what was asked for, and the layout of the weights
    shards/00000/..    the rows (`shards.py`)
    statistics.json    how many rows and draws there are; written last

A shard is there whole or not at all. Whoever is killed runs the same again: shards that
are there are kept, and the bytes are those of a run that was not killed.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from compiler.errors import InputError, count
from compiler.files import locked, put_folder, room_to, write_atomically
from zoo.sampling.dataset_card import card_text
from zoo.sampling.drawing import DrawSieve, kept_of
from zoo.sampling.goal import GoalChoices, check_range
from zoo.sampling.judging import REASONS
from zoo.sampling.records import COMPARED, LAYOUT, WRONG, ModelRecord
from zoo.sampling.shards import ABOUT, SPLITS, in_test, shard_files
from zoo.sampling.workers import judged

MOST_MODELS, MOST_SHARD = 10_000_000, 10_000
FORMAT = "circuitzoo sampled dataset, 1"
SETTINGS, STATISTICS, CARD, SHARDS = (
    "dataset.json",
    "statistics.json",
    "README.md",
    "shards",
)
_OURS = {SETTINGS, STATISTICS, CARD, SHARDS, ".lock"}


@dataclass(frozen=True)
class SampledDataset:
    """A dataset of sampled programs in a folder.

    Attributes:
        folder: `datasets.load_dataset` takes it.
        programs: rows in all.
        splits: rows of each split.
        draws: how many programs were drawn.
        rejected: how many were not kept, by reason.
        layers: how many rows have each number of layers.
        parameters: the mean number of weights of a model.
    """

    folder: Path
    programs: int
    splits: dict[str, int]
    draws: int
    rejected: dict[str, int]
    layers: dict[int, int]
    parameters: float


@dataclass(frozen=True)
class DatasetRequest:
    """What a dataset is to hold.

    Attributes:
        choices: the goals of its programs.
        n: how many.
        seed: of the draws.
        shard: rows of a shard.
        test: share of functions in the test split.

    Raises:
        InputError: a number is out of range.
    """

    choices: GoalChoices
    n: int
    seed: int
    shard: int
    test: float

    def __post_init__(self) -> None:
        check_range("shard", self.shard, 1, MOST_SHARD)
        number = isinstance(self.test, int | float) and not isinstance(self.test, bool)
        if not number or not 0 <= self.test < 1:
            raise InputError(
                f"test is {self.test!r}; give a share of at least 0 and below 1"
            )

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values, with all that the bytes depend on."""
        return {
            "format": FORMAT,
            "circuitzoo": version("circuitzoo"),
            "programs": self.n,
            "seed": self.seed,
            "goal": self.choices.to_json(),
            "shard": self.shard,
            "test": self.test,
            "compared": COMPARED,
            "layout": LAYOUT,
        }


def write_dataset(
    request: DatasetRequest,
    out: str | os.PathLike[str],
    *,
    force: bool = False,
    jobs: int = 1,
    show: Callable[[int, int], None] = lambda done, total: None,
) -> SampledDataset:
    """Write a dataset, or what is still missing of it, and say what is in it.

    Args:
        request: what it is to hold.
        out: its folder.
        force: whether another dataset that is there is replaced.
        jobs: how many processes draw and compile.
        show: called with (rows so far, rows in all).

    Raises:
        InputError: the folder holds something else, or cannot be written.
        ZooError: many draws in a row gave no further program.
    """
    folder = Path(os.path.abspath(out))
    with room_to(f"write to {folder}"):
        _open_folder(folder, request, force)
        with locked(folder / ".lock", keep=False, wait=1.0):
            _write_rest(folder, request, jobs, show)
            return _finish(folder, request)


def _open_folder(folder: Path, request: DatasetRequest, force: bool) -> None:
    """Have a folder that holds nothing, or a part of the dataset that is asked for."""
    if os.path.lexists(folder) and (folder.is_symlink() or not folder.is_dir()):
        raise InputError(f"{folder} is no folder; give another --out")
    folder.mkdir(parents=True, exist_ok=True)
    names = {entry.name for entry in folder.iterdir()}
    foreign = sorted(n for n in names - _OURS if not n.startswith(f".{SETTINGS}"))
    if foreign or (names - {".lock"} and SETTINGS not in names):
        found = (foreign or sorted(names))[0]
        raise InputError(
            f"{folder} holds {found}, which is not of a dataset of sampled programs. "
            "Give another --out"
        )
    if names - {".lock"}:
        problem = _difference(folder, request)
        if problem and not force:
            raise InputError(
                f"{folder} holds another dataset: {problem}. Give the same options to "
                "go on with it, another --out, or --force to replace it"
            )
        if problem:
            _clear(folder)
    write_atomically(folder / SETTINGS, _to_bytes(request.to_json()))
    splits = SPLITS if request.test else SPLITS[:1]
    _write_card(folder, request, splits)
    (folder / SHARDS).mkdir(exist_ok=True)


def _difference(folder: Path, request: DatasetRequest) -> str:
    """Return in words how a dataset that is there differs; nothing if it is begun."""
    wanted = json.loads(_to_bytes(request.to_json()))
    try:
        there = json.loads((folder / SETTINGS).read_text("utf-8"))
        assert isinstance(there["programs"], int) and isinstance(there["goal"], dict)
    except (ValueError, AssertionError, KeyError, TypeError, RecursionError):
        return f"its {SETTINGS} cannot be read"
    if there["programs"] > wanted["programs"]:
        return f"it has {there['programs']} programs, more than are asked for"
    asked = wanted.pop("goal") | wanted | {"programs": there["programs"]}
    found = there.pop("goal") | there
    for name in asked:
        if found.get(name) != asked[name]:
            return f"its {name} is {found.get(name)!r}, not {asked[name]!r}"[:300]
    return ""


def _write_card(folder: Path, request: DatasetRequest, splits: Sequence[str]) -> None:
    write_atomically(folder / CARD, card_text(request.to_json(), splits).encode())


def _clear(folder: Path) -> None:
    for name in (STATISTICS, SETTINGS, CARD):
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / SHARDS, ignore_errors=True)


def _to_bytes(found: Any) -> bytes:
    return (json.dumps(found, indent=1, allow_nan=False) + "\n").encode()


# Shards ---------------------------------------------------------------------------


def _write_rest(
    folder: Path,
    request: DatasetRequest,
    jobs: int,
    show: Callable[[int, int], None],
) -> None:
    """Write the shards that are not there."""
    sieve = DrawSieve((*REASONS, WRONG))
    done, total = 0, request.n
    while done < total and _take_up(folder, request, done, sieve):
        done += min(request.shard, total - done)
    for path in _shards(folder)[-(-done // request.shard) :]:
        shutil.rmtree(path)  # the last one of a smaller dataset: it is made anew
    if done == total:
        return
    (folder / STATISTICS).unlink(missing_ok=True)
    choices, seed = request.choices, request.seed
    with judged(choices, seed, sieve.next, "record", sieve.known, jobs) as outcomes:
        while done < total:
            wanted, first = min(request.shard, total - done), sieve.next
            before = Counter(sieve.rejected)
            records: list[ModelRecord] = []
            for record in kept_of(outcomes, sieve, wanted, total):
                records.append(record)
                show(done + len(records), total)
            rejected = {k: v - before[k] for k, v in sieve.rejected.items()}
            about = _about(records, first, sieve.next, rejected, request.test)
            target = folder / SHARDS / f"{done // request.shard:05}"
            put_folder(target, shard_files(records, request.test, about))
            done += wanted


def _about(
    records: list[ModelRecord],
    first: int,
    following: int,
    rejected: dict[str, int],
    test: float,
) -> dict[str, Any]:
    """Return what is said of a shard."""
    tested = sum(in_test(record.row["hash"], test) for record in records)
    layers = Counter(record.row["n_layers"] for record in records)
    return {
        "programs": len(records),
        "first_draw": first,
        "next_draw": following,
        "rejected": rejected,
        "splits": {"train": len(records) - tested, "test": tested},
        "layers": {str(n): layers[n] for n in sorted(layers)},
        "parameters": sum(len(record.weights) for record in records),
    }


def _take_up(
    folder: Path, request: DatasetRequest, done: int, sieve: DrawSieve
) -> bool:
    """Return whether the next shard is there, and count on from its end if so."""
    path = folder / SHARDS / f"{done // request.shard:05}"
    try:
        about = json.loads((path / ABOUT).read_text("utf-8"))
    except FileNotFoundError:
        return False
    if about["programs"] != min(request.shard, request.n - done):
        return False
    for split, rows in about["splits"].items():
        if rows:
            table = pq.read_table(path / f"{split}.parquet", columns=["hash"])
            sieve.known.update(table["hash"].to_pylist())
    sieve.next = about["next_draw"]
    for reason, times in about["rejected"].items():
        sieve.rejected[reason] += times
    return True


def _shards(folder: Path) -> list[Path]:
    return sorted(p for p in (folder / SHARDS).iterdir() if p.name.isdigit())


def _finish(folder: Path, request: DatasetRequest) -> SampledDataset:
    """Write the figures of all shards, and return them."""
    found = [json.loads((p / ABOUT).read_text("utf-8")) for p in _shards(folder)]
    total = _sum_up(found)
    write_atomically(folder / STATISTICS, _to_bytes(total))
    _write_card(folder, request, [s for s, rows in total["splits"].items() if rows])
    assert total["programs"] == request.n
    return SampledDataset(
        folder=folder,
        programs=total["programs"],
        splits=total["splits"],
        draws=total["draws"],
        rejected=total["rejected"],
        layers={int(n): times for n, times in total["layers"].items()},
        parameters=total["parameters"] / total["programs"],
    )


def _sum_up(shards: Iterable[dict[str, Any]]) -> dict[str, Any]:
    sums: dict[str, Any] = {}
    programs = parameters = draws = 0
    for about in shards:
        programs += about["programs"]
        parameters += about["parameters"]
        draws = about["next_draw"]
        for name in ("splits", "layers", "rejected"):
            part = sums.setdefault(name, {})
            for key, times in about[name].items():
                part[key] = part.get(key, 0) + times
    sums["layers"] = {k: sums["layers"][k] for k in sorted(sums["layers"], key=int)}
    return {"programs": programs, "draws": draws, "parameters": parameters, **sums}


def dataset_lines(found: SampledDataset) -> list[str]:
    """Return what is in a dataset, in lines for people."""
    splits = ", ".join(f"{times:,} {name}" for name, times in found.splits.items())
    layers = ", ".join(f"{n}: {times:,}" for n, times in found.layers.items())
    reasons = [f"  {times:8,} {why}" for why, times in found.rejected.items()]
    return [
        f"{found.folder}: {count(found.programs, 'model')} ({splits})",
        f"models by layers: {layers}; mean number of weights: {found.parameters:,.0f}",
        f"{count(found.draws, 'draw')}, of which these were not kept:",
        *reasons,
    ]
