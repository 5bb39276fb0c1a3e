"""What a release is called, and what the index beside its folder says of it."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from compiler.errors import FormatError
from compiler.notation import LocatedJson, parse
from compiler.sealed import MOST_SUMS, SUMS, digest, read_file
from zoo.release.differences import Difference, json_differences
from zoo.release.fields import (
    CARD,
    CROISSANT,
    INDEX,
    INDEX_DOCUMENT,
    ROOT_DOCUMENT,
)
from zoo.release.index import MOST_INDEX
from zoo.release.released import Released
from zoo.release.shelf import folder_name, shelves
from zoo.release.whole import Folder


def identity_of(opened: Folder, model: Released) -> tuple[str, int]:
    """Return the name and the version that the files of a release must have.

    On a shelf the folder says it. Elsewhere a folder can have any name, and where the
    files disagree it is what most of them say.
    """
    summary = model.summary
    said = [(summary["name"], summary["version"])]
    if is_on_shelf(opened.path):
        named = re.fullmatch(r"(.*?)(?:\.v([0-9]{1,10}))?", opened.path.name)
        assert named is not None
        found = named[1], int(named[2] or 1)
        if folder_name(*found) == opened.path.name:
            return found
    title = re.search(r"^# ([a-z0-9_-]{1,80})$", opened.text(CARD), re.MULTILINE)
    number = re.search(r" Version ([0-9]{1,10})\.$", opened.text(CARD), re.MULTILINE)
    if title and number:
        said.append((title[1], int(number[1])))
    data: Any = opened.json(CROISSANT).json
    if isinstance(data, Mapping):
        third = re.fullmatch(r"([0-9]{1,10})\.0\.0", str(data.get("version")))
        if third:
            said.append((str(data.get("name")), int(third[1])))
    return max(said, key=said.count)


def is_on_shelf(folder: Path) -> bool:
    """Return whether a folder is where names of releases are looked up."""
    parent = folder.resolve().parent
    return (parent / INDEX).is_file() or parent in [s.resolve() for s in shelves()]


def has_index(folder: Path) -> bool:
    """Return whether an index of releases stands beside a folder."""
    return (folder.parent / INDEX).is_file()


def _index_of(folder: Path) -> LocatedJson:
    """Return the index beside a folder; of a large one the part with its name.

    Raises:
        FormatError: it is none.
    """
    said = parse(read_file(folder.parent, INDEX, 0, MOST_INDEX, None), INDEX)
    if "shards" in said.entries():
        shards = ROOT_DOCUMENT.read(said)["shards"]
        name = folder.name.partition(".v")[0]
        at = bisect_right([shard["first"] for shard in shards], name)
        file = shards[max(at, 1) - 1]["file"] if shards else INDEX
        said = parse(read_file(folder.parent, file, 0, MOST_INDEX, None), file)
    INDEX_DOCUMENT.read(said)
    return said


def index_differences(opened: Folder, summary: bytes) -> Iterator[Difference]:
    """Yield where the index beside a release's folder does not say what it must.

    Args:
        opened: the release.
        summary: its release.json, made again.
    """
    folder = opened.path
    try:
        said = _index_of(folder)
    except FormatError as error:
        yield Difference(INDEX, "", f"unreadable: {error}", "an index")
        return
    rows = [row for row in said.json["releases"] if row["folder"] == folder.name]
    if len(rows) != 1:
        yield Difference(INDEX, "", f"{len(rows)} lines of {folder.name}", "one line")
        return
    sums = read_file(folder, SUMS, 0, MOST_SUMS, None)
    sizes = [len(opened.read(name)) for name in opened.sums]
    expected = {
        **json.loads(summary),
        "folder": folder.name,
        "bytes": sum(sizes) + len(sums),
        "sums": digest(sums),
    }
    yield from json_differences(INDEX, rows[0], expected, folder.name)
