"""A gallery of a few releases, made once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from zoo.gallery.site import site
from zoo.release.fields import RELEASE
from zoo.release.released import Released, load_released

ROOT = Path(__file__).parents[3]
SHOWN = ("reverse-compiled", "maximum-siit", "maximum-siit.v2")


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two releases, one of them in two versions, and one that is broken."""
    folder = tmp_path_factory.mktemp("releases")
    for name in SHOWN:
        shutil.copytree(ROOT / "releases" / name, folder / name)
    (folder / "broken").mkdir()
    (folder / "broken" / RELEASE).write_text("{<script>")
    return folder


@pytest.fixture(scope="session")
def gallery(shelf: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of these releases, without runs of their models."""
    out = tmp_path_factory.mktemp("site") / "out"
    return site(out, releases=shelf, runs=False, progress=False)


@pytest.fixture(scope="session")
def proven() -> Released:
    """A release with a full certificate and proven bounds."""
    return load_released(ROOT / "releases/maximum-siit.v2")
