"""Sparse autoencoders of other libraries, as they are."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from compiler.errors import InputError
from zoo.alignment.places import find_place
from zoo.alignment.tokens import read_tokens
from zoo.cases.case import Case
from zoo.dictionary.coders import score_coder
from zoo.dictionary.score import score_dictionary

SITE = "m0"


class Coder:
    """An autoencoder of ReLU features in torch, with the names that SAELens uses."""

    def __init__(self, rows: np.ndarray, middle: np.ndarray) -> None:
        torch = pytest.importorskip("torch")
        self.W_dec = torch.nn.Parameter(torch.tensor(rows, dtype=torch.float32))
        self.b_dec = torch.tensor(middle, dtype=torch.float32)

    def encode(self, x: Any) -> Any:
        return ((x - self.b_dec) @ self.W_dec.T).relu()

    def decode(self, features: Any) -> Any:
        return features @ self.W_dec + self.b_dec


@pytest.fixture(scope="module")
def planted(rotated: Case) -> Coder:
    """Both signs of all directions in which the site varies: nothing is lost."""
    held = read_tokens(rotated, find_place(rotated.config, SITE))
    right = np.linalg.svd(held - held.mean(axis=0))[2]
    return Coder(np.concatenate([right, -right]), held.mean(axis=0))


def test_a_coder_that_loses_nothing_keeps_all_outputs(
    rotated: Case, planted: Coder
) -> None:
    found = score_coder(rotated, planted, SITE)
    for row in ("coder", "unchanged"):
        assert found[row].explained == pytest.approx(1.0, abs=1e-4)
        assert found[row].behaviour.share == 1.0
    assert found["random"].explained < 0.9
    assert found["coder"].l0 <= len(decoder(planted)) / 2


def decoder(coder: Coder) -> np.ndarray:
    return coder.W_dec.detach().numpy()


def test_a_coder_that_returns_nothing_is_worth_what_zero_is(rotated: Case) -> None:
    rows = np.eye(rotated.config.d_model)[:3]
    empty = Coder(rows, np.zeros(rotated.config.d_model))
    empty.encode = lambda x: 0 * (x @ empty.W_dec.T)  # type: ignore[method-assign]
    found = score_coder(rotated, empty, SITE)["coder"]
    assert found.behaviour == found.zeroed and found.behaviour.share < 1.0
    assert (found.l0, found.dead) == (0.0, 1.0) and found.explained <= 0.0


def test_a_coder_is_a_dictionary_and_its_report_says_both(
    rotated: Case, planted: Coder
) -> None:
    found = score_dictionary(rotated, planted, site=SITE)
    plain = score_dictionary(rotated, decoder(planted), site=SITE)
    assert found.figures == plain.figures and not plain.coders
    assert set(found.coders) == {"coder", "unchanged", "random"}
    assert "outputs kept" in str(found) and "outputs kept" not in str(plain)
    assert (
        json.loads(json.dumps(found.to_json()))["coders"]["coder"]["explained"] > 0.99
    )


def test_what_is_no_coder_of_this_site_says_why(rotated: Case) -> None:
    with pytest.raises(InputError, match="W_dec"):
        score_coder(rotated, np.eye(3), SITE)
    narrow = Coder(np.eye(3), np.zeros(3))
    with pytest.raises(InputError, match="made for this site"):
        score_coder(rotated, narrow, SITE)
