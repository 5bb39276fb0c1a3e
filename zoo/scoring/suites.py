"""Which models a method is tried on.

    core, hard, ..   a suite of releases (zoo/suites.py), by its name
    layers>=3 ..     a suite of releases, by an expression
    compiled         programs of the library, compiled
    rotated          the same, in a random basis of the stream
    decoys           the same, beside components that nothing reads

A model of a suite is a line of text: a release's or a program's name, or a folder, and
options of the compiler: `sort?rotate=1`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compiler.errors import InputError, NameLookupError
from compiler.rasp.values import ordered
from programs import all_programs
from zoo.expressions import is_expression
from zoo.lookup import COMPILED as COMPILED_ONLY
from zoo.lookup import MODELS, find_program, look_up
from zoo.release.index_format import newest
from zoo.release.shelf import list_versions
from zoo.suites import SUITES, SUITES_OF_OLD, choose, parse_suite

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
PROGRAMS = {"compiled": "", "rotated": "?rotate=1", "decoys": "?decoys=2"}
"""Suites of programs: the options with which they are compiled."""


def models_of(suite: str | Iterable[str]) -> list[str]:
    """Return the lines of a suite.

    Args:
        suite: its name, an expression, one model, or several.

    Raises:
        NameLookupError: neither a suite, a release nor a program has that name.
        InputError: an expression cannot be read, or no release is so.
    """
    if not isinstance(suite, str):
        return [line for name in ordered(suite) for line in models_of(name)]
    if suite in PROGRAMS:
        known = all_programs()
        return [f"{name}{PROGRAMS[suite]}" for name in COMPILED if name in known]
    name, _, options = suite.partition("?")
    if suite in (*SUITES, *SUITES_OF_OLD):
        return _released(suite)
    if not options and is_expression(suite) and not Path(suite).exists():
        return _released(suite)
    try:
        look_up(name, COMPILED_ONLY if options else MODELS)
    except NameLookupError:
        near = difflib.get_close_matches(name, [*SUITES, *PROGRAMS], 1)
        if options or not near:
            raise
        raise NameLookupError(
            f"no suite, release or program is named {name!r}. Did you mean {near[0]!r}?"
        ) from None
    return [suite]


def _released(text: str) -> list[str]:
    """Return the releases of a suite, `NAME@VERSION` of what is not the newest."""
    parse_suite(text)  # first: it is a mistake whatever there is
    every = list_versions()
    found = choose(text, every)
    if not found:
        raise InputError(
            f"--suite: no release is in {text!r}. `zoo releases` lists what there is"
        )
    last = {release["name"]: release["version"] for release in newest(every)}
    return [
        r["name"] if r["version"] == last[r["name"]] else f"{r['name']}@{r['version']}"
        for r in found
    ]


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
