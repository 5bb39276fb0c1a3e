"""Whether a release is what it says: its files, its annotation, its every figure."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compiler.errors import FormatError
from compiler.notation import parse, refuse, render
from compiler.save import ANNOTATION, CIRCUIT, SUMS, load_model, read_sums
from zoo.auditing.certificate import audit
from zoo.release.annotate import annotation
from zoo.release.build import CERTIFICATE, certificate_bytes

MOST_BYTES = 2**28
"""Bytes of one file above which nothing is read."""


@dataclass(frozen=True)
class Checked:
    """What checking a release found.

    Attributes:
        files: how many files have the digest that SHA256SUMS says.
        figures: how many figures were measured again.
        differences: what is not as the release says; empty where all is.
    """

    files: int
    figures: int
    differences: tuple[str, ...]


def check_release(
    folder: Path, progress: Callable[[int, int], None] | None = None
) -> Checked:
    """Return whether all of a release is as it says.

    Args:
        folder: the release's.
        progress: called with (pairs done, pairs) while the audit runs.

    Raises:
        FormatError: a file is missing, altered, a link, or of no use.
    """
    files = check_files(folder)
    model = load_model(folder)
    said = parse((folder / CERTIFICATE).read_bytes(), CERTIFICATE)
    entries = said.entries()
    for name in ("seed", "pairs"):
        if name not in entries:
            raise refuse(CERTIFICATE, f"no {name}", "the certificate of an audit")
    pairs = entries["pairs"].integer(1, 10**9)
    seed = entries["seed"].integer(0, 2**32)
    found = audit(model, pairs=pairs, seed=seed, progress=progress)
    measured = json.loads(certificate_bytes(found))
    differences = list(_differences(CERTIFICATE, said.json, measured))
    circuit = parse((folder / CIRCUIT).read_bytes(), CIRCUIT)
    again = json.loads(render({ANNOTATION: annotation(model, found)}))
    differences += _differences(
        f"{CIRCUIT}, {ANNOTATION}", circuit.json.get(ANNOTATION), again[ANNOTATION]
    )
    return Checked(files, _count(measured), tuple(differences))


def check_files(folder: Path) -> int:
    """Return how many files a release has, all of them as SHA256SUMS says.

    Raises:
        FormatError: one is missing, altered, not listed, or a link.
    """
    sums = read_sums(folder)
    for name, expected in sums.items():
        path = folder / name
        if path.is_symlink() or path.parent.is_symlink():
            raise refuse(name, "a link", "a plain file", "Copy the file itself.")
        if not path.is_file():
            raise refuse(name, "no such file", f"it in {folder}")
        if (size := path.stat().st_size) > MOST_BYTES:
            raise refuse(name, f"{size} bytes", f"at most {MOST_BYTES}")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest != expected:
            raise refuse(
                name,
                f"the SHA-256 digest {digest[:12]}..",
                f"{expected[:12]}.., by {SUMS}: the file was altered or cut short",
            )
    for root, folders, names in os.walk(folder):
        for name in [*folders, *names]:
            path = Path(root, name)
            inside = path.relative_to(folder).as_posix()
            if path.is_symlink():
                raise refuse(inside, "a link", "a plain file")
            if path.is_file() and inside != SUMS and inside not in sums:
                raise FormatError(
                    f"{inside}: {SUMS} does not list it, so nothing vouches for it. "
                    "Remove it, or fetch the release again."
                )
    return len(sums)


def _differences(where: str, said: Any, found: Any) -> Iterator[str]:
    """Yield where two pieces of JSON differ."""
    if isinstance(said, dict) and isinstance(found, dict):
        for key in sorted({*said, *found}):
            yield from _differences(f"{where}, {key}", said.get(key), found.get(key))
    elif isinstance(said, list) and isinstance(found, list) and len(said) == len(found):
        for number, (a, b) in enumerate(zip(said, found, strict=True)):
            yield from _differences(f"{where}[{number}]", a, b)
    elif said != found:
        yield f"{where}: says {str(said)[:60]}, measured {str(found)[:60]}"


def _count(data: Any) -> int:
    """Return how many numbers a piece of JSON holds."""
    if isinstance(data, dict):
        return sum(map(_count, data.values()))
    if isinstance(data, list):
        return sum(map(_count, data))
    return int(isinstance(data, int | float) and not isinstance(data, bool))
