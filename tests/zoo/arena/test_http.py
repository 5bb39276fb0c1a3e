"""Over HTTP, on this machine only: several clients, hostile requests, one session."""

from __future__ import annotations

import json
import socket
import threading
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from zoo.arena.calls import MOST_BYTES
from zoo.arena.http import ArenaServer
from zoo.arena.session import ArenaSession

CALL = b'{"call": "info"}'


@pytest.fixture
def address(session: ArenaSession) -> Iterator[tuple[str, int]]:
    with ArenaServer(session) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_address
        server.shutdown()
        thread.join(10)


def post(address: tuple[str, int], body: bytes, **headers: str) -> tuple[int, bytes]:
    """Return the status and the body of the answer to a POST."""
    given = {"Content_Length": str(len(body)), "Host": "localhost:80", **headers}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in given.items()]
    head = "\r\n".join(["POST /call HTTP/1.1", *lines, "", ""]).encode()
    status, _, found = send(address, head + body).partition(b"\r\n\r\n")
    return int(status.split()[1]), found


def send(address: tuple[str, int], data: bytes) -> bytes:
    with socket.create_connection(address, 20) as connection:
        connection.sendall(data)
        found = b""
        while more := connection.recv(65536):
            found += more
    return found


def test_an_ordinary_client_gets_its_answer(address: tuple[str, int]) -> None:
    url = f"http://{address[0]}:{address[1]}/call"
    with urllib.request.urlopen(url, CALL) as answer:
        assert answer.headers["Content-Type"] == "application/json"
        assert json.load(answer)["result"]["budget"] == 50


def test_two_clients_at_once_share_the_budget(address: tuple[str, int]) -> None:
    body = b'{"call": "run", "inputs": [["a"], ["b"]]}'
    with ThreadPoolExecutor(4) as clients:
        found = list(clients.map(lambda _: post(address, body), range(8)))
    assert {status for status, _ in found} == {200}
    assert sorted(json.loads(b)["left"] for _, b in found) == list(range(34, 50, 2))


def test_bad_requests_get_a_status_and_the_arena_goes_on(
    address: tuple[str, int],
) -> None:
    assert post(address, CALL, Origin="http://evil.example")[0] == 403
    assert post(address, CALL, Host="evil.example")[0] == 403
    assert post(address, b"", Content_Length="x")[0] == 411
    assert post(address, b"", Content_Length=str(MOST_BYTES + 1))[0] == 413
    for start in (b"GET /call", b"POST /seed", b"POST /../log", b"nonsense"):
        status = send(address, start + b" HTTP/1.1\r\n\r\n").split(b" ")[1]
        assert status in (b"400", b"404", b"405")
    status, found = post(address, b"{")
    assert (status, json.loads(found)["error"]["kind"]) == (200, "refused")
    assert post(address, CALL)[0] == 200
