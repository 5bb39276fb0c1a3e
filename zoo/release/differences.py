"""Where two files say different things: by key path, by line, or by number.

What a release says comes from elsewhere, so everything that is shown of it is cut to a
few characters and escaped to ASCII.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

MOST_SHOWN = 60
"""Characters of a piece of a file that a difference shows."""


@dataclass(frozen=True)
class Difference:
    """One place at which a release does not say what it must.

    Attributes:
        file: the file's name in the release.
        place: the key path, the line or the row in it; "" for the file as a whole.
        found: what the file says there.
        expected: what follows from the rest of the release.
    """

    file: str
    place: str
    found: str
    expected: str

    def __str__(self) -> str:
        where = f"{self.file}, {self.place}" if self.place else self.file
        return f"{where}: says {self.found}, expected {self.expected}"


def shown(value: Any) -> str:
    """Return a piece of JSON, or a text, as a short line of ASCII."""
    if value is ABSENT:
        return "nothing"
    text = json.dumps(value, default=str)
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 2]}.."


ABSENT = object()
"""Stands for an entry that is not there."""


def json_differences(
    file: str, said: Any, expected: Any, place: str = "", tolerance: float = 0.0
) -> Iterator[Difference]:
    """Yield where two pieces of JSON differ; 1, 1.0 and true are three values.

    Args:
        file: the file's name.
        said: what the file has.
        expected: what it must have.
        place: the path of both in their files.
        tolerance: lists of floats are the same if no two numbers are further apart
            than this part of the largest number in the list that is expected.
    """
    if isinstance(said, dict) and isinstance(expected, dict):
        for key in sorted({*said, *expected}):
            pair = said.get(key, ABSENT), expected.get(key, ABSENT)
            inside = _joined(place, shown(key)[1:-1])
            yield from json_differences(file, *pair, inside, tolerance)
    elif _is_numeric(said) and _is_numeric(expected):
        yield from array_differences(
            file, np.array(said, float), np.array(expected, float), place, tolerance
        )
    elif isinstance(said, list) and isinstance(expected, list):
        for number, pair in enumerate(zip(said, expected, strict=False)):
            yield from json_differences(file, *pair, f"{place}[{number}]", tolerance)
        if len(said) != len(expected):
            yield Difference(file, place, f"{len(said)} items", f"{len(expected)}")
    elif type(said) is not type(expected) or said != expected:
        yield Difference(file, place, shown(said), shown(expected))


def array_differences(
    file: str, said: np.ndarray, expected: np.ndarray, place: str, tolerance: float
) -> Iterator[Difference]:
    """Yield how two arrays differ, if they do; see `json_differences`."""
    if said.shape != expected.shape:
        shapes = str(list(said.shape)), str(list(expected.shape))
        yield Difference(file, place, f"the shape {shapes[0]}", shapes[1])
        return
    far = tolerance * np.abs(expected).max(initial=0.0)
    apart = np.abs(said - expected)
    wrong = ~(apart <= far)
    if wrong.any():
        first = tuple(int(i) for i in np.argwhere(wrong)[0])
        where = place + "".join(f"[{i}]" for i in first)
        more = f"; {wrong.sum():,} of {wrong.size:,} numbers differ"
        yield Difference(
            file, where, f"{said[first]:.6g}", f"{expected[first]:.6g}{more}"
        )


def text_differences(file: str, said: bytes, expected: bytes) -> Iterator[Difference]:
    """Yield the lines at which two texts differ."""
    ours, theirs = (data.decode("utf-8", "replace") for data in (said, expected))
    lines = ours.split("\n"), theirs.split("\n")
    for number in range(max(map(len, lines))):
        pair = [part[number] if number < len(part) else ABSENT for part in lines]
        if pair[0] != pair[1]:
            yield Difference(file, f"line {number + 1}", *_show_both(*pair))


def _show_both(said: Any, expected: Any) -> tuple[str, str]:
    """Return two lines as they are shown, from shortly before they part."""
    if said is ABSENT or expected is ABSENT:
        return shown(said), shown(expected)
    same = 0
    while same < min(len(said), len(expected)) and said[same] == expected[same]:
        same += 1
    start = max(0, same - 20) if max(len(said), len(expected)) > MOST_SHOWN else 0
    lead = ".." if start else ""
    return f"{lead}{shown(said[start:])}", f"{lead}{shown(expected[start:])}"


def _joined(place: str, key: str) -> str:
    return f"{place}, {key}" if place else key


def _is_numeric(data: Any) -> bool:
    """Return whether JSON is a list, or equal lists in lists, of floats."""
    if not isinstance(data, list) or not data:
        return False
    if all(isinstance(item, list) for item in data):
        sizes = {len(item) for item in data}
        return len(sizes) == 1 and all(map(_is_numeric, data))
    return all(type(item) is float for item in data)
