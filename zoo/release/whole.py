"""A release's folder whose every file is what SHA256SUMS says.

Opening one reads each file once, follows no link, and believes no size. What stands
in the folder and is not listed is never read; it is refused where a folder has to be
a release and nothing else.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from compiler.errors import FormatError
from compiler.notation import LocatedJson, parse, refuse
from compiler.sealed import SUMS, check_file, read_file, read_sums
from zoo.release.fields import (
    MOST_BYTES,
    MOST_RELEASE,
    NAMES,
    RELEASE,
    RELEASE_DOCUMENT,
    SPLITS,
    ReleaseSummary,
    data_file,
)

NEEDED = (*NAMES, *map(data_file, SPLITS))
"""Files that no release is without, besides SHA256SUMS."""

_OF_A_HUB = (".git", ".gitattributes", ".gitignore", ".cache")


@dataclass(frozen=True)
class Folder:
    """A release's folder, and the digests that its files had when it was opened.

    Attributes:
        path: where it is.
        sums: digests by name.
    """

    path: Path
    sums: Mapping[str, str]

    def read(self, name: str) -> bytes:
        """Return a file's bytes, if they are still what they were.

        Raises:
            FormatError: the file is missing, altered, a link, or too large.
        """
        return read_file(self.path, name, 0, MOST_BYTES, self.sums)

    def json(self, name: str) -> LocatedJson:
        """Return the JSON of a file."""
        return parse(self.read(name), name)

    def text(self, name: str) -> str:
        """Return the text of a file."""
        try:
            return self.read(name).decode("utf-8")
        except UnicodeDecodeError as error:
            told = f"bytes that are no text ({error.reason})"
            raise refuse(name, told, "UTF-8") from None

    def summary(self) -> ReleaseSummary:
        """Return what the release says of itself."""
        return RELEASE_DOCUMENT.parse(self.read(RELEASE), RELEASE)


def is_release(folder: Path) -> bool:
    """Return whether a folder is meant to be a release."""
    return os.path.lexists(folder / RELEASE)


def open_folder(path: Path, *, alone: bool = False) -> Folder:
    """Return a release's folder, once every file has the digest that is listed.

    Args:
        path: where it is.
        alone: whether files that are not listed are refused.

    Raises:
        FormatError: a file is missing, altered, a link, too large, or not listed.
    """
    folder = Folder(path, read_sums(path))
    total = 0
    for name in folder.sums:
        total += check_file(path, name, MOST_BYTES, folder.sums)
        if total > MOST_RELEASE:
            raise refuse(str(path), f"more than {MOST_RELEASE} bytes", "a release")
    check_listed(folder.sums)
    if alone:
        _check_alone(folder)
    return folder


def check_listed(sums: Mapping[str, str]) -> None:
    """Raise FormatError unless SHA256SUMS lists what every release has."""
    for name in NEEDED:
        if name not in sums:
            raise refuse(SUMS, f"no digest of {name}", "one, for every release has it")


def check_files(path: Path) -> int:
    """Return how many files a release has, all of them as SHA256SUMS says.

    Raises:
        FormatError: one is missing, altered, not listed, or a link.
    """
    return len(open_folder(path, alone=True).sums)


def _check_alone(folder: Folder) -> None:
    """Raise FormatError where something stands beside the listed files."""
    for root, folders, names in os.walk(folder.path):
        if Path(root) == folder.path:
            folders[:] = [name for name in folders if name not in _OF_A_HUB]
            names = [name for name in names if name not in _OF_A_HUB]
        for name in [*folders, *names]:
            found = Path(root, name)
            inside = found.relative_to(folder.path).as_posix()
            shown = ascii(inside)[1:-1]
            if found.is_symlink():
                raise refuse(shown, "a link", "a plain file")
            if not found.is_dir() and inside != SUMS and inside not in folder.sums:
                raise FormatError(
                    f"{shown}: {SUMS} does not list it, so nothing vouches for it. "
                    "Remove it, or fetch the release again."
                )
