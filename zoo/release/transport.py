"""Bytes from an HTTP server, from any place in a file, and never more than expected.

Only http and https, redirected too; a token goes to the server it is for alone.
"""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from compiler.errors import FetchError
from compiler.notation import refuse

TIMEOUT = 30.0
"""Seconds without a byte after which a connection counts as broken."""
CHUNK = 2**16

NETWORK = (OSError, http.client.HTTPException)


class NotThereError(FetchError):
    """The server has no such file."""


@dataclass(frozen=True)
class Body:
    """What a server began to send.

    Attributes:
        url: of the file.
        start: the place in the file of the first byte; 0 where it sends all of it.
        length: how many bytes are to come; None where the server does not say.
        response: to read from.
    """

    url: str
    start: int
    length: int | None
    response: Any

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes.

        Raises:
            FetchError: the connection broke.
        """
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
def open_at(url: str, start: int, headers: Mapping[str, str]) -> Iterator[Body]:
    """Open a file of a server from some byte on.

    Args:
        url: of the file.
        start: the first byte that is wanted; the server may send all the same.
        headers: to send.

    Raises:
        NotThereError: the server has no such file.
        FetchError: it cannot be reached, or refuses.
    """
    check_address(url)
    asked = {**headers, "Accept-Encoding": "identity", "User-Agent": "circuitzoo"}
    if start:
        asked["Range"] = f"bytes={start}-"
    try:
        request = urllib.request.Request(url, headers=asked)
        response = _opener().open(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in (404, 410):
            raise NotThereError(f"{url}: there is no such file") from None
        if error.code == 416:  # the range begins behind the end: ask for all
            response = None
        else:
            told = ascii(f"{error.code} {error.reason}")
            raise FetchError(f"{url}: the server says {told}") from None
    except (*NETWORK, ValueError) as error:
        raise FetchError(
            f"{url}: cannot be reached ({_told(error)}). Check the address and the "
            "network"
        ) from None
    if response is None:
        with open_at(url, 0, headers) as body:
            yield body
        return
    with response:
        yield Body(url, _start(response, start), _length(response), response)


def get(url: str, most: int, headers: Mapping[str, str] | None = None) -> bytes:
    """Return a small file of a server.

    Raises:
        NotThereError: the server has no such file.
        FetchError: it cannot be reached, or the connection broke.
        FormatError: it sends more than `most` bytes.
    """
    data = b""
    with open_at(url, 0, headers or {}) as body:
        if body.length is not None and body.length > most:
            raise refuse(url, f"{body.length} bytes", f"at most {most}")
        for chunk in body.chunks():
            data += chunk
            if len(data) > most:
                raise refuse(url, f"more than {most} bytes", "fewer")
    return data


def check_address(url: str) -> None:
    """Raise FetchError unless an address is one of the web."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        good = False
    if not good:
        raise FetchError(f"{url!r} is no address; write http://HOST or https://HOST")


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


def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(_Redirects)


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _start(response: Any, asked: int) -> int:
    """Return the place of the first byte that is sent."""
    if response.status != 206:
        return 0
    told = str(response.headers.get("Content-Range", ""))
    place = told.removeprefix("bytes ").partition("-")[0]
    return int(place) if place.isdecimal() and len(place) < 20 else asked


def _length(response: Any) -> int | None:
    told = str(response.headers.get("Content-Length", ""))
    return int(told) if told.isdecimal() and len(told) < 20 else None


def _told(error: BaseException) -> str:
    return ascii(getattr(error, "reason", None) or error)[:120]
