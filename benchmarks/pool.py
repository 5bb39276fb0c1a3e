"""One record a program: run over all of them, in a few processes, written once.

Records go to a file of JSON lines as they are made, so that a run which is stopped goes
on where it was. A record carries the fingerprint of the model that it is about; it is
made again where the compiler has come to make another model, and where the program
failed to compile.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from benchmarks.host import SINGLE_THREADED
from benchmarks.report import write_whole

# Processes that run side by side; BENCHMARK_WORKERS=1 where others share the machine.
WORKERS = int(os.environ.get("BENCHMARK_WORKERS", "2"))

Record = dict[str, Any]
# Called with a model, the filter of its inputs and the settings.
Check = Callable[[Any, Any, dict[str, Any]], Record]


def run_all(
    names: Iterable[str], check: Check, settings: dict[str, Any], path: Path | None
) -> list[Record]:
    """Return the record of every program, in the order of `names`.

    Args:
        names: the programs.
        check: a module's function, found again by name in the other processes.
        settings: JSON values handed to `check`; records of other settings are void.
        path: where records are kept; None to keep none.
    """
    names = list(names)
    kept = {} if path is None else read_records(path, settings)
    records: dict[str, Record] = {}
    waiting = [(name, kept.get(name)) for name in names]
    for record in _results(waiting, check, settings):
        records[record["program"]] = record
        _report(record, len(records), len(names))
        if path is not None and record != kept.get(record["program"]):
            _append(path, record)
    ordered = [records[name] for name in names]
    if path is not None:
        lines = [json.dumps(record, sort_keys=True) for record in ordered]
        write_whole(path, "".join(line + "\n" for line in lines))
    return ordered


def _results(
    waiting: list[tuple[str, Record | None]], check: Check, settings: dict[str, Any]
) -> Iterable[Record]:
    """Yield records as they are made.

    Workers live as long as the run: in Python 3.11 a pool that is to replace them
    (`max_tasks_per_child`) waits for ever when all of them leave at once.
    """
    os.environ.update(SINGLE_THREADED)  # spawned processes inherit it
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(WORKERS, mp_context=spawn) as pool:
        jobs = {
            pool.submit(one, name, check, settings, kept): name
            for name, kept in waiting
        }
        for job in as_completed(jobs):
            try:
                yield job.result()
            except BrokenProcessPool:
                yield _failed(jobs[job], settings, "its process died")


def one(
    name: str, check: Check, settings: dict[str, Any], kept: Record | None
) -> Record:
    """Return the record of one program; the one that is kept if it still holds."""
    from compiler.api import compile_model
    from compiler.errors import ZooError
    from programs import find

    program = find(name)
    start = time.process_time()
    try:
        model = compile_model(program)
    except ZooError as error:
        return _failed(name, settings, str(error))
    except Exception as error:  # a defect of the compiler: a row, not the end
        return _failed(name, settings, f"{type(error).__name__}: {error}")
    compiled = time.process_time() - start
    mark = fingerprint(model)
    if kept is not None and kept.get("fingerprint") == mark:
        return kept
    start = time.process_time()
    try:
        found = check(model, program.accepts, settings)
    except Exception as error:
        return _failed(name, settings, f"{type(error).__name__}: {error}")
    _forget()
    return {
        "program": name,
        "settings": settings,
        "fingerprint": mark,
        "compile_seconds": round(compiled, 3),
        "seconds": round(time.process_time() - start, 2),
        **found,
    }


def _failed(name: str, settings: dict[str, Any], error: str) -> Record:
    return {"program": name, "settings": settings, "failure": error}


def _forget() -> None:
    """Drop what XLA compiled for this model: over hundreds of them it adds up."""
    import jax

    jax.clear_caches()


def fingerprint(model: Any) -> str:
    """Return a digest of the weights, the shape and the typed program."""
    digest = hashlib.sha256(json.dumps(model.config.to_json()).encode())
    for array in model.weights:
        digest.update(array.tobytes())
    for variable in model.typed.variables:
        text = f"{variable.name} {variable.text} {variable.domain.values!r}"
        digest.update(text.encode())
        table = getattr(variable.operation, "table", None)
        digest.update(b"" if table is None else table.tobytes())
    return digest.hexdigest()[:16]


def read_records(path: Path, settings: dict[str, Any]) -> dict[str, Record]:
    """Return the records of these settings by program; the last one counts.

    A line that is cut off, as the last one of a run that was killed, is passed over.
    """
    found: dict[str, Record] = {}
    if not path.exists():
        return found
    for line in path.read_text().splitlines():
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            continue
        if record.get("settings") == settings and "failure" not in record:
            found[record["program"]] = record
    return found


def _append(path: Path, record: Record) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps(record, sort_keys=True) + "\n")


def _report(record: Record, done: int, total: int) -> None:
    if "failure" in record:
        text = "FAILS: " + record["failure"].splitlines()[-1].strip()[:60]
    else:
        text = f"{record['wrong']} wrong" if record["wrong"] else "right"
    line = f"  {done:3}/{total}  {record['program']:32} {text}"
    print(line, file=sys.stderr, flush=True)
