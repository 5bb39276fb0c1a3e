"""The library of RASP programs: content, one function a program, a file a family.

`find(name)` returns one, `all_programs()` all of them by name. A family is a
module of this package; what it defines with `@program` is found by itself.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from compiler.errors import unknown_name
from compiler.rasp.program import Program
from compiler.rasp.several import JOIN, select_by_token


@cache
def all_programs() -> dict[str, Program]:
    """Return every program by name, sorted by family, then by name."""
    found: dict[str, Program] = {}
    for info in sorted(pkgutil.iter_modules(__path__), key=lambda m: m.name):
        module = importlib.import_module(f"{__name__}.{info.name}")
        for item in vars(module).values():
            if not isinstance(item, Program):
                continue
            if found.setdefault(item.name, item) is not item:
                raise ValueError(f"two programs are named {item.name!r}")
    return dict(sorted(found.items(), key=lambda kv: (kv[1].family, kv[0])))


def has(name: str) -> bool:
    """Return whether there is a program of that name; of several, by their names."""
    return all(part in all_programs() for part in name.split(JOIN))


def find(name: str) -> Program:
    """Return the program called `name`; that of several programs, `sort+reverse`.

    Raises:
        NameLookupError: there is none; the message offers the nearest names.
        InputError: the programs cannot be computed in one model.
    """
    for part in name.split(JOIN):
        if part not in all_programs():
            raise unknown_name("program", part, all_programs())
    return _several(name) if JOIN in name else all_programs()[name]


def program_of(name: str, family: object) -> Program | None:
    """Return the program that a model was made of, by what the model says of itself.

    Args:
        name: the model's.
        family: that of its program; another one is of a program of the user's.

    Returns:
        None if the library has no such program.
    """
    if not has(name):
        return None
    found = find(name)
    return found if found.family == family else None


@cache
def _several(name: str) -> Program:
    return select_by_token([all_programs()[part] for part in name.split(JOIN)])
