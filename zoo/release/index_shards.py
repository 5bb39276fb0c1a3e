"""A large index in parts: `index.json` names them, and each lists about 1,000 releases.

    index.json                 where each part begins, its size and its digest
    index.d/2f1c..json         a part; its name is its digest

Parts are in the order of names. Where one ends depends on the name alone, so that a
release that is added changes one part, and whoever looks for a name reads one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from typing import Any

from compiler.files import write_atomically
from compiler.notation import render
from compiler.sealed import digest
from zoo.release.fields import INDEX
from zoo.release.index_format import INDEX_FORMAT, index_of

FOLDER = "index.d"
MEAN, MOST = 1000, 8000
"""Names in a part, on average and at most."""


def cut(entries: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """Yield the parts of an index whose lines are in the order of names."""
    part: list[Mapping[str, Any]] = []
    names = 0
    for name, versions in groupby(entries, key=lambda entry: entry["name"]):
        part += versions
        names += 1
        if int(digest(name.encode())[:8], 16) % MEAN == 0 or names >= MOST:
            yield part
            part, names = [], 0
    if part:
        yield part


def write_shards(shelf: Path, entries: Iterable[Mapping[str, Any]]) -> None:
    """Write an index in parts; those that are there already are not written again.

    The list of parts is replaced last, so that a reader finds all that it names.
    """
    folder = shelf / FOLDER
    folder.mkdir(exist_ok=True)
    notes = []
    for part in cut(entries):
        data = index_document(part)
        sums = digest(data)
        place = folder / f"{sums[:32]}.json"
        if not place.is_file() or digest(place.read_bytes()) != sums:
            write_atomically(place, data)
        note = {"file": f"{FOLDER}/{place.name}", "first": part[0]["name"]}
        notes.append({**note, "count": len(part), "bytes": len(data), "sums": sums})
    total = sum(note["count"] for note in notes)
    root = {"format": INDEX_FORMAT, "format_version": 2, "count": total}
    write_atomically(shelf / INDEX, render({**root, "shards": notes}))
    _drop_others(folder, {Path(note["file"]).name for note in notes})


def index_document(entries: Iterable[Mapping[str, Any]]) -> bytes:
    """Return an index in one part."""
    return render(index_of(entries))


def _drop_others(folder: Path, kept: set[str]) -> None:
    for file in folder.glob("*.json"):
        if file.name not in kept:
            with suppress(OSError):
                file.unlink()
