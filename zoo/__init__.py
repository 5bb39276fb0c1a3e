"""Transformers whose circuits are known and proven.

    import zoo
    model = zoo.compile("reverse", vocab=list("abc"), max_len=8)
    model(list("abc"))            # ['c', 'b', 'a']

Importing this package loads nothing else: each name is fetched when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from compiler import errors
    from compiler.machine.patch import Patch
    from compiler.model import Model
    from zoo import tasks
    from zoo.api import (
        audit,
        compile,
        compress,
        data,
        evaluate,
        has_run,
        load,
        programs,
        releases,
        save,
        score,
        score_alignment,
        score_dictionary,
        train,
    )
    from zoo.cases.case import open_case
    from zoo.release.released import Released
    from zoo.scoring.hypotheses import examine_circuit
    from zoo.training.recipe import Recipe

# Public name -> the module it is in; None where it is the module.
_PLACES: dict[str, tuple[str, str | None]] = {
    "Model": ("compiler.model", "Model"),
    "Patch": ("compiler.machine.patch", "Patch"),
    "Released": ("zoo.release.released", "Released"),
    "Recipe": ("zoo.training.recipe", "Recipe"),
    "audit": ("zoo.api", "audit"),
    "compile": ("zoo.api", "compile"),
    "compress": ("zoo.api", "compress"),
    "data": ("zoo.api", "data"),
    "errors": ("compiler.errors", None),
    "evaluate": ("zoo.api", "evaluate"),
    "examine_circuit": ("zoo.scoring.hypotheses", "examine_circuit"),
    "has_run": ("zoo.api", "has_run"),
    "load": ("zoo.api", "load"),
    "open_case": ("zoo.cases.case", "open_case"),
    "programs": ("zoo.api", "programs"),
    "releases": ("zoo.api", "releases"),
    "save": ("zoo.api", "save"),
    "score": ("zoo.api", "score"),
    "score_alignment": ("zoo.api", "score_alignment"),
    "score_dictionary": ("zoo.api", "score_dictionary"),
    "tasks": ("zoo.tasks", None),
    "train": ("zoo.api", "train"),
}

__all__ = [
    "Model",
    "Patch",
    "Recipe",
    "Released",
    "audit",
    "compile",
    "compress",
    "data",
    "errors",
    "evaluate",
    "examine_circuit",
    "has_run",
    "load",
    "open_case",
    "programs",
    "releases",
    "save",
    "score",
    "score_alignment",
    "score_dictionary",
    "tasks",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'zoo' has no attribute {name!r}")
    place, attribute = _PLACES[name]
    module = importlib.import_module(place)
    value = module if attribute is None else getattr(module, attribute)
    globals()[name] = value  # next time it is found without coming here
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
