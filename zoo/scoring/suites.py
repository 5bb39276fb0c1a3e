"""Which models a method is tried on.

    core       the first version of every trained release without an architecture
    shaped     the trained releases of an architecture: gpt2, llama, qwen2, bert
    certified  every trained release whose audit was a full one, in its newest version
    compiled   programs of the library, compiled
    rotated    the same, in a random basis of the stream
    decoys     the same, beside components that nothing reads

A model of a suite is a line of text: a release's or a program's name, or a folder, and
options of the compiler: `sort?rotate=1`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from compiler.errors import InputError, NameLookupError
from compiler.rasp.values import ordered
from programs import all_programs
from zoo.lookup import COMPILED as COMPILED_ONLY
from zoo.lookup import MODELS, find_program, look_up
from zoo.release.shelf import list_releases

if TYPE_CHECKING:
    from zoo.cases.case import Case

COMPILED = (
    "reverse",
    "histogram",
    "sort_unique",
    "fraction_previous",
    "is_first_occurrence",
    "run_length",
)
OPTIONS = ("rotate", "permute_heads", "decoys")
RELEASED = ("core", "certified", "shaped")
SUITES = {"compiled": "", "rotated": "?rotate=1", "decoys": "?decoys=2"}


def models_of(suite: str | Iterable[str]) -> list[str]:
    """Return the lines of a suite.

    Args:
        suite: its name, one model, or several.

    Raises:
        NameLookupError: neither a suite, a release nor a program has that name.
    """
    if not isinstance(suite, str):
        return [line for name in ordered(suite) for line in models_of(name)]
    if suite in RELEASED:
        trained = [r for r in list_releases() if r.get("kind") == "trained"]
        if suite == "shaped":
            return [r["name"] for r in trained if "architecture" in r]
        if suite == "core":
            return [
                r["name"] if r["version"] == 1 else f"{r['name']}@1"
                for r in trained
                if "architecture" not in r
            ]
        return [r["name"] for r in trained if r.get("audit") == "full"]
    if suite in SUITES:
        known = all_programs()
        return [f"{name}{SUITES[suite]}" for name in COMPILED if name in known]
    name, _, options = suite.partition("?")
    try:
        look_up(name, COMPILED_ONLY if options else MODELS)
    except NameLookupError:
        near = difflib.get_close_matches(name, [*RELEASED, *SUITES], 1)
        if options or not near:
            raise
        raise NameLookupError(
            f"no suite, release or program is named {name!r}. Did you mean {near[0]!r}?"
        ) from None
    return [suite]


def open_model(line: str, **options: Any) -> Case:
    """Return the case of a suite's model.

    Args:
        line: see the module.
        options: of `open_case`.

    Raises:
        InputError: an option of the compiler is unknown or no integer.
    """
    from compiler.api import compile_model
    from zoo.cases.case import open_case

    name, _, rest = line.partition("?")
    if not rest:
        return open_case(name, **options)
    changes: dict[str, Any] = {}
    for part in rest.split("&"):
        key, _, value = part.partition("=")
        if key not in OPTIONS or not value.isdecimal():
            raise InputError(
                f"{line}: found {part!r}, expected one of {', '.join(OPTIONS)} and an "
                "integer, as in sort?rotate=1"
            )
        changes[key] = int(value)
    case = open_case(compile_model(find_program(name), **changes), **options)
    return case.with_changes(name=line)
