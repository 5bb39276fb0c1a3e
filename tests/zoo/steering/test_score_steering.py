"""Steering against the program: the truth gets 1, and what knows nothing gets 0."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import zoo
from compiler.errors import InputError, NameLookupError
from compiler.model import Model
from zoo.steering.figures import constant_reached, measure_steering
from zoo.steering.methods import steer, strengthen
from zoo.steering.settings import steering_settings
from zoo.steering.task import SteeringTask

VARIABLE, VALUE = "length", 3


@pytest.fixture(scope="module")
def model() -> Model:
    return zoo.compile("reverse", ["a", "b", "c"], 4)


@pytest.fixture(scope="module")
def task(model: Model) -> SteeringTask:
    return zoo.open_steering(model, VARIABLE, VALUE, examples=64)


def score(task: SteeringTask, vector: Any, **options: Any):
    options = {"baselines": False, **options}
    return zoo.score_steering(task, VARIABLE, VALUE, vector, **options)


def rows_of(model: Model) -> np.ndarray:
    return np.asarray(model.rows[VARIABLE])


def test_outputs_after_setting_are_the_interpreters(task: SteeringTask) -> None:
    test = task.test
    domain = task.inputs.domains[task.inputs.causal.output]
    for row in range(0, len(test), 7):
        words = task.inputs.words(int(test.rows[row]))
        held = task.model.interpreter(words)[VARIABLE]
        for place in np.flatnonzero(test.steered[row]):
            assert held[place - 1] != VALUE
            held[place - 1] = VALUE
        after = task.model.interpreter(words, {VARIABLE: held})["output"]
        for place, value in enumerate(after, start=1):
            if test.after[row, place] >= 0:
                assert domain[test.after[row, place]] == value


def test_the_true_interchange_gets_one(task: SteeringTask) -> None:
    found = score(task, np.zeros(task.model.config.d_model)).rows["interchange"]
    assert found.right.share == found.reached == found.gained == 1.0


def test_moving_the_number_to_its_value_gets_one(task: SteeringTask) -> None:
    rows = rows_of(task.model)
    goal = rows[task.value]
    own = np.linalg.svd(rows - rows.mean(axis=0))[2][0]

    def clamp(held: np.ndarray) -> np.ndarray:
        return held + np.outer((goal - held) @ own, own)

    report = score(task, clamp)
    assert report.claimed.gained == 1.0 and report.counterexample is None
    assert report.right_site and report.method == "clamp"


def test_nothing_added_reaches_nothing_and_breaks_nothing(task: SteeringTask) -> None:
    report = score(task, np.zeros(task.model.config.d_model))
    assert report.claimed.damage == report.claimed.reached == 0.0
    wrong = report.counterexample
    assert wrong is not None and wrong.got == wrong.before != wrong.expected


def test_every_method_and_control_has_a_row(task: SteeringTask) -> None:
    report = score(task, "mean-replacement", baselines=True)
    assert list(report.rows) == [
        *("claimed", "interchange", "random", "shuffled", "untrained"),
        *("difference-of-means", "probe", "sae", "mean-replacement", "edited input"),
    ]
    assert report.claimed.gained == 1.0
    for control in ("random", "shuffled", "untrained"):
        gained = report.rows[control].gained
        assert gained is not None and gained < 0.3
    data = json.loads(json.dumps(report.to_json()))
    assert data["format"] == "circuitzoo.steering"
    assert max(map(len, report.text.splitlines())) <= 80


def constant(task: SteeringTask) -> Any:
    wide = np.asarray(task.model.weights.W_U)[:, 0]
    return lambda held: held + 1e4 * wide


def copy_output(task: SteeringTask) -> Any:
    return lambda held: held * 1.0


def erase(task: SteeringTask) -> Any:
    return lambda held: np.zeros_like(held)


def memorise(task: SteeringTask) -> Any:
    """Return what another token held where this very vector was seen in fitting."""
    rows = task.held[task.known].reshape(-1, task.held.shape[-1])
    seen = {row.tobytes(): rows[-1 - i] for i, row in enumerate(rows[: len(rows) // 9])}

    def recall(held: np.ndarray) -> np.ndarray:
        return np.array([seen.get(row.tobytes(), row) for row in held])

    return recall


@pytest.mark.parametrize("cheat", [constant, copy_output, erase, memorise])
def test_steering_without_knowledge_gains_nothing(model: Model, cheat: Any) -> None:
    task = zoo.open_steering(model, VARIABLE, VALUE, "stream.2", examples=64)
    gained = score(task, cheat(task)).claimed.gained
    assert gained is not None and gained < 0.05


def test_what_one_output_reaches_is_the_best_of_all_outputs(
    task: SteeringTask,
) -> None:
    test = task.test
    sides = [np.argwhere(test.telling), np.argwhere(test.kept)]
    found = []
    for value in range(4):
        hits = [np.mean([test.after[tuple(i)] == value for i in s]) for s in sides]
        found.append(hits[0] + hits[1] - 1)
    assert constant_reached(test) == pytest.approx(max(0.0, *found))
    same = replace(test, after=np.where(test.before >= 0, 1, -1))
    assert constant_reached(same) == 1.0
    figures = measure_steering(task.model.readout, same, [np.eye(4)[same.after]])
    assert figures.reached == 1.0 and replace(figures, floor=1.0).gained is None


def test_settings_that_can_tell_come_first(model: Model) -> None:
    found = steering_settings(model, examples=32)
    assert {s.variable for s in found} == {"length", "opposite_index", "output"}
    assert [s.output for s in found] == sorted(s.output for s in found)
    assert found[0].changed and found[0].telling and found[0].constant < 0.5


def test_strength_is_chosen_on_other_inputs_than_those_measured(
    task: SteeringTask,
) -> None:
    assert not set(task.fit.rows) & set(task.test.rows)
    rows = rows_of(task.model)
    way = rows[-1] - rows[0]
    found = strengthen(task, way)
    cosine = found @ way / np.linalg.norm(found) / np.linalg.norm(way)
    assert abs(cosine) == pytest.approx(1.0, abs=1e-5)
    logits = [steer(task, task.fit, f * found) for f in (1.0, 0.01)]
    one, faint = (
        measure_steering(task.model.readout, task.fit, [found]).reached
        for found in logits
    )
    assert one is not None and faint is not None and one >= faint


def test_all_positions_can_be_steered_at_once(model: Model) -> None:
    task = zoo.open_steering(model, VARIABLE, VALUE, positions="all", examples=64)
    assert (task.test.steered.sum(axis=1) > 1).any()
    found = score(task, "mean-replacement")
    assert found.claimed.reached == found.rows["interchange"].reached == 1.0


def test_bad_input_is_answered_with_what_to_do(
    task: SteeringTask, model: Model
) -> None:
    width = model.config.d_model
    bad: dict[str, Any] = {
        r"found the shape \(3,\), expected numbers \[d_model\]": np.zeros(3),
        "found 1 number that is NaN": np.where(np.arange(width) == 1, np.nan, 0.0),
        "found object, expected numbers": object(),
        r"the function returned the shape \(2,\)": lambda held: np.zeros(2),
    }
    for text, vector in bad.items():
        with pytest.raises(InputError, match=text):
            score(task, vector)
    with pytest.raises(NameLookupError, match="Did you mean 'probe'"):
        score(task, "prob")
    with pytest.raises(NameLookupError, match="Did you mean 'length'"):
        zoo.score_steering(model, "lenght", 3, "probe")
    with pytest.raises(InputError, match="'length' never has the value 9"):
        zoo.score_steering(model, "length", 9, "probe")
    with pytest.raises(InputError, match="one of one, all"):
        zoo.open_steering(model, "length", 3, positions="some")
    with pytest.raises(NameLookupError, match="no site is named 'm9'"):
        zoo.open_steering(model, "length", 3, "m9")


def test_a_seed_gives_the_same_figures_again(task: SteeringTask) -> None:
    one, two = (score(replace(task), "probe").to_json() for _ in range(2))
    assert one == two
