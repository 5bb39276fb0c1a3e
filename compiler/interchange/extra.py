"""Imports of what the extra `torch` installs."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from compiler.errors import InputError


def import_extra(name: str, wanted_by: str) -> Any:
    """Return a module that the extra `torch` installs.

    Args:
        name: the module's.
        wanted_by: the function that the user called, for the error.

    Raises:
        InputError: it is not installed; says how to install it.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise InputError(
            f"{wanted_by}: {error.name} is not installed. "
            "Install the extra: pip install 'circuitzoo[torch]'."
        ) from None
