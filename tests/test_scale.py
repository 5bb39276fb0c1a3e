"""The figures of docs/scale.md are those that were measured."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.scale import ENTRIES, tables

ROOT = Path(__file__).resolve().parents[1]


def test_the_tables_of_the_page_are_the_recorded_ones() -> None:
    page = (ROOT / "docs/scale.md").read_text(encoding="utf-8")
    text = (ROOT / "benchmarks/results/scale.json").read_text(encoding="utf-8")
    result = json.loads(text)
    assert result["entries"] == ENTRIES == 10**6
    for table in tables(result):
        assert table.as_markdown().rstrip() in page
