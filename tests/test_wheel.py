"""What is in the wheel, and that it works where the repository is not at hand."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from zoo.core_suite import CORE
from zoo.release.shelf import folder_name, versions

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {"compiler", "programs", "zoo"}
SHIPPED = "zoo/shipped/"
MOST_BYTES = 8 * 2**20
"""Bytes that a wheel may have, with the releases of the suite `core`."""
IGNORED = shutil.ignore_patterns(
    *(".*", "__pycache__", "build", "dist", "*.egg-info", "out", "runs"),
    *("tests", "benchmarks", "docs", "examples"),
)

pytestmark = pytest.mark.slow


def run(*arguments: str, cwd: Path, **environment: str) -> str:
    """Return what Python prints when run with `arguments` in the folder `cwd`."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy: setuptools leaves files where it builds."""
    source = tmp_path_factory.mktemp("source") / "circuitzoo"
    shutil.copytree(ROOT, source, ignore=IGNORED)
    for folder in ("tests", "releases", "benchmarks"):  # there to be left out
        (source / folder).mkdir(exist_ok=True)
        (source / folder / "__init__.py").touch()
    out = tmp_path_factory.mktemp("dist")
    run("-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), cwd=source)
    (found,) = out.glob("circuitzoo-*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's packages and nothing of the repository."""
    target = tmp_path_factory.mktemp("installed")
    pip = ("-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target")
    run(*pip, str(target), str(wheel), cwd=target)
    return target


def test_the_wheel_has_every_file_of_the_packages_and_no_other(wheel: Path) -> None:
    names = {
        name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info" not in name
    }
    files = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name.split("/")[0] for name in names} == PACKAGES
    assert {name for name in names if not name.startswith(SHIPPED)} == files


def test_the_wheel_has_the_newest_core_releases_and_is_under_eight_mebibytes(
    wheel: Path,
) -> None:
    archive = zipfile.ZipFile(wheel)
    there = {
        name.removeprefix(SHIPPED): archive.read(name)
        for name in archive.namelist()
        if name.startswith(SHIPPED)
    }
    index = json.loads(there.pop("index.json"))
    folders = [
        folder_name(name, max(versions(ROOT / "releases", name))) for name in CORE
    ]
    assert [entry["folder"] for entry in index["releases"]] == folders
    assert there == {
        file.relative_to(ROOT / "releases").as_posix(): file.read_bytes()
        for folder in folders
        for file in (ROOT / "releases" / folder).rglob("*")
        if file.is_file()
    }
    assert len(CORE) == 20
    assert wheel.stat().st_size < MOST_BYTES


def test_the_packages_say_that_they_are_typed(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(names)


def test_the_wheel_carries_the_licence_and_the_command(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (info,) = {n.split("/")[0] for n in archive.namelist() if ".dist-info/" in n}
    assert "Apache License" in archive.read(f"{info}/licenses/LICENSE").decode()
    assert "zoo = zoo.cli:main" in archive.read(f"{info}/entry_points.txt").decode()
    metadata = archive.read(f"{info}/METADATA").decode()
    assert "License-Expression: Apache-2.0" in metadata
    extras = {"torch", "clients", "dask", "inseq", "mcp", "docs", "notebooks"}
    extras |= {"tests"}
    assert extras == {
        line.split()[1]
        for line in metadata.splitlines()
        if line.startswith("Provides-Extra:")
    }


def test_an_installed_wheel_compiles_and_runs_a_program(
    installed: Path, tmp_path: Path
) -> None:
    code = (
        "import zoo\n"
        "print(zoo.__file__)\n"
        "model = zoo.compile('reverse', vocab=list('abc'), max_len=4)\n"
        "assert model(list('abc')) == ['c', 'b', 'a'], model(list('abc'))\n"
    )
    printed = run("-c", code, cwd=tmp_path, PYTHONPATH=str(installed))
    assert Path(printed.splitlines()[0]).is_relative_to(installed)


def test_an_installed_wheel_loads_and_scores_a_core_release_from_an_empty_folder(
    installed: Path, tmp_path: Path
) -> None:
    code = (
        "import zoo\n"
        "model = zoo.load('sort-siit')\n"
        "print(model.folder.path)\n"
        "print(model([3, 1, 2]))\n"
        "scores = {str(edge): 1.0 for edge in model.circuit.edges}\n"
        "given = dict(missing=0.0, pairs=16, behaviour=False)\n"
        "print(zoo.score('sort-siit', scores, **given).auroc)\n"
        "print(len(zoo.releases(suite='core')))\n"
    )
    empty = tmp_path / "empty"
    empty.mkdir()
    printed = run(
        "-c",
        code,
        cwd=empty,
        PYTHONPATH=str(installed),
        CIRCUITZOO_CACHE=str(tmp_path / "cache"),
    )
    folder, output, auroc, core = printed.splitlines()
    assert Path(folder).is_relative_to(installed / "zoo/shipped")
    assert output == "[1, 2, 3]"
    assert float(auroc) == 1.0
    assert int(core) == len(CORE)


def test_an_installed_wheel_has_the_command_line(
    installed: Path, tmp_path: Path
) -> None:
    printed = run("-m", "zoo", "--help", cwd=tmp_path, PYTHONPATH=str(installed))
    assert "compile" in printed
