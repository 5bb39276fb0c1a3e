"""A method in a Python file of the user's: `my_method.py`, `my_method.py:NAME`.

The file is run as Python runs a script, because the user names it. No release and no
submission can have a file run that the user has not named.
"""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from compiler.errors import InputError, nearest
from compiler.sealed import digest
from zoo.methods.method import Method, registered
from zoo.own_file import check_file, run_file, split_file

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")


def method_of_file(text: str) -> Method:
    """Return the method that a Python file defines.

    It is what `@method` registers in the file, or else a function of a case, or of a
    case and a seed. Functions whose names begin with `_` are not looked at.

    Args:
        text: the file, and behind a colon the function where there are several.

    Raises:
        FormatError: there is no such file.
        InputError: running it fails, or it defines none, several, or none of that name.
    """
    found = split_file(check_file(text))
    assert found is not None
    path, name = found
    methods = _methods_in(path)
    if name and name not in methods:
        raise InputError(
            f"{path}: no method in it is named {name!r}.{nearest(name, methods)}"
        )
    if not methods:
        raise InputError(
            f"{path}: it defines no method. Write a function of a case, or of a case "
            "and a seed, that returns scores"
        )
    if not name and len(methods) > 1:
        first = next(iter(methods))
        raise InputError(
            f"{path}: it defines {', '.join(methods)}. Choose one: {path}:{first}"
        )
    chosen = methods[name or next(iter(methods))]
    return replace(chosen, code=digest(path.read_bytes())[:16])


def _methods_in(path: Path) -> Mapping[str, Method]:
    """Return the methods of a file by name: the registered ones, or its functions."""
    module = run_file(os.path.realpath(path))
    own = {
        name: one
        for name, one in registered().items()
        if getattr(one.run, "__globals__", None) is vars(module)
    }
    if own:
        return own
    made = [
        value
        for name, value in vars(module).items()
        if inspect.isfunction(value)
        and value.__module__ == module.__name__
        and not name.startswith("_")
        and _takes_case(value)
    ]
    return {one.__name__: _method_of(one) for one in made}


def _takes_case(function: Callable[..., Any]) -> bool:
    """Return whether a function can be called with a case, or a case and a seed."""
    signature = inspect.signature(function)
    for count in (1, 2):
        try:
            signature.bind(*[None] * count)
        except TypeError:
            continue
        return True
    return False


def _method_of(function: Callable[..., Any]) -> Method:
    """Return a function as a method, with a name that a file can have."""
    return Method(plain_name(function), with_seed(function))


def given_name(function: Callable[..., Any]) -> str:
    """Return what a function is called in its code, `<lambda>` where it has no name."""
    return getattr(function, "__name__", type(function).__name__)


def plain_name(function: Callable[..., Any]) -> str:
    """Return the name of a function as that of a method: `my-method` of `my_method`.

    Raises:
        InputError: there is none that a file could have, as of a lambda.
    """
    name = given_name(function).replace("_", "-")
    if not _NAME.fullmatch(name):
        raise InputError(
            f"a method named {name!r} cannot be kept in a file (out=). Define it with "
            "def, or give zoo.methods.method.Method(name, run)"
        )
    return name


def with_seed(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of a case and a seed, from one that may take no seed.

    A second argument is the seed if it has no default, or is named so.
    """
    several = list(inspect.signature(function).parameters.values())
    second = several[1] if len(several) > 1 else None
    if second and (second.default is inspect.Parameter.empty or second.name == "seed"):
        return function
    return lambda case, seed: function(case)
