"""Files and folders that are the old ones or the new ones, never a part of either."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

from compiler.errors import InputError


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
        if not path.parent.is_dir():
            raise InputError(f"{path}: there is no folder {path.parent}") from None
        part.unlink(missing_ok=True)
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None


def put_folder(target: Path, contents: Mapping[str, bytes]) -> None:
    """Write files to a folder beside the target, and put it in the target's place."""
    token = secrets.token_hex(4)
    fresh = target.with_name(f".{target.name}.{token}.new")
    stale = target.with_name(f".{target.name}.{token}.old")
    fresh.mkdir()
    try:
        for name, data in contents.items():
            with open(fresh / name, "xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        sync(fresh)
        if target.exists():
            os.rename(target, stale)
        os.rename(fresh, target)
    except BaseException:
        if stale.exists() and not target.exists():
            os.rename(stale, target)
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    sync(target.parent)
    shutil.rmtree(stale, ignore_errors=True)


def sync(folder: Path) -> None:
    """Have the names in a folder written to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
