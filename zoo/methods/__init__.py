"""The built-in methods, a file each, and those that users register.

`find_method` and `known_methods` import what they return, and jax with it;
`catalogue.py` says what there is without.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from zoo.methods.catalogue import SHORT, built_in

if TYPE_CHECKING:
    from zoo.methods.method import Method

__all__ = ["check_method", "find_method", "known_methods", "names"]


def names() -> list[str]:
    """Return the names of the methods: those built in, and those registered so far."""
    from zoo.methods.method import registered

    return list(dict.fromkeys([*built_in(), *registered()]))


def check_method(name: str) -> str:
    """Return the full name of a method.

    Raises:
        NameLookupError: there is none; the nearest are offered.
    """
    from compiler.errors import unknown_name

    name = SHORT.get(name, name)
    if name not in names():
        raise unknown_name("method", name, names())
    return name


def find_method(name: str) -> Method:
    """Return the method of that name.

    Raises:
        NameLookupError: there is none; the nearest are offered.
    """
    from zoo.methods.method import registered

    name = check_method(name)
    if name not in registered():
        importlib.import_module(f"{__name__}.{built_in()[name].module}")
    return registered()[name]


def known_methods() -> dict[str, Method]:
    """Return every method by name: those built in, then those registered."""
    return {name: find_method(name) for name in names()}
