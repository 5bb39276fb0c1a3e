"""A small server of a folder of releases, for machines in one room and for tests.

It serves the index and the listed files of whole releases, nothing else of the folder,
and parts of files to whoever goes on with a broken download.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from compiler.errors import FormatError, InputError
from compiler.sealed import MOST_SUMS, SUMS, read_file, read_sums
from zoo.release.fields import INDEX, MOST_BYTES, NAME
from zoo.release.shelf import index_bytes

_FOLDER = re.compile(NAME + r"(\.v[0-9]{1,10})?")
_RANGE = re.compile(r"bytes=([0-9]{1,18})-")


def make_server(
    shelf: Path,
    host: str = "127.0.0.1",
    port: int = 0,
    say: Callable[[str], None] = lambda line: None,
) -> ThreadingHTTPServer:
    """Return a server that is bound and not yet serving.

    Args:
        shelf: the folder of releases.
        host: where it listens; this machine alone by default.
        port: likewise; 0 for a free one.
        say: called with a line a request.

    Raises:
        InputError: there is no such folder, or the port is taken.
    """
    if not shelf.is_dir():
        raise InputError(f"{shelf}: there is no such folder; `zoo export` makes one")

    class Handler(_Handler):
        place = shelf
        tell = staticmethod(say)

    try:
        return ThreadingHTTPServer((host, port), Handler)
    except (OSError, OverflowError) as error:
        told = getattr(error, "strerror", None) or error
        raise InputError(
            f"cannot serve at {host}, port {port}: {told}. Give another --port"
        ) from None


def contents(shelf: Path, path: str) -> bytes | None:
    """Return what a server has at a path; None where it has nothing."""
    path = unquote(urlsplit(path).path).removeprefix("/")
    if path == INDEX:
        return index_bytes(shelf)
    folder, _, name = path.partition("/")
    if not _FOLDER.fullmatch(folder) or (shelf / folder).is_symlink():
        return None
    try:
        sums = read_sums(shelf / folder)
        if name == SUMS:
            return read_file(shelf / folder, SUMS, 0, MOST_SUMS, None)
        if name in sums:
            return read_file(shelf / folder, name, 0, MOST_BYTES, sums)
    except FormatError:
        pass  # there is no release, or a damaged one
    return None


class _Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD."""

    protocol_version = "HTTP/1.1"
    timeout = 60
    place: Path
    tell: Callable[[str], None]

    def do_GET(self) -> None:
        """Send a file, or the rest of it."""
        self._answer(body=True)

    def do_HEAD(self) -> None:
        """Send what GET would, without the file."""
        self._answer(body=False)

    def _answer(self, *, body: bool) -> None:
        data = contents(self.place, self.path)
        if data is None:
            self.send_error(404)
            return
        asked = _RANGE.fullmatch(self.headers.get("Range", ""))
        start = int(asked[1]) if asked else 0
        if asked and start >= len(data):
            self.send_error(416)
            return
        self.send_response(206 if asked else 200)
        if asked:
            span = f"bytes {start}-{len(data) - 1}/{len(data)}"
            self.send_header("Content-Range", span)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        if body:
            self.wfile.write(data[start:])

    def log_message(self, format: str, *args: object) -> None:
        """Tell of a request, on one line."""
        type(self).tell(f"{self.address_string()} {format % args}")
