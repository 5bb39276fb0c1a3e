"""The page of the arena shows what the arena answers."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import zoo
from benchmarks import arena
from tests.zoo.arena.conftest import SEED
from zoo.arena import opening
from zoo.arena.calls import CALLS
from zoo.arena.models import HiddenModel
from zoo.arena.session import ArenaSession

PAGE = Path(__file__).parents[3] / "docs/arena.md"


def shown() -> list[tuple[Any, Any]]:
    """Return the calls of the page with their answers."""
    blocks = re.findall(r"^```json\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.M)
    pairs = []
    for block in blocks:
        request, end = json.JSONDecoder().raw_decode(block)
        pairs.append((request, json.loads(block[end:])))
    return pairs


def close(one: Any, other: Any) -> bool:
    """Return whether two answers are the same, logits but for rounding."""
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= 0.03
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(close(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(close, one, other))
    return one == other


def test_every_call_of_the_page_has_the_answer_that_it_shows(
    hidden: HiddenModel,
) -> None:
    session, pairs = ArenaSession(hidden), shown()
    assert {request["call"] for request, _ in pairs} == set(CALLS)
    assert f"--seed {SEED} --layers 1" in PAGE.read_text()
    for request, answer in pairs:
        found = json.loads(
            json.dumps(session.answer_line(json.dumps(request).encode()))
        )
        assert close(found, answer), (request, found)


def test_the_python_of_the_page_does_what_it_shows(
    hidden: HiddenModel, monkeypatch
) -> None:
    monkeypatch.setattr(opening, "make_hidden", lambda *_: hidden)
    (code,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.M)
    assert "zoo.open_arena(budget=2000, seed=7, layers=1)" in code
    opened = zoo.open_arena(budget=2000, seed=7, layers=1)
    assert opened.run([["a", "b", "c"], ["d"]]) == [["a", "c", "c"], ["d"]]
    assert opened.left == 1998


def test_the_figures_of_the_baselines_are_the_benchmarks() -> None:
    text = (PAGE.parents[1] / "benchmarks/results/arena.json").read_text()
    result = json.loads(text)
    means = arena.tables(result)[0]
    (body,) = re.findall(
        r"^\| agent \|.*\n\|.*\n((?:\|.*\n)+)", PAGE.read_text(), re.MULTILINE
    )
    shown_rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in body.splitlines()
    ]
    assert shown_rows == [[*row] for row in means.rows]
    assert f"{len(result['rows'])} compiled models" in PAGE.read_text()
