"""Compiled functions kept between commands: where, and that nothing else changes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from zoo.jit_cache import PLACE, keep_compiled_functions

FLAGS = ("JAX_COMPILATION_CACHE_MAX_SIZE", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS")
SORT = [sys.executable, "-m", "zoo", "run", "sort", "--input", "[3,1,2]"]


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return the user's cache, with nothing of jax's set."""
    for name in (PLACE, *FLAGS):
        # set first, so that what the test sets is taken back
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("CIRCUITZOO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_they_are_kept_in_the_users_cache_with_a_bound(cache: Path):
    keep_compiled_functions()
    assert os.environ[PLACE] == str(cache / "jax")
    assert int(os.environ[FLAGS[0]]) == 2**26
    assert (cache / "jax").is_dir()


def test_a_folder_that_is_set_stays(
    cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv(PLACE, str(tmp_path / "mine"))
    keep_compiled_functions()
    assert os.environ[PLACE] == str(tmp_path / "mine")
    assert not cache.exists()


def test_a_cache_that_cannot_be_made_is_done_without(cache: Path):
    cache.write_text("a file")
    keep_compiled_functions()
    assert PLACE not in os.environ


def test_a_command_prints_the_same_from_kept_and_from_damaged_functions(cache: Path):
    # keep everything, so that a small command has something to keep
    environment = {**os.environ, FLAGS[1]: "0"}

    def printed() -> str:
        return subprocess.run(
            SORT, env=environment, capture_output=True, text=True, check=True
        ).stdout

    first = printed()
    assert first == "[1, 2, 3]\n"
    kept = {p: p.read_bytes() for p in (cache / "jax").glob("*-cache")}
    assert kept
    assert printed() == first
    for path, content in kept.items():
        path.write_bytes(content[: len(content) // 2])
    assert printed() == first
