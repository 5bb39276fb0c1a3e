"""Sampled programs with their compiled models, as a folder that `datasets` reads.

A shard is there whole or not at all. Whoever is killed runs the same again: shards that
are there are kept, and the bytes are those of a run that was not killed.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from compiler.errors import count
from compiler.files import locked, put_folder, room_to, write_atomically
from zoo.sampling.dataset_folder import (
    SHARDS,
    STATISTICS,
    DatasetRequest,
    open_folder,
    to_bytes,
    write_card,
)
from zoo.sampling.drawing import DrawSieve, kept_of
from zoo.sampling.judging import REASONS
from zoo.sampling.records import WRONG, ModelRecord
from zoo.sampling.shards import ABOUT, in_test, shard_files
from zoo.sampling.workers import judged

MOST_MODELS = 10_000_000


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
        open_folder(folder, request, force)
        with locked(folder / ".lock", keep=False, wait=1.0):
            _write_rest(folder, request, jobs, show)
            return _finish(folder, request)


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
    write_atomically(folder / STATISTICS, to_bytes(total))
    write_card(folder, request, [s for s, rows in total["splits"].items() if rows])
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
