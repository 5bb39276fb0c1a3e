"""The arena over HTTP, on this machine only: POST a call, get its answer.

Calls are answered one after the other, whoever sends them; all clients share the model
and its budget. Requests of a web page that a browser shows are refused: they carry an
`Origin`, or a `Host` that is not of this machine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from http import HTTPStatus

from zoo import http_server
from zoo.arena.calls import MOST_BYTES
from zoo.arena.json_lines import answer_bytes
from zoo.arena.session import ArenaSession
from zoo.http_server import LoopServer, finish_answer, send_block

PATH = "/call"
HOSTS = ("127.0.0.1", "localhost", "[::1]")


class ArenaServer(LoopServer):
    """A server of one session, bound to a port of this machine.

    Args:
        session: what is asked.
        port: 0 for a free one.
        say: called with a line for each request.
    """

    METHODS = ("POST",)

    def __init__(
        self,
        session: ArenaSession,
        port: int = 0,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        super().__init__("127.0.0.1", port, say)
        self._session = session

    async def respond(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        line: str,
        path: str,
        headers: Mapping[str, str],
    ) -> None:
        """Answer a call; what the arena refuses has the status 200 and an error."""
        length = headers.get("content-length", "")
        if path != PATH:
            await self.refuse(writer, line, HTTPStatus.NOT_FOUND)
        elif not _is_local(headers):
            await self.refuse(writer, line, HTTPStatus.FORBIDDEN)
        elif not (length.isascii() and length.isdecimal() and len(length) < 10):
            await self.refuse(writer, line, HTTPStatus.LENGTH_REQUIRED)
        elif int(length) > MOST_BYTES:
            await self.refuse(writer, line, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        else:
            body = await asyncio.wait_for(
                reader.readexactly(int(length)), http_server.REQUEST_TIME
            )
            # In this thread: time limits need the main one, and calls take turns.
            found = answer_bytes(self._session, body)
            given = {"Content-Type": "application/json", "Content-Length": len(found)}
            await self.head(writer, line, HTTPStatus.OK, {**given})
            await send_block(writer, found)
            await finish_answer(writer)


def _is_local(headers: Mapping[str, str]) -> bool:
    host = headers.get("host", "localhost")
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    return "origin" not in headers and name in HOSTS


def serve_http(session: ArenaSession, port: int, say: Callable[[str], None]) -> None:
    """Serve a session until Ctrl-C.

    Raises:
        InputError: the port is taken.
    """
    with ArenaServer(session, port, say) as server:
        host, bound = server.server_address
        say(f"serving the arena at http://{host}:{bound}{PATH}; Ctrl-C ends it")
        server.serve_forever()
