"""A release from elsewhere into a folder, file by file, and nothing believed.

SHA256SUMS comes first and says which files there are; each is written no further than
the figures of the index allow, goes on where an earlier attempt broke off, and is kept
only with the digest that is listed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from compiler.errors import FetchError, FormatError
from compiler.notation import refuse
from compiler.sealed import MOST_SUMS, SUMS, check_digest, digest, parse_sums
from zoo.release.fields import MOST_BYTES, MOST_RELEASE
from zoo.release.transport import Body, NotThereError, get, open_at
from zoo.release.whole import check_listed

TRIES = 3
"""Attempts in a row that get no further after which a download is given up."""
FURTHER = 2**10
"""New bytes, or a complete file, that make an attempt one that got further."""
CONNECTIONS = 16
"""Attempts for one file after which a download is given up, however far they got."""
GRACE, RATE = 120.0, 2**15
"""A release has to be here within so many seconds, and its bytes at this many each."""
PAUSE = 0.5
"""Seconds before the next attempt."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Remote:
    """A release that is elsewhere.

    Attributes:
        where: what to call it in messages.
        base: address of its folder, without a slash at the end.
        bytes: of all its files together, as an index says.
        sums: the digest of its SHA256SUMS, where an index says it.
        sizes: by file, its bytes; None where no list says it.
        headers: to send with every request.
    """

    where: str
    base: str
    bytes: int
    sums: str | None = None
    sizes: Mapping[str, int] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def url(self, name: str) -> str:
        """Return the address of a file; its name is a plain one."""
        return f"{self.base}/{name}"

    def most(self, name: str, left: int) -> int:
        """Return the most bytes that a file may have, where `left` may still come."""
        if self.sizes is None:
            return min(left, MOST_BYTES)
        if name not in self.sizes:
            raise refuse(
                f"{self.where}, {name}", "no such file", f"it, by {SUMS}", _AGAIN
            )
        return min(left, self.sizes[name], MOST_BYTES)


_AGAIN = "Fetch it again, or tell whoever published it."


def fetch(remote: Remote, folder: Path, progress: Progress | None = None) -> None:
    """Fill a folder with a release; what an earlier attempt left there is used.

    Args:
        remote: where from.
        folder: where to; it is there.
        progress: called with (bytes there, bytes).

    Raises:
        FetchError: the server cannot be reached, or the connection broke for good.
        FormatError: a file is missing, larger than stated, or has another digest.
    """
    if not 0 < remote.bytes <= MOST_RELEASE:
        raise refuse(remote.where, f"{remote.bytes} bytes", f"at most {MOST_RELEASE}")
    data = _sums_of(remote)
    sums = parse_sums(data)
    check_listed(sums)
    _sweep(folder, sums)
    done = len(data)
    until = time.monotonic() + GRACE + remote.bytes / RATE
    for name, expected in sums.items():
        most = remote.most(name, remote.bytes - done)

        def step(size: int, before: int = done) -> None:
            if progress is not None:
                progress(before + size, remote.bytes)

        file = _File(remote, name, folder / name, most, expected, step, until)
        done += file.complete()
    if remote.sums is not None and done != remote.bytes:
        raise refuse(remote.where, f"{done} bytes", f"{remote.bytes}, by the index")
    (folder / SUMS).write_bytes(data)
    if progress is not None:
        progress(remote.bytes, remote.bytes)


def _sums_of(remote: Remote) -> bytes:
    most = min(MOST_SUMS, remote.most(SUMS, remote.bytes))
    try:
        data = get(remote.url(SUMS), most, remote.headers)
    except NotThereError:
        raise refuse(f"{remote.where}, {SUMS}", "no such file", "it", _AGAIN) from None
    if remote.sums is not None and digest(data) != remote.sums:
        raise refuse(
            f"{remote.where}, {SUMS}",
            f"the SHA-256 digest {digest(data)[:12]}..",
            f"{remote.sums[:12]}.., by the index",
            _AGAIN,
        )
    return data


def _sweep(folder: Path, sums: Mapping[str, str]) -> None:
    """Remove what is in a folder and is no plain file of the release."""
    for root, folders, names in os.walk(folder):
        for name in [*folders, *names]:
            path = Path(root, name)
            inside = path.relative_to(folder).as_posix()
            if path.is_symlink() or (path.is_file() and inside not in sums):
                path.unlink()
            elif path.is_dir() and inside in sums:
                shutil.rmtree(path)


@dataclass(frozen=True)
class _File:
    """One file on its way.

    Attributes:
        remote: where from.
        name: the file's.
        path: where to.
        most: its greatest size.
        expected: its digest.
        step: called with the bytes that are there.
        until: the time, by `time.monotonic`, at which it has to be complete.
    """

    remote: Remote
    name: str
    path: Path
    most: int
    expected: str
    step: Callable[[int], None]
    until: float

    def complete(self) -> int:
        """Return the size of the file, once it is there with the right digest."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        resumed = self._have() > 0
        if resumed and self._digest() == self.expected:
            return self._have()
        self._receive()
        if resumed and self._digest() != self.expected:
            self.path.unlink()  # what an earlier attempt left was no part of it
            self._receive()
        found = self._digest()
        if found != self.expected:
            self.path.unlink(missing_ok=True)
            where = f"{self.remote.where}, {self.name}"
            check_digest(where, found, self.expected)
        return self._have()

    def _have(self) -> int:
        return self.path.stat().st_size if self.path.is_file() else 0

    def _digest(self) -> str:
        if not self.path.is_file():
            return ""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def _receive(self) -> None:
        """Fetch what is missing; after a broken connection the rest."""
        failed, furthest = 0, self._have()
        for left in reversed(range(CONNECTIONS)):
            try:
                self._append()
                return
            except NotThereError:
                where = f"{self.remote.where}, {self.name}"
                raise refuse(where, "no such file", f"it, by {SUMS}", _AGAIN) from None
            except FetchError as error:
                # A server that ignores ranges begins anew: what counts is the most
                # that was ever here.
                further = self._have() >= furthest + FURTHER
                furthest = max(furthest, self._have())
                failed = 0 if further else failed + 1
                if failed >= TRIES or not left or time.monotonic() >= self.until:
                    raise FetchError(
                        f"{error}. {self._have()} bytes of {self.name} are here: the "
                        "next attempt goes on from there"
                    ) from None
                time.sleep(PAUSE)

    def _append(self) -> None:
        have = self._have()
        if have >= self.most:  # more than there can be: from the beginning
            have = 0
        url, headers = self.remote.url(self.name), self.remote.headers
        with open_at(url, have, headers, self.until) as body:
            start = body.start if body.start == have else 0
            if body.start not in (0, have):
                raise FetchError(f"{self.name}: the server sent another part")
            if body.length is not None and start + body.length > self.most:
                raise self._too_large(start + body.length)
            with self.path.open("r+b" if self.path.is_file() else "xb") as file:
                file.truncate(start)
                file.seek(start)
                self._copy(body, file)

    def _copy(self, body: Body, file: BinaryIO) -> None:
        here = file.tell()
        for chunk in body.chunks(self.most - here):
            if here + len(chunk) > self.most:
                raise self._too_large(here + len(chunk))
            file.write(chunk)
            here += len(chunk)
            self.step(here)
        file.flush()
        os.fsync(file.fileno())

    def _too_large(self, found: int) -> FormatError:
        return refuse(
            f"{self.remote.where}, {self.name}",
            f"{found} bytes or more",
            f"at most {self.most}, by the figures of the index",
            _AGAIN,
        )
