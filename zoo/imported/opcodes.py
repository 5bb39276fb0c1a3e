"""Plain values and tensors of files that torch and Python wrote, without running them.

Such a file is a program for a small machine. Here the program is listed by
`pickletools`, which runs nothing, and followed by hand: numbers, texts, lists,
tuples, dictionaries, and the few calls by which torch describes a tensor. Any other
opcode or name is refused, so nothing that a file names is ever imported or called.
"""

from __future__ import annotations

import pickletools
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from compiler.errors import FormatError

MOST_BYTES, MOST_STEPS = 2**28, 2**20
"""Of a file or a tensor; opcodes of one program."""
_STORAGES = {
    "FloatStorage": np.dtype("<f4"),
    "DoubleStorage": np.dtype("<f8"),
    "HalfStorage": np.dtype("<f2"),
    "LongStorage": np.dtype("<i8"),
    "IntStorage": np.dtype("<i4"),
    "BoolStorage": np.dtype("?"),
}
NAMES = {
    "collections OrderedDict",
    "torch._utils _rebuild_tensor_v2",
    "torch float32",
    "torch float64",
    "numpy dtype",
    "numpy.core.multiarray scalar",
    "numpy._core.multiarray scalar",
    *(f"torch {name}" for name in _STORAGES),
}
"""What a program may name; none of it is imported."""


@dataclass(frozen=True)
class Mention:
    """A name that a file mentions, such as `torch float32`."""

    name: str


@dataclass(frozen=True)
class Opaque:
    """What a call would have returned that is not made, such as a number of NumPy."""

    name: str


_MARK = Mention("mark")
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_NUMBERS = ("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT")
_TEXTS = ("BINUNICODE", "SHORT_BINUNICODE", "SHORT_BINSTRING", "SHORT_BINBYTES")
_PUT = ("BINPUT", "LONG_BINPUT", "MEMOIZE")
_GET = ("BINGET", "LONG_BINGET")
_EMPTY = {"EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_TUPLE": tuple}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


class _PlainReader:
    """Follows one program; `storage` answers what a tensor's bytes are."""

    def __init__(self, place: str, storage: Callable[[Any], np.ndarray] | None) -> None:
        self.place, self.storage = place, storage
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def fail(self, found: str) -> FormatError:
        return FormatError(
            f"{self.place}: found {found}, expected plain values and tensors. It is "
            "not read, and nothing of it was run"
        )

    def run(self, program: bytes) -> Any:
        try:
            listed = pickletools.genops(program)
            for count, (opcode, argument, _) in enumerate(listed):
                if count > MOST_STEPS:
                    raise self.fail(f"more than {MOST_STEPS} steps")
                self.step(opcode.name, argument)
        except (ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
            if isinstance(error, FormatError):
                raise
            raise self.fail(f"a damaged program ({error})") from None
        if len(self.stack) != 1:
            raise self.fail("a program without a result")
        return self.stack[0]

    def step(self, name: str, argument: Any) -> None:
        push, stack = self.stack.append, self.stack
        if name in ("PROTO", "FRAME", "STOP"):
            return
        if name in _CONSTANTS:
            push(_CONSTANTS[name])
        elif name in _NUMBERS or name in _TEXTS:
            push(argument)
        elif name in _EMPTY:
            push(_EMPTY[name]())
        elif name in _TUPLES:
            count = _TUPLES[name]
            stack[-count:] = [tuple(stack[-count:])]
        elif name in _PUT:
            self.memo[len(self.memo) if name == "MEMOIZE" else argument] = stack[-1]
        elif name in _GET:
            push(self.memo[argument])
        elif name == "MARK":
            push(_MARK)
        else:
            self.build(name, argument)

    def build(self, name: str, argument: Any) -> None:
        stack = self.stack
        match name:
            case "TUPLE" | "LIST":
                items = self.marked()
                stack.append(tuple(items) if name == "TUPLE" else items)
            case "APPEND":
                item = stack.pop()
                self.top(list).append(item)
            case "APPENDS":
                items = self.marked()
                self.top(list).extend(items)
            case "SETITEM":
                value, key = stack.pop(), stack.pop()
                self.top(dict)[key] = value
            case "SETITEMS":
                items = self.marked()
                pairs = zip(items[::2], items[1::2], strict=True)
                self.top(dict).update(pairs)
            case "GLOBAL" | "STACK_GLOBAL":
                if name == "STACK_GLOBAL":
                    last, module = stack.pop(), stack.pop()
                    argument = f"{module} {last}"
                if argument not in NAMES:
                    raise self.fail(f"the name {argument.replace(' ', '.')}")
                stack.append(Mention(argument))
            case "BINPERSID":
                stack.append(self.bytes_of(stack.pop()))
            case "REDUCE":
                given, what = stack.pop(), stack.pop()
                stack.append(self.call(what, given))
            case "BUILD":
                stack.pop()
                self.top(Opaque)
            case _:
                raise self.fail(f"the opcode {name}")

    def marked(self) -> list[Any]:
        """Take what stands above the last mark, and the mark."""
        marks = [i for i, item in enumerate(self.stack) if item is _MARK]
        if not marks:
            raise self.fail("a list without a beginning")
        place = marks[-1]
        items = self.stack[place + 1 :]
        del self.stack[place:]
        return items

    def top(self, kind: type) -> Any:
        if not isinstance(self.stack[-1], kind):
            raise self.fail(f"a {type(self.stack[-1]).__name__} that is filled")
        return self.stack[-1]

    def bytes_of(self, given: Any) -> np.ndarray:
        if self.storage is None or not isinstance(given, tuple):
            raise self.fail("a tensor where there is none")
        return self.storage(given)

    def call(self, what: Any, given: Any) -> Any:
        name = what.name if isinstance(what, Mention) else str(what)
        if name == "collections OrderedDict" and given == ():
            return {}
        if name == "torch._utils _rebuild_tensor_v2":
            return self.tensor(*given[:4])
        if name.startswith("numpy"):
            return Opaque(name)
        raise self.fail(f"a call of {name.replace(' ', '.')}")

    def tensor(self, held: Any, start: Any, shape: Any, strides: Any) -> np.ndarray:
        """Return a tensor as an array of its own, within the bytes of its storage."""
        if not isinstance(held, np.ndarray) or len(shape) != len(strides):
            raise self.fail("a tensor without numbers")
        if any(not isinstance(n, int) or n < 0 for n in (start, *shape, *strides)):
            raise self.fail("a tensor of impossible shape")
        last = start + sum((n - 1) * s for n, s in zip(shape, strides, strict=True))
        if 0 in shape:
            return np.zeros(shape, held.dtype)
        if last >= len(held) or np.prod(shape, dtype=object) > MOST_BYTES // 8:
            raise self.fail("a tensor that is larger than its numbers")
        width = held.dtype.itemsize
        view = np.lib.stride_tricks.as_strided(
            held[start:], shape, [s * width for s in strides]
        )
        return np.array(view)


def read_plain(path: Path) -> Any:
    """Return the values of a file that Python wrote.

    Raises:
        FormatError: it is too large, damaged, or has anything but plain values.
    """
    return _PlainReader(str(path), None).run(_read(path))


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    """Return the tensors of a file that `torch.save` wrote of a state dict.

    Raises:
        FormatError: it is too large, damaged, or has anything but tensors.
    """
    _read(path)
    try:
        with zipfile.ZipFile(path) as archive:
            return _state(path, archive)
    except (zipfile.BadZipFile, zlib.error, KeyError, RuntimeError) as error:
        raise FormatError(
            f"{path}: found no archive of torch ({error}), expected what torch.save "
            "writes of a state dict, version 1.6 and later"
        ) from None


def _state(path: Path, archive: zipfile.ZipFile) -> dict[str, np.ndarray]:
    listed = [n for n in archive.namelist() if n.endswith("/data.pkl")]
    if len(listed) != 1 or sum(i.file_size for i in archive.infolist()) > MOST_BYTES:
        raise FormatError(f"{path}: found {len(listed)} state dicts, expected one")
    folder = listed[0].removesuffix("data.pkl")

    def storage(given: tuple[Any, ...]) -> np.ndarray:
        kind, key = given[1], given[2]
        name = kind.name.removeprefix("torch ") if isinstance(kind, Mention) else ""
        if name not in _STORAGES or not str(key).isdigit():
            raise FormatError(f"{path}: found a storage {name!r}, expected numbers")
        return np.frombuffer(archive.read(f"{folder}data/{key}"), _STORAGES[name])

    found = _PlainReader(str(path), storage).run(archive.read(listed[0]))
    if not isinstance(found, dict) or not all(
        isinstance(k, str) and isinstance(a, np.ndarray) for k, a in found.items()
    ):
        raise FormatError(f"{path}: found no dictionary of tensors, expected one")
    return found


def _read(path: Path) -> bytes:
    if not path.is_file():
        raise FormatError(f"{path}: there is no such file")
    if path.stat().st_size > MOST_BYTES:
        raise FormatError(f"{path}: larger than {MOST_BYTES} bytes")
    return path.read_bytes()
