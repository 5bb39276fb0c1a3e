"""One name, one class: what a class is called says which of them is meant.

Names of classes, and of types that have a name, are compared without a leading
underscore over the three packages.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.test_architecture import ROOT, Module, make_tree, read_modules

TRACR = "Tracr's class of that name, beside the one that it is made of"
STAGES = "the same of two stages: over expressions, and over values"
PASSES = "internal to the compiler's stages, where it never meets the other one"

# name -> (the modules that define it, why it may be in several)
SHARED: dict[str, tuple[tuple[str, ...], str]] = {
    **{
        name: (("compiler.rasp.expr", "compiler.rasp.tracr"), TRACR)
        for name in (
            *("Aggregate", "Encoding", "SOp", "Select", "Selector", "SelectorAnd"),
            *("SelectorNot", "SelectorOr", "SelectorWidth"),
        )
    },
    **{
        name: (("compiler.ir.graph", "compiler.ir.typed"), STAGES)
        for name in ("Atom", "Operation", "Width")
    },
    "Formula": (
        ("compiler.ir.formula", "compiler.ir.graph", "compiler.ir.typed"),
        STAGES,
    ),
    "Case": (("compiler.passes.cases", "zoo.cases.case"), PASSES),
    "Indices": (("compiler.ir.interpret", "compiler.rasp.expr"), PASSES),
    "Pair": (("compiler.passes.conjuncts", "zoo.release.released"), PASSES),
    "Place": (("compiler.passes.schedule", "zoo.alignment.places"), PASSES),
    "Problem": (("compiler.passes.infer", "compiler.passes.units"), PASSES),
    "Run": (("compiler.ir.interpret", "compiler.machine.forward"), PASSES),
    "Source": (("compiler.ir.graph", "compiler.pipeline"), PASSES),
    "Table": (("compiler.ir.typed", "zoo.scoring.table"), PASSES),
    "Truth": (("compiler.ir.formula", "zoo.cases.truth"), PASSES),
}


def class_names(module: Module) -> Iterator[str]:
    """Yield the names of a module's classes and named types, without underscores."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ClassDef):
            yield node.name.lstrip("_")
    for node in module.tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id.lstrip("_")
            if name[:1].isupper() and not name.isupper():
                yield name


def shared_names(modules: dict[str, Module]) -> dict[str, tuple[str, ...]]:
    """Return the names that several modules define, with these modules."""
    homes: dict[str, set[str]] = {}
    for name, module in modules.items():
        for found in class_names(module):
            homes.setdefault(found, set()).add(name)
    return {n: tuple(sorted(where)) for n, where in homes.items() if len(where) > 1}


def test_a_class_has_a_name_of_its_own() -> None:
    found = shared_names(read_modules(ROOT))
    assert found == {name: modules for name, (modules, _) in SHARED.items()}


def test_a_name_that_is_given_twice_is_found(tmp_path: Path) -> None:
    files = {
        "compiler/a.py": "class Part: ...\nRows = list[int]\nMOST = 3",
        "programs/b.py": "def f():\n    class _Part: ...\nRow = int",
        "zoo/c.py": "_Rows = dict[str, int]\nMOST = 4\nrows = 1",
    }
    assert shared_names(make_tree(tmp_path, files)) == {
        "Part": ("compiler.a", "programs.b"),
        "Rows": ("compiler.a", "zoo.c"),
    }
