"""A small server of a folder of releases, for machines in one room and for tests.

It serves the index and the listed files of whole releases, nothing else of the folder,
and parts of files to whoever goes on with a broken download. A folder of releases is
plain files: any web server can publish it as it is.

`zoo/http_server.py` bounds connections, memory and time. Files go out in blocks, so
that a reader who stalls holds a block and no file.
"""

from __future__ import annotations

import asyncio
import io
import os
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path
from urllib.parse import unquote, urlsplit

from compiler.errors import FormatError, InputError, ZooError
from compiler.escapes import escape
from compiler.sealed import MOST_SUMS, SUMS, open_plain, read_file, read_sums
from zoo.http_server import BLOCK, LoopServer, finish_answer, send_block
from zoo.release.fields import INDEX, MOST_BYTES, NAME
from zoo.release.index_shards import FOLDER as PARTS
from zoo.release.shelf import index_bytes

_FOLDER = re.compile(NAME + r"(\.v[0-9]{1,10})?")
_PART = re.compile(rf"{re.escape(PARTS)}/[0-9a-f]{{32}}\.json")
_RANGE = re.compile(r"bytes=([0-9]{1,18})-")


class Server(LoopServer):
    """A server of a folder of releases, bound to its port; `serve_forever` serves."""

    def __init__(
        self, shelf: Path, host: str, port: int, say: Callable[[str], None]
    ) -> None:
        super().__init__(host, port, say)
        self._shelf = shelf
        self._pool = ThreadPoolExecutor(2)  # reads the folder
        self._index = b""

    def server_close(self) -> None:
        """Let the port go."""
        super().server_close()
        self._pool.shutdown(wait=False)

    async def respond(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        line: str,
        path: str,
        headers: Mapping[str, str],
    ) -> None:
        """Send a file, or the rest of it."""
        wanted = headers.get("range", "")
        loop = asyncio.get_running_loop()
        try:
            file = await loop.run_in_executor(self._pool, self._file, path)
        except (ZooError, OSError) as error:  # the folder went, or cannot be read
            self._say(escape(f"{path[:400]}: {error}"))
            await self.refuse(writer, line, HTTPStatus.INTERNAL_SERVER_ERROR)
            return
        if file is None:
            await self.refuse(writer, line, HTTPStatus.NOT_FOUND)
            return
        with file:
            size = file.seek(0, os.SEEK_END)
            part = _RANGE.fullmatch(wanted)
            start = int(part[1]) if part else 0
            if part and start >= size:
                await self.refuse(
                    writer, line, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
                )
                return
            given = {
                "Accept-Ranges": "bytes",
                "Content-Type": "application/octet-stream",
                "Content-Length": size - start,
            }
            if part:
                given["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
            status = HTTPStatus.PARTIAL_CONTENT if part else HTTPStatus.OK
            await self.head(writer, line, status, given)
            if line.startswith("GET"):
                file.seek(start)
                while block := file.read(min(BLOCK, size - file.tell())):
                    await send_block(writer, block)
            await finish_answer(writer)

    def _file(self, path: str) -> io.BufferedIOBase | None:
        found = open_path(self._shelf, path)
        if isinstance(found, bytes):
            # All who read the same index share its bytes.
            self._index = self._index if found == self._index else found
            return io.BytesIO(self._index)
        return found


def make_server(
    shelf: Path,
    host: str = "127.0.0.1",
    port: int = 0,
    say: Callable[[str], None] = lambda line: None,
) -> Server:
    """Return a server that is bound and not yet serving.

    Args:
        shelf: the folder of releases.
        host: the address to listen on; only this machine by default.
        port: the port to listen on; 0 for a free one.
        say: called with a line for each request.

    Raises:
        InputError: there is no such folder, or the port is taken.
    """
    if not shelf.is_dir():
        raise InputError(f"{shelf}: there is no such folder; `zoo export` makes one")
    return Server(shelf, host, port, say)


def contents(shelf: Path, path: str) -> bytes | None:
    """Return what a server has at a path; None where it has nothing."""
    found = open_path(shelf, path)
    if found is None or isinstance(found, bytes):
        return found
    with found:
        return found.read(MOST_BYTES)


def open_path(shelf: Path, path: str) -> io.BufferedIOBase | bytes | None:
    """Return what a server has at a path: an open file, or the bytes of the index."""
    try:
        path = unquote(urlsplit(path).path).removeprefix("/")
    except ValueError:
        return None
    if path == INDEX and not _in_parts(shelf):
        return index_bytes(shelf)
    if path == INDEX or _PART.fullmatch(path):
        return _open_index(shelf, path)
    folder, _, name = path.partition("/")
    if not _FOLDER.fullmatch(folder) or (shelf / folder).is_symlink():
        return None
    try:
        if name == SUMS:
            return io.BytesIO(read_file(shelf / folder, SUMS, 0, MOST_SUMS, None))
        if name in read_sums(shelf / folder):
            return open_plain(shelf / folder, name, 0, MOST_BYTES)
    except FormatError:
        pass  # there is no release, or a damaged one
    return None


def _in_parts(shelf: Path) -> bool:
    """Return whether the index of a shelf is a large one, which is served as it is."""
    return (shelf / PARTS).is_dir() and not (shelf / PARTS).is_symlink()


def _open_index(shelf: Path, path: str) -> io.BufferedIOBase | None:
    try:
        return open_plain(shelf, path, 0, MOST_BYTES) if _in_parts(shelf) else None
    except FormatError:
        return None
