"""Files that are the old one or the new one, never a part of either."""

from __future__ import annotations

import os
from pathlib import Path

from compiler.errors import InputError

MODEL = "model"
"""The folder inside a training run's that holds its model."""


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that it is the old one or the new one, never a part.

    Raises:
        InputError: the disk is full, or the folder cannot be written to.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None
