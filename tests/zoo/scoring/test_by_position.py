"""Edges at positions: exact patches, position-aware EAP, and scores of both."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import zoo
from compiler.errors import InputError, NameLookupError
from compiler.machine.forward import forward_batch
from compiler.machine.patch import Patch
from compiler.rasp import EQ, Aggregate, Select, indices, tokens
from zoo.cases.case import Case
from zoo.cases.pairs import draw_pairs
from zoo.cases.positions import patch_places, places_of
from zoo.cases.truth import truth_of_circuit
from zoo.methods.eap import eap
from zoo.methods.exact_position import exact_by_position
from zoo.methods.peap import peap, peap_by_position
from zoo.scoring.by_position import truth_by_position


@pytest.fixture(scope="module")
def case() -> Case:
    """The first token plus nothing else, at every position: read at position 0 only."""
    first = Aggregate(Select(indices, 0, EQ), tokens).named("first")
    model = zoo.compile(first, vocab="abc", max_len=3)
    truth = truth_of_circuit(model.circuit)
    return Case("first", model, truth, draw_pairs(model, "train", 24))


def edge(case: Case, name: str) -> tuple[int, int]:
    return case.names.edge_index(case.names.parse_edge(name))


def test_a_value_that_is_read_at_one_position_is_used_there_only(case: Case) -> None:
    truth = truth_by_position(case)
    assert truth.places.names == ("BOS", "0", "1", "2")
    value = edge(case, "tokens->a0.h0<v>")
    assert truth.used[value].tolist() == [False, True, False, False]
    logits = edge(case, "a0.h0->logits")
    assert truth.used[logits].tolist() == [False, True, True, True]


def test_a_patch_at_a_place_is_that_of_the_forward_pass(case: Case) -> None:
    found = patch_places(case, places_of(case))
    reader, source = edge(case, "a0.h0->logits")
    for place in (1, 3):
        mask = np.zeros(case.names.visible.shape, np.float32)
        mask[reader, source] = 1.0
        mixed = np.array(case.batch.writes)
        mixed[:, source, place] = np.asarray(case.batch.donors)[:, source, place]
        patch = Patch.edges(np.stack([mask] * len(case.pairs)), mixed)
        logits = np.asarray(
            forward_batch(case.transformer, case.batch.ids, patch).logits
        )
        loss = -(logits * case.batch.goal.contrast).sum(axis=(1, 2))
        expected = loss - case.losses()
        np.testing.assert_allclose(
            found.change[reader, source, place], expected, atol=1e-4
        )


def test_position_aware_scores_add_up_to_those_of_eap(case: Case) -> None:
    by_position = peap_by_position(case)
    np.testing.assert_allclose(by_position.sum(axis=-1), eap(case, 0), atol=1e-4)
    assert (peap(case, 0) >= np.abs(eap(case, 0)) - 1e-4).all()


def test_position_aware_eap_is_exact_where_the_loss_is_linear(case: Case) -> None:
    change = patch_places(case, places_of(case)).change.mean(axis=-1)
    logits = case.names.readers.index("logits")
    np.testing.assert_allclose(
        peap_by_position(case)[logits], change[logits], atol=1e-4
    )


def test_roles_are_positions_that_are_patched_together(case: Case) -> None:
    def ends(words: list) -> list[str | None]:
        return ["first", *[None] * (len(words) - 2), "last"][: len(words)]

    places = places_of(case, ends)
    assert places.names == ("first", "last")
    truth = truth_by_position(case, roles=ends)
    assert truth.used[edge(case, "tokens->a0.h0<v>")].tolist() == [True, False]
    everywhere = patch_places(case, places_of(case, lambda words: ["all"] * len(words)))
    single = case.single_edges() - case.losses()
    value = edge(case, "tokens->a0.h0<v>")
    np.testing.assert_allclose(everywhere.change[value][0], single[value], atol=1e-4)
    by_value = places_of(case, "first")
    assert by_value.names == ("a", "b", "c")


def test_scores_at_positions_are_compared_with_the_truth(
    case: Case, tmp_path: Path
) -> None:
    scores = exact_by_position(case)
    report = zoo.score(case, scores, granularity="position")
    assert report.average_precision > 0.9
    assert report.record.granularity == "position"
    everywhere = zoo.score(case, scores.max(axis=-1), granularity="position")
    assert everywhere.average_precision < report.average_precision
    names, places = case.names, places_of(case).names
    listed = {
        f"{names.sources[s]}->{names.readers[r]}@{places[p]}": float(scores[r, s, p])
        for r, s in np.argwhere(names.visible)
        for p in range(len(places))
    }
    (tmp_path / "scores.json").write_text(json.dumps(listed))
    again = zoo.score(case, tmp_path / "scores.json", granularity="position")
    assert again.average_precision == report.average_precision


def test_wrong_places_and_shapes_are_refused(case: Case) -> None:
    with pytest.raises(NameLookupError, match="no place is named '7'"):
        zoo.score(case, {("tokens->a0.h0<v>", 7): 1.0}, granularity="position")
    with pytest.raises(InputError, match="edges at places have no score"):
        zoo.score(case, {("tokens->a0.h0<v>", 0): 1.0}, granularity="position")
    with pytest.raises(InputError, match="expected \\[reader, source, place\\]"):
        zoo.score(case, np.zeros((2, 2, 2)), granularity="position")
    with pytest.raises(InputError, match="found 1 roles for the"):
        places_of(case, lambda _: ["one"])
    with pytest.raises(NameLookupError, match="no variable is named 'fist'"):
        places_of(case, "fist")
