"""An index of releases on an HTTP server: what it lists, and where that is.

    ADDRESS/index.json
    ADDRESS/sort-siit/SHA256SUMS, ADDRESS/sort-siit/config.json, ..

Any static server of a folder of releases is one; `zoo index serve` is too.
"""

from __future__ import annotations

from collections.abc import Sequence

from compiler.errors import NameLookupError, unknown_name
from compiler.notation import parse
from zoo.release.fetch import Remote
from zoo.release.fields import INDEX, INDEX_DOCUMENT, Entry
from zoo.release.transport import NotThereError, get

MOST_INDEX = 2**24
"""Bytes of an index above which it is not read."""


def read_index(address: str) -> Sequence[Entry]:
    """Return what an index lists.

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
    return INDEX_DOCUMENT.read(parse(data, url))["releases"]


def find_entry(
    entries: Sequence[Entry], name: str, version: int | None, address: str
) -> Entry:
    """Return the line of a release, its newest version unless one is given.

    Raises:
        NameLookupError: there is none; the nearest names are offered.
    """
    named = [entry for entry in entries if entry["name"] == name]
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


def newest_of(entries: Sequence[Entry]) -> list[Entry]:
    """Return the newest version of each release, by name."""
    ordered = sorted(entries, key=lambda entry: entry["version"])
    newest = {entry["name"]: entry for entry in ordered}
    return [newest[name] for name in sorted(newest)]


def remote_of(address: str, entry: Entry) -> Remote:
    """Return where the files of a release are."""
    base = f"{address.rstrip('/')}/{entry['folder']}"
    return Remote(base, base, entry["bytes"], entry["sums"])
