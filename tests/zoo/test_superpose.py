"""`zoo superpose`: what it prints is what its functions return."""

from __future__ import annotations

from pathlib import Path

import zoo
from tests.zoo.calls import Call


def test_the_command_saves_the_model_and_prints_its_bound(call: Call, tmp_path: Path):
    done = call("superpose", 9, "--rotate", 2, "--zipf", 1.0, "--out", "ands")
    assert done.status == 0, done.err
    model = zoo.load(tmp_path / "ands")
    bound, found = zoo.bound_readings(model), zoo.measure_readings(model)
    for figure in (bound.error, bound.true_at_least, bound.threshold, found.true):
        assert f"{figure:.4f}" in done.out
    assert "27 ANDs by 18 neurons; 75 features in 48 dimensions" in done.out
    assert "in runs on all 45 sets of inputs" in done.out
    assert model.facts["superposed"]["activity"]["zipf"] == 1.0
    assert model.basis is not None
    assert max(map(len, done.out.splitlines())) <= 80
    again = call("superpose", 9, "--out", "ands")
    assert again.status == 2 and "ands is there already" in again.err


def test_sizes_that_cannot_be_leave_nothing_behind(call: Call, tmp_path: Path):
    done = call("superpose", 9, "--sparsity", 3, "--out", "ands")
    assert done.status == 2 and not (tmp_path / "ands").exists()
    assert "Give at least 16 inputs" in done.err
    done = call("superpose", 9, "--nested", 0.9, "--out", "ands")
    assert done.status == 2
    assert "nested is 0.9; give a number of 0 to 0.5" in done.err
