"""A user's file that has the name of one of our packages: it works, or says why not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
USE = "import zoo\nprint(zoo.list('reverse')[0].name)\n"


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder, with zoo as if it were installed (last on the path)."""
    place = folder.parent / "installed"
    place.mkdir(exist_ok=True)
    (place / "sitecustomize.py").write_text(
        f"import sys\nsys.path.append({str(ROOT)!r})\n"
    )
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(place), "PATH": "", "HOME": str(folder.parent)},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


@pytest.mark.parametrize("name", ["programs.py", "compiler.py"])
def test_a_script_with_such_a_name_runs(folder: Path, name: str):
    (folder / name).write_text(USE)
    done = run(folder, name)
    assert done.returncode == 0, done.stderr
    assert "reverse" in done.stdout


@pytest.mark.parametrize("name", ["programs.py", "compiler.py"])
def test_the_command_line_passes_over_such_a_file(folder: Path, name: str):
    (folder / name).write_text("raise RuntimeError('imported')")
    done = run(folder, "-m", "zoo", "list", "median")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["programs.py", "compiler.py", "programs/__init__.py"])
def test_a_module_that_may_be_wanted_is_named(folder: Path, name: str):
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("mine = 1")
    done = run(folder, "-c", USE)
    assert done.returncode == 1
    told = done.stderr.strip().splitlines()[-2:]
    package = name.partition("/")[0].removesuffix(".py")
    path = folder / name
    shown = path.parent if path.name == "__init__.py" else path
    assert str(shown) in told[0] and f"hides the package {package!r}" in told[0]
    assert told[1].startswith("Rename it")


def test_the_error_is_an_import_error_and_a_zoo_error(folder: Path):
    (folder / "compiler.py").write_text("")
    code = (
        "try:\n    import zoo\n"
        "except ImportError as error:\n"
        "    print([k.__name__ for k in type(error).__mro__])\n"
    )
    done = run(folder, "-c", code)
    assert "'ZooError'" in done.stdout and "'ImportError'" in done.stdout, done.stderr


def test_a_folder_of_other_things_is_passed_over(folder: Path):
    (folder / "programs").mkdir()
    (folder / "programs" / "notes.txt").write_text("mine")
    done = run(folder, "-c", USE)
    assert done.returncode == 0, done.stderr


def test_a_module_of_theirs_that_is_imported_already_is_told(folder: Path):
    (folder / "programs.py").write_text("mine = 1")
    (folder / "my.py").write_text("import programs\n" + USE)
    done = run(folder, "my.py")
    assert done.returncode == 1
    assert "hides the package 'programs'" in done.stderr
