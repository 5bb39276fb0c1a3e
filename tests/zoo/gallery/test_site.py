"""`zoo site`: what the command writes, and what it refuses."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.zoo.calls import Call, mistake


def test_the_command_writes_a_site_and_says_how_large_it_is(
    call: Call, shelf: Path
) -> None:
    shutil.copytree(shelf / "reverse-compiled", "releases/reverse-compiled")
    arguments = ("--releases", "releases", "--out", "gallery", "--no-runs")
    found = call("site", *arguments, "--index", "https://example.org/zoo")
    assert found.status == 0, found.err
    assert "1 models" not in found.out
    assert found.out.startswith("1 model, ") and "gallery/index.html" in found.out
    page = Path("gallery/models/reverse-compiled.html").read_text(encoding="utf-8")
    assert "zoo download reverse-compiled --from https://example.org/zoo" in page


def test_a_folder_with_something_else_is_refused_before_anything_is_made(
    call: Call, shelf: Path
) -> None:
    Path("site").mkdir()
    Path("site/thesis.tex").write_text("years of work")
    said = mistake(call, "site", "--releases", shelf)
    assert "holds something else than a site: thesis.tex" in said
    assert Path("site/thesis.tex").read_text() == "years of work"


def test_a_folder_without_releases_is_refused(call: Call, tmp_path: Path) -> None:
    assert "no such folder" in mistake(call, "site", "--releases", "nowhere")
    (tmp_path / "empty").mkdir()
    assert "no releases in empty" in mistake(call, "site", "--releases", "empty")
    assert not Path("site").exists()
