"""Records of slow measurements, one JSON line each, kept as they are made."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.alone import run_alone

Record = dict[str, Any]


def measured_once(
    path: Path | None,
    jobs: Sequence[dict[str, Any]],
    function: tuple[str, str],
    time_limit: float,
) -> list[Record]:
    """Return one record a job; those that are in the file are not measured again.

    Args:
        path: where records are kept; None to keep none.
        jobs: keyword arguments, which also tell records apart.
        function: module and name of what measures a job, in a process of its own.
        time_limit: seconds of wall time a job.
    """
    kept = {} if path is None else {_key(r["job"]): r for r in _read(path)}
    records = []
    for number, job in enumerate(jobs, start=1):
        record = kept.get(_key(job))
        if record is None:
            print(f"  {number} of {len(jobs)}: {job}", file=sys.stderr, flush=True)
            found = run_alone(*function, job, limit=int(time_limit))
            record = {"job": job, **(found.value or {"failure": found.failure})}
            if path is not None:
                with path.open("a") as file:
                    file.write(json.dumps(record, sort_keys=True) + "\n")
        records.append(record)
    return records


def _key(job: Record) -> str:
    return json.dumps(job, sort_keys=True)


def _read(path: Path) -> list[Record]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines() if line]


def median(values: Sequence[float]) -> float:
    """Return the middle value; of an even number the mean of the two."""
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(values) % 2 else sum(ordered[half - 1 : half + 1]) / 2
