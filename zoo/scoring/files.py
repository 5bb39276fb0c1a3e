"""Which files hold scores. Nothing heavy is imported: wrong ones are told at once."""

from __future__ import annotations

from pathlib import Path

from compiler.errors import FormatError

SUFFIXES = (".json", ".csv", ".npy", ".pt")


def check_file(path: Path) -> None:
    """Raise FormatError unless a file of scores can be read there."""
    if not path.is_file():
        raise FormatError(f"{path}: there is no such file of scores")
    if path.suffix not in SUFFIXES:
        raise FormatError(
            f"{path}: scores are read from {', '.join(SUFFIXES)} files, and this is "
            f"{path.suffix or 'without a suffix'}"
        )
