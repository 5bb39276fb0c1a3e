"""A dataset of 100,000 sampled programs with their compiled models, as a user writes it

`zoo sample --n 100000 --layers 2-3 --format dataset --jobs 2` in parts of 10,000, into
`out/`: a run that is stopped goes on, and each part is recorded as it ends. Seconds are
of drawing, compiling, comparing every model with its program on 256 inputs, and
writing. Then every thousandth row is read back from the files: its arrays are cut out
of the vector of weights by the code of the dataset's card, and the transformer is run
on every input beside the interpreter of the row's text. `LARGE_DATASET` is how many
models there are to be.
"""

from __future__ import annotations

import os
from typing import Any

from benchmarks.report import Table, Target
from benchmarks.sampled_dataset import FOLDER, WrittenDataset

WANTED = int(os.environ.get("LARGE_DATASET", "100000"))
PART, READ_EVERY = 10_000, 1_000
LAYERS = "2-3"
LIMIT = 60
"""Minutes of two cores in which the whole is to be written."""


def measure(quick: bool) -> dict[str, Any]:
    """Return the figures of every part, and of rows that are read back."""
    folder = FOLDER.with_name("benchmark_quick" if quick else "benchmark_large")
    part = 100 if quick else PART
    written = WrittenDataset(folder, folder.with_suffix(".jsonl"), LAYERS, part)
    records = written.write(200 if quick else WANTED)
    read: list[dict[str, Any]] = []
    hashes: set[str] = set()
    kinds: dict[str, set[str]] = {"train": set(), "test": set()}
    for count, row in enumerate(written.rows()):
        hashes.add(row["hash"])
        kinds[row["path"].stem.split("-")[0]].add(row["hash"])
        if count % (20 if quick else READ_EVERY) == 0:
            read.append(row)
    compared, wrong = written.read_back(read)
    files = [path for path in written.folder.rglob("*") if path.is_file()]
    return {
        "records": records,
        "distinct": len(hashes),
        "in_both": len(kinds["train"] & kinds["test"]),
        "read_back": {"models": compared, "wrong": wrong},
        "bytes": {
            kind: sum(f.stat().st_size for f in files if f.suffix == f".{kind}")
            for kind in ("parquet", "safetensors")
        },
    }


# What is shown --------------------------------------------------------------------


def tables(result: dict[str, Any]) -> list[Table]:
    """Return a row a part, with what all of them took so far."""
    rows, cpu, wall, known, models = [], 0.0, 0.0, 0, 0
    for record in result["records"]:
        new = record["programs"] - models
        again = record["rejected"]["computed before"]
        cpu, wall = cpu + record["cpu"], wall + record["wall"]
        rows.append(
            (
                f"{record['programs']:,}",
                f"{1000 * record['cpu'] / new:.0f}",
                f"{(again - known) / new:.0%}",
                f"{record['load']:.1f}",
                f"{cpu / 120:.1f}",
                f"{wall / 60:.1f}",
            )
        )
        models, known = record["programs"], again
    last, size = result["records"][-1], result["bytes"]
    back = result["read_back"]
    layers = ", ".join(f"{n}: {times:,}" for n, times in last["layers"].items())
    reasons = ", ".join(f"{why}: {n:,}" for why, n in last["rejected"].items())
    notes = (
        f"{last['workers']} processes. Found before: draws that compute what an "
        "earlier row computes, beside the rows of the part. Load: of the machine when "
        "the part began. Minutes are of all parts so far: CPU seconds halved, and of "
        "the clock.",
        f"{result['distinct']:,} different behaviours, {result['in_both']} of them in "
        f"train and test. {back['models']} rows were read back and run on every input: "
        f"{back['wrong']} outputs are wrong. "
        f"{size['parquet'] / 1e9:.2f} GB of Parquet and "
        f"{size['safetensors'] / 1e9:.2f} GB of safetensors.",
        f"By attention layers: {layers}. Draws that were not kept: {reasons}.",
    )
    header = ("models", "CPU ms a model", "found before", "load")
    header = (*header, "minutes of two cores", "minutes of the clock")
    return [Table("A dataset of 100,000 models", header, rows, notes)]


def targets(result: dict[str, Any]) -> list[Target]:
    """Return whether it was written in time, and is right."""
    records = result["records"]
    models = records[-1]["programs"]
    minutes = sum(record["cpu"] for record in records) / 120
    wall = sum(record["wall"] for record in records) / 60
    back = result["read_back"]["wrong"]
    right = result["distinct"] == models and back == 0 == result["in_both"]
    return [
        Target(
            "a dataset of 100,000 models: minutes of the clock on two cores",
            f"at most {LIMIT}",
            f"{wall:.0f}, CPU {minutes:.0f}, {models:,} models",
            wall <= LIMIT and models >= 100_000,
        ),
        Target(
            "the same: different, in both splits, wrong when read back",
            "all, 0, 0",
            f"{result['distinct']:,}, {result['in_both']}, {back}",
            right,
        ),
    ]
