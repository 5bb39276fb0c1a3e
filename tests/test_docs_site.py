"""The documentation as a site: it builds without a warning, and nothing is missing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import zoo

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet"]
    ran = subprocess.run(
        [*command, "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    return folder


def test_every_page_of_the_docs_is_there_and_can_be_searched(site):
    index = (site / "search" / "search_index.json").read_text()
    for page in (ROOT / "docs").glob("*.md"):
        assert (site / page.stem / "index.html").is_file(), page.name
        assert f'"location":"{page.stem}/' in index, page.name


def test_every_public_function_is_in_the_reference(site):
    page = (site / "reference" / "index.html").read_text()
    headings = set(re.findall(r'<h[23] id="([^"]+)"', page))
    for name, place in zoo._PLACES.items():
        assert place.replace(":", ".") in headings, name


def test_a_visit_asks_no_other_server_for_anything(site):
    for page in site.rglob("*.html"):
        asked = re.findall(
            r'<(?:script|img|link)[^>]+(?:src|href)="(https?://[^"]+)',
            page.read_text(),
        )
        assert not asked, page
