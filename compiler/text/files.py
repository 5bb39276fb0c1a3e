"""Where RASP text comes from: the library of the language, and files that it loads."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from compiler.text import syntax as s
from compiler.text.bounds import TextBounds
from compiler.text.operations import Misuse
from compiler.text.parser import parse
from compiler.text.source import SourceText

SUFFIX = ".rasp"


@cache
def read_library() -> tuple[SourceText, tuple[s.Statement, ...]]:
    """Return the library of the language, `library.rasp`, as text and as a tree."""
    path = Path(__file__).with_name("library.rasp")
    source = SourceText(path.read_text(encoding="utf-8"), path.name)
    return source, parse(source)


def read_file(path: Path) -> SourceText:
    """Return the text of a file.

    Raises:
        OSError: it cannot be read.
        Misuse: it is not UTF-8 text.
    """
    try:
        return SourceText(path.read_text(encoding="utf-8"), str(path))
    except UnicodeDecodeError as error:
        raise Misuse(
            f"{path} is not UTF-8 text ({error})", "Save it as UTF-8"
        ) from None


def read_loaded(
    name: str, folder: Path | None, loading: list[str], bounds: TextBounds
) -> tuple[str, SourceText]:
    """Return the path and the text of a file that a program loads.

    Args:
        name: as the program says it, with or without `.rasp`.
        folder: in which it has to be; None lets nothing be loaded.
        loading: the paths that are being loaded, the outermost first.
        bounds: how deep files may load one another.

    Raises:
        Misuse: it is refused, cannot be read, or loads itself.
    """
    if folder is None:
        raise Misuse(
            "this text may not load files",
            "Put what it needs into the text, or save it as a file beside the others",
        )
    root = folder.resolve()
    path = (root / (name if name.endswith(SUFFIX) else name + SUFFIX)).resolve()
    if not path.is_relative_to(root):
        raise Misuse(
            f"{name} is outside of the folder {folder}",
            "Load files beside the program or in folders below it",
        )
    if str(path) in loading:
        circle = " loads ".join(Path(p).name for p in [*loading, str(path)])
        raise Misuse(
            f"files load one another in a circle: {circle}",
            "Move what both need into a third file",
        )
    if len(loading) >= bounds.loads:
        raise Misuse(
            f"more than {bounds.loads} files load one another", "Join some of them"
        )
    try:
        if path.stat().st_size > 4 * bounds.characters:
            raise Misuse(f"{path.name} is too large", "Write a shorter program")
        return str(path), read_file(path)
    except OSError as error:
        found = sorted(p.stem for p in root.glob(f"*{SUFFIX}"))[:12]
        there = f"; there are {', '.join(found)}" if found else ""
        raise Misuse(
            f"{name} cannot be loaded: {error.strerror or error}",
            f"Check the name{there}",
        ) from None
