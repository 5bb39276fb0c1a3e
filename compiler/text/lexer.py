"""RASP text as tokens: names, numbers, strings and signs, each with its place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, NamedTuple

from compiler.text.source import SourceText, Span

TokenKind = Literal["name", "int", "float", "string", "sign", "end"]

KEYWORDS = frozenset(
    ("and", "def", "else", "for", "if", "in", "load", "not", "or", "return")
)
_PATTERN = re.compile(
    r"""(?P<space>[ \t\r\n\f\ufeff]+)
      | (?P<comment>\#[^\r\n]*)
      | (?P<name>[A-Za-z_][A-Za-z_0-9]*)
      | (?P<float>[0-9]+\.[0-9]+)
      | (?P<int>[0-9]+)
      | (?P<string>"[^"\r\n]*"|'[^'\r\n]*')
      | (?P<sign>==|<=|>=|!=|//|[-+*/%^<>=()\[\]{},:;])""",
    re.VERBOSE,
)
_INSTEAD = {
    "&": "Write `and`",
    "|": "Write `or`",
    "!": "Write `not`, or `!=` for unequal",
    "~": "Write `not`",
    "@": "Leave it out",
    ".": "Write numbers such as 0.5 with a digit on both sides; there are no methods",
    "“": 'Write the straight quote "',
    "”": 'Write the straight quote "',
    "?": "Write `yes if condition else no`",
}


class Token(NamedTuple):
    """A word of the text.

    Attributes:
        kind: what it is; keywords and signs are of the kind `sign`.
        text: as written.
        at: where.
    """

    kind: TokenKind
    text: str
    at: Span


@dataclass(frozen=True)
class WordList:
    """The words of a text, the last one of the kind `end`, and its comments.

    Attributes:
        words: in order.
        comments: the text of a comment by the number of words in front of it; of
            several, the first.
    """

    words: tuple[Token, ...]
    comments: dict[int, tuple[Span, str]]


def tokenise(source: SourceText) -> WordList:
    """Return the words of a text.

    Raises:
        RaspError: a character has no meaning, or a string does not end.
    """
    words: list[Token] = []
    comments: dict[int, tuple[Span, str]] = {}
    text, place = source.text, 0
    while place < len(text):
        found = _PATTERN.match(text, place)
        if found is None:
            raise _unreadable(source, place)
        kind, word = found.lastgroup, found.group()
        at = Span(place, found.end())
        place = found.end()
        if kind == "comment":
            comments.setdefault(len(words), (at, word[1:].strip()))
        elif kind == "name" and word in KEYWORDS:
            words.append(Token("sign", word, at))
        elif kind != "space":
            words.append(Token(kind, word, at))  # type: ignore[arg-type]
    words.append(Token("end", "", Span(len(text), len(text))))
    return WordList(tuple(words), comments)


def _unreadable(source: SourceText, place: int) -> Exception:
    """Return the error of a character at which no word can begin."""
    letter = source.text[place]
    if letter in "\"'":
        line = source.line_of(place)
        rest = len(source.line_text(line)) - (place - source.line_starts[line - 1])
        return source.error(
            Span(place, place + max(1, rest)),
            "this string does not end on its line",
            f"Close it with {letter}",
        )
    return source.error(
        Span(place, place + 1),
        f"the character {letter!r} has no meaning in RASP",
        _INSTEAD.get(letter, "Take it out, or put it into a string"),
    )
