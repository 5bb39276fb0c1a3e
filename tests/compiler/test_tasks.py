"""Several programs at once: the output is a tuple, of which a task is one place."""

from __future__ import annotations

import numpy as np
import pytest

import programs
import zoo
from compiler.errors import InputError, NameLookupError, ProgramError
from compiler.lower.tuple_logits import additive, of_task, spread
from compiler.model import Model
from compiler.verify import verify_outputs


@pytest.fixture(scope="module")
def model() -> Model:
    return zoo.compile("reverse,histogram", vocab="abc", max_len=3)


def test_a_model_of_programs_at_once_computes_each_on_every_input(model: Model) -> None:
    assert verify_outputs(model).wrong == 0
    for tokens in (["a"], ["a", "b"], ["c", "a", "c"]):
        both = zip(tokens[::-1], tokens, strict=True)
        expected = [(end, tokens.count(token)) for end, token in both]
        assert model(tokens) == expected


def test_logits_of_tuples_are_sums_of_those_of_the_tasks() -> None:
    rng = np.random.default_rng(0)
    sizes = (3, 4, 2)
    parts = [rng.normal(size=(5, n)) for n in sizes]
    whole = np.sum([spread(p, i, sizes) for i, p in enumerate(parts)], axis=0)
    best = np.stack([p.argmax(axis=-1) for p in parts])
    assert (whole.argmax(axis=-1) == np.ravel_multi_index(tuple(best), sizes)).all()
    for i, part in enumerate(parts):
        apart = of_task(whole, i, sizes) - part
        assert np.ptp(apart, axis=-1).max() < 1e-12


def test_making_logits_additive_is_a_projection_on_sums() -> None:
    rng = np.random.default_rng(1)
    sizes = (3, 2, 4)
    logits = rng.normal(size=(6, 24))
    nearest = additive(logits, sizes)
    np.testing.assert_allclose(additive(nearest, sizes), nearest, atol=1e-12)
    sums = np.concatenate([spread(np.eye(n), i, sizes) for i, n in enumerate(sizes)])
    fitted = np.linalg.lstsq(sums.T, logits.T, rcond=None)[0].T @ sums
    np.testing.assert_allclose(nearest, fitted, atol=1e-12)


def test_the_name_of_programs_at_once_is_their_names_with_commas() -> None:
    found = programs.find("sort,reverse")
    assert found.name == "sort,reverse"
    assert found.example[1][0] == (1, 2)
    with pytest.raises(NameLookupError, match="no program is named 'sorted'"):
        programs.find("sorted,reverse")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("sort,sort", "sort is there twice"),
        ("sort,indirect_object_identification", "so they cannot share a model"),
        ("binary_counter,tomita_states", "writes one token after the other"),
    ],
)
def test_programs_that_cannot_share_a_model_are_refused(name: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        programs.find(name)


def test_more_tuples_than_the_limit_are_refused_with_the_other_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("compiler.passes.tasks.MOST_TUPLES", 11)
    with pytest.raises(ProgramError, match=r"4 \* 3 = 12 tuples.*NAME\+NAME"):
        zoo.compile("reverse,histogram", vocab="abc", max_len=3)
