"""A small HTTP server: one thread, one answer a connection, bounded memory and time.

`asyncio` waits for all connections. Whoever has sent no request for long gives way to
new ones; a request has to be here within seconds, and so has each block of an answer
to be taken. The index of releases and the arena answer through it.
"""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from types import TracebackType

from compiler.errors import InputError
from compiler.escapes import escape

MOST_CONNECTIONS = 256
"""Connections at a time; the one that has waited longest for its request gives way."""
MOST_REQUEST = 2**14
"""Bytes of a request, without its body."""
REQUEST_TIME = 10.0
"""Seconds in which a request has to be here."""
BLOCK, BLOCK_TIME = 2**16, 20.0
"""Bytes that are sent at a time, and seconds in which a reader has to take them."""

_REQUEST = re.compile(r"([A-Z]{1,20}) (\S{1,4096}) HTTP/1\.[01]")


class LoopServer:
    """A server that is bound to its port; `serve_forever` serves.

    A subclass says in `respond` how requests are answered.

    Args:
        host: the address to listen on.
        port: the port to listen on; 0 for a free one.
        say: called with a line for each request.

    Raises:
        InputError: the port is taken.
    """

    METHODS: tuple[str, ...] = ("GET", "HEAD")

    def __init__(self, host: str, port: int, say: Callable[[str], None]) -> None:
        self._socket = _bound(host, port)
        self.server_address: tuple[str, int] = self._socket.getsockname()[:2]
        self._say = say
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._done, self._ending = threading.Event(), False
        # By connection; those that have sent no request yet, the oldest first.
        self._open = 0
        self._waiting: dict[asyncio.StreamWriter, None] = {}

    async def respond(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        line: str,
        path: str,
        headers: Mapping[str, str],
    ) -> None:
        """Answer a request.

        Args:
            reader: has the body, if there is one.
            writer: takes the answer.
            line: the first line of the request.
            path: what is asked for.
            headers: by name in lower case.
        """
        raise NotImplementedError

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

    def __enter__(self) -> LoopServer:
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
            await self.refuse(writer, "", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            return
        finally:
            self._waiting.pop(writer, None)
        line, _, rest = data.decode("latin-1").partition("\r\n")
        asked = _REQUEST.fullmatch(line)
        if asked is None:
            await self.refuse(writer, line, HTTPStatus.BAD_REQUEST)
        elif asked[1] not in self.METHODS:
            await self.refuse(writer, line, HTTPStatus.METHOD_NOT_ALLOWED)
        else:
            await self.respond(reader, writer, line, asked[2], _headers(rest))

    async def refuse(
        self, writer: asyncio.StreamWriter, line: str, status: HTTPStatus
    ) -> None:
        """Answer with a status and nothing else."""
        await self.head(writer, line, status, {"Content-Length": 0})
        await finish_answer(writer)

    async def head(
        self,
        writer: asyncio.StreamWriter,
        line: str,
        status: HTTPStatus,
        headers: dict[str, str | int],
    ) -> None:
        """Send the head of an answer."""
        host = str(writer.get_extra_info("peername", ("?",))[0])
        self._say(escape(f'{host} "{line[:400]}" {status.value}'))
        lines = [f"HTTP/1.1 {status.value} {status.phrase}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        await send_block(writer, ("\r\n".join(lines) + "\r\n\r\n").encode("ascii"))


def _bound(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        InputError: it cannot.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except (OSError, OverflowError, UnicodeError) as error:
        wording = getattr(error, "strerror", None) or error
        raise InputError(
            f"cannot serve at {host}, port {port}: {wording}. Give another --port"
        ) from None


def _headers(lines: str) -> dict[str, str]:
    """Return the headers of a request by name in lower case; the first counts."""
    found: dict[str, str] = {}
    for line in lines.split("\r\n"):
        key, colon, value = line.partition(":")
        if colon:
            found.setdefault(key.strip().lower(), value.strip())
    return found


async def send_block(writer: asyncio.StreamWriter, data: bytes) -> None:
    """Send a block, once the reader has taken the one before."""
    writer.write(data)
    await asyncio.wait_for(writer.drain(), BLOCK_TIME)


async def finish_answer(writer: asyncio.StreamWriter) -> None:
    """Wait until all is sent."""
    writer.transport.set_write_buffer_limits(high=0)
    await asyncio.wait_for(writer.drain(), BLOCK_TIME)
    with suppress(OSError):
        writer.write_eof()
