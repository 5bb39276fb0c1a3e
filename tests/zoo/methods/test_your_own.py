"""The examples of docs/scoring.md run as they stand; a method is thirty lines."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "scoring.md"


def examples() -> list[str]:
    return re.findall(
        r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL
    )


def test_the_method_of_the_page_runs_as_it_stands() -> None:
    code, *_ = examples()
    assert len(code.splitlines()) <= 30
    space: dict[str, Any] = {}
    exec(code, space)
    assert space["report"].auroc > 0.9
    assert [cell.status for cell in space["table"].cells] == ["ok", "ok"]


@pytest.mark.slow
def test_the_claims_of_the_page_run_as_they_stand(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, code, *_ = examples()
    space: dict[str, Any] = {}
    exec(code, space)
    claim, found = space["claim"], space["found"]
    assert claim.right_site and claim.claimed.cause.share > 0.95
    assert claim.random_subspace.cause.share < 0.5
    assert found.figures.to_found > found.random.to_found
    assert capsys.readouterr().out == f"{claim}\n{found}\n"
