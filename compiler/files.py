"""Files and folders that are the old ones or the new ones, never a part of either."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from compiler.errors import InputError


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that it is the old one or the new one, never a part.

    Raises:
        InputError: the disk is full, or the folder cannot be written to.
    """
    check_parent(path)
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


def check_parent(path: Path) -> None:
    """Refuse a file that has no folder to go into.

    Raises:
        InputError: there is no such folder.
    """
    if not path.parent.is_dir():
        raise InputError(
            f"{path}: there is no folder {path.parent}. Make it, or write elsewhere"
        )


def put_folder(target: Path, contents: Mapping[str, bytes]) -> None:
    """Write files to a folder beside the target, and put it in the target's place.

    Args:
        target: the folder; what is there is replaced.
        contents: by name, which may have folders in it: `data/test.parquet`.

    Raises:
        OSError: the disk is full, or the parent folder cannot be written to; what was
            there is there still.
    """
    token = secrets.token_hex(4)
    fresh = target.with_name(f".{target.name}.{token}.new")
    stale = target.with_name(f".{target.name}.{token}.old")
    inner = {(fresh / name).parent for name in contents} - {fresh}
    fresh.mkdir()
    try:
        for folder in inner:
            folder.mkdir(parents=True, exist_ok=True)
        for name, data in contents.items():
            with open(fresh / name, "xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        for folder in (*inner, fresh):
            sync(folder)
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


@contextmanager
def room_to(do: str) -> Iterator[None]:
    """Have an OSError inside become an InputError that says what to do.

    Args:
        do: what is done, and where: `write to out/sort`.
    """
    try:
        yield
    except OSError as error:
        raise InputError(
            f"cannot {do}: {error.strerror or error}. Choose another folder, or make "
            "room there."
        ) from error


def sync(folder: Path) -> None:
    """Have the names in a folder written to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
