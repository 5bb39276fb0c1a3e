"""What the shell for RASP text prints of values: as the original's shell does.

s-op: reverse
    Example: reverse("hey") = [y, e, h] (strings)
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from compiler.rasp.expr import Selector, SOp
from compiler.rasp.values import Value, is_number
from compiler.text.scope import Builtin, Function

_MOST = 40
"""So many items of a list are shown."""


def small(value: Value) -> str:
    """Return a value as it stands in a sequence: 0.333, T, a."""
    if isinstance(value, bool):
        return "T" if value else "F"
    if isinstance(value, Fraction):
        return f"{float(value):.3g}"
    return str(value)


def kind_word(values: Sequence[Value]) -> str:
    """Return what a sequence holds: `ints`, `floats`, `bools`, `strings`."""
    if all(isinstance(v, bool) for v in values):
        return "bools"
    if all(isinstance(v, str) for v in values):
        return "strings"
    if all(is_number(v) for v in values):
        return "floats" if any(isinstance(v, Fraction) for v in values) else "ints"
    return "values of several types"


def show_sequence(values: Sequence[Value]) -> str:
    """Return the values of a sequence: `[0, 1, 2] (ints)`, `[T]*3 (bools)`."""
    texts = [small(v) for v in values]
    if len(texts) > 1 and len(set(texts)) == 1:
        return f"[{texts[0]}]*{len(texts)} ({kind_word(values)})"
    return f"[{', '.join(texts)}] ({kind_word(values)})"


def show_full(tokens: Sequence[Value], values: Sequence[Value]) -> list[str]:
    """Return the values of a sequence under the tokens, as two lines."""
    rows = [[small(v) for v in row] for row in (tokens, values)]
    width = max(len(text) for row in rows for text in row)
    lines = [" ".join(f"{text:>{width}}" for text in row) for row in rows]
    return [f"input:  {lines[0]}", f"output: {lines[1]}  ({kind_word(values)})"]


def show_selector(tokens: Sequence[Value], rows: Sequence[Sequence[bool]]) -> list[str]:
    """Return which keys each query selects: a line a query, a column a key."""
    names = [small(t) for t in tokens]
    width = max(map(len, names))
    lines = [" " * (width + 3) + " ".join(f"{name:>{width}}" for name in names)]
    for name, row in zip(names, rows, strict=True):
        cells = " ".join(f"{'1' if on else '':>{width}}" for on in row)
        lines.append(f"{name:>{width}} | {cells}".rstrip())
    return lines


def show_input(tokens: Any) -> str:
    """Return an input as it was written: `"hey"`, `[1, 2]`."""
    if all(isinstance(t, str) and len(t) == 1 for t in tokens):
        return f'"{"".join(tokens)}"'
    return f"[{', '.join(_shown(t) for t in tokens)}]"


def show_value(name: str, value: Any) -> str:
    """Return what is no sequence and no selector: `value: x = 3`."""
    if isinstance(value, Function):
        parameters = ", ".join(p.name for p in value.definition.parameters)
        return f"function: {value.name}({parameters})"
    if isinstance(value, Builtin):
        return f"function: {value.name}({', '.join(value.parameters)})"
    word = {list: "list", dict: "dict"}.get(type(value), "value")
    return f"{word}: {name} = {_shown(value)}"


def _shown(value: Any, depth: int = 2) -> str:
    """Return a value as it is written, cut where it is large or deep."""
    match value:
        case SOp():
            return value.name or "(s-op)"
        case Selector():
            return "(selector)"
        case Function() | Builtin():
            return f"(function {value.name})"
        case list() | dict() if depth == 0:
            return "[..]" if isinstance(value, list) else "{..}"
        case list():
            items = [_shown(v, depth - 1) for v in value[:_MOST]]
            return f"[{', '.join(_cut(items, len(value)))}]"
        case dict():
            pairs = list(value.items())[:_MOST]
            items = [f"{_shown(k)}: {_shown(v, depth - 1)}" for k, v in pairs]
            return f"{{{', '.join(_cut(items, len(value)))}}}"
        case str():
            return f'"{value[:200]}"'
        case Fraction():
            return f"{float(value):.3g}"
    return str(value)


def _cut(items: list[str], size: int) -> list[str]:
    return items if size <= len(items) else [*items, f".. ({size} items)"]
