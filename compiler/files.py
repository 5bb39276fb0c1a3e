"""Files and folders that are the old ones or the new ones, never a part of either.

A writer works beside the place, under a hidden name with a random part, and renames:

    .NAME.TOKEN.part    a file on its way
    .NAME.TOKEN.new     a folder on its way, or the old one right after an exchange
    .NAME.TOKEN.old     the old folder, where the system cannot exchange two names

A killed process leaves such things behind. The next writer of the same name holds the
lock, puts an old folder back where nothing has its name, and removes the rest.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from compiler.errors import InputError

OURS = "circuitzoo"
"""The entry of config.json that holds what Hugging Face transformers does not know."""

WAIT = 1800.0
"""Seconds after which a lock that another process holds is no longer waited for."""

ABANDONED = 3600.0
"""Seconds after which a file that was never completed belongs to no living writer."""

_LEFT = re.compile(r"\.(?P<name>.+)\.[0-9a-f]{1,8}\.(?P<kind>part|new|old)")


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that it is the old one or the new one, never a part.

    Raises:
        InputError: the disk is full, or the folder cannot be written to.
    """
    check_parent(path)
    part = _temporary_path(path, "part")
    try:
        _drop_abandoned(path)
        with part.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        with suppress(OSError):
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


def check_room(target: Path) -> None:
    """Refuse a folder in which nothing can be written, before any long work for it.

    Raises:
        InputError: the folder, or the nearest one above it, takes no file.
    """
    place = Path(os.path.abspath(target))
    while not os.path.lexists(place):
        place = place.parent
    probe = _temporary_path(place / "room", "part")
    try:
        with probe.open("xb"):
            pass
        probe.unlink()
    except OSError as error:
        raise InputError(
            f"{target}: nothing can be written in {place}: {error.strerror}. "
            "Choose another folder"
        ) from None


def put_folder(
    target: Path,
    contents: Mapping[str, bytes],
    check: Callable[[], None] = lambda: None,
) -> None:
    """Write files to a folder beside the target, and put it in the target's place.

    Args:
        target: the folder; what is there is replaced.
        contents: by name, which may have folders in it: `data/test.parquet`.
        check: called under the lock before anything is written; raises where the
            target is not to be replaced.

    Raises:
        OSError: the disk is full, or the parent folder cannot be written to; what was
            there is there still.
        InputError: another process holds the lock, or the lock is a link.
    """
    with locked(_lock_of(target), keep=False):
        _mend(target)
        check()
        fresh = _temporary_path(target, "new")
        try:
            _fill(fresh, contents)
            swap_in(fresh, target)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise


def swap_in(fresh: Path, target: Path) -> None:
    """Rename a complete folder to the target's name, and remove what had that name.

    One call of the system exchanges the two names where the system can (Linux). Else
    there are two renames, and `recover` mends what a kill between them leaves.

    Raises:
        OSError: it cannot be renamed; what was there is there still.
    """
    if not os.path.lexists(target):
        os.rename(fresh, target)
    elif not _exchange(fresh, target):
        stale = _temporary_path(target, "old")
        os.rename(target, stale)
        try:
            os.rename(fresh, target)
        except BaseException:
            os.rename(stale, target)
            raise
        sync(target.parent)
        remove(stale)
        return
    sync(target.parent)
    remove(fresh)


def recover(target: Path) -> None:
    """Put back a folder that a killed overwrite left under a hidden name, if any."""
    if os.path.lexists(target) or "old" not in dict(_left_of(target)).values():
        return
    with suppress(OSError, InputError), locked(_lock_of(target), keep=False):
        _mend(target)


def sweep(folder: Path) -> None:
    """Remove, or put back, what killed writers left in a folder.

    What a living writer has under way is left alone: that writer holds the lock.
    """
    for name in sorted({match["name"] for _, match in _leftovers(folder)}):
        target = folder / name
        with suppress(OSError, InputError):
            _drop_abandoned(target)
            if _left_of(target):
                with locked(_lock_of(target), keep=False, wait=0.0):
                    _mend(target)


@contextmanager
def locked(path: Path, *, keep: bool = True, wait: float = WAIT) -> Iterator[None]:
    """Hold a lock file; a second process waits, and a killed one lets go.

    The file is opened without following a link, and what is in it stays.

    Args:
        path: the lock file.
        keep: whether the file stays there afterwards.
        wait: seconds to wait for another process.

    Raises:
        InputError: the file is a link, or another process holds it for too long.
        OSError: it cannot be made.
    """
    from filelock import FileLock, Timeout  # 0.2 s, and most commands write nothing

    lock = FileLock(path, timeout=wait, poll_interval=0.02)
    try:
        _make(path)
        lock.acquire()
    except Timeout:
        raise InputError(
            f"{path}: another process has held this lock for {wait:.0f} s. End that "
            "process, or wait for it"
        ) from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise InputError(
                f"{path} is a link, and a lock has to be a plain file. Remove the link"
            ) from None
        raise
    try:
        yield
    finally:
        if not keep:
            # Whoever waits for the removed file notices, and opens a new one.
            path.unlink(missing_ok=True)
        lock.release()


def _make(path: Path) -> None:
    """Make a lock file, and its folder, where there is none.

    Where the system makes no file, as in /proc, the lock would wait for one as long as
    for a file that another process holds.

    Raises:
        OSError: it is a link, or cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    os.close(os.open(path, flags, 0o644))


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
    except UnicodeEncodeError as error:  # half of a surrogate pair
        raise InputError(
            f"cannot {do!a}: the name has a character that no file can have. Choose "
            "another name."
        ) from error
    except ValueError as error:
        if "null byte" not in str(error):
            raise
        raise InputError(
            f"cannot {do!a}: the name has a null byte. Choose another name."
        ) from error


def sync(folder: Path) -> None:
    """Have the names in a folder written to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove(path: Path) -> None:
    """Remove a file, a link or a folder, or nothing where nothing is there.

    What cannot be removed stays.
    """
    with suppress(OSError):
        if path.is_symlink() or not path.is_dir():
            path.unlink(missing_ok=True)
        else:
            shutil.rmtree(path, ignore_errors=True)


def _temporary_path(path: Path, kind: str) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.{kind}")


def _lock_of(target: Path) -> Path:
    return target.with_name(f".{target.name}.lock")


def _fill(fresh: Path, contents: Mapping[str, bytes]) -> None:
    """Make a folder of these files, all of it on the disk."""
    inner = {(fresh / name).parent for name in contents} - {fresh}
    fresh.mkdir()
    for folder in inner:
        folder.mkdir(parents=True, exist_ok=True)
    for name, data in contents.items():
        with open(fresh / name, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    for folder in (*inner, fresh):
        sync(folder)


def _leftovers(folder: Path) -> list[tuple[Path, re.Match[str]]]:
    """Return what writers under way, or killed, have in a folder."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    matches = ((folder / name, _LEFT.fullmatch(name)) for name in names)
    return [(path, match) for path, match in matches if match is not None]


def _left_of(target: Path) -> list[tuple[Path, str]]:
    """Return the folders that writers of one target left, and their kinds."""
    return [
        (path, match["kind"])
        for path, match in _leftovers(target.parent)
        if match["name"] == target.name and match["kind"] != "part"
    ]


def _mend(target: Path) -> None:
    """Put an old folder back where nothing has its name, and remove other leftovers.

    The target's lock is held.
    """
    for path, kind in _left_of(target):
        if kind == "old" and not os.path.lexists(target):
            os.rename(path, target)
        else:
            remove(path)


def _drop_abandoned(path: Path) -> None:
    """Remove parts of a file whose writers were killed long ago."""
    for left, match in _leftovers(path.parent):
        if match["name"] == path.name and match["kind"] == "part":
            with suppress(OSError):
                if time.time() - left.lstat().st_mtime > ABANDONED:
                    left.unlink()


_HERE, _EXCHANGE = -100, 2  # AT_FDCWD, RENAME_EXCHANGE


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two names in one step; return whether the system can and did."""
    import ctypes

    try:
        call = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    call.argtypes = (
        *(ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p),
        ctypes.c_uint,
    )
    names = os.fsencode(one), os.fsencode(other)
    return call(_HERE, names[0], _HERE, names[1], _EXCHANGE) == 0
