"""One release of a folder of releases, as its files say: a line of the index."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compiler.escapes import escape
from compiler.files import OURS
from compiler.notation import parse, refuse
from compiler.sealed import CIRCUIT, CONFIG, digest_of_sums, read_file
from zoo.release.fields import RELEASE, RELEASE_DOCUMENT

_MOST_SUMMARY = 2**20  # bytes of release.json
_MOST_CIRCUIT = 2**27  # bytes of circuit.json


@dataclass(frozen=True)
class Broken:
    """Something on a shelf, or in an index, that is meant to be a release and is none.

    Attributes:
        name: its folder, or what the index calls it.
        why: what is wrong with it, and what to do.
    """

    name: str
    why: str

    def __str__(self) -> str:
        return escape(f"{self.name}: {self.why}")


def folder_name(name: str, version: int) -> str:
    """Return the name of a version's folder."""
    return name if version == 1 else f"{name}.v{version}"


def read_entry(folder: Path) -> dict[str, Any]:
    """Return the line of the index for a release.

    Raises:
        FormatError: its release.json is none, or is of another folder.
    """
    data = read_file(folder, RELEASE, 0, _MOST_SUMMARY, None)
    said = RELEASE_DOCUMENT.parse(data, RELEASE)
    expected = folder_name(said["name"], said["version"])
    if folder.name != expected:
        raise refuse(
            RELEASE,
            f"{said['name']}, version {said['version']}",
            f"that of this folder: its place is {expected}",
            "Rename the folder, or fetch the release again.",
        )
    files = [f for f in folder.rglob("*") if f.is_file()]
    return {
        **parse(data, RELEASE).json,
        "folder": folder.name,
        "bytes": sum(f.stat().st_size for f in files),
        "sums": digest_of_sums(folder),
    }


def sizes_inside(folder: Path) -> dict[str, Any]:
    """Return `nodes`, `attending` and `norm` of the release in a folder.

    Raises:
        FormatError: a file of it is none.
    """
    config, circuit = (
        parse(read_file(folder, file, 0, most, None), file).entries()
        for file, most in ((CONFIG, _MOST_SUMMARY), (CIRCUIT, _MOST_CIRCUIT))
    )
    config = config[OURS].entries() if OURS in config else config
    nodes = circuit["annotation"].entries()["nodes"].items()
    found = [node.entries()["name"].text() for node in nodes]
    heads = [name for name in found if name.startswith("a")]
    return {
        "norm": config["norm"].text(),
        "nodes": len([name for name in found if name not in ("tokens", "positions")]),
        "attending": len(heads),
    }
