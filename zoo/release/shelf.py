"""A folder of releases: one folder each, and `index.json` that lists them all.

    releases/
        index.json
        sort-siit/          version 1
        sort-siit.v2/       version 2

A version never changes once it is there. Adding one is atomic: the folder is written
beside its place and renamed, and the index is made anew from what is there, under a
lock, so that two processes that add at once end with one good folder and both names.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from compiler.errors import InputError, ZooError
from compiler.escapes import escape
from compiler.files import OURS, locked, put_folder, room_to, sweep, write_atomically
from compiler.notation import parse, refuse, render
from compiler.sealed import CIRCUIT, CONFIG, digest_of_sums, read_file
from zoo.release.cache import cached_shelf
from zoo.release.fields import INDEX, NAME, RELEASE, RELEASE_DOCUMENT

PLACE = "CIRCUITZOO_RELEASES"
"""The environment variable that names a folder of releases."""

ADDRESS = "CIRCUITZOO_INDEX"
"""The environment variable that names the address of an index."""

SCHEME = "hf://"

SHIPPED = Path(__file__).resolve().parents[1] / "shipped"
"""The releases of the suite `core` in an installed wheel; see `setup.py`."""

Summary = TypeVar("Summary", bound=Mapping[str, Any])
"""What a release says of itself, with `name` and `version`."""

_NAME = re.compile(NAME)
_MOST_SUMMARY = 2**20  # bytes of release.json
_MOST_CIRCUIT = 2**27  # bytes of circuit.json
_LOCK = ".lock"


def check_name(name: str) -> str:
    """Return a release's name if it can be one.

    Raises:
        InputError: it could lead out of a folder, or is no plain word.
    """
    if not _NAME.fullmatch(name):
        raise InputError(
            f"a release cannot be named {name!r}: use small letters, digits, - and _, "
            "at most 80, for example sort-siit"
        )
    return name


def split_name(text: str) -> tuple[str, int | None]:
    """Return (name, version) of `NAME` or `NAME@VERSION`.

    Raises:
        InputError: it is neither.
    """
    name, at, version = text.partition("@")
    check_name(name)
    if not at:
        return name, None
    if not (version.isascii() and version.isdecimal() and len(version) < 10):
        raise InputError(f"{text}: {version!r} is no version; write {name}@1")
    return name, int(version)


def index_address() -> str | None:
    """Return the address of the index that is set, None where none is."""
    return os.environ.get(ADDRESS) or None


def folder_name(name: str, version: int) -> str:
    """Return the name of a version's folder."""
    return name if version == 1 else f"{name}.v{version}"


def shelves() -> list[Path]:
    """Return where releases are looked for, the first that has a name first.

    These are the folder that is set, `releases` here, the one beside the source, the
    cache, and what came with the package: a user's own stand before those.
    """
    places = [Path("releases")]
    if os.environ.get(PLACE):
        places.insert(0, Path(os.environ[PLACE]))
    places.append(Path(__file__).resolve().parents[2] / "releases")
    places += [cached_shelf(), SHIPPED]
    return [p for p in places if p.is_dir()]


def find_release(name: str, version: int | None = None) -> Path | None:
    """Return the folder of a release, its newest version unless one is given."""
    if not _NAME.fullmatch(name):
        return None
    for shelf in shelves():
        found = versions(shelf, name)
        if version is not None and version in found:
            return shelf / folder_name(name, version)
        if version is None and found:
            return shelf / folder_name(name, max(found))
    return None


def versions(shelf: Path, name: str) -> list[int]:
    """Return the versions of a release on a shelf, lowest first."""
    found = [1] if (shelf / name / RELEASE).is_file() else []
    for folder in shelf.glob(f"{name}.v*"):
        number = folder.name.rpartition(".v")[2]
        if not (number.isascii() and number.isdecimal() and len(number) < 10):
            continue
        # `NAME.v007` is nobody's: version 7 is looked for in `NAME.v7`.
        known = folder.name == folder_name(name, int(number))
        if known and (folder / RELEASE).is_file():
            found.append(int(number))
    return sorted(found)


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


def newest(releases: Iterable[Summary]) -> list[Summary]:
    """Return the newest version of each release, in the order of their names."""
    ordered = sorted(releases, key=lambda release: release["version"])
    found = {release["name"]: release for release in ordered}
    return [found[name] for name in sorted(found)]


def list_releases() -> list[dict[str, Any]]:
    """Return the summaries of all releases, by name, the newest version of each.

    What is broken is left out; `list_broken` tells of it.
    """
    found: dict[str, dict[str, Any]] = {}
    for shelf in reversed(shelves()):
        found |= {entry["name"]: entry for entry in newest(scan(shelf))}
    return [found[name] for name in sorted(found)]


def list_versions() -> list[dict[str, Any]]:
    """Return the summaries of all versions of all releases, by name and version."""
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for shelf in reversed(shelves()):
        found |= {(entry["name"], entry["version"]): entry for entry in scan(shelf)}
    return [found[key] for key in sorted(found)]


def list_broken() -> list[Broken]:
    """Return what is on the shelves and is no release, though it is meant to be."""
    return [broken for shelf in shelves() for broken in read_shelf(shelf)[1]]


def scan(shelf: Path) -> list[dict[str, Any]]:
    """Return what each release on a shelf says of itself, with its folder and size."""
    return read_shelf(shelf)[0]


def read_shelf(shelf: Path) -> tuple[list[dict[str, Any]], list[Broken]]:
    """Return (what each release on a shelf says of itself, what is broken)."""
    entries: list[dict[str, Any]] = []
    broken: list[Broken] = []
    try:
        folders = sorted(shelf.iterdir())
    except OSError as error:
        return [], [Broken(str(shelf), f"cannot be read ({error.strerror})")]
    for folder in folders:
        try:
            if not folder.name.startswith(".") and (folder / RELEASE).is_file():
                entries.append(_entry(folder))
        except (ZooError, OSError) as error:
            broken.append(Broken(str(folder), str(error)))
    return sorted(entries, key=lambda e: (e["name"], e["version"])), broken


def _entry(folder: Path) -> dict[str, Any]:
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


def add(
    shelf: Path,
    name: str,
    version: int,
    files: Mapping[str, bytes],
    *,
    list_it: bool = True,
) -> tuple[Path, bool]:
    """Put a release on a shelf; return (its folder, whether it is new).

    Args:
        shelf: the folder of releases; it is made where it is missing.
        name: the release's.
        version: its version.
        files: contents by name, SHA256SUMS among them.
        list_it: whether the index is written too; whoever adds many at once calls
            `write_index` at the end.

    Raises:
        InputError: the version is there already and says something else, or the
            folder cannot be written.
    """
    target = shelf / folder_name(check_name(name), version)
    with room_to(f"write to {shelf}"):
        shelf.mkdir(parents=True, exist_ok=True)
        with locked(shelf / _LOCK):
            sweep(shelf)
            fresh = not os.path.lexists(target)
            if fresh:
                put_folder(target, files)
            elif not _same(target, files):
                newest = max(versions(shelf, name), default=version)
                raise InputError(
                    f"{target} is published and does not change; what would be "
                    f"written differs from it. Give --version {newest + 1}"
                )
            if list_it:
                write_index(shelf)
    return target, fresh


def write_index(shelf: Path) -> None:
    """Write index.json from what is on the shelf."""
    write_atomically(shelf / INDEX, index_bytes(shelf))


def index_bytes(shelf: Path) -> bytes:
    """Return index.json of what is on the shelf."""
    return render(
        {"format": "circuitzoo.index", "format_version": 1, "releases": scan(shelf)}
    )


def _same(folder: Path, files: Mapping[str, bytes]) -> bool:
    there = {
        str(f.relative_to(folder).as_posix()): f
        for f in folder.rglob("*")
        if f.is_file()
    }
    return set(there) == set(files) and all(
        there[name].read_bytes() == data for name, data in files.items()
    )


def circuit_sizes(name: str, version: int) -> dict[str, Any]:
    """Return what the files of a release say that release.json does not.

    That is `nodes` and `attending` (attention heads) of its circuit, and the `norm` of
    its transformer.

    Raises:
        FormatError: a file of it is none.
    """
    folder = find_release(name, version)
    assert folder is not None, "it was listed"
    return sizes_inside(folder)


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
