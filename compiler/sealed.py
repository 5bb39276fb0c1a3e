"""Files of a folder, and the digests in SHA256SUMS that vouch for them.

No link is followed, nothing above a size is read, and no name leads out of the
folder. Saved models and releases are read through here.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import stat
from collections.abc import Mapping
from itertools import accumulate
from pathlib import Path

from compiler.errors import FormatError
from compiler.notation import refuse

SUMS = "SHA256SUMS"
CONFIG, WEIGHTS = "config.json", "model.safetensors"
CIRCUIT, PROGRAM = "circuit.json", "program.json"
FILES = (CONFIG, WEIGHTS, CIRCUIT, PROGRAM)
"""The files of a saved model, besides SHA256SUMS."""
MOST_SUMS = 2**20
"""Bytes of SHA256SUMS above which it is not read."""

_SUM = re.compile(r"([0-9a-f]{64})  (\S.*)")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")
_LONGEST = 255  # characters of a name: what file systems can hold
_LINK = (
    "Copy the file itself; of a download of the Hugging Face Hub, load hf://OWNER/REPO."
)


def digest(data: bytes) -> str:
    """Return the SHA-256 digest of some bytes."""
    return hashlib.sha256(data).hexdigest()


def sums_of(files: Mapping[str, bytes]) -> bytes:
    """Return SHA256SUMS of some files, by name."""
    lines = [f"{digest(data)}  {name}\n" for name, data in sorted(files.items())]
    return "".join(lines).encode("ascii")


def digest_of_sums(folder: Path) -> str:
    """Return the SHA-256 digest of a folder's SHA256SUMS, which stands for all of it.

    Raises:
        FormatError: there is none.
    """
    return digest(read_file(folder, SUMS, 0, MOST_SUMS, None))


def read_file(
    folder: Path, name: str, least: int, most: int, sums: Mapping[str, str] | None
) -> bytes:
    """Return the bytes of a file of the folder, if they are what SHA256SUMS says.

    Args:
        folder: the model's.
        name: the file's.
        least: its smallest size.
        most: its greatest size; a larger file is not read.
        sums: digests by name; None for a file that has none.

    Raises:
        FormatError: it is missing, a link, too large, or not as its digest says.
    """
    if sums is not None and name not in sums:
        raise refuse(SUMS, f"no digest of {name}", "one")
    with open_plain(folder, name, least, most) as file:
        try:
            data = file.read(most + 1)
        except OSError as error:
            raise _unreadable(name, error) from None
    if not least <= len(data) <= most:
        raise refuse(name, f"{len(data)} bytes", f"{least} to {most} bytes")
    if sums is not None:
        check_digest(name, digest(data), sums[name])
    return data


def check_file(folder: Path, name: str, most: int, sums: Mapping[str, str]) -> int:
    """Return the size of a file of the folder that is what SHA256SUMS says.

    It is read in blocks, and never held.

    Raises:
        FormatError: it is missing, a link, too large, or not as its digest says.
    """
    with open_plain(folder, name, 0, most) as file:
        try:
            found = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
        except OSError as error:
            raise _unreadable(name, error) from None
    check_digest(name, found, sums[name])
    return size


def check_digest(name: str, found: str, expected: str) -> None:
    """Raise FormatError unless a file has the digest that is expected."""
    if found != expected:
        raise refuse(
            name,
            f"the SHA-256 digest {found[:12]}..",
            f"{expected[:12]}.., by {SUMS}: the file was altered or cut short",
        )


def open_plain(folder: Path, name: str, least: int, most: int) -> io.BufferedReader:
    """Return a file of the folder, opened, that is no link and has a size in bounds.

    Raises:
        FormatError: it is missing, a link, no plain file, or too large.
    """
    # A link could lead out of the folder, and a pipe would wait for ever.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        for part in accumulate(Path(name).parts, os.path.join):
            if (folder / part).is_symlink():
                raise refuse(part, "a link", "a plain file", _LINK)
        handle = os.open(folder / name, flags)
        try:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise refuse(name, "no plain file", "a plain file")
            if not least <= status.st_size <= most:
                expected = f"{least} to {most} bytes"
                raise refuse(name, f"{status.st_size} bytes", expected)
            return open(handle, "rb")
        except BaseException:
            os.close(handle)
            raise
    except (FileNotFoundError, NotADirectoryError):
        raise refuse(name, "no such file", f"it in {folder}") from None
    except OSError as error:
        raise _unreadable(name, error) from None


def _unreadable(name: str, error: OSError) -> FormatError:
    found = error.strerror or str(error)
    return refuse(name, f"that it cannot be read ({found})", "a plain file")


def read_sums(folder: Path) -> dict[str, str]:
    """Return the digests by name; files that are not the model's own may be listed.

    Raises:
        FormatError: there is no SHA256SUMS, or it is none.
    """
    return parse_sums(read_file(folder, SUMS, 0, MOST_SUMS, None))


def parse_sums(data: bytes) -> dict[str, str]:
    """Return the digests by name that the bytes of a SHA256SUMS say.

    Raises:
        FormatError: a line is none, or names no file that can be in the folder.
    """
    text = data.decode("utf-8", "replace")
    if not text.endswith("\n"):
        raise refuse(SUMS, "a last line that is cut short", "whole lines")
    sums: dict[str, str] = {}
    for number, line in enumerate(text[:-1].split("\n"), start=1):
        match = _SUM.fullmatch(line)
        if match is None or not _is_plain(match[2]) or match[2] in sums:
            raise refuse(
                f"{SUMS}, line {number}",
                ascii(line[:90]),
                "a digest and the name of another file in the folder",
            )
        sums[match[2]] = match[1]
    for name in sums:
        for folder in Path(name).parents:
            if str(folder) in sums:
                raise FormatError(
                    f"{SUMS}: {folder} is a file, and {name} would be in it. "
                    "Fetch it again."
                )
    return sums


def _is_plain(name: str) -> bool:
    """Return whether a name stays in its folder and is no file of this format."""
    return len(name) <= _LONGEST and name != SUMS and bool(_PLAIN_NAME.fullmatch(name))
