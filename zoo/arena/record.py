"""The log of a session: JSON lines, each bound to all before it by a digest.

The first line says what was played: kind, seed, budget, origin of the model. Each
further line has a call, its arguments, the result, and the passes spent so far. The
digest of a line is that of the digest before it and of the line without it, so that no
line can be changed, left out or moved without a break. Nothing signs a log: what proves
a result is `zoo arena verify`, which runs the calls again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from compiler.errors import FormatError, InputError
from compiler.notation import parse

MOST_LOG = 2**28
"""Bytes of a log; a session whose log is full answers no further call."""
MOST_LINE = 2**26
FORMAT, VERSION = "circuitzoo.arena_log", 1
PLAY_AGAIN = "The log was altered or cut off; play again."


@dataclass(frozen=True)
class ArenaHeader:
    """What was played.

    Attributes:
        kind: of the model.
        seed: of the model.
        budget: forward passes.
        layers: of a compiled model, if they were asked for.
        origin: of a trained model: its release and its digest.
    """

    kind: str
    seed: int
    budget: int
    layers: int | None
    origin: str


@dataclass(frozen=True)
class LoggedCall:
    """One call of a log.

    Attributes:
        call: its name.
        arguments: what it was asked with.
        result: what it answered.
        spent: forward passes so far.
    """

    call: str
    arguments: Any
    result: Any
    spent: int


class ArenaLog:
    """A log that is being written.

    Args:
        path: of a file that is not there yet.
        header: what is played.

    Raises:
        InputError: there is such a file already.
    """

    def __init__(self, path: Path, header: ArenaHeader) -> None:
        try:
            # Only the user may read it: it holds the seed.
            number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise InputError(
                f"{path}: there is a file already; give another --log"
            ) from None
        self._file: TextIO = os.fdopen(number, "w", encoding="ascii")
        self._chain, self._size = "", 0
        self._write({"format": FORMAT, "format_version": VERSION, **vars(header)})

    def add(self, call: str, arguments: Any, result: Any, spent: int) -> None:
        """Add one call.

        Raises:
            InputError: the log is full.
        """
        self._write(
            {"call": call, "arguments": arguments, "result": result, "spent": spent}
        )

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, line: dict[str, Any]) -> None:
        text = _canonical(line)
        if self._size + len(text) > MOST_LOG:
            raise InputError("the log of this session is full; the session is over")
        self._chain = _digest(self._chain, text)
        self._file.write(f'{text[:-1]},"chain":"{self._chain}"}}\n')
        self._file.flush()
        self._size += len(text)


def read_log(path: Path) -> tuple[ArenaHeader, list[LoggedCall]]:
    """Return what a log says, once its chain is whole.

    Raises:
        FormatError: it is no log, or a line was changed, left out or moved.
    """
    lines = list(_lines(path))
    if not lines or lines[0].get("format") != FORMAT:
        raise FormatError(f"{path}: found no log of the arena. Give a file of --log")
    if lines[0].get("format_version") != VERSION:
        raise FormatError(
            f"{path}: found version {lines[0].get('format_version')}, expected "
            f"{VERSION}. Install another release of circuitzoo"
        )
    try:
        header = ArenaHeader(**{k: lines[0][k] for k in ArenaHeader.__annotations__})
        found = [
            LoggedCall(**{k: line[k] for k in LoggedCall.__annotations__})
            for line in lines[1:]
        ]
    except KeyError as error:
        raise FormatError(f"{path}: found a line without {error}") from None
    return header, found


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    chain = ""
    if not path.is_file():
        raise InputError(f"{path}: there is no such log")
    if path.stat().st_size > 2 * MOST_LOG:
        raise FormatError(f"{path}: found more than {2 * MOST_LOG} bytes, no log")
    with path.open("rb") as file:
        for number, raw in enumerate(iter(lambda: file.readline(MOST_LINE), b""), 1):
            line = parse(raw, f"{path}, line {number}", remedy=PLAY_AGAIN).json
            if not isinstance(line, dict):
                raise FormatError(f"{path}, line {number}: found no object")
            said = line.pop("chain", None)
            chain = _digest(chain, _canonical(line))
            if said != chain:
                raise FormatError(
                    f"{path}, line {number}: its digest does not follow from the lines "
                    f"before it. {PLAY_AGAIN}"
                )
            yield line


def _canonical(line: dict[str, Any]) -> str:
    return json.dumps(line, separators=(",", ":"), allow_nan=False)


def _digest(before: str, text: str) -> str:
    return hashlib.sha256(f"{before}\n{text}".encode("ascii")).hexdigest()
