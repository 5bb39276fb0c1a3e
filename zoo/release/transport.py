"""Bytes from an HTTP server, from any place in a file, within bounds of time and size.

Only http and https, redirected too; a token goes to the server it is for alone. Every
byte that a server sends is counted where it leaves the socket, below everything that
understands HTTP: headers, redirections, interim answers, lengths of chunks and
trailers count like the file itself. `TransferLimits` has the figures.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from compiler.errors import FetchError
from compiler.notation import refuse

TIMEOUT = 30.0
"""Seconds without a byte after which a connection counts as broken."""
WINDOW, LEAST_RATE = 10.0, 256
"""From the first byte on, in every such stretch of seconds so many bytes a second."""
SHORT = 60.0
"""Seconds in which a small file (a list, SHA256SUMS) has to be here."""
CHUNK = 2**16
HEADERS = 2**18
"""Bytes of everything that is no part of the file."""
_MOST_ADDRESSES = 4  # of one host's name are tried

NETWORK = (OSError, http.client.HTTPException, ValueError)
"""What a connection that breaks, or a server that speaks no HTTP, comes to."""


class NotThereError(FetchError):
    """The server has no such file.

    Args:
        message: what to tell.
        code: what a Hub says is missing; "" where nothing is said.
    """

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class NotAllowedError(FetchError):
    """The server does not give this file to whoever asks."""


@dataclass
class TransferLimits:
    """What one transfer may take, and what it took.

    Attributes:
        until: the time, by `time.monotonic`, at which it has to be complete.
        most: bytes that may still leave the socket.
    """

    until: float
    most: int = HEADERS
    _since: float | None = None
    _found: int = 0

    def patience(self) -> float:
        """Return how many seconds the next byte may take.

        Raises:
            TimeoutError: the time is over.
        """
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError("it took too long in all")
        return min(TIMEOUT, left)

    def count(self, size: int) -> None:
        """Note bytes that arrived.

        Raises:
            TimeoutError: they come too slowly.
            OSError: they are too many.
        """
        self.most -= size
        if self.most < 0:
            raise OSError("it sends more than the file can have")
        self._found += size
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        if now - self._since >= WINDOW:
            if self._found < LEAST_RATE * (now - self._since):
                raise TimeoutError(f"fewer than {LEAST_RATE} bytes a second")
            self._since, self._found = now, 0


@dataclass(frozen=True)
class Body:
    """What a server began to send.

    Attributes:
        url: of the file.
        start: the place in the file of the first byte; 0 where it sends all of it.
        length: how many bytes are to come; None where the server does not say.
        response: to read from.
        limits: of the transfer.
    """

    url: str
    start: int
    length: int | None
    response: Any
    limits: TransferLimits

    def chunks(self, most: int) -> Iterator[bytes]:
        """Yield the bytes.

        Args:
            most: how many may come; a server that sends more is left.

        Raises:
            FetchError: the connection broke.
        """
        # Sent in chunks of one byte, a file takes six times its size, or a little more.
        self.limits.most = HEADERS + 8 * most
        found = 0
        try:
            while chunk := self.response.read(CHUNK):
                found += len(chunk)
                yield chunk
        except NETWORK as error:
            raise self._broken(found, _told(error)) from None
        if self.length is not None and found < self.length:
            raise self._broken(found, f"{self.length} were to come")

    def _broken(self, found: int, why: str) -> FetchError:
        return FetchError(f"{self.url}: the connection broke at byte {found} ({why})")


@contextmanager
def open_at(
    url: str, start: int, headers: Mapping[str, str], until: float
) -> Iterator[Body]:
    """Open a file of a server from some byte on.

    Args:
        url: of the file.
        start: the first byte that is wanted; the server may send all the same.
        headers: to send.
        until: the time, by `time.monotonic`, at which all has to be here.

    Raises:
        NotThereError: the server has no such file.
        NotAllowedError: the server wants to know who asks, or refuses them.
        FetchError: it cannot be reached, or refuses.
    """
    check_address(url)
    asked = {**headers, "Accept-Encoding": "identity", "User-Agent": "circuitzoo"}
    if start:
        asked["Range"] = f"bytes={start}-"
    limits = TransferLimits(until)
    try:
        request = urllib.request.Request(url, headers=asked)
        response = _opener(limits).open(request, timeout=limits.patience())
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and start:  # the range begins behind the end: all of it
            response = None
        else:
            raise _refusal(url, error) from None
    except NETWORK as error:
        raise FetchError(
            f"{url}: cannot be reached ({_told(error)}). Check the address and the "
            "network"
        ) from None
    if response is None:
        with open_at(url, 0, headers, until) as body:
            yield body
        return
    with response:
        length = _length(url, response)
        yield Body(url, _start(response, start), length, response, limits)


def get(url: str, most: int, headers: Mapping[str, str] | None = None) -> bytes:
    """Return a small file of a server, within SHORT seconds.

    Raises:
        NotThereError: the server has no such file.
        FetchError: it cannot be reached, the connection broke, or it took too long.
        FormatError: it sends more than `most` bytes.
    """
    return get_page(url, most, headers)[0]


def get_page(
    url: str, most: int, headers: Mapping[str, str] | None = None
) -> tuple[bytes, str]:
    """Return (a small file of a server, what its header `Link` says).

    Raises:
        as `get`.
    """
    data = bytearray()
    with open_at(url, 0, headers or {}, time.monotonic() + SHORT) as body:
        if body.length is not None and body.length > most:
            raise refuse(url, f"{body.length} bytes", f"at most {most}")
        for chunk in body.chunks(most):
            data += chunk
            if len(data) > most:
                raise refuse(url, f"more than {most} bytes", "fewer")
        return bytes(data), str(body.response.headers.get("Link", ""))


def check_address(url: str) -> None:
    """Raise FetchError unless an address is one of the web."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname)
        good = good and (parts.port is None or parts.port > 0)
    except ValueError:
        good = False
    if not good:
        raise FetchError(f"{url!r} is no address; write http://HOST or https://HOST")


# Below HTTP -----------------------------------------------------------------------


class _Counted(io.RawIOBase):
    """What a socket receives, each piece under the limits."""

    def __init__(self, sock: socket.socket, limits: TransferLimits) -> None:
        self._sock, self._limits = sock, limits

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(self._limits.patience())
        size = self._sock.recv_into(buffer)
        self._limits.count(size)
        return size

    def close(self) -> None:
        if not self.closed:
            self._sock.close()
        super().close()


class _Watched:
    """A socket as `http.client` uses one, whose bytes are counted."""

    def __init__(self, sock: socket.socket, limits: TransferLimits) -> None:
        self._sock, self._limits, self._read = sock, limits, False

    def makefile(self, mode: str, *_: Any) -> io.BufferedReader:
        self._read = True  # from here on the file closes the socket
        return io.BufferedReader(_Counted(self._sock, self._limits), CHUNK)

    def sendall(self, data: Any) -> None:
        self._sock.settimeout(self._limits.patience())
        self._sock.sendall(data)

    def close(self) -> None:
        if not self._read:
            self._sock.close()


def _dial(
    limits: TransferLimits,
    address: tuple[str, int],
    timeout: Any = None,
    source: Any = None,
) -> socket.socket:
    """Return a connection to the first of a host's addresses that answers."""
    told: OSError = OSError("the name has no address")
    found = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)
    for family, kind, protocol, _, place in found[:_MOST_ADDRESSES]:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(limits.patience())
            sock.connect(place)
            return sock
        except OSError as error:
            told = error
            sock.close()
    raise told


class _Response(http.client.HTTPResponse):
    """An answer in which no chunk has a length below zero."""

    def _read_next_chunk_size(self) -> int:
        size = super()._read_next_chunk_size()  # type: ignore[misc]
        if size < 0:
            raise http.client.HTTPException(f"a chunk of {size} bytes")
        return size


def _watched(kind: Any, limits: TransferLimits, *args: Any, **options: Any) -> Any:
    """Return a connection of some kind under limits."""

    class Connection(kind):
        response_class = _Response

        def connect(self) -> None:
            super().connect()
            self.sock: Any = _Watched(self.sock, limits)

    made = Connection(*args, **options)
    made._create_connection = partial(_dial, limits)
    return made


class _Http(urllib.request.HTTPHandler):
    def __init__(self, limits: TransferLimits) -> None:
        super().__init__()
        self._limits = limits

    def http_open(self, req: Any) -> Any:
        kind = partial(_watched, http.client.HTTPConnection, self._limits)
        return self.do_open(kind, req)  # type: ignore[arg-type]


class _Https(urllib.request.HTTPSHandler):
    def __init__(self, limits: TransferLimits) -> None:
        super().__init__()
        self._limits = limits

    def https_open(self, req: Any) -> Any:
        kind = partial(_watched, http.client.HTTPSConnection, self._limits)
        return self.do_open(kind, req)  # type: ignore[arg-type]


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows to http and https alone, and leaves the token behind elsewhere."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        """Return the request to go on with."""
        check_address(newurl)
        request = super().redirect_request(req, fp, code, msg, headers, newurl)
        if request is not None and _origin(newurl) != _origin(req.full_url):
            request.headers = {
                k: v for k, v in request.headers.items() if k != "Authorization"
            }
        return request


def _opener(limits: TransferLimits) -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(_Redirects, _Http(limits), _Https(limits))


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _refusal(url: str, error: urllib.error.HTTPError) -> FetchError:
    """Return what a status other than success means."""
    if error.code in (404, 410):
        code = str(error.headers.get("X-Error-Code", ""))[:40]
        return NotThereError(f"{url}: there is no such file", code)
    told = f"{url}: the server says {ascii(f'{error.code} {error.reason}')[:120]}"
    return NotAllowedError(told) if error.code in (401, 403) else FetchError(told)


def _start(response: Any, asked: int) -> int:
    """Return the place of the first byte that is sent."""
    if response.status != 206:
        return 0
    told = str(response.headers.get("Content-Range", ""))
    place = told.removeprefix("bytes ").partition("-")[0]
    if place.isascii() and place.isdecimal() and len(place) < 20:
        return int(place)
    return asked


def _length(url: str, response: Any) -> int | None:
    told = response.headers.get("Content-Length")
    if told is None or "chunked" in str(response.headers.get("Transfer-Encoding")):
        return None
    if not (told.isascii() and told.isdecimal() and len(told) < 20):
        raise FetchError(f"{url}: the server says a length of {ascii(told)[:60]}")
    return int(told)


def _told(error: BaseException) -> str:
    return ascii(getattr(error, "reason", None) or error)[:120]
