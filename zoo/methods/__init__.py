"""The built-in methods, a file each, and those that users register.

`find_method` and `known_methods` import what they return, and jax with it;
`catalogue.py` says what there is without.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from zoo.methods.catalogue import SHORT, built_in
from zoo.methods.choices import AT, grid_choices, read_choice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zoo.methods.method import Method

__all__ = ["check_method", "find_method", "known_methods", "names", "on_grid"]

GRID_METHODS = ("exact", "nap-noising", "eap", "eap-ig-inputs")
"""What a grid is run with where no method is named."""


def names() -> list[str]:
    """Return the names of the methods: those built in, and those registered so far."""
    from zoo.methods.method import registered

    return list(dict.fromkeys([*built_in(), *registered()]))


def check_method(name: str) -> str:
    """Return the full name of a method; choices of patching may stand behind it.

    Raises:
        NameLookupError: there is none; the nearest are offered.
        InputError: a choice behind it cannot be read.
    """
    from compiler.errors import unknown_name

    name, at, rest = name.partition(AT)
    name = SHORT.get(name, name)
    if name not in names():
        raise unknown_name("method", name, names())
    choice = str(read_choice(rest)) if at else ""
    return f"{name}{AT}{choice}" if choice else name


def find_method(name: str) -> Method:
    """Return the method of that name, with the choices of patching behind it.

    Raises:
        NameLookupError: there is none; the nearest are offered.
        InputError: a choice behind it cannot be, or the method does not take it.
    """
    from zoo.methods.method import registered

    name, _, choice = check_method(name).partition(AT)
    if name not in registered():
        importlib.import_module(f"{__name__}.{built_in()[name].module}")
    found = registered()[name]
    return found.choose(read_choice(choice)) if choice else found


def on_grid(methods: Sequence[Method], grid: str | Sequence[str]) -> list[Method]:
    """Return each method with every combination of a grid's choices, and controls.

    The controls are random scores, and the first method on random weights.

    Args:
        methods: what is run.
        grid: some of `ablation`, `loss`, `direction` and `noise`.

    Raises:
        NameLookupError: there is no such axis.
        InputError: there is none, or a method only patches clean runs.
    """
    choices = grid_choices(grid)
    found = [method.choose(choice) for method in methods for choice in choices]
    blank = methods[0].choose(read_choice("shifted=0,weights=random"))
    return [*found, find_method("random@shifted=0"), blank]


def known_methods() -> dict[str, Method]:
    """Return every method by name: those built in, then those registered."""
    return {name: find_method(name) for name in names()}
