"""Over a pipe, every line gets one answer, and bad ones end nothing."""

from __future__ import annotations

import io
import json

from zoo.arena.calls import MOST_BYTES
from zoo.arena.json_lines import serve_lines
from zoo.arena.session import ArenaSession


def test_every_line_has_one_answer_whatever_it_holds(session: ArenaSession) -> None:
    lines = [
        b'{"call": "info", "id": 1}',
        b"\xff\xfe",
        b"",
        b"x" * (MOST_BYTES + 3 * 2**16),
        b"x" * MOST_BYTES,
        b'{"call": "run", "inputs": [["a"]], "id": "two"}',
        b"null",
        b'{"call": "run", "inputs": [["a"]]}',  # without an end of line
    ]
    answers = io.BytesIO()
    serve_lines(session, io.BytesIO(b"\n".join(lines)), answers)
    found = [json.loads(line) for line in answers.getvalue().splitlines()]
    assert ["result" in answer for answer in found] == [
        *(True, False, False, False, True, False, True)
    ]
    assert [answer.get("id") for answer in found][0::4] == [1, "two"]
    assert [answer["left"] for answer in found] == [50, 50, 50, 50, 49, 49, 48]
    assert answers.getvalue().isascii()
