"""The method of docs/scoring.md is thirty lines, and runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[3] / "docs" / "scoring.md"


def test_the_method_of_the_page_runs_as_it_stands() -> None:
    (code,) = re.findall(
        r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL
    )
    assert len(code.splitlines()) <= 30
    space: dict[str, Any] = {}
    exec(code, space)
    assert space["report"].auroc > 0.9
    assert [cell.status for cell in space["table"].cells] == ["ok", "ok"]
