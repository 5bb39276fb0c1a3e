"""The folder of a site: written whole, and replaced only if nothing in it is lost.

A site lists its own files with their digests in `circuitzoo-site.json`. A folder is
replaced by the next site if it is empty, or if it holds exactly what such a list says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from compiler.errors import InputError, count
from compiler.files import put_folder, recover, room_to
from compiler.sealed import digest

LIST = "circuitzoo-site.json"
_FORMAT = "circuitzoo.site"
_REMEDY = "Choose another folder for --out, or move it away"
_MOST_TOLD = 3


def write_site(target: Path, contents: Mapping[str, bytes]) -> None:
    """Write a site, in the place of an earlier one if there is one.

    Args:
        target: the folder.
        contents: files by name, with `/` between folders.

    Raises:
        InputError: there is something else at the target, or it cannot be written;
            what is there stays as it is.
    """
    digests = {name: digest(data) for name, data in sorted(contents.items())}
    listed = {"format": _FORMAT, "format_version": 1, "files": digests}
    data = (json.dumps(listed, indent=1) + "\n").encode()
    with room_to(f"write to {target}"):
        target.parent.mkdir(parents=True, exist_ok=True)
        recover(target)
        put_folder(target, {**contents, LIST: data}, lambda: check_replaceable(target))


def check_replaceable(target: Path) -> None:
    """Raise InputError if something at the target would be lost."""
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        what = "a link" if target.is_symlink() else "a file"
        raise InputError(f"{target} is {what}, and a site is a folder. {_REMEDY}")
    if not target.exists():
        return
    there = _files(target)
    if not there:
        return
    listed = _listed(target)
    if listed is None:
        raise InputError(
            f"{target} holds something else than a site: {_told(sorted(there))}. "
            f"Nothing was changed. {_REMEDY}"
        )
    others = sorted(set(there) - {*listed, LIST})
    if others:
        raise InputError(
            f"{target} holds {count(len(others), 'file')} beside its site: "
            f"{_told(others)}. Writing the site again would remove them, so nothing "
            f"was changed. {_REMEDY}"
        )
    changed = [
        n for n in there if n != LIST and digest(there[n].read_bytes()) != listed[n]
    ]
    if changed:
        raise InputError(
            f"{target}: {count(len(changed), 'file')} of the site changed after it was "
            f"written: {_told(changed)}. Nothing was changed now. {_REMEDY}"
        )


def _files(target: Path) -> dict[str, Path]:
    """Return all that is in a folder and is no folder; of empty folders, those."""
    found = {}
    for path in sorted(target.rglob("*")):
        if path.is_symlink() or not path.is_dir() or not any(path.iterdir()):
            found[path.relative_to(target).as_posix()] = path
    return found


def _listed(target: Path) -> dict[str, str] | None:
    """Return the digests that the site in a folder states, None if it is no site."""
    path = target / LIST
    try:
        if path.is_symlink() or not path.is_file():
            return None
        data = json.loads(path.read_text(encoding="utf-8"))
        good = data["format"] == _FORMAT and data["format_version"] == 1
        files = {str(k): str(v) for k, v in data["files"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return files if good else None


def _told(names: list[str]) -> str:
    """Return a few names, and how many more there are."""
    more = len(names) - _MOST_TOLD
    listed = ", ".join(names[:_MOST_TOLD])
    return listed if more <= 0 else f"{listed} and {more} more"
