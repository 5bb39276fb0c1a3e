"""Values, arrays and lists as JSON, and how they are read back with suspicion.

    None, True, 3, "a"      null, true, 3, "a"
    Fraction(1, 3)          {"fraction": [1, 3]}
    (1, "a")                {"tuple": [1, "a"]}
    booleans of an array    a string of 0 and 1 for each row

`LocatedJson` is a piece of JSON that knows where it stands: whoever reads it says what
must be there, and a FormatError says what was there instead. Nothing is allocated that
is larger than the text it comes from.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, chain
from math import isfinite, prod
from typing import TYPE_CHECKING, Any

from compiler.errors import FormatError, InputError
from compiler.rasp.values import Value

if TYPE_CHECKING:  # NumPy takes longer to import than most answers take
    import numpy as np
    from numpy.typing import NDArray

REMEDY = "Save the model again, or fetch it again."


def refuse(where: str, found: str, expected: str, remedy: str = REMEDY) -> FormatError:
    """Return the error of something saved that is not what it must be."""
    return FormatError(f"{where}: found {found}, expected {expected}. {remedy}")


# Writing --------------------------------------------------------------------------


def with_remedy(error: Exception, remedy: str) -> str:
    """Return what an error of a file says, with another remedy than `REMEDY`.

    What has a remedy of its own is returned as it is.
    """
    said = str(error)
    return f"{said.removesuffix(REMEDY)}{remedy}" if said.endswith(REMEDY) else said


def value_to_json(value: Value) -> Any:
    """Return a value in JSON, so that `LocatedJson.values` gives it back."""
    if isinstance(value, Fraction):
        return {"fraction": [value.numerator, value.denominator]}
    if isinstance(value, tuple):
        return {"tuple": [value_to_json(v) for v in value]}
    return value


def bits_to_json(array: NDArray[np.bool_]) -> list[str]:
    """Return booleans as one string of 0 and 1 for each row of the last axis."""
    import numpy as np

    digits = array.reshape(-1, array.shape[-1]).astype(np.uint8) + ord("0")
    return [row.tobytes().decode("ascii") for row in digits]


def render(data: dict[str, Any]) -> bytes:
    """Return a JSON object as bytes: sorted keys, one line an entry two levels deep.

    Raises:
        InputError: it holds something that JSON has no word for, or that `parse` would
            refuse: half of a surrogate pair, lists too deep, too many values.
    """
    try:
        text = (_render(data, 2) + "\n").encode("ascii")
        if _HALF.search(text) is not None:
            _check_whole(json.loads(text))
        _check_sizes(text, "it", MOST_VALUES)
    except (TypeError, ValueError, RecursionError) as error:
        wording = ascii(str(error))[1:-1].removesuffix(f". {REMEDY}")
        raise InputError(f"this cannot be saved as JSON: {wording}") from None
    return text


def _render(data: Any, depth: int) -> str:
    if depth and isinstance(data, dict) and data:
        items = [
            f"{json.dumps(k)}: {_render(data[k], depth - 1)}" for k in sorted(data)
        ]
        return "{\n" + ",\n".join(items) + "\n}"
    if depth and isinstance(data, list) and any(isinstance(v, dict) for v in data):
        return "[\n" + ",\n".join(_render(v, depth - 1) for v in data) + "\n]"
    return json.dumps(data, sort_keys=True, allow_nan=False, separators=(",", ":"))


# Reading --------------------------------------------------------------------------


MOST_DEPTH = 100
"""Lists and objects inside one another above which JSON is not read."""
MOST_VALUES = 2**23
"""Values (and keys) of a file above which JSON is not read; about 70 bytes each."""
MOST_TEXT = 2**16
"""Characters of a name or a note above which it is not read."""


def parse(
    data: bytes, file: str, most: int = MOST_VALUES, remedy: str = REMEDY
) -> LocatedJson:
    """Return the JSON of a file.

    Depth, number of values and encoding are checked before anything is made from it.

    Args:
        data: the file.
        file: what to call it in messages.
        most: how many values it may have.
        remedy: the last sentence of every error here.

    Raises:
        FormatError: it is not JSON, repeats a key, holds NaN or half of a surrogate
            pair, is too deep, or has too many values.
    """
    _check_sizes(data, file, most, remedy)
    try:
        text = data.decode("utf-8")
        read = json.loads(
            text, object_pairs_hook=each_key_once, parse_constant=_refuse_word
        )
        if _HALF.search(data) is not None:
            _check_whole(read)
    except (ValueError, RecursionError) as error:
        wording = ascii(str(error)[:200])[1:-1]
        found = f"text that is not JSON ({wording})"
        raise refuse(file, found, "one object", remedy) from None
    return LocatedJson(file, read)


_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
_NO_BRACKET = bytes(set(range(256)) - set(b"[]{}"))


def _check_sizes(data: bytes, file: str, most: int, remedy: str = REMEDY) -> None:
    """Raise FormatError where JSON is deeper, or has more values, than is read."""
    bare = _STRING.sub(b"", data)
    found = sum(map(bare.count, (b",", b":", b"[", b"{")))
    if found > most:
        raise refuse(file, f"{found} values", f"at most {most}", remedy)
    brackets = bare.translate(None, _NO_BRACKET)
    steps = (1 if bracket in b"[{" else -1 for bracket in brackets)
    depth = max(accumulate(steps), default=0)
    if depth > MOST_DEPTH:
        wording = f"lists and objects {depth} deep"
        raise refuse(file, wording, f"at most {MOST_DEPTH}", remedy)


def _check_whole(read: Any) -> None:
    """Raise ValueError where a text has half of a surrogate pair."""
    rest = [read]
    while rest:
        data = rest.pop()
        if isinstance(data, str):
            data.encode("utf-8")  # UnicodeEncodeError is a ValueError
        elif isinstance(data, dict):
            rest += [*data, *data.values()]
        elif isinstance(data, list):
            rest += data


def each_key_once(items: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON: an `object_pairs_hook`.

    Raises:
        ValueError: a key stands in it twice.
    """
    read: dict[str, Any] = {}
    for key, value in items:
        if key in read:
            raise ValueError(f"a key occurs twice in one object: {key!r}")
        read[key] = value
    return read


def _refuse_word(word: str) -> Any:
    raise ValueError(f"{word} is not a JSON number")


@dataclass(frozen=True)
class LocatedJson:
    """A piece of JSON and where it stands; every method raises FormatError.

    Attributes:
        where: the file, and the path in it.
        json: what was found.
    """

    where: str
    json: Any

    def wrong(self, expected: str) -> FormatError:
        """Return the error that something else was expected here."""
        return refuse(self.where, describe(self.json), expected)

    def fields(self, *names: str, optional: str = "") -> dict[str, LocatedJson]:
        """Return the entries of an object with just these keys, or one more."""
        known = set(self.json) - {optional} if isinstance(self.json, dict) else set()
        if not isinstance(self.json, dict) or known != set(names):
            raise self.wrong(f"an object with the keys {', '.join(sorted(names))}")
        return self.entries()

    def entries(self) -> dict[str, LocatedJson]:
        """Return the entries of an object."""
        if not isinstance(self.json, dict):
            raise self.wrong("an object")
        return {
            k: LocatedJson(f"{self.where}, {_shown(k)}", v)
            for k, v in self.json.items()
        }

    def items(self) -> list[LocatedJson]:
        """Return the items of a list."""
        if not isinstance(self.json, list):
            raise self.wrong("a list")
        return [LocatedJson(f"{self.where}[{i}]", v) for i, v in enumerate(self.json)]

    def size(self) -> int:
        """Return how many items a list has."""
        if not isinstance(self.json, list):
            raise self.wrong("a list")
        return len(self.json)

    def text(self) -> str:
        """Return a string."""
        if not isinstance(self.json, str):
            raise self.wrong("a string")
        if len(self.json) > MOST_TEXT:
            raise self.wrong(f"at most {MOST_TEXT} characters")
        return self.json

    def texts(self) -> tuple[str, ...]:
        """Return the strings of a list."""
        return tuple(item.text() for item in self.items())

    def choice(self, options: Sequence[str]) -> Any:
        """Return one of some strings."""
        if not isinstance(self.json, str) or self.json not in options:
            raise self.wrong(f"one of {', '.join(options)}")
        return self.json

    def flag(self) -> bool:
        """Return a boolean."""
        if not isinstance(self.json, bool):
            raise self.wrong("true or false")
        return self.json

    def integer(self, low: int, high: int) -> int:
        """Return an integer between bounds, both included."""
        if type(self.json) is not int or not low <= self.json <= high:
            raise self.wrong(f"an integer in {low}..{high}")
        return self.json

    def number(self) -> float:
        """Return a number with a decimal point."""
        if not isinstance(self.json, float):
            raise self.wrong("a number with a decimal point")
        return self.json

    def integers(self, low: int, high: int) -> tuple[int, ...]:
        """Return the integers of a list."""
        return tuple(item.integer(low, high) for item in self.items())

    def values(self) -> tuple[Value, ...]:
        """Return the values of a list, see `value_to_json`."""
        if not isinstance(self.json, list):
            raise self.wrong("a list")
        try:
            return tuple(map(_value, self.json))
        except _NoValueError as error:
            place = next(i for i, v in enumerate(self.json) if _is_bad(v))
            where, found = f"{self.where}[{place}]", describe(error.args[0])
            raise refuse(where, found, error.args[1]) from None

    def array(self, *shape: int, low: int, high: int) -> NDArray[np.int64]:
        """Return an array of integers, nested as deep as `shape` is long."""
        import numpy as np

        cells = self._cells(shape, int)
        array = np.array(cells, np.int64) if _are_within(cells, low, high) else None
        if array is None:
            raise refuse(
                self.where, _outlier(cells, low, high), f"integers in {low}..{high}"
            )
        return array.reshape(shape)

    def floats(self, *shape: int) -> NDArray[np.float64]:
        """Return an array of finite floats, read-only."""
        import numpy as np

        array = np.array(self._cells(shape, float), np.float64).reshape(shape)
        if not np.isfinite(array).all():
            raise refuse(self.where, "a number that is not finite", "finite numbers")
        array.flags.writeable = False
        return array

    def bits(self, *shape: int) -> NDArray[np.bool_]:
        """Return an array of booleans, see `bits_to_json`."""
        import numpy as np

        rows = prod(shape[:-1])
        if not isinstance(self.json, list) or len(self.json) != rows:
            raise self.wrong(f"a list of {rows} strings of 0 and 1")
        for index, row in enumerate(self.json):
            if not isinstance(row, str) or len(row) != shape[-1] or row.strip("01"):
                item = LocatedJson(f"{self.where}[{index}]", row)
                raise item.wrong(f"{shape[-1]} digits, each 0 or 1")
        digits = np.frombuffer("".join(self.json).encode("ascii"), np.uint8)
        return (digits == ord("1")).reshape(shape)

    def _cells(self, shape: tuple[int, ...], kind: type) -> list[Any]:
        """Return the cells of a nested list, comparing sizes before anything grows."""
        level = [self.json]
        for size in shape:
            if not all(isinstance(v, list) and len(v) == size for v in level):
                raise self.wrong(f"a list of the shape {list(shape)}")
            level = list(chain.from_iterable(level))
        if not set(map(type, level)) <= {kind}:
            word = {int: "integers", float: "numbers with a decimal point"}[kind]
            raise self.wrong(f"{word}, and nothing else")
        return level

    def plain(self) -> Any:
        """Return JSON as it is, if every number in it is finite."""
        if isinstance(self.json, float) and not isfinite(self.json):
            raise self.wrong("a finite number")
        if isinstance(self.json, dict | list):
            parts = (
                self.items() if isinstance(self.json, list) else self.entries().values()
            )
            for part in parts:
                part.plain()
        return self.json


class _NoValueError(Exception):
    """Carries a piece of JSON that is no value, and what is expected instead."""


def _value(data: Any) -> Value:
    """Return the value that `value_to_json` wrote; there are many, so this is quick."""
    if data is None or isinstance(data, bool | int | str):
        return data
    if isinstance(data, dict) and len(data) == 1:
        if "fraction" in data:
            return _fraction(data["fraction"])
        if isinstance(parts := data.get("tuple"), list):
            return tuple(map(_value, parts))
    raise _NoValueError(
        data,
        'a value: null, a boolean, an integer, a string, {"tuple": [..]}'
        ' or {"fraction": [.., ..]}',
    )


def _fraction(data: Any) -> Fraction:
    if isinstance(data, list) and [*map(type, data)] == [int, int] and data[1] > 1:
        fraction = Fraction(*data)
        if fraction.denominator == data[1]:
            return fraction
    raise _NoValueError(data, "a fraction in lowest terms with a denominator above 1")


def _is_bad(data: Any) -> bool:
    try:
        _value(data)
    except _NoValueError:
        return True
    return False


def _are_within(cells: list[int], low: int, high: int) -> bool:
    return low <= min(cells, default=low) and max(cells, default=high) <= high


def _outlier(cells: list[int], low: int, high: int) -> str:
    return describe(next(c for c in cells if not low <= c <= high))


def describe(data: Any) -> str:
    """Return what a piece of JSON is, in a few words."""
    if isinstance(data, dict):
        keys = sorted(data)
        shown = ", ".join(f"'{_shown(k)}'" for k in keys[:8])
        shown += ", .." if len(keys) > 8 else ""
        return f"an object with the keys {shown}" if keys else "an empty object"
    if isinstance(data, list):
        return f"a list of {len(data)}"
    text = json.dumps(data[:61] if isinstance(data, str) else data)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _shown(key: str) -> str:
    """Return a key as it can be shown: on one line, in ASCII, and not too long."""
    text = json.dumps(key[:41])[1:-1]
    return text if len(text) <= 40 else f"{text[:37]}..."
