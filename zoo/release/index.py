"""An index of releases on an HTTP server: what it lists, and where that is.

    ADDRESS/index.json
    ADDRESS/sort-siit/SHA256SUMS, ADDRESS/sort-siit/config.json, ..

Any static server of a folder of releases is one; `zoo index serve` is too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from compiler.errors import FormatError, NameLookupError, unknown_name
from compiler.notation import LocatedJson, parse
from zoo.release.fetch import Remote
from zoo.release.fields import INDEX, INDEX_DOCUMENT, IndexEntry
from zoo.release.schema import read
from zoo.release.shelf import Broken
from zoo.release.transport import NotThereError, get

MOST_INDEX = 2**24
"""Bytes of an index above which it is not read."""
MOST_ENTRIES = 2**14
"""Releases of an index above which it is not read."""


@dataclass(frozen=True)
class Listing:
    """What an index lists.

    Attributes:
        entries: its good lines.
        broken: lines that are none, by the name that they give, and why.
    """

    entries: Sequence[IndexEntry]
    broken: Sequence[Broken]


def read_index(address: str) -> Listing:
    """Return what an index lists; a bad line spoils itself alone.

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
