"""The server of a folder answers in time and stays small, whoever asks for what."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import pytest

from compiler.sealed import sums_of
from zoo import http_server
from zoo.http_server import MOST_CONNECTIONS
from zoo.release.serve import make_server

ROOT = Path(__file__).parents[3]
NAME = "small-reverse"
LARGE = 40 * 2**20  # bytes of a file
MOST_GROWTH = 96 * 2**20  # bytes that the server may grow by
STALLED, IDLE = 30, 300


@pytest.fixture
def address(small):
    said: list[str] = []
    with make_server(small.parent, say=said.append) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_address, said
        server.shutdown()
        thread.join(10)


def ask(address: tuple[str, int], request: bytes) -> bytes:
    with socket.create_connection(address, 20) as connection:
        connection.sendall(request)
        found = b""
        while more := connection.recv(65536):
            found += more
    return found


def test_requests_get_the_right_status_and_one_line_of_log(address, small):
    place, said = address
    data = (small / "config.json").read_bytes()
    url = f"/{NAME}/config.json".encode()
    cases = {
        b"GET " + url + b" HTTP/1.1\r\n\r\n": (200, data),
        b"HEAD " + url + b" HTTP/1.1\r\n\r\n": (200, b""),
        b"GET " + url + b" HTTP/1.1\r\nrange: bytes=7-\r\n\r\n": (206, data[7:]),
        b"GET " + url + b" HTTP/1.1\r\nRange: bytes=99999-\r\n\r\n": (416, b""),
        b"GET http://[/ HTTP/1.1\r\n\r\n": (404, b""),
        b"GET /\xff\x1b[2J HTTP/1.1\r\n\r\n": (404, b""),
        b"POST / HTTP/1.1\r\n\r\n": (405, b""),
        b"GET\x1b[31m\r\n\r\n": (400, b""),
        b"GET / HTTP/1.1\r\nA: " + b"b" * 20_000 + b"\r\n\r\n": (431, b""),
    }
    for request, (status, body) in cases.items():
        head, _, found = ask(place, request).partition(b"\r\n\r\n")
        assert head.startswith(f"HTTP/1.1 {status} ".encode()), request
        assert found == body, request
    assert len(said) == len(cases)
    assert all(line.isprintable() for line in said), said
    assert "\\x1b[2J" in said[5]


SERVE = """
import resource, sys, threading
from pathlib import Path
from zoo.release.serve import make_server
server = make_server(Path(sys.argv[1]))
threading.Thread(target=server.serve_forever, daemon=True).start()
def status():
    text = Path("/proc/self/status").read_text()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return peak, int(text.partition("Threads:")[2].split()[0])
print(server.server_address[1], *status(), flush=True)
for line in sys.stdin:
    print(*status(), flush=True)
"""


def test_stalled_readers_and_idle_connections_cost_little(small):
    large = small.parent / "large"
    large.mkdir()
    for name, data in {"release.json": b"{}", "model.bin": b"x" * LARGE}.items():
        (large / name).write_bytes(data)
    (large / "SHA256SUMS").write_bytes(
        sums_of({"model.bin": b"", "release.json": b"{}"})
    )
    job = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(small.parent)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert job.stdin is not None and job.stdout is not None
    port, before, _ = map(int, job.stdout.readline().split())
    with ExitStack() as held:
        for number in range(STALLED + IDLE):
            one = socket.create_connection(("127.0.0.1", port), 20)
            held.enter_context(one)
            if number < STALLED:
                one.sendall(b"GET /large/model.bin HTTP/1.1\r\n\r\n")
                assert one.recv(15) == b"HTTP/1.1 200 OK"
        url = f"http://127.0.0.1:{port}/{NAME}/config.json"
        with urllib.request.urlopen(url, timeout=20) as answer:
            assert answer.read() == (small / "config.json").read_bytes()
        job.stdin.write("\n")
        job.stdin.flush()
        after, threads = map(int, job.stdout.readline().split())
    job.kill()
    job.wait()
    assert after - before < MOST_GROWTH
    assert threads < 8
    assert STALLED + IDLE > MOST_CONNECTIONS


def test_who_sends_no_request_or_takes_no_block_is_left(address, monkeypatch, small):
    monkeypatch.setattr(http_server, "REQUEST_TIME", 0.3)
    monkeypatch.setattr(http_server, "BLOCK_TIME", 0.3)
    place, _ = address
    sums = dict(re.findall(r"(\S+)  (\S+)", (small / "SHA256SUMS").read_text()))
    assert sums
    with (small / "README.md").open("wb") as file:
        file.truncate(LARGE)
    begun = time.monotonic()
    assert ask(place, b"GET / HT") == b""
    with socket.create_connection(place, 20) as connection:
        connection.sendall(f"GET /{NAME}/README.md HTTP/1.1\r\n\r\n".encode())
        time.sleep(1.5)
        found = 0
        try:
            while more := connection.recv(2**20):
                found += len(more)
        except ConnectionResetError:
            pass
    assert found < LARGE
    assert time.monotonic() - begun < 15


def test_a_server_ends_when_it_is_told_to(small):
    server = make_server(small.parent)
    server.shutdown()
    server.serve_forever()
    server.server_close()
