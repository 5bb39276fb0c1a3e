"""Hidden models: a seed gives one model, and a disguise changes nothing but looks."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from compiler.errors import InputError, NameLookupError
from compiler.lower.readout import plain
from compiler.machine.patch import Patch, edge_mask
from compiler.pipeline import read_source
from compiler.text.program import read_program
from compiler.text.source import SourceText
from tests.zoo.arena.conftest import SEED
from zoo.arena.disguise import disguise, disguised_edge
from zoo.arena.models import HiddenModel, make_hidden, sampled_text
from zoo.lookup import open_model


def test_a_seed_gives_the_same_weights_again(
    hidden: HiddenModel,
) -> None:
    sampled_text.cache_clear()
    again = make_hidden("compiled", SEED, layers=1)
    for one, other in zip(hidden.model.weights, again.model.weights, strict=True):
        assert np.array_equal(one, other)


def test_a_compiled_model_computes_its_program_beside_decoys(
    hidden: HiddenModel,
) -> None:
    model = hidden.model
    source = read_source(read_program(SourceText(sampled_text(SEED, 1))))
    assert source.vocab == model.typed.vocab
    for tokens in (list("abcd"), list("ddda"), ["c"]):
        expected = list(model.interpreter(tokens).values())[-1]
        assert model(tokens) == [plain(value) for value in expected]
    assert model.beside is not None
    assert model.basis is not None


def test_a_disguised_model_computes_the_same_by_the_same_edges_elsewhere() -> None:
    model = open_model("release:histogram-siit")
    made, orders = disguise(model, 3)
    names = model.config.names
    assert [sorted(order) for order in orders] == [[0, 1, 2, 3]] * 2
    assert orders != [[0, 1, 2, 3]] * 2
    first, second = list(model.typed.vocab[:3]), list(model.typed.vocab[1:4])
    assert np.allclose(model.logits(first), made.logits(first), atol=1e-3)
    for edge in model.circuit.edges:
        other = disguised_edge(edge, names, orders)
        runs = [
            m.run(first, Patch.edges(edge_mask(names, [e]), m.run(second).writes))
            for m, e in ((model, edge), (made, other))
        ]
        assert np.allclose(runs[0].logits[1:4], runs[1].logits[1:4], atol=1e-3)
        assert other in made.circuit
    one = np.abs(np.asarray(model.run(first).writes))
    assert not np.allclose(one, np.abs(np.asarray(made.run(first).writes)), atol=0.1)


def test_a_trained_model_has_the_edges_of_its_certificate(tmp_path: Path) -> None:
    pool, none = tmp_path / "pool", tmp_path / "none"
    none.mkdir()
    shutil.copytree("releases/histogram-siit", pool / "histogram-siit")
    shutil.copytree("releases/argmax-compiled", pool / "argmax-compiled")
    found = make_hidden("trained", 5, pool)
    assert re.fullmatch("histogram-siit@1 [0-9a-f]{64}", found.origin)
    certificate = open_model(pool / "histogram-siit").certificate  # pyright: ignore
    statuses = [finding.status for finding in certificate.circuit]
    assert found.truth[0].sum() == statuses.count("used")
    with pytest.raises(InputError, match="no trained model"):
        make_hidden("trained", 5, none)
    with pytest.raises(InputError, match="no such folder"):
        make_hidden("trained", 5, tmp_path / "other")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"kind": "secret", "seed": 1}, "kind of arena model"),
        ({"kind": "compiled", "seed": -1}, "seed is -1"),
        ({"kind": "compiled", "seed": 2**60}, "integer from 0"),
        ({"kind": "compiled", "seed": 1, "layers": 9}, "layers is 9"),
    ],
)
def test_what_no_model_has_is_refused(given: dict, words: str) -> None:
    with pytest.raises((InputError, NameLookupError), match=words):
        make_hidden(**given)
