"""What the built-in methods are, read from the text of their files.

A method imports jax. Its name, paper and equation stand in its decorator `@method`, as
plain text, and are read there: so `zoo evaluate --list` and unknown names are answered
without importing any method. `zoo/methods/__init__.py` imports them when they are run.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
_SHOWN = ("paper", "equation", "level")
SHORT = {"eap-ig": "eap-ig-inputs", "exact-size": "exact"}
"""Other names of a method: what papers say, or what says more of it."""


@dataclass(frozen=True)
class About:
    """What a list shows of a method; see `zoo.methods.method.Method`."""

    name: str
    module: str
    paper: str = ""
    equation: str = ""
    level: str = "qkv"


@cache
def built_in() -> Mapping[str, About]:
    """Return every built-in method by name, file by file."""
    found = {}
    for path in sorted(FOLDER.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
        for about in _methods_of(tree, path.stem):
            found[about.name] = about
    return found


def _methods_of(tree: ast.Module, module: str) -> Iterator[About]:
    constants: dict[str, Any] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            constants[node.targets[0].id] = _value(node.value, constants)
        if not isinstance(node, ast.FunctionDef):
            continue
        for call in node.decorator_list:
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "method":
                said = {k.arg: _value(k.value, constants) for k in call.keywords}
                shown = {
                    k: said[k] for k in ("paper", "equation", "level") if k in said
                }
                yield About(_value(call.args[0], constants), module, **shown)


def _value(node: ast.expr, constants: Mapping[str, Any]) -> Any:
    """Return a constant, or text made of constants; None of anything else."""
    match node:
        case ast.Constant():
            return node.value
        case ast.Name():
            return constants.get(node.id)
        case ast.FormattedValue():
            return _value(node.value, constants)
        case ast.JoinedStr():
            return "".join(str(_value(part, constants)) for part in node.values)
    return None
