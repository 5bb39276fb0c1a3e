"""Lenses: when the output can be read, against when the circuit computes it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import zoo
from compiler.errors import InputError, NameLookupError
from compiler.model import Model
from zoo.reading.lens import computed_layer
from zoo.reading.lens_report import LensReport
from zoo.reading.lenses import LensTask


@pytest.fixture(scope="module")
def model() -> Model:
    return zoo.compile("reverse", ["a", "b", "c"], 4)


@pytest.fixture(scope="module")
def report(model: Model) -> LensReport:
    return zoo.score_lens(model, "logit-lens")


def test_the_output_is_computed_where_the_circuit_says(model: Model) -> None:
    assert model.sites["output"].node == "a1.h0" and computed_layer(model) == 2


def test_the_logit_lens_reads_a_compiled_output_when_it_is_computed(
    report: LensReport,
) -> None:
    assert report.readable() == report.computed == 2
    assert report.late() == 0.0 and report.score("oracle") == 1.0
    assert max(map(len, report.text.splitlines())) <= 80
    assert json.loads(json.dumps(report.to_json()))["format"] == "circuitzoo.lens"


def test_the_decoder_lens_runs_the_last_layer_and_so_reads_before(
    report: LensReport,
) -> None:
    assert report.readable("decoder-lens") == 1


def test_lenses_at_the_end_are_the_model(report: LensReport) -> None:
    for lens in ("logit-lens", "decoder-lens", "oracle"):
        assert report.gained(lens)[-1] == 1.0


def test_what_variables_tell_before_is_what_a_table_of_them_tells(
    model: Model, report: LensReport
) -> None:
    # In front of layer 0 a position knows its token and its place, by enumeration.
    import itertools

    rows: dict[Any, list[str]] = {}
    for n in range(1, 5):
        for word in itertools.product("abc", repeat=n):
            for place, (token, out) in enumerate(zip(word, word[::-1], strict=True)):
                rows.setdefault((token, place), []).append(out)
    best = {key: max("abc", key=outs.count) for key, outs in rows.items()}
    by_value = {v: [0, 0] for v in "abc"}
    for key, outs in rows.items():
        for out in outs:
            by_value[out][0] += out == best[key]
            by_value[out][1] += 1
    right = np.mean([hit / total for hit, total in by_value.values()])
    assert report.gained("oracle")[0] == pytest.approx((right - 1 / 3) * 1.5, abs=0.1)


def constant(task: LensTask, layer: int) -> Any:
    logits = np.zeros_like(task.logits)
    logits[..., 1] = 1.0
    return logits


def memorise(task: LensTask, layer: int) -> Any:
    logits = np.zeros_like(task.logits)
    logits[task.known] = np.asarray(task.logits)[task.known]
    return logits


@pytest.mark.parametrize("cheat", [constant, memorise])
def test_a_lens_without_knowledge_gains_nothing(model: Model, cheat: Any) -> None:
    found = zoo.score_lens(model, cheat, baselines=False)
    assert np.abs(found.gained()).max() < 0.51 * (cheat is memorise) + 1e-9
    assert found.readable() is None and found.score() < 0.8


def test_reading_the_answer_before_it_is_computed_does_not_score(
    model: Model,
) -> None:
    found = zoo.score_lens(model, lambda task, layer: task.logits, baselines=False)
    assert found.readable() == 0 and found.early() == 1.0
    assert found.score() < found.score("oracle")


def test_shuffled_lenses_are_at_chance(report: LensReport) -> None:
    assert report.gained("shuffled").max() < 0.15


def test_bad_lenses_are_refused(model: Model) -> None:
    with pytest.raises(NameLookupError, match="Did you mean 'logit-lens'"):
        zoo.score_lens(model, "logit_lens")
    with pytest.raises(InputError, match="expected finite logits"):
        zoo.score_lens(model, lambda task, layer: np.zeros(3))
    with pytest.raises(InputError, match="inputs is 0"):
        zoo.score_lens(model, inputs=0)
