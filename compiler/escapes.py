r"""Text from elsewhere as it can be shown: on a terminal, in a log, a picture, a page.

A release, a server and a file can hold any characters: those that move a terminal's
cursor, change its colours or its title, hide or reverse what stands beside them, and
halves of surrogate pairs, which nothing can encode. All of them are shown as Python
writes them in a string: `\x1b`, `\u202e`, `\ud800`.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Control characters; marks that reorder, join or hide text; ends of lines that are no
# \n; surrogates; tags, and what Unicode says is no character.
_UNSEEN = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e"
    r"\u2060-\u206f\ud800-\udfff\ufeff\ufff0-\ufffb\ufffe\uffff\U000e0000-\U000e0fff"
)
_IN_LINES = re.compile(f"[{_UNSEEN}]")
_IN_ONE_LINE = re.compile(f"[{_UNSEEN}\\t\\n]")


def escape(text: object) -> str:
    r"""Return a text on one line in which every character is visible.

    The character ESC becomes the four characters `\x1b`.
    """
    return _IN_ONE_LINE.sub(_named, str(text))


def escape_lines(text: object) -> str:
    """Return a text of several lines, escaped; line ends and tabs stay."""
    return _IN_LINES.sub(_named, str(text))


def _named(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")


class _Shown(io.TextIOBase):
    """A stream that escapes what is written, and says of itself what the inner says."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def write(self, text: str, /) -> int:
        if not isinstance(text, str):  # click finds out by bytes whether this is binary
            raise TypeError(f"a text stream takes str, not {type(text).__name__}")
        shown = escape_lines(text)
        try:
            self.stream.write(shown)
        except UnicodeEncodeError:  # a terminal that is no UTF-8
            data = shown.encode(self.encoding, "backslashreplace")
            self.stream.write(data.decode(self.encoding))
        return len(text)

    def flush(self) -> None:
        self.stream.flush()

    def isatty(self) -> bool:
        return self.stream.isatty()

    def fileno(self) -> int:
        return self.stream.fileno()

    def writable(self) -> bool:
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self.stream.encoding or "ascii"

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        return self.stream.errors

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


@contextmanager
def escaped_output() -> Iterator[None]:
    """Have all that is printed meanwhile escaped, whoever prints it.

    What is our own and meant for a terminal alone (bars, colours) goes to `raw_output`.
    """
    before = sys.stdout
    sys.stdout = _Shown(before)
    try:
        yield
    finally:
        sys.stdout = before


def raw_output() -> Any:
    """Return the stream behind standard output, which escapes nothing."""
    stream = sys.stdout
    return stream.stream if isinstance(stream, _Shown) else stream
