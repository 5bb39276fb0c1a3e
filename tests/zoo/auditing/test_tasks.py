"""Each task of a model of several programs at once has a truth of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import programs
import zoo
from compiler.errors import NameLookupError
from compiler.lower.tuple_logits import additive
from compiler.machine.weights import Weights, init
from compiler.model import Model
from compiler.pipeline import read_source
from compiler.verify import verify_outputs
from zoo.auditing.classes import find_in_class
from zoo.auditing.subject import subject_of
from zoo.auditing.tasks import model_of_task, tasks_of
from zoo.cases.case import open_subject
from zoo.training.loop import each_task_by_itself
from zoo.training.recipe import Recipe
from zoo.training.run import prepare
from zoo.training.session import causal_model

TASKS = ("reverse", "histogram")


@pytest.fixture(scope="module")
def model() -> Model:
    return zoo.compile("reverse,histogram", vocab="abc", max_len=3)


def test_each_task_gives_its_place_of_the_tuple(model: Model) -> None:
    tokens = [list(t) for t in ("a", "bb", "cab", "aca")]
    whole = model.batch(tokens)
    for place, task in enumerate(TASKS):
        one = model_of_task(model, task)
        assert one.batch(tokens) == [[v[place] for v in row] for row in whole]
        assert verify_outputs(one).wrong == 0


def test_the_circuits_of_the_tasks_make_up_the_circuit(model: Model) -> None:
    parts = [model_of_task(model, task).circuit for task in TASKS]
    assert {e for part in parts for e in part.edges} == set(model.circuit.edges)
    for edge in model.circuit.edges:
        carried = {n for p in parts for n in p.carries.get(edge, ())}
        assert carried == set(model.circuit.carries[edge])


def test_a_task_uses_the_edges_that_its_program_uses_by_itself(model: Model) -> None:
    assert tasks_of(subject_of(model)) == TASKS
    found = find_in_class(subject_of(model), "histogram", pairs=64)
    assert found.outside.hits == 0
    assert found.all_edges.hits == found.all_edges.total
    assert all(edge.status == "used" for edge in found.circuit)
    alone = zoo.compile("histogram", vocab="abc", max_len=3)
    assert len(found.circuit) == len(alone.circuit.edges)


def test_a_task_of_a_saved_model_is_found_by_its_name(
    model: Model, tmp_path: Path
) -> None:
    zoo.save(model, tmp_path / "both")
    one, subject = open_subject(f"{tmp_path / 'both'}:reverse")
    assert one(["a", "b"]) == ["b", "a"]
    assert subject.circuit.edges == model_of_task(model, "reverse").circuit.edges
    with pytest.raises(NameLookupError, match="no task is named 'revers'"):
        open_subject(f"{tmp_path / 'both'}:revers")


def test_training_keeps_the_logits_of_the_tasks_apart() -> None:
    causal = causal_model(read_source(programs.find("reverse,histogram"), "abc", 3))
    run = prepare(causal, Recipe(d_mlp=8, inputs=39))
    drawn = Weights(*map(np.asarray, init(run.config, 0)))
    kept, sizes = each_task_by_itself(run, drawn), causal.task_sizes
    np.testing.assert_allclose(additive(kept.W_U, sizes), kept.W_U, atol=1e-6)
    readers = [str(e) for e in run.placement.circuit.edges if e.reader == "logits"]
    outputs = ("reverse", "histogram.frequency")
    assert sorted(readers) == sorted(
        f"{run.placement.node[v]}->logits" for v in outputs
    )
