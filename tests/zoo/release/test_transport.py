"""Whatever a server does, a transfer ends in time and stays within its bounds."""

from __future__ import annotations

import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count

import pytest
from huggingface_hub import constants  # noqa: F401  (it reads HF_ENDPOINT once)

from compiler.errors import FetchError, FormatError, ZooError
from compiler.sealed import sums_of
from zoo.release import fetch as fetching
from zoo.release import hub, transport
from zoo.release.fetch import Remote, fetch
from zoo.release.transport import TransferLimits, get
from zoo.release.whole import NEEDED

Answer = Callable[[socket.socket, int, str], object]
OK = b"HTTP/1.1 200 OK\r\n"
MOST_GROWTH = 64 * 2**10  # KiB


@contextmanager
def speaking(answer: Answer) -> Iterator[str]:
    """Serve by a function of (the connection, its number, the path that is asked)."""
    server = socket.create_server(("127.0.0.1", 0))

    def handle(connection: socket.socket, number: int) -> None:
        with suppress(OSError), connection:
            asked = b""
            while b"\r\n\r\n" not in asked:
                asked += connection.recv(65536)
            answer(connection, number, asked.split(b" ")[1].decode())

    def accept() -> None:
        with suppress(OSError):
            for number in count():
                connection, _ = server.accept()
                arguments = (connection, number)
                threading.Thread(target=handle, args=arguments, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
    finally:
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        server.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """The same laws, with a tenth of a second for every ten."""
    monkeypatch.setattr(transport, "TIMEOUT", 0.5)
    monkeypatch.setattr(transport, "WINDOW", 0.3)
    monkeypatch.setattr(transport, "SHORT", 1.5)
    monkeypatch.setattr(fetching, "GRACE", 2.0)


def drip(connection: socket.socket, *_: object) -> None:
    for _number in range(10_000):
        connection.sendall(b"x")
        time.sleep(0.02)


def endless(connection: socket.socket, piece: bytes) -> None:
    for _ in range(100_000):
        connection.sendall(piece * 100)


def many(connection: socket.socket, head: bytes, piece: bytes) -> None:
    connection.sendall(head)
    endless(connection, piece)


CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
SERVERS: dict[str, Answer] = {
    "says nothing": lambda c, *_: time.sleep(9),
    "drips headers": drip,
    "drips the file": lambda c, *_: (c.sendall(OK + b"\r\n"), drip(c)),
    "drips chunks": lambda c, *_: (
        c.sendall(CHUNKED),
        [(c.sendall(b"1\r\nx\r\n"), time.sleep(0.02)) for _ in range(9999)],
    ),
    "endless 100": lambda c, *_: endless(c, b"HTTP/1.1 100 Continue\r\n\r\n"),
    "endless headers": lambda c, *_: many(c, OK, b"A: " + b"b" * 1000 + b"\r\n"),
    "endless line": lambda c, *_: endless(c, b"HTTP/1.1 200 " + b"b" * 1000),
    "endless trailers": lambda c, *_: many(c, CHUNKED + b"0\r\n", b"A: b\r\n"),
    "endless file": lambda c, *_: many(c, OK + b"\r\n", b"x" * 1000),
    "endless chunks": lambda c, *_: many(c, CHUNKED, b"1\r\nx\r\n"),
    "chunk extensions": lambda c, *_: many(c, CHUNKED + b"1;", b"x"),
    "a long length": lambda c, *_: c.sendall(
        OK + b"Content-Length: " + b"9" * 30 + b"\r\n\r\nx"
    ),
    "chunk -5": lambda c, *_: many(c, CHUNKED + b"-5\r\n", b"x" * 1000),
    "chunk -1": lambda c, *_: many(c, CHUNKED + b"-1\r\n", b"x" * 1000),
    "chunk of nothing": lambda c, *_: c.sendall(CHUNKED + b"zz\r\n"),
    "redirect for ever": lambda c, *_: c.sendall(
        b"HTTP/1.1 302 F\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"
    ),
    "redirect with a long body": lambda c, *_: many(
        c, b"HTTP/1.1 302 F\r\nLocation: /x\r\n\r\n", b"x" * 1000
    ),
    "error with a long body": lambda c, *_: many(
        c, b"HTTP/1.1 500 F\r\n\r\n", b"x" * 1000
    ),
    "redirect to a file": lambda c, *_: c.sendall(
        b"HTTP/1.1 302 F\r\nLocation: file:///etc/passwd\r\n\r\n"
    ),
    "no HTTP": lambda c, *_: c.sendall(b"\xff\x00" * 100),
    "nothing": lambda c, *_: None,
}


@pytest.mark.parametrize("name", SERVERS)
def test_a_small_file_comes_in_time_and_size_or_not_at_all(name):
    begun = time.monotonic()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with speaking(SERVERS[name]) as address, pytest.raises((FetchError, FormatError)):
        get(f"{address}/file", 2**16)
    assert time.monotonic() - begun < 6, "SHORT is 1.5 s here; the machine may be busy"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MOST_GROWTH


DATA = bytes(range(256)) * 80  # 20,480 bytes
NAMES = sorted(NEEDED)
SUMS = sums_of(dict.fromkeys(NAMES, DATA))


def sent(data: bytes, length: int) -> bytes:
    return OK + f"Content-Length: {length}\r\n\r\n".encode() + data


def release_of(answer: Answer) -> Answer:
    """Serve SHA256SUMS as it should be, and every file by a function."""

    def both(connection: socket.socket, number: int, path: str) -> None:
        if path.endswith("/SHA256SUMS"):
            connection.sendall(sent(SUMS, len(SUMS)))
        else:
            answer(connection, number, path)

    return both


FILES: dict[str, Answer] = {
    "ping-pong": lambda c, n, _: c.sendall(
        sent(DATA[: 2000 if n % 2 else 5], len(DATA))
    ),
    "a byte a connection": lambda c, n, _: c.sendall(sent(DATA[:n], len(DATA))),
    "a little more each time": lambda c, n, _: c.sendall(sent(DATA[: 1100 * n], 2**20)),
    "nothing each time": lambda c, n, _: c.sendall(sent(b"", len(DATA))),
    "drips": lambda c, *_: (c.sendall(OK + b"\r\n"), drip(c)),
    "another part": lambda c, *_: c.sendall(
        b"HTTP/1.1 206 P\r\nContent-Range: bytes 7-9/20480\r\n\r\nxxx"
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_a_release_comes_in_time_or_not_at_all(name, tmp_path):
    begun = time.monotonic()
    with speaking(release_of(FILES[name])) as address, pytest.raises(ZooError):
        fetch(Remote("it", f"{address}/it", 2**21), tmp_path)
    assert time.monotonic() - begun < 12
    assert sum(p.stat().st_size for p in tmp_path.rglob("*") if p.is_file()) < 2**21


def test_a_server_that_breaks_off_now_and_then_is_gone_on_with(tmp_path):
    def halves(connection: socket.socket, number: int, _: str) -> None:
        end = len(DATA) if number % 3 == 0 else len(DATA) // 2
        connection.sendall(sent(DATA[:end], len(DATA)))

    with speaking(release_of(halves)) as address:
        fetch(Remote("it", f"{address}/it", 2**21), tmp_path)
    assert {(tmp_path / name).read_bytes() for name in NAMES} == {DATA}


def test_a_file_in_chunks_of_one_byte_is_read():
    pieces = b"".join(b"1;a=b\r\n%c\r\n" % byte for byte in DATA[:3000])
    with speaking(lambda c, *_: c.sendall(CHUNKED + pieces + b"0\r\n\r\n")) as address:
        assert get(f"{address}/file", 2**16) == DATA[:3000]


def test_the_deadline_of_a_release_grows_with_its_size(monkeypatch):
    limits = TransferLimits(time.monotonic() + 100)
    assert limits.patience() == transport.TIMEOUT
    with pytest.raises(TimeoutError):
        TransferLimits(time.monotonic() - 1).patience()


def test_a_hub_that_lists_without_end_is_left(monkeypatch):
    page = b'[{"type": "file", "path": "a", "size": 1}]'

    def more(connection: socket.socket, number: int, path: str) -> None:
        link = f'Link: <{path}&n={number}>; rel="next"\r\n'
        head = OK + link.encode() + f"Content-Length: {len(page)}\r\n\r\n".encode()
        connection.sendall(head + page)

    with speaking(more) as address:
        monkeypatch.setenv("HF_ENDPOINT", address)
        with pytest.raises(FormatError, match="more files than a release has"):
            hub.remote_repo(hub.parse_repo("hf://a/b"), "0" * 40)


def test_a_hub_that_sends_to_another_server_does_not_get_the_token(monkeypatch):
    answer = OK + b'Link: <http://evil.example/x>; rel="next"\r\nContent-Length: 2\r\n'
    with speaking(lambda c, *_: c.sendall(answer + b"\r\n[]")) as address:
        monkeypatch.setenv("HF_ENDPOINT", address)
        with pytest.raises(FetchError, match="sends to another server"):
            hub.remote_repo(hub.parse_repo("hf://a/b"), "0" * 40)
