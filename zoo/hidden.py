"""Whether another file stands in front of one of our packages, and what is done then.

The packages `compiler` and `programs` stand beside `zoo`. Python takes the first module
of a name on its path, so a user's `programs.py` beside their script would be imported
in the place of ours. Nothing is imported here but the standard library.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

PACKAGES = ("compiler", "programs")
ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))


def check_packages() -> None:
    """Make sure that our packages are found, whatever else has their names.

    A file that nobody can want to import (the script that is running, anything while
    the command line runs, a folder without modules) is passed over.

    Raises:
        ImportError: a user's module has the name of one of our packages. It is a
            ZooError, too.
    """
    for name in PACKAGES:
        place = _place_of(name)
        if place is None or _same(place, _ours(name)):
            continue
        if name in sys.modules or not _is_passed_over(place):
            raise _hidden(name, place)
        if not any(isinstance(finder, _Beside) for finder in sys.meta_path):
            finders: list[Any] = sys.meta_path
            finders.insert(0, _Beside())


class _Beside:
    """Finds our packages beside `zoo`, and nothing else."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        if path is not None or fullname not in PACKAGES:
            return None
        folder = os.path.join(ROOT, fullname)
        return importlib.util.spec_from_file_location(
            fullname, _ours(fullname), submodule_search_locations=[folder]
        )


def _ours(name: str) -> str:
    return os.path.join(ROOT, name, "__init__.py")


def _place_of(name: str) -> str | None:
    """Return the file, or the folder, that is imported under a name."""
    if name in sys.modules:
        module: Any = sys.modules[name]
        return getattr(module, "__file__", None) or _folder(module.__path__)
    spec = importlib.util.find_spec(name)
    if spec is None:
        return None
    return spec.origin or _folder(spec.submodule_search_locations)


def _folder(places: Any) -> str | None:
    return next(iter(places or ()), None)


def _same(one: str, other: str) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def _is_passed_over(place: str) -> bool:
    """Return whether nobody can want to import what is there."""
    if os.path.isdir(place):
        return not any(name.endswith(".py") for name in os.listdir(place))
    script = getattr(sys.modules.get("__main__"), "__file__", None)
    return _is_command() or (script is not None and _same(place, script))


def _is_command() -> bool:
    """Return whether this is `python -m zoo`, or the command `zoo`."""
    if sys.argv and os.path.basename(sys.argv[0]) in ("zoo", "zoo.exe"):
        return True
    given = sys.orig_argv
    return "-m" in given and given[given.index("-m") + 1 :][:1] == ["zoo"]


def _hidden(name: str, place: str) -> ImportError:
    """Return the error; its base is loaded by itself, for `compiler` may be hidden."""
    path = os.path.join(ROOT, "compiler", "errors.py")
    spec = importlib.util.spec_from_file_location("compiler.errors", path)
    assert spec is not None and spec.loader is not None
    errors = sys.modules.get("compiler.errors")
    if getattr(errors, "__file__", None) != path:
        errors = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(errors)
    base: Any = errors
    kind = type("HiddenPackageError", (base.ZooError, ImportError), {})
    what = "folder" if os.path.isdir(place) else "file"
    shown = os.path.dirname(place) if place.endswith("__init__.py") else place
    return kind(
        f"{shown} hides the package {name!r} of circuitzoo: Python imports your {what} "
        f"in its place.\nRename it (or run from another folder), and import zoo again."
    )
