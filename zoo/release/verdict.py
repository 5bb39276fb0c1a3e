"""What checking a release found: how each file was checked, and where it differs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from zoo.auditing.agreement import Tolerated
from zoo.auditing.certificate import Scope
from zoo.release.differences import Difference

How = Literal[
    "made again: same bytes",
    "made again: same content",
    "made again: within 1e-5",
    "measured by the audit",
    "partly: no audit was run",
    "taken on trust",
    "no file of a release",
]
"""How a file was checked."""
BYTES: How = "made again: same bytes"
CONTENT: How = "made again: same content"
NEARLY: How = "made again: within 1e-5"
AUDITED: How = "measured by the audit"
UNAUDITED: How = "partly: no audit was run"
TRUSTED: How = "taken on trust"
STRANGE: How = "no file of a release"


@dataclass(frozen=True)
class FileCheck:
    """How one file of a release was checked, and what was found.

    Attributes:
        file: its name in the release.
        how: by which means.
        differences: where it does not say what it must; empty where it does.
    """

    file: str
    how: How
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True)
class Checked:
    """What checking a release found.

    Attributes:
        folder: the release's.
        name: what the release is called.
        version: its version.
        checks: one of each file, by name.
        figures: how many figures of the certificate were measured again; 0 where no
            audit was run.
        trusted: sentences on what nothing here can show.
        exact: how many figures of the audit are the same on every machine.
        tolerated: those that may differ, and by how much.
        scope: how much the certificate's audit covered.
        failure: which claims of its audit fail, as its card says; "" if all hold.
    """

    folder: Path
    name: str
    version: int
    checks: tuple[FileCheck, ...]
    figures: int
    trusted: tuple[str, ...]
    exact: int = 0
    tolerated: tuple[Tolerated, ...] = ()
    scope: Scope = "full"
    failure: str = ""

    @property
    def files(self) -> int:
        """How many files there are, each with the digest that SHA256SUMS says."""
        return len(self.checks)

    @property
    def differences(self) -> tuple[Difference, ...]:
        """What is not as it must be, over all files."""
        return tuple(d for check in self.checks for d in check.differences)

    @property
    def right(self) -> bool:
        """Whether no file differs from what it must be."""
        return not self.differences
