"""What an index of releases is, for all that write one.

`setup.py` runs this file before anything is installed, so it imports only the standard
library.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

INDEX_FORMAT = "circuitzoo.index"
IndexLine = TypeVar("IndexLine", bound=Mapping[str, Any])


def index_of(entries: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return an index in one part, as JSON values.

    Args:
        entries: what each release says of itself.
    """
    version = {"format": INDEX_FORMAT, "format_version": 1}
    return {**version, "releases": list(entries)}


def newest(releases: Iterable[IndexLine]) -> list[IndexLine]:
    """Return the newest version of each release, in the order of their names."""
    ordered = sorted(releases, key=lambda release: release["version"])
    found = {release["name"]: release for release in ordered}
    return [found[name] for name in sorted(found)]
