"""Old names of arguments, attributes and classes, which work for one version more.

Whoever uses an old name is warned (`DeprecationWarning`) and told the new one.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def warn_renamed(old: str, new: str, stacklevel: int = 3) -> None:
    """Warn that something has a new name.

    Args:
        old: the name that was used.
        new: the name to use.
        stacklevel: which caller the warning points to; 3 is the caller of the function
            that calls this one.
    """
    warnings.warn(
        f"{old} is now {new}; the old name goes away in the next version",
        DeprecationWarning,
        stacklevel=stacklevel,
    )


def accept_old_arguments(**renamed: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator with which a function also takes arguments by old names.

    Args:
        renamed: by old name, the new one.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            for old in renamed.keys() & kwargs.keys():
                new = renamed[old]
                if new in kwargs:
                    raise TypeError(f"{new} was given twice, once as {old}")
                warn_renamed(f"the argument {old}", new)
                kwargs[new] = kwargs.pop(old)
            return function(*args, **kwargs)

        return call

    return decorate


def keep_old_names(module: str, **renamed: str) -> Callable[[str], Any]:
    """Return a `__getattr__` with which a module also answers to old names.

    Args:
        module: the name of the module, `__name__` there.
        renamed: by old name, the new one.
    """

    def find(name: str) -> Any:
        if name not in renamed:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        warn_renamed(f"{module}.{name}", renamed[name])
        return getattr(sys.modules[module], renamed[name])

    return find
