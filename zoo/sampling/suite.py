"""Suites as folders: `NAME.rasp` for each program, `programs.jsonl`, `suite.json`.

A folder is written whole or not at all, and equal suites are equal byte by byte.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from compiler.errors import InputError
from compiler.files import put_folder, room_to
from zoo.sampling.program import SampledSuite

INDEX, ABOUT = "programs.jsonl", "suite.json"
_PROGRAM = re.compile(r"sampled_m?\d+_\d+\.rasp")


def suite_files(suite: SampledSuite) -> dict[str, bytes]:
    """Return the contents of a suite's files, by name."""
    lines = [json.dumps(p.to_json(), allow_nan=False) for p in suite.programs]
    files = {f"{p.name}.rasp": p.text for p in suite.programs}
    files[INDEX] = "".join(f"{line}\n" for line in lines)
    files[ABOUT] = json.dumps(suite.to_json(), indent=1, allow_nan=False) + "\n"
    return {name: text.encode() for name, text in files.items()}


def write_suite(
    suite: SampledSuite, out: str | os.PathLike[str], force: bool = False
) -> Path:
    """Write a suite into a folder of its own, and return the folder.

    Raises:
        InputError: the folder holds something else, or cannot be written.
    """
    target = Path(os.path.abspath(out))
    with room_to(f"write to {target}"):
        target.parent.mkdir(parents=True, exist_ok=True)
        put_folder(target, suite_files(suite), lambda: check_target(target, force))
    return target


def check_target(out: str | os.PathLike[str], force: bool) -> None:
    """Raise InputError unless a suite may be written there.

    It may where nothing is, into an empty folder, and with `force` in the place of
    another suite.
    """
    target = Path(os.path.abspath(out))
    if not os.path.lexists(target):
        return
    if target.is_symlink() or not target.is_dir():
        raise InputError(f"{out} is no folder; give another --out")
    names = sorted(entry.name for entry in target.iterdir())
    foreign = [
        n for n in names if n not in (INDEX, ABOUT) and not _PROGRAM.fullmatch(n)
    ]
    if foreign or (names and ABOUT not in names):
        raise InputError(
            f"{out} holds {(foreign or names)[0]}, which is not of a suite of sampled "
            "programs. Give another --out"
        )
    if names and not force:
        raise InputError(
            f"{out} holds a suite already. Give another --out, or --force to replace it"
        )
