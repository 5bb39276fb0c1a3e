"""All releases of a folder are checked, and a bad one is named and stops no other."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

import zoo
from compiler.errors import InputError
from zoo.cli import main
from zoo.release.shelf import find_release

GOOD = "reverse-compiled"


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a release, and with a copy of it in which a file was altered."""
    published = find_release(GOOD, 1)
    assert published is not None
    for version in ("", ".v2"):
        shutil.copytree(published, tmp_path / f"{GOOD}{version}")
    card = tmp_path / f"{GOOD}.v2" / "release.json"
    card.write_text(card.read_text().replace('"version": 1', '"version": 2'))
    monkeypatch.setenv("CIRCUITZOO_RELEASES", str(tmp_path))
    return tmp_path


def test_a_bad_release_is_named_and_the_others_are_checked(shelf, monkeypatch, capsys):
    names = f"name={GOOD} and version>=1"
    one, other = zoo.verify_releases(names, jobs=2, quick=True, progress=False)
    assert (one.name, other.name) == (f"{GOOD}@1", f"{GOOD}@2")
    assert one.right and one.files > 5 and not one.fault
    assert not other.right and "SHA-256 digest" in other.failure
    found = lambda *_, **__: (one, other)  # noqa: E731
    monkeypatch.setattr("zoo.release_verification.verify_releases", found)
    argv = ["zoo", "verify", "--releases", "--quick", "--suite", names, "--jobs", "2"]
    monkeypatch.setattr(sys, "argv", argv)
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 1
    out = capsys.readouterr().out
    assert f"{GOOD}@2: release.json: found" in out and "1 right, 1 not" in out
    assert all(len(line) <= 80 for line in out.splitlines())


def test_mistakes_are_told(monkeypatch, capsys):
    with pytest.raises(InputError, match="found none in 'layers>99'"):
        zoo.verify_releases("layers>99")
    with pytest.raises(InputError, match="at least one process"):
        zoo.verify_releases(jobs=0)
    for arguments, expected in (
        (["sort", "--releases"], "give it alone"),
        (["sort", "--suite", "core"], "--suite goes with --releases"),
    ):
        monkeypatch.setattr(sys, "argv", ["zoo", "verify", *arguments])
        with pytest.raises(SystemExit):
            main()
        assert expected in capsys.readouterr().err
