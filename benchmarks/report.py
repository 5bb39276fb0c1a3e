"""Tables and targets: printed as text, written as JSON and as one Markdown page."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.host import describe_host

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results"
PAGE = FOLDER / "RESULTS.md"
WIDTH = 98


@dataclass(frozen=True)
class Table:
    """A table of text.

    Attributes:
        title: one line.
        header: a name a column; a column whose name starts with "<" is set left.
        rows: the cells, as they are shown.
        notes: sentences below it.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()

    def as_text(self) -> str:
        """Return the table in fixed-width columns."""
        names = [name.lstrip("<") for name in self.header]
        lines = [names, *self.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(names))]

        def join(cells: Sequence[str]) -> str:
            padded = [
                cell.ljust(width) if name.startswith("<") else cell.rjust(width)
                for cell, width, name in zip(cells, widths, self.header, strict=True)
            ]
            return "  ".join(padded).rstrip()

        rule = "-" * min(WIDTH, sum(widths) + 2 * (len(widths) - 1))
        heading = [join(names), rule] if any(names) else []
        body = [*heading, *(join(row) for row in self.rows)]
        notes = [line for note in self.notes for line in wrap(note)]
        return "\n".join([self.title, "", *body, *([""] if notes else []), *notes])

    def as_markdown(self) -> str:
        """Return the table as Markdown."""
        names = [name.lstrip("<") for name in self.header]
        marks = [":--" if name.startswith("<") else "--:" for name in self.header]
        rows = [[_escape(cell) for cell in row] for row in self.rows]
        lines = ["| " + " | ".join(cells) + " |" for cells in (names, marks, *rows)]
        return "\n".join([f"### {self.title}", "", *lines, "", *self.notes])


@dataclass(frozen=True)
class Target:
    """A figure to reach, and what was found.

    Attributes:
        what: the figure.
        wanted: the target.
        found: what was measured.
        met: whether that is enough; None where it could not be measured.
        tracr: what Tracr does.
    """

    what: str
    wanted: str
    found: str
    met: bool | None
    tracr: str = ""


def target_table(targets: Iterable[Target]) -> Table:
    """Return the targets as one table."""
    words = {True: "yes", False: "NO", None: "?"}
    rows = [(t.what, t.wanted, t.found, words[t.met], t.tracr) for t in targets]
    return Table("Targets", ("<figure", "<target", "<found", "<met", "<Tracr"), rows)


def wrap(text: str, width: int = WIDTH) -> list[str]:
    """Return text broken into lines at blanks."""
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return [*lines, line]


def _escape(cell: str) -> str:
    return cell.replace("|", "\\|").replace("*", "\\*")


def save_result(name: str, result: Mapping[str, Any]) -> Path:
    """Write one figure's result, with its machine and day, and return the path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    day = datetime.now(UTC).date().isoformat()
    document = {"figure": name, "machine": describe_host(), "day": day, **result}
    write_whole(path, json.dumps(document, indent=1) + "\n")
    return path


def load_result(name: str) -> dict[str, Any] | None:
    """Return what `save_result` wrote, None if there is nothing."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def write_whole(path: Path, text: str) -> None:
    """Write a file in one step: readers see the old one or the new one."""
    partial = path.with_suffix(path.suffix + ".partial")
    partial.write_text(text)
    os.replace(partial, path)


def machine_line(machine: Mapping[str, str]) -> str:
    """Return the machine in one line."""
    rest = ", ".join(
        f"{key} {value}"
        for key, value in machine.items()
        if key not in ("cpu", "cores", "system")
    )
    return f"{machine['cpu']}, {machine['cores']} cores, {machine['system']}; {rest}"
