"""Small releases, a cache of the test's own, and no connection but to this machine."""

from __future__ import annotations

import pytest

import zoo
from zoo.auditing.certificate import audit
from zoo.release.build import Draft, release_files
from zoo.release.shelf import add


@pytest.fixture(scope="session")
def reverse_files() -> dict[str, bytes]:
    """The files of a small release, `small-reverse`."""
    model = zoo.compile("reverse", vocab=list("ab"), max_len=3)
    return release_files(Draft("small-reverse", 1, model, audit(model, pairs=30)))


@pytest.fixture
def small(tmp_path, reverse_files):
    """A folder of releases with `small-reverse` in it."""
    folder, _ = add(tmp_path / "shelf", "small-reverse", 1, reverse_files)
    return folder


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """Nothing of the user's, and nothing set."""
    monkeypatch.setenv("CIRCUITZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("CIRCUITZOO_INDEX", raising=False)
    monkeypatch.setattr("zoo.release.fetch.PAUSE", 0.0)
    return tmp_path / "cache"
