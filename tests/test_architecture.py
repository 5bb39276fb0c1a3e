"""The arrows between packages, read from the imports of every file.

`compiler <- programs <- zoo`; inside the compiler `machine <- lower <- pipeline` and
`rasp <- ir <- passes <- lower`. All imports count, wherever in a file they stand.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import networkx as nx
import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("compiler", "programs", "zoo")

# room -> the rooms it may import. A module belongs to the longest prefix of its name.
ARROWS: dict[str, tuple[str, ...]] = {
    "compiler.errors": (),
    "compiler.files": ("compiler.errors",),
    "compiler.html": (),
    "compiler.grid": ("compiler.escapes",),
    "compiler.escapes": (),
    "compiler.machine": ("compiler.errors",),
    "compiler.picture": (
        "compiler.errors",
        "compiler.escapes",
        "compiler.files",
        "compiler.machine",
    ),
    "compiler.machine.circuit": (
        "compiler.errors",
        "compiler.machine",
        "compiler.picture",
    ),
    "compiler.families": ("compiler.errors", "compiler.machine"),
    "compiler.interchange": (
        "compiler.families",
        "compiler.errors",
        "compiler.files",
        "compiler.machine",
        "compiler.machine.circuit",
    ),
    "compiler.rasp": ("compiler.errors",),
    "compiler.text": (
        "compiler.errors",
        "compiler.rasp",
        "compiler.ir",
        "compiler.passes",
    ),
    "compiler.ir": ("compiler.errors", "compiler.rasp"),
    "compiler.passes": ("compiler.errors", "compiler.rasp", "compiler.ir"),
    "compiler.lower": (
        "compiler.errors",
        "compiler.rasp",
        "compiler.ir",
        "compiler.passes",
        "compiler.machine",
        "compiler.machine.circuit",
    ),
    "compiler.superposed": (
        "compiler.errors",
        "compiler.rasp",
        "compiler.ir",
        "compiler.machine",
    ),
    "compiler": (  # pipeline, model and the other files at its top
        "compiler.errors",
        "compiler.files",
        "compiler.rasp",
        "compiler.text",
        "compiler.ir",
        "compiler.passes",
        "compiler.machine",
        "compiler.machine.circuit",
        "compiler.picture",
        "compiler.escapes",
        "compiler.html",
        "compiler.grid",
        "compiler.families",
        "compiler.interchange",
        "compiler.lower",
        "compiler.superposed",
    ),
    "programs": ("compiler",),
    "zoo.files": (),
    "zoo.causal": ("compiler",),
    "zoo.tasks": ("compiler", "zoo.causal"),
    "zoo.filters": ("compiler", "programs"),
    "zoo.catalogue": (
        "compiler",
        "programs",
        "zoo.causal",
        "zoo.tasks",
        "zoo.filters",
    ),
    "zoo.training": (
        "compiler",
        "programs",
        "zoo.causal",
        "zoo.tasks",
        "zoo.catalogue",
        "zoo.files",
    ),
    "zoo.threads": (),
    "zoo.sampling": ("compiler", "zoo.threads"),
    "zoo.ranking": (),
    "zoo.interrupts": (),
    "zoo.auditing": ("compiler", "programs", "zoo.causal", "zoo.tasks", "zoo.ranking"),
    "zoo.compression": ("compiler", "zoo.causal", "zoo.auditing"),
    "zoo.http_server": ("compiler",),
    "zoo.release": (
        "compiler",
        "programs",
        "zoo.causal",
        "zoo.tasks",
        "zoo.training",
        "zoo.auditing",
        "zoo.compression",
        "zoo.files",
        "zoo.http_server",
    ),
    "zoo.own_file": ("compiler", "programs", "zoo.causal"),
    "zoo.lookup": (
        "compiler",
        "programs",
        "zoo.causal",
        "zoo.catalogue",
        "zoo.release",
        "zoo.files",
        "zoo.own_file",
    ),
    "zoo.cases": (
        "compiler",
        "zoo.causal",
        "zoo.auditing",
        "zoo.release",
        "zoo.lookup",
    ),
    "zoo.annotation": ("compiler", "zoo.causal", "zoo.auditing", "zoo.lookup"),
    "zoo.attribution": (
        "compiler",
        "zoo.causal",
        "zoo.auditing",
        "zoo.lookup",
        "zoo.cases",
        "zoo.ranking",
    ),
    "zoo.methods": ("compiler", "zoo.causal", "zoo.cases", "zoo.own_file"),
    "zoo.alignment": ("compiler", "zoo.causal", "zoo.auditing", "zoo.cases"),
    "zoo.claims": (
        "compiler",
        "zoo.causal",
        "zoo.auditing",
        "zoo.lookup",
        "zoo.own_file",
        "zoo.alignment",
        "zoo.interrupts",
    ),
    "zoo.arena": (
        "compiler",
        "zoo.causal",
        "zoo.sampling",
        "zoo.auditing",
        "zoo.release",
        "zoo.lookup",
        "zoo.cases",
        "zoo.annotation",
        "zoo.claims",
        "zoo.ranking",
        "zoo.http_server",
    ),
    "zoo.finders": ("compiler", "zoo.causal", "zoo.cases", "zoo.alignment"),
    "zoo.steering": (
        "compiler",
        "zoo.causal",
        "zoo.auditing",
        "zoo.lookup",
        "zoo.alignment",
        "zoo.finders",
        "zoo.ranking",
    ),
    "zoo.imported": ("compiler", "zoo.causal", "zoo.auditing"),
    "zoo.parts": (
        "compiler",
        "zoo.causal",
        "zoo.auditing",
        "zoo.lookup",
        "zoo.cases",
        "zoo.alignment",
        "zoo.dictionary",
        "zoo.ranking",
    ),
    "zoo.reading": (
        "compiler",
        "zoo.causal",
        "zoo.auditing",
        "zoo.lookup",
        "zoo.alignment",
        "zoo.annotation",
        "zoo.release",
        "zoo.finders",
        "zoo.steering",
    ),
    "zoo.dictionary": (
        "compiler",
        "zoo.causal",
        "zoo.auditing",
        "zoo.compression",
        "zoo.cases",
        "zoo.alignment",
    ),
    "zoo.scoring": (
        "compiler",
        "programs",
        "zoo.causal",
        "zoo.auditing",
        "zoo.release",
        "zoo.lookup",
        "zoo.cases",
        "zoo.claims",
        "zoo.methods",
        "zoo.ranking",
        "zoo.interrupts",
        "zoo.expressions",
        "zoo.suites",
        "zoo.own_file",
    ),
    "zoo.scoring.finders": ("zoo.finders",),  # an old name
    "zoo.submissions": (
        "compiler",
        "zoo.causal",
        "zoo.auditing",
        "zoo.release",
        "zoo.lookup",
        "zoo.own_file",
        "zoo.cases",
        "zoo.methods",
        "zoo.alignment",
        "zoo.finders",
        "zoo.claims",
        "zoo.attribution",
        "zoo.steering",
        "zoo.scoring",
        "zoo.interrupts",
    ),
    "zoo.progress": (),
    "zoo.expressions": ("compiler",),
    "zoo.core_suite": (),  # setup.py reads it before anything is installed
    "zoo.suites": (
        "compiler",
        "programs",
        "zoo.auditing",
        "zoo.catalogue",
        "zoo.core_suite",
        "zoo.expressions",
        "zoo.release",
    ),
    "zoo.gallery": (
        "compiler",
        "zoo.causal",
        "zoo.auditing",
        "zoo.release",
        "zoo.cases",
        "zoo.scoring",
        "zoo.suites",
        "zoo.progress",
    ),
    "zoo.cluster": ("compiler",),
    "zoo.building": ("compiler", "programs", "zoo"),  # trains, audits and packs
    "zoo": ("compiler", "programs", "zoo"),  # api, commands, demo and others at its top
}

# Reading one of these formats can run code; a release must never be able to.
UNSAFE_MODULES = {"pickle", "marshal", "dill", "cloudpickle", "joblib", "shelve"}
UNSAFE_CALLS = {"eval", "exec", "torch.load", "builtins.eval", "builtins.exec"}
NAMELESS = {"utils", "util", "helpers", "helper", "common", "misc"}
HEAVY = {"jax", "flax", "optax", "datasets", "matplotlib.pyplot", "torch"}


@dataclass(frozen=True)
class Module:
    """A Python file: its dotted name, its folder's name, and what it contains."""

    name: str
    package: str
    tree: ast.Module


def read_modules(root: Path) -> dict[str, Module]:
    """Return every module of the three packages under `root`, by dotted name."""
    modules = {}
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            folder = ".".join(parts[:-1])
            name = folder if parts[-1] == "__init__" else ".".join(parts)
            tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
            modules[name] = Module(name, folder, tree)
    return modules


@cache
def imported_names(module: Module) -> tuple[str, ...]:
    """Return the absolute names of what `module` imports, `a.b.c` for c in a.b."""
    return tuple(_imported_names(module))


def _imported_names(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = module.package.split(".")
                above = above[: len(above) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            yield from (f"{base}.{alias.name}" for alias in node.names)


def imported_modules(module: Module, modules: dict[str, Module]) -> set[str]:
    """Return which of `modules` are imported by `module`."""
    found: set[str] = set()
    for name in imported_names(module):
        if name.split(".")[0] not in PACKAGES:
            continue
        while name and name not in modules:  # a function's name: the module it is in
            name = name.rpartition(".")[0]
        if name:
            found.add(name)
    return found


def room_of(name: str) -> str:
    """Return the room of the module `name`, one of `ARROWS`."""
    while name not in ARROWS:
        name = name.rpartition(".")[0]
    return name


def may_import(source: str, target: str) -> bool:
    """Return whether an arrow leads from module `source` to module `target`."""
    room, other = room_of(source), room_of(target)
    allowed = ARROWS[room]
    return room == other or other in allowed or other.split(".")[0] in allowed


def wrong_arrows(modules: dict[str, Module]) -> list[str]:
    """Return each import against the arrows, as `source -> target`."""
    return [
        f"{name} -> {target}"
        for name, module in modules.items()
        for target in sorted(imported_modules(module, modules))
        if not may_import(name, target)
    ]


def import_cycles(modules: dict[str, Module]) -> list[list[str]]:
    """Return the groups of modules that import one another, in a circle."""
    graph = nx.DiGraph()
    for name, module in modules.items():
        graph.add_edges_from((name, t) for t in imported_modules(module, modules))
    groups = (sorted(group) for group in nx.strongly_connected_components(graph))
    return sorted(g for g in groups if len(g) > 1 or graph.has_edge(g[0], g[0]))


def may_be_unsafe(call: ast.Call) -> bool:
    """Return whether a call is worth writing out, which takes long."""
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    unsafe = {name.rpartition(".")[2] for name in UNSAFE_CALLS}
    return name in unsafe or any(k.arg == "allow_pickle" for k in call.keywords)


def unsafe_uses(module: Module) -> list[str]:
    """Return what in `module` could run code that came with data."""
    found = [n for n in imported_names(module) if n.split(".")[0] in UNSAFE_MODULES]
    found += [n for n in imported_names(module) if n == "torch.load"]
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and may_be_unsafe(node):
            call, given = ast.unparse(node.func), map(ast.unparse, node.keywords)
            if call in UNSAFE_CALLS and "weights_only=True" not in given:
                found.append(f"{call}()")
            for keyword in node.keywords:
                if keyword.arg == "allow_pickle" and (
                    ast.unparse(keyword.value) != "False"
                ):
                    found.append(f"{call}(allow_pickle=...)")
    return [f"{module.name}: {use}" for use in found]


def make_tree(root: Path, files: dict[str, str]) -> dict[str, Module]:
    """Return the modules of a made-up project of `files`, path to text."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return read_modules(root)


@pytest.fixture(scope="module")
def modules() -> dict[str, Module]:
    found = read_modules(ROOT)
    assert {"compiler", "compiler.errors", "programs", "zoo"} <= set(found)
    return found


def test_imports_follow_the_arrows(modules: dict[str, Module]) -> None:
    assert wrong_arrows(modules) == []


def test_an_audit_asks_nothing_of_the_planner(modules: dict[str, Module]) -> None:
    """What a release holds is enough; of the passes it only draws inputs."""
    found = {
        target
        for name, module in modules.items()
        if name.startswith(("zoo.auditing", "zoo.causal"))
        for target in imported_modules(module, modules)
        if target.startswith("compiler.passes")
    }
    assert found == {"compiler.passes.check"}


def test_every_package_has_its_arrows() -> None:
    found = [p.parent for top in PACKAGES for p in (ROOT / top).glob("*/__init__.py")]
    rooms = sorted(f"{path.parent.name}.{path.name}" for path in found)
    assert [room for room in rooms if room not in {*ARROWS, "zoo.commands"}] == []


def test_no_modules_import_each_other_in_a_circle(modules: dict[str, Module]) -> None:
    assert import_cycles(modules) == []


def test_nothing_in_the_packages_can_run_code_that_came_with_data(
    modules: dict[str, Module],
) -> None:
    assert [use for module in modules.values() for use in unsafe_uses(module)] == []


def test_every_module_is_named_for_an_idea(modules: dict[str, Module]) -> None:
    assert [name for name in modules if name.rpartition(".")[2] in NAMELESS] == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("compiler/rasp/a.py", "import zoo"),
        ("compiler/rasp/a.py", "from ..ir import graph"),
        ("compiler/rasp/a.py", "from compiler import model"),
        ("compiler/machine/a.py", "from compiler.rasp.expr import tokens"),
        ("compiler/ir/a.py", "def f():\n    import compiler.passes"),
        ("compiler/lower/a.py", "from compiler.pipeline import compile_program"),
        ("compiler/errors.py", "from compiler import rasp"),
        ("compiler/model.py", "import programs.sorting"),
        ("programs/a.py", "from zoo import score"),
        ("zoo/auditing/a.py", "from zoo.training.loss import batch_loss"),
        ("zoo/causal/a.py", "from zoo.auditing import subject"),
        ("zoo/methods/a.py", "from zoo.scoring.score import score"),
        ("zoo/training/a.py", "from zoo.api import load"),
    ],
)
def test_an_import_against_the_arrows_is_found(
    tmp_path: Path, path: str, text: str
) -> None:
    empty = [f"{p}/__init__.py" for p in (*PACKAGES, "compiler/ir", "compiler/passes")]
    empty += ["compiler/model.py", "compiler/pipeline.py", "compiler/rasp/__init__.py"]
    empty += ["compiler/rasp/expr.py", "programs/sorting.py", "zoo/api.py"]
    empty += ["zoo/training/loss.py", "zoo/auditing/subject.py", "zoo/scoring/score.py"]
    files = {**dict.fromkeys(empty, ""), path: text}
    assert len(wrong_arrows(make_tree(tmp_path, files))) == 1


def test_an_import_along_the_arrows_is_let_pass(tmp_path: Path) -> None:
    files = {
        "compiler/__init__.py": "from compiler.pipeline import compile_program",
        "compiler/pipeline.py": "from .lower import weights\nimport compiler.errors",
        "compiler/lower/__init__.py": "",
        "compiler/lower/weights.py": "from compiler.errors import ZooError",
        "compiler/errors.py": "",
        "programs/__init__.py": "import compiler\nimport compiler.errors",
        "zoo/__init__.py": "from programs import sort\nfrom compiler import lower",
    }
    assert wrong_arrows(make_tree(tmp_path, files)) == []


def test_a_circle_of_late_imports_is_found(tmp_path: Path) -> None:
    files = {
        "zoo/__init__.py": "from zoo.a import f",
        "zoo/a.py": "from zoo.b import g",
        "zoo/b.py": "def g():\n    from . import a\n    return a",
    }
    assert import_cycles(make_tree(tmp_path, files)) == [["zoo.a", "zoo.b"]]


@pytest.mark.parametrize(
    "text",
    [
        "import pickle",
        "from joblib import load",
        "def f(x):\n    return eval(x)",
        "import torch\ntorch.load('x')",
        "from torch import load",
        "import numpy as np\nnp.load('x', allow_pickle=True)",
    ],
)
def test_a_way_to_run_code_is_found(tmp_path: Path, text: str) -> None:
    (module,) = make_tree(tmp_path, {"zoo/a.py": text}).values()
    assert len(unsafe_uses(module)) == 1


def test_reading_tensors_and_nothing_else_is_let_pass(tmp_path: Path) -> None:
    text = "import torch\ntorch.load('x', weights_only=True)"
    (module,) = make_tree(tmp_path, {"zoo/a.py": text}).values()
    assert unsafe_uses(module) == []


def test_a_method_named_eval_is_let_pass(tmp_path: Path) -> None:
    (module,) = make_tree(tmp_path, {"zoo/a.py": "model.eval()"}).values()
    assert unsafe_uses(module) == []


def modules_after(code: str) -> set[str]:
    """Return the modules that are loaded once a new interpreter has run `code`."""
    script = f"{code}\nimport sys\nprint('loaded', *sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split()[1:])


def test_importing_zoo_loads_nothing_heavy() -> None:
    loaded = modules_after("import zoo")
    assert "zoo" in loaded
    assert loaded & HEAVY == set()


def test_the_help_of_the_command_line_loads_nothing_heavy() -> None:
    loaded = modules_after(
        "import sys\n"
        "sys.argv = ['zoo', '--help']\n"
        "from zoo.cli import main\n"
        "try:\n"
        "    main()\n"
        "except SystemExit as stop:\n"
        "    assert not stop.code, stop.code"
    )
    assert "zoo.cli" in loaded
    assert loaded & HEAVY == set()
