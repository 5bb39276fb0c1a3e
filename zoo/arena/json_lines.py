"""The arena over a pipe: a call a line comes in, an answer a line goes out."""

from __future__ import annotations

import json
from typing import Protocol, runtime_checkable

from zoo.arena.calls import MOST_BYTES
from zoo.arena.session import ArenaSession

_BLOCK = 2**16


@runtime_checkable
class ByteLines(Protocol):
    """What lines are read from: a pipe, or bytes in memory."""

    def readline(self, size: int = -1, /) -> bytes:
        """Return the next line, or a part of it of at most `size` bytes."""
        ...


@runtime_checkable
class ByteSink(Protocol):
    """What answers are written to."""

    def write(self, data: bytes, /) -> int:
        """Write some bytes."""
        ...

    def flush(self) -> None:
        """Pass on what was written."""
        ...


def serve_lines(session: ArenaSession, given: ByteLines, answers: ByteSink) -> None:
    """Answer every line until there is no other; an empty line is none.

    Args:
        session: what is asked.
        given: lines of JSON, each a call. What is longer than a call may be is read to
            its end in blocks, and refused.
        answers: gets one line a call.
    """
    while line := given.readline(MOST_BYTES + 1):
        if not line.endswith(b"\n") and len(line) > MOST_BYTES:
            _skip_line(given)
        if not line.strip():
            continue
        answers.write(answer_bytes(session, line) + b"\n")
        answers.flush()


def answer_bytes(session: ArenaSession, line: bytes) -> bytes:
    """Return the answer to a call as one line of ASCII, without its end."""
    answer = session.answer_line(line)
    return json.dumps(answer, separators=(",", ":"), allow_nan=False).encode("ascii")


def _skip_line(given: ByteLines) -> None:
    while (block := given.readline(_BLOCK)) and not block.endswith(b"\n"):
        pass
