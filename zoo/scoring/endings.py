"""The endings of score files; imports little, so a wrong name is refused at once."""

from __future__ import annotations

from pathlib import Path

from compiler.errors import FormatError

ENDINGS = (".json", ".csv", ".npy", ".pt")


def check_file(path: Path) -> None:
    """Raise FormatError unless there is a file that can be one of scores."""
    if path.suffix not in ENDINGS:
        raise FormatError(
            f"{path}: scores are read from {', '.join(ENDINGS)} files, and this is "
            f"{path.suffix or 'without an ending'}. Save the scores as one of these"
        )
    if not path.is_file():
        raise FormatError(f"{path}: there is no such file of scores")
