"""docs/findings.md quotes what was measured, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def numbers(data: Any) -> Iterator[float]:
    """Yield every number in JSON values."""
    if isinstance(data, dict):
        data = list(data.values())
    if isinstance(data, list):
        for value in data:
            yield from numbers(value)
    elif isinstance(data, int | float) and not isinstance(data, bool):
        yield data


def test_every_figure_of_the_page_was_measured() -> None:
    page = (ROOT / "docs/findings.md").read_text(encoding="utf-8")
    text = (ROOT / "benchmarks/results/findings.json").read_text(encoding="utf-8")
    known = {f"{v:.{digits}f}" for v in numbers(json.loads(text)) for digits in (2, 3)}
    quoted = set(re.findall(r"(?<![\w.])\d+\.\d{2,3}(?!\d)", page))
    assert len(quoted) > 20
    assert quoted - known == set()
