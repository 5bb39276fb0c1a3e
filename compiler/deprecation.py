"""Old names of functions' arguments and of attributes, which work for one version more.

Whoever uses an old name is warned (`DeprecationWarning`) and told the new one.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

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
