"""RASP text, places in it, and the one error that shows such a place.

Everything that reads RASP text (`lexer`, `parser`, `evaluator`) reports through
`SourceText.error`, so that every message has the file, the line, the column, the line
itself, a caret under what is meant, and what to do.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from compiler.errors import ZooError

_WIDTH = 74
"""So many characters of a long line are shown."""


class Span(NamedTuple):  # made in twice the time as a frozen dataclass
    """Where something stands: from the character `start` to before `end`."""

    start: int
    end: int

    def to(self, other: Span) -> Span:
        """Return the span from the start of this one to the end of the other."""
        return Span(self.start, max(self.end, other.end))


class RaspError(ZooError):
    """RASP text cannot be used; the message shows the place in it and a remedy.

    Attributes:
        file: the name of the text.
        line: from 1.
        column: from 1.
        problem: what is wrong there.
        remedy: what to do.
    """

    def __init__(
        self,
        *,
        file: str,
        line: int,
        column: int,
        shown: str,
        problem: str,
        remedy: str,
    ) -> None:
        self.file, self.line, self.column = file, line, column
        self.problem, self.remedy = problem, remedy
        advice = remedy if remedy.endswith("?") else f"{remedy}."
        super().__init__(
            f"{file}, line {line}, column {column}: {problem}.\n{shown}\n{advice}"
        )


class UnfinishedError(RaspError):
    """RASP text ends where a statement has to go on; a shell asks for more then."""


@dataclass(frozen=True)
class SourceText:
    """A text with the name that messages call it by.

    Attributes:
        text: the program.
        name: a file's name, or for example `RASP text`.
    """

    text: str
    name: str = "RASP text"

    @cached_property
    def line_starts(self) -> list[int]:
        """Where each line starts."""
        starts = [0]
        starts += [i + 1 for i, letter in enumerate(self.text) if letter == "\n"]
        return starts

    def line_of(self, offset: int) -> int:
        """Return the line of a character, from 1."""
        return bisect_right(self.line_starts, offset)

    def line_text(self, line: int) -> str:
        """Return a line without its end; lines count from 1."""
        start = self.line_starts[line - 1]
        end = self.text.find("\n", start)
        return self.text[start : len(self.text) if end < 0 else end].rstrip("\r")

    def place(self, span: Span) -> str:
        """Return a place in words: `sort.rasp, line 3, column 7`."""
        line = self.line_of(span.start)
        column = span.start - self.line_starts[line - 1] + 1
        return f"{self.name}, line {line}, column {column}"

    def show(self, span: Span) -> str:
        """Return the line that a span begins in, and a caret under the span."""
        line = self.line_of(span.start)
        text = self.line_text(line).replace("\t", " ")
        column = min(span.start - self.line_starts[line - 1], len(text))
        length = max(1, min(span.end - span.start, len(text) - column))
        first = max(0, column - _WIDTH // 2) if len(text) > _WIDTH else 0
        cut = text[first : first + _WIDTH]
        before = ".." if first else ""
        after = ".." if first + _WIDTH < len(text) else ""
        room = max(1, min(length, len(cut) - (column - first)))
        caret = " " * (len(before) + column - first) + "^" * room
        return f"    {before}{cut}{after}\n    {caret}"

    def error(
        self,
        span: Span,
        problem: str,
        remedy: str,
        kind: type[RaspError] = RaspError,
    ) -> RaspError:
        """Return the error that something is wrong at a place.

        Args:
            span: the place.
            problem: what is wrong, without a full stop.
            remedy: what to do, without a full stop.
            kind: the class of the error.
        """
        line = self.line_of(span.start)
        return kind(
            file=self.name,
            line=line,
            column=span.start - self.line_starts[line - 1] + 1,
            shown=self.show(span),
            problem=problem,
            remedy=remedy,
        )
