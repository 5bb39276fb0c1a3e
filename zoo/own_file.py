"""A program or a task in a file of the user's: `my.py`, `my.rasp`, `my.py:NAME`.

A Python file is run as Python runs a script, because the user names it on the command
line or in a call. No release and no training run names such a file, so nothing that was
downloaded can have one run. A file of RASP text is read and not run: it has no word for
anything outside of the program.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeGuard

from compiler.errors import FormatError, InputError, nearest
from compiler.rasp.expr import SOp, given_name
from compiler.rasp.program import Program
from programs.texts import text_file

if TYPE_CHECKING:
    from zoo.causal.model import Task

SUFFIXES = (".py", ".rasp")
_TASK = ("name", "meaning", "vocab", "values", "variables", "n_ctx", "run")


def split_file(text: str) -> tuple[Path, str] | None:
    """Return (file, name in it or ""), or None if the text names no such file.

    `paper/sort.rasp` is a program of the library, unless the user has such a file.
    """
    if text.endswith(SUFFIXES):
        return text_file(Path(text).expanduser()), ""
    file, colon, name = text.rpartition(":")
    if colon and file.endswith(SUFFIXES):
        return text_file(Path(file).expanduser()), name
    return None


def names_file(text: str) -> bool:
    """Return whether a text names a Python file: `my.py`, `my.py:NAME`."""
    found = split_file(text)
    return found is not None and found[0].suffix == ".py"


def check_file(text: str) -> str:
    """Return a text that names a Python file, if there is one.

    Raises:
        FormatError: there is no such file.
    """
    found = split_file(text)
    if found is None or found[0].suffix != ".py" or not found[0].is_file():
        raise FormatError(f"{text}: found nothing, expected a Python file")
    return text


def define(path: Path, name: str = "") -> Program | SOp | Task:
    """Return what a file defines: its only program or task, or the one of a name.

    Args:
        path: the file; a Python file is run, once in a process.
        name: of a program, a task or an expression: its own, or that of the variable
            which holds it. An expression is found by its name only.

    Raises:
        FormatError: there is no such file.
        InputError: running the file fails, or it defines none, several, or none of
            that name.
        RaspError: it is RASP text with a mistake.
    """
    if not path.is_file():
        kind = "file of RASP text" if path.suffix == ".rasp" else "Python file"
        raise FormatError(f"{path}: found nothing, expected a {kind}. Check the name")
    if path.suffix == ".rasp":
        from compiler.text.program import read_program_file

        return read_program_file(path, name)
    module = run_file(os.path.realpath(path))
    if name:
        return _named(module, path, name)
    found = _definitions(module)
    if len(found) == 1:
        return next(iter(found.values()))
    if not found:
        raise InputError(
            f"{path}: it defines no program and no task. Mark a function with "
            "@program, or give the name of the variable that holds an expression: "
            f"{path}:NAME, with --vocab and --max-len"
        )
    raise InputError(
        f"{path}: it defines {', '.join(found)}. Choose one: {path}:{next(iter(found))}"
    )


def is_program(found: Program | SOp | Task) -> TypeGuard[Program | SOp]:
    """Return whether something is a program or an expression, and no task."""
    return isinstance(found, Program | SOp)


def name_of(found: Program | SOp | Task) -> str:
    """Return the name of what a file defines."""
    if isinstance(found, SOp):
        return given_name(found) or "expression"
    return found.name


@cache
def run_file(place: str) -> ModuleType:
    """Return the module of a file; its folder can be imported from, as a script's."""
    name = f"_own_file_{Path(place).stem}"
    spec = importlib.util.spec_from_file_location(name, place)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    folder = os.path.dirname(place)
    if folder not in sys.path:
        sys.path.append(folder)  # last: its files stand in front of no package
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise InputError(f"{_place_of(error, place)}: {_words(error)}") from error
    return module


def _place_of(error: BaseException, place: str) -> str:
    """Return the file, with the line of it in which an error arose."""
    if isinstance(error, SyntaxError):
        return f"{place}, line {error.lineno}"
    line, frame = "", error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == place:
            line = f", line {frame.tb_lineno}"
        frame = frame.tb_next
    return f"{place}{line}"


def _words(error: BaseException) -> str:
    return f"running it ended with {type(error).__name__}: {error}"


def _definitions(module: ModuleType) -> dict[str, Program | Task]:
    """Return the programs and tasks that are defined in a module itself, by name."""
    found: dict[str, Program | Task] = {}
    for label, value in vars(module).items():
        item = _made(value, module)
        if item is not None and all(item is not other for other in found.values()):
            found[getattr(item, "name", label)] = item
    return found


def _made(value: Any, module: ModuleType) -> Program | Task | None:
    """Return a value of a module as a program or a task, if it is one made there."""
    if isinstance(value, Program):
        return value if value.builder.__module__ == module.__name__ else None
    if isinstance(value, type):
        may_be = value.__module__ == module.__name__ and hasattr(value, "run")
        return _task_of(value) if may_be else None
    inside = type(value).__module__ == module.__name__
    return value if inside and _is_task(value) else None


@cache
def _task_of(kind: type) -> Task | None:
    """Return the task of a class that is made without arguments."""
    try:
        made = kind()
    except TypeError:
        return None
    return made if _is_task(made) else None


def _is_task(value: Any) -> TypeGuard[Task]:
    return all(hasattr(value, attribute) for attribute in _TASK)


def _named(module: ModuleType, path: Path, name: str) -> Program | SOp | Task:
    """Return what has a name in a module."""
    found: dict[str, Program | SOp | Task] = dict(_definitions(module))
    for label, value in vars(module).items():
        if isinstance(value, SOp | Program):
            found[label] = value
        elif (made := _made(value, module)) is not None:
            found[label] = made
    if name not in found:
        raise InputError(
            f"{path}: no program, task or expression in it is named {name!r}."
            f"{nearest(name, found)}"
        )
    chosen = found[name]
    if isinstance(chosen, SOp) and given_name(chosen) is None:
        return chosen.named(name)
    return chosen
