"""A small server of a folder of releases, for machines in one room and for tests.

It serves the index and the listed files of whole releases, nothing else of the folder,
and parts of files to whoever goes on with a broken download. A folder of releases is
plain files: any web server can publish it as it is.

One thread serves all connections, each for one answer; `asyncio` waits for them. Files
go out in blocks, so that a reader who stalls holds a block and no file. The figures
below bound memory (MOST_CONNECTIONS times a request, a block and what the system
buffers) and time (a request, and each block, within seconds).
"""

from __future__ import annotations

import asyncio
import io
import os
import re
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from urllib.parse import unquote, urlsplit

from compiler.errors import FormatError, InputError, ZooError
from compiler.escapes import escape
from compiler.sealed import MOST_SUMS, SUMS, open_plain, read_file, read_sums
from zoo.release.fields import INDEX, MOST_BYTES, NAME
from zoo.release.shelf import index_bytes

MOST_CONNECTIONS = 256
"""Connections at a time; the one that has waited longest for its request gives way."""
MOST_REQUEST = 2**14
"""Bytes of a request."""
REQUEST_TIME = 10.0
"""Seconds in which a request has to be here."""
BLOCK, BLOCK_TIME = 2**16, 20.0
"""Bytes that are sent at a time, and seconds in which a reader has to take them."""

_FOLDER = re.compile(NAME + r"(\.v[0-9]{1,10})?")
_RANGE = re.compile(r"bytes=([0-9]{1,18})-")
_REQUEST = re.compile(r"([A-Z]{1,20}) (\S{1,4096}) HTTP/1\.[01]")


class Server:
    """A server that is bound to its port; `serve_forever` serves."""

    def __init__(
        self, shelf: Path, host: str, port: int, say: Callable[[str], None]
    ) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family, backlog=128)
        self.server_address: tuple[str, int] = self._socket.getsockname()[:2]
        self._shelf, self._say = shelf, say
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._done, self._ending = threading.Event(), False
        self._pool = ThreadPoolExecutor(2)  # reads the folder
        # By connection; those that have sent no request yet, the oldest first.
        self._open = 0
        self._waiting: dict[asyncio.StreamWriter, None] = {}
        self._index = b""

    def serve_forever(self) -> None:
        """Serve until `shutdown` is called from another thread, or Ctrl-C."""
        try:
            asyncio.run(self._serve())
        finally:
            self._done.set()

    def shutdown(self) -> None:
        """End `serve_forever`, and wait until it has."""
        self._ending = True
        if self._loop is not None and self._stop is not None:
            with suppress(RuntimeError):  # it has ended by itself
                self._loop.call_soon_threadsafe(self._stop.set)
            self._done.wait()

    def server_close(self) -> None:
        """Let the port go."""
        self._socket.close()
        self._pool.shutdown(wait=False)

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.server_close()

    async def _serve(self) -> None:
        self._stop, self._loop = asyncio.Event(), asyncio.get_running_loop()
        if self._ending:
            return
        server = await asyncio.start_server(
            self._connected, sock=self._socket, limit=MOST_REQUEST
        )
        try:
            await self._stop.wait()
        finally:
            server.close()

    async def _connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if self._open >= MOST_CONNECTIONS:
            oldest = next(iter(self._waiting), writer)
            self._waiting.pop(oldest, None)
            oldest.transport.abort()
            if oldest is writer:
                return
        self._open += 1
        try:
            await self._converse(reader, writer)
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            pass  # the other end has gone, or takes too long
        finally:
            self._open -= 1
            writer.transport.abort()

    async def _converse(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Read a request, and answer it."""
        writer.transport.set_write_buffer_limits(high=BLOCK)
        self._waiting[writer] = None
        try:
            data = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), REQUEST_TIME)
        except asyncio.LimitOverrunError:
            await self._refuse(writer, "", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            return
        finally:
            self._waiting.pop(writer, None)
        line, _, rest = data.decode("latin-1").partition("\r\n")
        asked = _REQUEST.fullmatch(line)
        if asked is None:
            await self._refuse(writer, line, HTTPStatus.BAD_REQUEST)
        elif asked[1] not in ("GET", "HEAD"):
            await self._refuse(writer, line, HTTPStatus.METHOD_NOT_ALLOWED)
        else:
            await self._answer(writer, line, asked[2], _header(rest, "range"))

    async def _answer(
        self, writer: asyncio.StreamWriter, line: str, path: str, wanted: str
    ) -> None:
        """Send a file, or the rest of it."""
        loop = asyncio.get_running_loop()
        try:
            file = await loop.run_in_executor(self._pool, self._file, path)
        except (ZooError, OSError) as error:  # the folder went, or cannot be read
            self._say(escape(f"{path[:400]}: {error}"))
            await self._refuse(writer, line, HTTPStatus.INTERNAL_SERVER_ERROR)
            return
        if file is None:
            await self._refuse(writer, line, HTTPStatus.NOT_FOUND)
            return
        with file:
            size = file.seek(0, os.SEEK_END)
            part = _RANGE.fullmatch(wanted)
            start = int(part[1]) if part else 0
            if part and start >= size:
                await self._refuse(
                    writer, line, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
                )
                return
            headers = {
                "Accept-Ranges": "bytes",
                "Content-Type": "application/octet-stream",
                "Content-Length": size - start,
            }
            if part:
                headers["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
            status = HTTPStatus.PARTIAL_CONTENT if part else HTTPStatus.OK
            await self._head(writer, line, status, headers)
            if line.startswith("GET"):
                file.seek(start)
                while block := file.read(min(BLOCK, size - file.tell())):
                    await _send(writer, block)
            await _finish(writer)

    def _file(self, path: str) -> io.BufferedIOBase | None:
        found = open_path(self._shelf, path)
        if isinstance(found, bytes):
            # All who read the same index share its bytes.
            self._index = self._index if found == self._index else found
            return io.BytesIO(self._index)
        return found

    async def _refuse(
        self, writer: asyncio.StreamWriter, line: str, status: HTTPStatus
    ) -> None:
        await self._head(writer, line, status, {"Content-Length": 0})
        await _finish(writer)

    async def _head(
        self,
        writer: asyncio.StreamWriter,
        line: str,
        status: HTTPStatus,
        headers: dict[str, str | int],
    ) -> None:
        host = str(writer.get_extra_info("peername", ("?",))[0])
        self._say(escape(f'{host} "{line[:400]}" {status.value}'))
        lines = [f"HTTP/1.1 {status.value} {status.phrase}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        await _send(writer, ("\r\n".join(lines) + "\r\n\r\n").encode("ascii"))


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
    try:
        return Server(shelf, host, port, say)
    except (OSError, OverflowError, UnicodeError) as error:
        wording = getattr(error, "strerror", None) or error
        raise InputError(
            f"cannot serve at {host}, port {port}: {wording}. Give another --port"
        ) from None


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
    if path == INDEX:
        return index_bytes(shelf)
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


def _header(lines: str, name: str) -> str:
    """Return the value of a header; "" where there is none."""
    for line in lines.split("\r\n"):
        key, _, value = line.partition(":")
        if key.strip().lower() == name:
            return value.strip()
    return ""


async def _send(writer: asyncio.StreamWriter, data: bytes) -> None:
    """Send a block, once the reader has taken the one before."""
    writer.write(data)
    await asyncio.wait_for(writer.drain(), BLOCK_TIME)


async def _finish(writer: asyncio.StreamWriter) -> None:
    """Wait until all is sent."""
    writer.transport.set_write_buffer_limits(high=0)
    await asyncio.wait_for(writer.drain(), BLOCK_TIME)
    with suppress(OSError):
        writer.write_eof()
