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
from compiler.rasp.tuples import SIDE_BY_SIDE, compute_beside


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
    return all(part in all_programs() for part in _parts_of(name))


def find(name: str) -> Program:
    """Return the program called `name`.

    `sort+reverse` is that of several programs of which the first token chooses one, and
    `sort,reverse` that of several of which all are computed.

    Raises:
        NameLookupError: there is none; the message offers the nearest names.
        InputError: the programs cannot be computed in one model.
    """
    parts = _parts_of(name)
    for part in parts:
        if part not in all_programs():
            raise unknown_name("program", part, all_programs())
    return all_programs()[name] if len(parts) == 1 else _several(name)


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


def _parts_of(name: str) -> list[str]:
    """Return the names of the programs that a name is made of."""
    return name.split(SIDE_BY_SIDE if SIDE_BY_SIDE in name else JOIN)


@cache
def _several(name: str) -> Program:
    join = compute_beside if SIDE_BY_SIDE in name else select_by_token
    return join([all_programs()[part] for part in _parts_of(name)])
