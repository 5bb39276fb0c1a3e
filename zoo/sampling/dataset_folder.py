"""The folder of a dataset: what it is to hold, whether it may be written to, its card.

README.md          which files are which split, what is in a row, how to read it
dataset.json       what was asked for, and the layout of the weights
shards/00000/..    the rows (`shards.py`)
statistics.json    how many rows and draws there are; written last
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from compiler.errors import InputError
from compiler.files import write_atomically
from zoo.sampling.dataset_card import card_text
from zoo.sampling.goal import GoalChoices, check_range
from zoo.sampling.records import COMPARED, LAYOUT
from zoo.sampling.shards import SPLITS

MOST_SHARD = 10_000
FORMAT = "circuitzoo sampled dataset, 1"
SETTINGS, STATISTICS, CARD, SHARDS = (
    "dataset.json",
    "statistics.json",
    "README.md",
    "shards",
)
_OURS = {SETTINGS, STATISTICS, CARD, SHARDS, ".lock"}


@dataclass(frozen=True)
class DatasetRequest:
    """What a dataset is to hold.

    Attributes:
        choices: the goals of its programs.
        n: how many.
        seed: of the draws.
        shard: rows of a shard.
        test: share of functions in the test split.

    Raises:
        InputError: a number is out of range.
    """

    choices: GoalChoices
    n: int
    seed: int
    shard: int
    test: float

    def __post_init__(self) -> None:
        check_range("shard", self.shard, 1, MOST_SHARD)
        number = isinstance(self.test, int | float) and not isinstance(self.test, bool)
        if not number or not 0 <= self.test < 1:
            raise InputError(
                f"test is {self.test!r}; give a share of at least 0 and below 1"
            )

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values, with all that the bytes depend on."""
        return {
            "format": FORMAT,
            "circuitzoo": version("circuitzoo"),
            "programs": self.n,
            "seed": self.seed,
            "goal": self.choices.to_json(),
            "shard": self.shard,
            "test": self.test,
            "compared": COMPARED,
            "layout": LAYOUT,
        }


def open_folder(folder: Path, request: DatasetRequest, force: bool) -> None:
    """Have a folder that holds nothing, or a part of the dataset that is asked for.

    Raises:
        InputError: it holds something else, or another dataset and `force` is not set.
    """
    if os.path.lexists(folder) and (folder.is_symlink() or not folder.is_dir()):
        raise InputError(f"{folder} is no folder; give another --out")
    folder.mkdir(parents=True, exist_ok=True)
    names = {entry.name for entry in folder.iterdir()}
    foreign = sorted(n for n in names - _OURS if not n.startswith(f".{SETTINGS}"))
    if foreign or (names - {".lock"} and SETTINGS not in names):
        found = (foreign or sorted(names))[0]
        raise InputError(
            f"{folder} holds {found}, which is not of a dataset of sampled programs. "
            "Give another --out"
        )
    if names - {".lock"}:
        problem = _difference(folder, request)
        if problem and not force:
            raise InputError(
                f"{folder} holds another dataset: {problem}. Give the same options to "
                "go on with it, another --out, or --force to replace it"
            )
        if problem:
            _clear(folder)
    write_atomically(folder / SETTINGS, to_bytes(request.to_json()))
    splits = SPLITS if request.test else SPLITS[:1]
    write_card(folder, request, splits)
    (folder / SHARDS).mkdir(exist_ok=True)


def _difference(folder: Path, request: DatasetRequest) -> str:
    """Return in words how a dataset that is there differs; nothing if it is begun."""
    wanted = json.loads(to_bytes(request.to_json()))
    try:
        there = json.loads((folder / SETTINGS).read_text("utf-8"))
        assert isinstance(there["programs"], int) and isinstance(there["goal"], dict)
    except (ValueError, AssertionError, KeyError, TypeError, RecursionError):
        return f"its {SETTINGS} cannot be read"
    if there["programs"] > wanted["programs"]:
        return f"it has {there['programs']} programs, more than are asked for"
    asked = wanted.pop("goal") | wanted | {"programs": there["programs"]}
    found = there.pop("goal") | there
    for name in asked:
        if found.get(name) != asked[name]:
            return f"its {name} is {found.get(name)!r}, not {asked[name]!r}"[:300]
    return ""


def write_card(folder: Path, request: DatasetRequest, splits: Sequence[str]) -> None:
    """Write the README.md of a dataset whose `splits` have rows."""
    write_atomically(folder / CARD, card_text(request.to_json(), splits).encode())


def _clear(folder: Path) -> None:
    for name in (STATISTICS, SETTINGS, CARD):
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / SHARDS, ignore_errors=True)


def to_bytes(found: Any) -> bytes:
    """Return JSON values as a file, the same each time."""
    return (json.dumps(found, indent=1, allow_nan=False) + "\n").encode()
