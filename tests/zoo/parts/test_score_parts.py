"""Parameter decompositions against the truth: only what finds the parts wins."""

from __future__ import annotations

import json
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import zoo
from compiler.errors import InputError, NameLookupError
from compiler.machine.forward import logits_batch
from compiler.parts import matrix_of
from zoo.parts.masked import reader_of, run_with
from zoo.parts.score import PartsTask
from zoo.parts.spd import FIELDS, decompose

MATRICES = ("m0.W_in", "a1.h0.W_Q", "W_U")


@pytest.fixture(scope="module")
def task() -> PartsTask:
    model = zoo.compile("reverse", ["a", "b"], 4, rotate=0)
    return zoo.open_parts(model)


def truth(task: PartsTask) -> dict[str, Any]:
    parts = {m: [task.parts[i].array for i in task.of(m)] for m in MATRICES}
    return {m: np.stack(own) for m, own in parts.items()}


def score(task: PartsTask, components: Any, importance: Any = None, **options: Any):
    options = {"baselines": False, **options}
    return zoo.score_parts(task, components, importance, **options)


def test_a_part_is_used_where_removing_it_changes_an_output(task: PartsTask) -> None:
    model = task.model
    places: dict[str, Any] = {"m0.W_in": (0,), "W_U": (), "a1.h0.W_Q": (1, 0)}
    for row in [task.of(m)[0] for m in MATRICES]:
        part = task.parts[row]
        field = part.matrix.split(".")[-1]
        array = np.array(getattr(model.weights, field))
        array[places[part.matrix]] -= part.array.astype(np.float32)
        other = model.transformer.with_arrays(**{field: array})
        logits = np.asarray(logits_batch(other, task.inputs.ids))
        for i in range(0, len(task.inputs), 5):
            words = task.inputs.words(i)
            out = model.decode(logits[i, 1 : len(words) + 1])
            assert (out != model.interpreter(words)["output"]) == task.used[row, i]


def test_the_true_parts_get_one_in_every_order_and_scale_of_u(task: PartsTask) -> None:
    rng = np.random.default_rng(0)
    own = {m: [task.parts[i] for i in rng.permutation(task.of(m))] for m in MATRICES}
    pairs = {
        m: (np.stack([-3 * p.left for p in ps]), np.stack([p.right / -3 for p in ps]))
        for m, ps in own.items()
    }
    report = score(task, pairs)
    for figure in ("to_found", "to_true", "f1", "importance", "faithful", "behaviour"):
        assert getattr(report.claimed, figure) == pytest.approx(1.0, abs=1e-6)
    assert report.missed is None


def test_baselines_and_controls_stand_beside_it(task: PartsTask) -> None:
    report = score(task, truth(task), baselines=True)
    assert list(report.rows) == [
        *("claimed", "oracle", "random", "rows", "singular", "shuffled")
    ]
    for blind in ("random", "rows"):
        assert report.rows[blind].f1 < 0.1
    told = report.rows["shuffled"].importance
    assert told is not None and abs(told - 0.5) < 0.2
    assert json.loads(json.dumps(report.to_json()))["format"] == "circuitzoo.parts"
    assert max(map(len, report.text.splitlines())) <= 80


def whole(task: PartsTask) -> dict[str, Any]:
    return {m: matrix_of(task.model, m)[None] for m in MATRICES}


def huge(task: PartsTask) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    shapes = {m: matrix_of(task.model, m).shape for m in MATRICES}
    drawn = {m: rng.standard_normal((2_000, sum(s))) for m, s in shapes.items()}
    return {m: (d[:, : shapes[m][0]], d[:, shapes[m][0] :]) for m, d in drawn.items()}


def copies(task: PartsTask) -> dict[str, Any]:
    return {m: np.repeat(matrix_of(task.model, m)[None] / 50, 50, 0) for m in MATRICES}


@pytest.mark.parametrize("cheat", [whole, huge, copies])
def test_terms_without_knowledge_win_nothing(task: PartsTask, cheat: Any) -> None:
    found = score(task, cheat(task)).claimed
    assert found.f1 < 0.1
    assert found.importance is None or found.importance == pytest.approx(0.5, abs=0.1)


def test_parts_hidden_in_many_other_terms_lose_precision(task: PartsTask) -> None:
    hidden = {m: np.concatenate([a, a[:, ::-1]] * 10) for m, a in truth(task).items()}
    flat = {m: np.ones((len(t), len(task.inputs))) for m, t in hidden.items()}
    found = score(task, hidden, flat).claimed
    assert found.recall.share == 1.0 and found.f1 < 0.2


def test_importance_that_is_the_same_everywhere_tells_nothing(task: PartsTask) -> None:
    terms = truth(task)
    flat = {m: np.ones((len(t), len(task.inputs))) for m, t in terms.items()}
    assert score(task, terms, flat).claimed.importance == 0.5
    right = {m: task.used[task.of(m)].astype(float) for m in MATRICES}
    assert score(task, terms, right).claimed.importance == 1.0


def test_masked_terms_that_add_up_run_as_the_model(task: PartsTask) -> None:
    weights, ids = task.model.weights, task.inputs.ids[5]
    size = task.model.config.d_model
    values, masks = {}, {}
    for field in FIELDS:
        array = np.asarray(getattr(weights, field))
        array = array[None] if field == "W_U" else array
        u = np.broadcast_to(np.eye(size, dtype=np.float32), (*array.shape[:-1], size))
        values[field] = {"u": u, "v": array}
        masks[field] = np.ones((*array.shape[:-2], len(ids), size), np.float32)
    transformer = jax.tree.map(jnp.asarray, task.model.transformer)
    found = run_with(transformer, jnp.asarray(ids), reader_of(values, masks))
    clean = np.asarray(logits_batch(task.model.transformer, ids[None]))[0]
    assert np.allclose(found, clean, atol=1e-3)


def test_our_decomposition_adds_up_and_has_importance(task: PartsTask) -> None:
    terms, importance = decompose(task, terms=8, steps=20)
    found = score(task, terms, importance).claimed
    assert found.faithful > 1 - 1e-6 and found.behaviour == 1.0
    for name, (u, v) in terms.items():
        assert len(u) == len(v) == len(importance[name])


def test_bad_components_are_refused_with_what_to_do(task: PartsTask) -> None:
    good = truth(task)["m0.W_in"]
    bad: dict[str, Any] = {
        "found list, expected a dictionary": [good],
        r"m0\.W_in: found the shape .* give transposes": {
            "m0.W_in": good.swapaxes(1, 2)
        },
        r"found u \(2, 3\) and v \(1, 3\)": {
            "m0.W_in": (np.zeros((2, 3)), np.zeros((1, 3)))
        },
        "that are NaN": {"m0.W_in": good * np.nan},
        "found str, expected": {"m0.W_in": "parts"},
        "found 0 terms": {"m0.W_in": good[:0]},
    }
    for text, components in bad.items():
        with pytest.raises(InputError, match=text):
            score(task, components)
    with pytest.raises(NameLookupError, match="no matrix is named"):
        score(task, {"m9.W_in": good})
    with pytest.raises(InputError, match=r"expected \[term, input\]"):
        score(task, {"m0.W_in": good}, {"m0.W_in": np.ones(3)})
    with pytest.raises(InputError, match="found none for"):
        score(task, {"m0.W_in": good}, {})
    with pytest.raises(InputError, match="threshold is 0"):
        score(task, {"m0.W_in": good}, threshold=0.0)
    with pytest.raises(InputError, match="terms is 0"):
        decompose(task, terms=0)
