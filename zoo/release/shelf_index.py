"""An index of a large folder of releases, in SQLite, kept in the cache.

    CACHE/indexes/KEY.sqlite      KEY is made from the folder's path

It holds what the files of each release say, so that a list, a filter or a name is
answered without reading a million folders. It only says what to show and where to look:
whoever opens a release checks its files. It is never taken from elsewhere.

A folder of at most `SMALL` releases has none, and is read each time. Up to `TRUSTED`
releases, the time and size of two files of each release are compared each time; above
that, only the time of the folder itself, which changes when a release comes or goes.
What differs is read again, in one transaction.

Many releases are alike in all that a filter asks for: program, kind and sizes. These
stand in a table of their own, `shapes`, where filters are decided, and each release
names its shape. So a filter of a million releases compares a few thousand rows.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from compiler.errors import ZooError
from compiler.sealed import SUMS, digest
from zoo.auditing.claims import missed
from zoo.files import cache_folder
from zoo.release.entry import Broken, read_entry, sizes_inside
from zoo.release.fields import RELEASE
from zoo.release.index_condition import NEWEST, Condition
from zoo.release.index_tables import LAYOUT, SET_NEWEST, make_tables

SMALL, TRUSTED = 200, 5000
FEW = 20_000
"""Releases up to which a page is taken from all that are wanted, and then sorted."""
SETTLED = 0.1
"""Seconds after which a folder's time is that of its last change."""
WAIT = 120.0
"""Seconds that one process waits for another one, which writes."""

_PLAIN = ("layers", "heads", "d_model", "parameters", "variables", "edges")
_BY_NAME = "INDEXED BY sqlite_autoindex_releases_1"
"""Says to SQLite to read releases in the order of their primary key."""
_SHARED = ("kind", "program", "architecture", "audit", *_PLAIN, "holds")


class ShelfIndex:
    """What is known of the releases of a folder.

    Args:
        shelf: the folder.
        connection: to its index, which is up to date.
    """

    def __init__(self, shelf: Path, connection: sqlite3.Connection) -> None:
        self.shelf, self._db = shelf, connection
        self._shapes: dict[str, int] = {}
        self._counts: dict[Condition, int] = {}

    def entries(
        self, wanted: Condition = NEWEST, limit: int = -1, skip: int = 0
    ) -> Iterator[dict[str, Any]]:
        """Yield what releases say of themselves, by name and version."""
        self._look_inside(wanted)
        rows = wanted.of_releases()
        few = limit >= 0 and not rows.named and self.count(wanted) <= FEW
        # Many releases are read in the order of their names until the page is full.
        way = "" if few else _BY_NAME
        page = (
            f"SELECT folder, name, version FROM releases {way} WHERE {rows.text} "
            "ORDER BY name, version LIMIT ? OFFSET ?"
        )
        found = self._db.execute(
            "SELECT (SELECT entry FROM folders WHERE folders.folder = page.folder) "
            f"FROM ({page}) AS page ORDER BY name, version",
            (*rows.values, limit, skip),
        )
        return (json.loads(text) for (text,) in found)

    def count(self, wanted: Condition = NEWEST) -> int:
        """Return how many releases are as wanted."""
        self._look_inside(wanted)
        if wanted not in self._counts:
            rows = wanted.of_releases()
            way = _BY_NAME if rows.named else ""
            query = f"SELECT COUNT(*) FROM releases {way} WHERE {rows.text}"
            self._counts[wanted] = self._db.execute(query, rows.values).fetchone()[0]
        return self._counts[wanted]

    def versions(self, name: str) -> list[int]:
        """Return the versions of a release, lowest first."""
        query = "SELECT version FROM releases WHERE name = ? ORDER BY version"
        return [number for (number,) in self._db.execute(query, (name,))]

    def values_of(self, column: str) -> list[str]:
        """Return the values that a column has, sorted."""
        used = "SELECT 1 FROM releases WHERE newest IN (0, 1) AND shape = shapes.id"
        query = f"SELECT DISTINCT {column} FROM shapes WHERE EXISTS ({used}) ORDER BY 1"
        return [value for (value,) in self._db.execute(query)]

    def names_like(self, name: str, most: int = 1000) -> list[str]:
        """Return names that begin as a name does, for suggestions."""
        start = name[:3].replace("*", "").replace("?", "").replace("[", "")
        query = "SELECT name FROM releases WHERE newest AND name GLOB ? LIMIT ?"
        return [found for (found,) in self._db.execute(query, (f"{start}*", most))]

    def broken(self) -> list[Broken]:
        """Return what is meant to be a release and is none."""
        query = "SELECT folder, broken FROM folders WHERE broken IS NOT NULL"
        rows = self._db.execute(query).fetchall()
        return [Broken(str(self.shelf / folder), why) for folder, why in rows]

    def _look_inside(self, wanted: Condition) -> None:
        """Read what only the files of releases say, of those of which it is unknown."""
        if not wanted.inside:
            return
        rows = self._db.execute(
            f"SELECT folder, {', '.join(_SHARED)} FROM shapes JOIN releases "
            "ON newest IN (0, 1) AND shape = id WHERE nodes IS NULL"
        ).fetchall()
        if not rows:
            return
        self._counts.clear()
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            for folder, *shared in rows:
                found: dict[str, Any] = {"norm": "", "nodes": -1, "attending": -1}
                with suppress(ZooError, OSError):  # whoever opens it is told
                    found = sizes_inside(self.shelf / folder)
                inside = (found["norm"], found["nodes"], found["attending"])
                shape = self._shape((*shared, *inside))
                self._db.execute(
                    "UPDATE releases SET shape = ? WHERE name = ? AND version = ?",
                    (shape, *_key(folder)),
                )

    def leave_out(self, has: Callable[[str], bool]) -> None:
        """Let conditions ask `left_out(name)`."""
        self._db.create_function("left_out", 1, has, deterministic=True)

    def refresh(self) -> None:
        """Read again what has changed on disk since the index was written."""
        self._counts.clear()
        before = self.shelf.stat().st_mtime_ns
        settled = time.time_ns() - before > SETTLED * 1e9
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("CREATE TEMP TABLE seen (folder TEXT PRIMARY KEY, stamp)")
            self._db.executemany("INSERT INTO seen VALUES (?, ?)", _stamps(self.shelf))
            changed = self._db.execute(
                "SELECT seen.folder, seen.stamp FROM seen LEFT JOIN folders "
                "USING (folder) WHERE folders.stamp IS NOT seen.stamp "
                "OR folders.broken IS NOT NULL"
            ).fetchall()
            gone = "SELECT folder FROM folders EXCEPT SELECT folder FROM seen"
            stale = self._db.execute(f"{gone} LIMIT 1").fetchone() is not None
            self._db.execute(f"DELETE FROM releases WHERE folder IN ({gone})")
            self._db.execute(f"DELETE FROM folders WHERE folder IN ({gone})")
            self._db.execute("DROP TABLE seen")
            for folder, stamp in changed:
                self._read(folder, stamp)
            if changed or stale:
                self._db.execute(SET_NEWEST)
            self._say("time", before if settled else 0)
            number = self._db.execute("SELECT COUNT(*) FROM folders").fetchone()[0]
            self._say("count", number)

    def insert(self, entries: Iterable[dict[str, Any]]) -> None:
        """Add what releases say of themselves; `newest` is left to the caller."""
        self._counts.clear()
        for entry in entries:
            self._put(entry, "")

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def _read(self, folder: str, stamp: str) -> None:
        same = "DELETE FROM releases WHERE name = ? AND version = ?"
        self._db.execute(same, _key(folder))
        try:
            self._put(read_entry(self.shelf / folder), stamp)
        except (ZooError, OSError) as error:
            self._db.execute(
                "REPLACE INTO folders VALUES (?, ?, NULL, ?)",
                (folder, stamp, str(error)),
            )

    def _put(self, entry: dict[str, Any], stamp: str) -> None:
        shape = self._shape(
            (
                *(entry["kind"], entry["program"]),
                *(entry.get("architecture", "none"), entry.get("audit", "sample")),
                *(entry[name] for name in _PLAIN),
                int(not missed(entry["kind"], entry["claims"])),
                *(None, None, None),
            )
        )
        self._db.execute(
            "REPLACE INTO releases VALUES (?, ?, 1, ?, ?)",
            (entry["name"], entry["version"], entry["folder"], shape),
        )
        self._db.execute(
            "REPLACE INTO folders VALUES (?, ?, ?, NULL)",
            (entry["folder"], stamp, json.dumps(entry, ensure_ascii=False)),
        )

    def _shape(self, row: tuple[Any, ...]) -> int:
        """Return the number of a shape, which is noted if it is new."""
        key = json.dumps(row)
        if key not in self._shapes:
            marks = ", ".join("?" * (len(row) + 1))
            new = f"INSERT OR IGNORE INTO shapes VALUES (NULL, {marks})"
            self._db.execute(new, (key, *row))
            found = self._db.execute("SELECT id FROM shapes WHERE key = ?", (key,))
            self._shapes[key] = found.fetchone()[0]
        return self._shapes[key]

    def _say(self, key: str, value: object) -> None:
        self._db.execute("REPLACE INTO about VALUES (?, ?)", (key, str(value)))

    def says(self, key: str) -> int:
        """Return a number that is noted beside the tables, 0 if none is."""
        row = self._db.execute("SELECT value FROM about WHERE key = ?", (key,))
        return int((row.fetchone() or ("0",))[0])


def _key(folder: str) -> tuple[str, int]:
    """Return (name, version) of a release's folder; of another one, what is none."""
    name, dot, number = folder.rpartition(".v")
    return (name, int(number)) if dot and number.isdecimal() else (folder, 1)


def _stamps(shelf: Path) -> Iterator[tuple[str, str]]:
    """Yield each folder that is meant to be a release, with what changes as it does."""
    with os.scandir(shelf) as found:
        for item in found:
            with suppress(OSError):
                if not item.name.startswith("."):
                    said = os.stat(f"{item.path}/{RELEASE}")
                    sums = 0
                    with suppress(OSError):
                        sums = os.stat(f"{item.path}/{SUMS}").st_mtime_ns
                    yield item.name, f"{said.st_mtime_ns} {said.st_size} {sums}"


def index_path(shelf: Path) -> Path:
    """Return where the index of a folder is."""
    key = digest(str(shelf.resolve()).encode())[:32]
    return cache_folder() / "indexes" / f"{key}.sqlite"


def open_index(shelf: Path) -> ShelfIndex | None:
    """Return the index of a folder, up to date; None if it is small.

    Where the cache cannot be written or the index is damaged beyond mending, there is
    none either, and the folder is read.
    """
    path = index_path(shelf)
    if not path.exists() and _is_small(shelf):
        return None
    for _ in range(2):
        try:
            return _open(shelf, path)
        except (sqlite3.OperationalError, OSError):  # no room, or another one writes
            return None
        except sqlite3.DatabaseError:  # damaged, or of another version: made anew
            with suppress(OSError):
                path.unlink()
    return None


def find_versions(shelf: Path, name: str) -> list[int] | None:
    """Return what an index that is there and up to date says; None if none is."""
    path = index_path(shelf)
    if not path.exists():
        return None
    with suppress(sqlite3.DatabaseError, OSError, ValueError):
        index = ShelfIndex(shelf, sqlite3.connect(path, timeout=WAIT))
        try:
            if _is_fresh(index):
                return index.versions(name)
        finally:
            index.close()
    return None


def _is_small(shelf: Path) -> bool:
    with suppress(OSError), os.scandir(shelf) as found:
        return sum(1 for _, _ in zip(range(SMALL + 1), found, strict=False)) <= SMALL
    return True


def _is_fresh(index: ShelfIndex) -> bool:
    """Return whether a folder that is large enough to be trusted has not changed."""
    if index.says("layout") != LAYOUT or index.says("count") < TRUSTED:
        return False
    return index.says("time") == index.shelf.stat().st_mtime_ns


def _open(shelf: Path, path: Path) -> ShelfIndex:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Transactions are begun by hand, so that a refresh is one.
    connection = sqlite3.connect(path, timeout=WAIT, isolation_level=None)
    index = ShelfIndex(shelf, connection)
    named = "SELECT COUNT(*) FROM sqlite_master WHERE name IN ('about', 'shapes')"
    there = connection.execute(named).fetchone()[0]
    if there == 0:
        make_tables(connection)
    elif there < 2 or index.says("layout") != LAYOUT:
        raise sqlite3.DatabaseError("of another version")
    if not _is_fresh(index):
        index.refresh()
    return index
