"""The page on the zoo is what its command writes, and its counts are the releases'."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import zoo
from zoo.composition import PAGE, attempt_of, composition_page
from zoo.release.released import Released
from zoo.training.check import Check


def test_the_page_is_what_the_command_writes():
    assert PAGE.read_text(encoding="utf-8") == composition_page(), (
        "python -m zoo.composition writes it anew"
    )


def test_every_release_is_on_the_page_and_counted():
    lines = composition_page().splitlines()
    every = zoo.releases()
    assert f"| releases | {len(every)} |" in lines
    for release in every:
        assert sum(f"`{release['name']}`" in line for line in lines) == 1, release


def run_of(folder: Path, step: int, node: float) -> Path:
    """Return the folder of a run of 9,000 steps with one check, made by hand."""
    released = zoo.load("bigram-gpt2")
    assert isinstance(released, Released)
    text = released.folder.text("recipe.toml")
    assert "\nsteps = 9000\n" in text
    place = folder / f"bigram-gpt2-{step}-{node}"
    place.mkdir()
    (place / "recipe.toml").write_text(text)
    check = Check(
        step=step,
        loss=0.1,
        behaviour=1.0,
        interchange={"a0.h0": 1.0},
        nodes={"m0": node},
        worst_edge="",
        edges=1.0,
        all_edges=1.0,
        ablations={"zero, worst node": 1.0},
        searched=10,
        adversary=1.0,
    )
    (place / "history.json").write_text(json.dumps([asdict(check)]))
    return place


def test_an_attempt_is_a_run_that_ended_below_a_threshold(tmp_path: Path):
    assert attempt_of(run_of(tmp_path, 9000, 1.0)) is None
    assert attempt_of(run_of(tmp_path, 500, 0.5)) is None  # it goes on
    found = attempt_of(run_of(tmp_path, 9000, 0.5))
    assert found == {
        "program": "bigram",
        "like": "gpt2",
        "steps": 9000,
        "missed": "nodes 0.5000, at least 0.998",
    }
