"""The cache: where releases from elsewhere are kept.

    CACHE/releases/sort-siit/           by name, from an index
    CACHE/hub/owner--repo/COMMIT/       by repository and commit
    CACHE/parts/KEY/                    what is being fetched, to go on from, for a week
    CACHE/locks/                        one process fetches a thing, others wait
    CACHE/jax/                          compiled functions (`zoo.jit_cache`)

A folder appears in its place whole and checked, or not at all.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from compiler.errors import FormatError, InputError
from compiler.files import locked, remove, swap_in, sync
from compiler.sealed import digest
from zoo.files import CACHE, cache_folder

KEPT = 7 * 86_400
"""Seconds after which what is left of a broken download is thrown away."""


def cached_shelf() -> Path:
    """Return the folder of the releases that were fetched by name."""
    return cache_folder() / "releases"


def cached_repo(owner: str, repo: str) -> Path:
    """Return the folder of what was fetched from a repository."""
    return cache_folder() / "hub" / f"{owner}--{repo}"


def put_in_place(
    target: Path,
    key: str,
    check: Callable[[Path], object],
    fill: Callable[[Path], object],
) -> Path:
    """Return the target, filled beside its place and checked if it is not there.

    Args:
        target: a folder of the cache.
        key: names the contents: what is left of a broken attempt with the same key is
            given to `fill` again.
        check: raises FormatError where a folder is not as it must be.
        fill: makes all of it in the folder that it is given.

    Raises:
        FormatError: `check` refused what `fill` made.
        InputError: the cache cannot be written.
    """
    locks, parts = cache_folder() / "locks", cache_folder() / "parts"
    part = parts / digest(key.encode())[:32]
    try:
        for folder in (locks, parts, target.parent):
            folder.mkdir(parents=True, exist_ok=True)
        _drop_old(parts)
        with locked(locks / digest(str(target).encode())[:32]):
            if _is_good(target, check):
                return target
            if part.is_symlink() or not part.is_dir():
                remove(part)
                part.mkdir()
            fill(part)
            try:
                check(part)
            except FormatError:
                remove(part)
                raise
            sync(part)
            swap_in(part, target)
    except OSError as error:
        raise InputError(
            f"cannot write to the cache {cache_folder()}: {error.strerror or error}. "
            f"Make room there, or set {CACHE} to another folder."
        ) from None
    return target


def _drop_old(parts: Path) -> None:
    """Remove what nobody has touched for a week: broken downloads, stray files."""
    for part in parts.iterdir():
        with suppress(OSError):  # another process was faster, or it is not ours
            inside = [] if part.is_symlink() or not part.is_dir() else part.iterdir()
            newest = max(p.lstat().st_mtime for p in (part, *inside))
            if time.time() - newest > KEPT:
                remove(part)


def _is_good(target: Path, check: Callable[[Path], object]) -> bool:
    """Return whether the target is there and passes; a damaged one is replaced."""
    if not target.is_dir():
        return False
    try:
        check(target)
    except FormatError:
        return False
    return True
