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
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from compiler.errors import InputError, ZooError
from compiler.files import locked, put_folder, room_to, sweep, write_atomically
from zoo.release.cache import cached_shelf
from zoo.release.entry import Broken, folder_name, read_entry, sizes_inside
from zoo.release.fields import INDEX, NAME, RELEASE
from zoo.release.index_format import newest

PLACE = "CIRCUITZOO_RELEASES"
"""The environment variable that names a folder of releases."""

ADDRESS = "CIRCUITZOO_INDEX"
"""The environment variable that names the address of an index."""

SCHEME = "hf://"

SHIPPED = Path(__file__).resolve().parents[1] / "shipped"
"""The releases of the suite `core` in an installed wheel; see `setup.py`."""

"""What a release says of itself, with `name` and `version`."""

MOST_ENTRIES = 2**14
"""Releases of an index above which it comes in parts; no part has more."""

_NAME = re.compile(NAME)
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
    from zoo.release.shelf_index import find_versions

    known = find_versions(shelf, name)
    if known is None:
        known = [1, *_numbers(shelf, f"{name}.v")]
    # `NAME.v007` is nobody's: version 7 is looked for in `NAME.v7`.
    places = {number: shelf / folder_name(name, number) / RELEASE for number in known}
    # A name that is too long for a file is no name of a release: no OSError here.
    return sorted(n for n, place in places.items() if os.path.isfile(place))


def _numbers(shelf: Path, start: str) -> list[int]:
    """Return the numbers that follow a text in the names of a shelf's folders."""
    with os.scandir(shelf) as found:
        names = [item.name for item in found if item.name.startswith(start)]
    numbers = [name.removeprefix(start) for name in names]
    return [int(n) for n in numbers if n.isascii() and n.isdecimal() and len(n) < 10]


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


def known_names(name: str) -> list[str]:
    """Return names of releases here, of large folders those that begin as a name does.

    They are for suggestions where nothing has the name.
    """
    from zoo.release.shelf_index import open_index

    found: set[str] = set()
    for shelf in shelves():
        index = open_index(shelf)
        entries = scan(shelf) if index is None else ()
        found |= {entry["name"] for entry in entries}
        found |= set(() if index is None else index.names_like(name))
    return sorted(found)


def list_broken() -> list[Broken]:
    """Return what is on the shelves and is no release, though it is meant to be."""
    return [broken for shelf in shelves() for broken in read_shelf(shelf)[1]]


def scan(shelf: Path) -> list[dict[str, Any]]:
    """Return what each release on a shelf says of itself, with its folder and size."""
    return read_shelf(shelf)[0]


def read_shelf(shelf: Path) -> tuple[list[dict[str, Any]], list[Broken]]:
    """Return (what each release on a shelf says of itself, what is broken)."""
    from zoo.release.index_condition import EVERY
    from zoo.release.shelf_index import open_index

    if (index := open_index(shelf)) is not None:
        return list(index.entries(EVERY)), index.broken()
    entries: list[dict[str, Any]] = []
    broken: list[Broken] = []
    try:
        folders = sorted(shelf.iterdir())
    except OSError as error:
        return [], [Broken(str(shelf), f"cannot be read ({error.strerror})")]
    for folder in folders:
        try:
            if not folder.name.startswith(".") and (folder / RELEASE).is_file():
                entries.append(read_entry(folder))
        except (ZooError, OSError) as error:
            broken.append(Broken(str(folder), str(error)))
    return sorted(entries, key=lambda e: (e["name"], e["version"])), broken


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
    """Write index.json from what is on the shelf; of a large one in parts."""
    from zoo.release.index_condition import EVERY
    from zoo.release.index_shards import write_shards
    from zoo.release.shelf_index import open_index

    index = open_index(shelf)
    if index is None or index.count(EVERY) <= MOST_ENTRIES:
        write_atomically(shelf / INDEX, index_bytes(shelf))
    else:
        write_shards(shelf, index.entries(EVERY))


def index_bytes(shelf: Path) -> bytes:
    """Return index.json of what is on the shelf, in one part."""
    from zoo.release.index_shards import index_document

    return index_document(scan(shelf))


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
