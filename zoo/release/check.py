"""Whether a release is what it says: its files, its annotation, its every figure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compiler.notation import render
from compiler.save import ANNOTATION
from compiler.sealed import CIRCUIT
from zoo.auditing.certificate import audit
from zoo.release.annotate import annotation
from zoo.release.build import certificate_bytes
from zoo.release.documents import CERTIFICATE_DOCUMENT
from zoo.release.fields import CERTIFICATE, CIRCUIT_DOCUMENT, SPLITS, data_file
from zoo.release.released import load_released
from zoo.release.tables import from_parquet
from zoo.release.whole import open_folder


@dataclass(frozen=True)
class Checked:
    """What checking a release found.

    Attributes:
        files: how many files have the digest that SHA256SUMS says.
        figures: how many figures were measured again.
        differences: what is not as the release says; empty where all is.
    """

    files: int
    figures: int
    differences: tuple[str, ...]


def check_release(
    folder: Path,
    progress: Callable[[int, int], None] | None = None,
    threads: int = 1,
) -> Checked:
    """Return whether all of a release is as it says.

    Args:
        folder: the release's.
        progress: called with (pairs done, pairs) while the audit runs.
        threads: how many run pairs at a time.

    Raises:
        FormatError: a file is missing, altered, a link, or of no use.
    """
    opened = open_folder(folder, alone=True)
    model = load_released(folder)
    CIRCUIT_DOCUMENT.read(opened.json(CIRCUIT))
    said = opened.json(CERTIFICATE)
    stated = CERTIFICATE_DOCUMENT.read(said)
    for split in SPLITS:
        from_parquet(opened.read(data_file(split)), data_file(split))
    found = audit(
        model,
        pairs=stated.pairs,
        seed=stated.seed,
        progress=progress,
        threads=threads,
    )
    measured = json.loads(certificate_bytes(found))
    differences = list(_differences(CERTIFICATE, said.json, measured))
    circuit = opened.json(CIRCUIT)
    again = json.loads(render({ANNOTATION: annotation(model, found)}))
    differences += _differences(
        f"{CIRCUIT}, {ANNOTATION}", circuit.json.get(ANNOTATION), again[ANNOTATION]
    )
    return Checked(len(opened.sums), _count(measured), tuple(differences))


def _differences(where: str, said: Any, found: Any) -> Iterator[str]:
    """Yield where two pieces of JSON differ."""
    if isinstance(said, dict) and isinstance(found, dict):
        for key in sorted({*said, *found}):
            yield from _differences(f"{where}, {key}", said.get(key), found.get(key))
    elif isinstance(said, list) and isinstance(found, list) and len(said) == len(found):
        for number, (a, b) in enumerate(zip(said, found, strict=True)):
            yield from _differences(f"{where}[{number}]", a, b)
    elif said != found:
        yield f"{where}: says {str(said)[:60]}, measured {str(found)[:60]}"


def _count(data: Any) -> int:
    """Return how many numbers a piece of JSON holds."""
    if isinstance(data, dict):
        return sum(map(_count, data.values()))
    if isinstance(data, list):
        return sum(map(_count, data))
    return int(isinstance(data, int | float) and not isinstance(data, bool))
