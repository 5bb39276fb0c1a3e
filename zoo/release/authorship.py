"""The words of a program that is in no library: believed, once their form is right."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from compiler.model import Model
from compiler.save import PROGRAM
from zoo.release.differences import Difference, shown

MOST_TEXT = 2**16
"""Characters of a text above which it is refused."""


def word_differences(model: Model, facts: Mapping[str, Any]) -> Iterator[Difference]:
    """Yield names, notes and texts that no author's program can have.

    Args:
        model: the release's.
        facts: its family, meaning and source text, those that there are.
    """
    words = {"name": model.name}
    words |= {f"facts, {key}": text for key, text in facts.items()}
    for number, variable in enumerate(model.typed.variables):
        for key in ("name", "text", "note"):
            words[f"program, variables[{number}], {key}"] = getattr(variable, key)
    for number, note in enumerate(model.typed.notes):
        words[f"program, notes[{number}]"] = note
    for place, text in words.items():
        if (expected := _expected_of(place, text)) is not None:
            yield Difference(PROGRAM, place, shown(text), expected)


def _expected_of(place: str, text: Any) -> str | None:
    """Return what has to stand in place of a text; None where its form is right."""
    code = place == "facts, source"
    if not isinstance(text, str):
        return "a text"
    if len(text) > MOST_TEXT:
        return f"{MOST_TEXT:,} characters at most"
    if not all(c.isprintable() or (code and c == "\n") for c in text):
        return "characters that can be printed"
    return (
        "the text of one Python function" if code and not _is_function(text) else None
    )


def _is_function(text: str) -> bool:
    """Return whether a text is one Python function; it is read, and never run."""
    try:
        body = ast.parse(textwrap.dedent(text)).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    if len(body) != 1:
        return False
    if isinstance(body[0], ast.Assign):  # name = program(..)(lambda: ..)
        return any(isinstance(node, ast.Lambda) for node in ast.walk(body[0]))
    return isinstance(body[0], ast.FunctionDef)
