"""An index of releases on an HTTP server: what it lists, and where that is.

    ADDRESS/index.json
    ADDRESS/index.d/2f..json                the parts of a large index
    ADDRESS/sort-siit/SHA256SUMS, ADDRESS/sort-siit/config.json, ..

Any static server of a folder of releases is one; `zoo index serve` is too. A large
index comes in parts, of which only those are fetched that are needed (`index_shards`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from compiler.errors import FormatError, NameLookupError, unknown_name
from compiler.notation import LocatedJson, parse
from compiler.sealed import check_digest, digest
from zoo.release.entry import Broken
from zoo.release.fetch import Remote
from zoo.release.fields import (
    INDEX,
    INDEX_DOCUMENT,
    ROOT_DOCUMENT,
    IndexEntry,
    ShardNote,
)
from zoo.release.schema import read
from zoo.release.shelf import MOST_ENTRIES
from zoo.release.transport import NotThereError, get

MOST_INDEX = 2**24
"""Bytes of an index above which it is not read."""


@dataclass(frozen=True)
class Listing:
    """What an index lists.

    Attributes:
        entries: its good lines.
        broken: lines that are none, by the name that they give, and why.
    """

    entries: Sequence[IndexEntry]
    broken: Sequence[Broken]


@dataclass(frozen=True)
class RemoteIndex:
    """An index on a server.

    Attributes:
        address: of the server.
        whole: what it lists, if it comes in one part.
        shards: its parts, if it is a large one.
    """

    address: str
    whole: Listing | None
    shards: Sequence[ShardNote] = ()

    def listings(self) -> Iterator[Listing]:
        """Yield what its parts list, by name; a part is fetched when it is asked for.

        Raises:
            FetchError: a part cannot be fetched.
            FormatError: a part is not what the index says.
        """
        if self.whole is not None:
            yield self.whole
        for shard in self.shards:
            yield self._read(shard)

    def find(self, name: str, version: int | None) -> IndexEntry:
        """Return the line of a release, its newest version unless one is given.

        Raises:
            NameLookupError: there is none; the nearest names are offered.
            FormatError: the line of that name is broken.
            FetchError: the part that it is in cannot be fetched.
        """
        listing = self.whole
        if listing is None:
            at = bisect_right([shard["first"] for shard in self.shards], name)
            listing = self._read(self.shards[at - 1]) if at else Listing((), ())
        return find_entry(listing, name, version, self.address)

    def _read(self, shard: ShardNote) -> Listing:
        url = f"{self.address.rstrip('/')}/{shard['file']}"
        data = get(url, shard["bytes"])
        check_digest(url, digest(data), shard["sums"])
        return _read_lines(parse(data, url, INDEX_DOCUMENT.most))


def read_index(address: str) -> Listing:
    """Return what an index lists, all of it; a bad line spoils itself alone.

    Raises:
        FetchError: it cannot be reached, or is not there.
        FormatError: it is no index, or one of a newer format.
    """
    parts = list(open_remote_index(address).listings())
    return Listing(
        [entry for part in parts for entry in part.entries],
        [broken for part in parts for broken in part.broken],
    )


def open_remote_index(address: str) -> RemoteIndex:
    """Return an index, of a large one only which parts it has.

    Raises:
        FetchError: it cannot be reached, or is not there.
        FormatError: it is no index, or one of a newer format.
    """
    url = f"{address.rstrip('/')}/{INDEX}"
    try:
        data = get(url, MOST_INDEX)
    except NotThereError:
        raise NotThereError(
            f"{url}: there is no index of releases. Check the address"
        ) from None
    found = parse(data, url, INDEX_DOCUMENT.most)
    if "shards" in found.entries():
        shards = ROOT_DOCUMENT.read(found)["shards"]
        return RemoteIndex(address, None, shards)
    return RemoteIndex(address, _read_lines(found))


def _read_lines(found: LocatedJson) -> Listing:
    """Return the good lines of an index, and the broken ones."""
    url = found.where
    lines = found.entries().get("releases")
    if lines is not None and isinstance(lines.json, list):
        # The rest of the document first: a newer format has other lines.
        INDEX_DOCUMENT.read(LocatedJson(url, {**found.json, "releases": []}))
    else:
        INDEX_DOCUMENT.read(found)
        raise found.wrong("a list of releases")
    if lines.size() > MOST_ENTRIES:
        raise lines.wrong(f"at most {MOST_ENTRIES} releases")
    entries: list[IndexEntry] = []
    broken: list[Broken] = []
    for line in lines.items():
        try:
            entries.append(read(IndexEntry, line))
        except FormatError as error:
            name = line.json.get("name") if isinstance(line.json, dict) else None
            broken.append(Broken(str(name)[:80], str(error)))
    return Listing(entries, broken)


def find_entry(
    listing: Listing, name: str, version: int | None, address: str
) -> IndexEntry:
    """Return the line of a release, its newest version unless one is given.

    Raises:
        NameLookupError: there is none; the nearest names are offered.
        FormatError: the line of that name is broken.
    """
    entries = listing.entries
    named = [entry for entry in entries if entry["name"] == name]
    for broken in listing.broken:
        if not named and broken.name == name:
            raise FormatError(broken.why)
    if not named:
        raise unknown_name(
            f"release of {address}", name, {entry["name"] for entry in entries}
        )
    if version is None:
        return max(named, key=lambda entry: entry["version"])
    for entry in named:
        if entry["version"] == version:
            return entry
    there = ", ".join(str(v) for v in sorted(entry["version"] for entry in named))
    raise NameLookupError(
        f"{name} has no version {version} at {address}; it has {there}"
    )


def remote_of(address: str, entry: IndexEntry) -> Remote:
    """Return where the files of a release are."""
    base = f"{address.rstrip('/')}/{entry['folder']}"
    return Remote(base, base, entry["bytes"], entry["sums"])
