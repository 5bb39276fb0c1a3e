"""A claimed subspace against what is known, and against a loop in plain Python."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from compiler.errors import InputError, NameLookupError
from compiler.machine.patch import Patch
from zoo.alignment.interchanges import draw_interchanges
from zoo.alignment.patching import logits_under, run_both
from zoo.alignment.places import all_places, find_place, holds
from zoo.alignment.score import score_alignment
from zoo.alignment.subspaces import KnownSubspace, known_subspace, random_subspace
from zoo.cases.case import Case

LENGTH, INDEX, OUTPUT = "length", "opposite_index", "output"
PAIRS = 48


def known(case: Case, variable: str) -> KnownSubspace:
    found = known_subspace(case.model, variable)
    assert found is not None
    return found


def score(case: Case, variable: str, site: str, basis: Any, **options: Any):
    return score_alignment(case, variable, site, basis, pairs=PAIRS, **options)


@pytest.mark.parametrize("name", ["compiled", "rotated"])
@pytest.mark.parametrize(
    ("variable", "sites"),
    [(LENGTH, ("a0.h0",)), (INDEX, ("m0", "stream.1")), (OUTPUT, ("stream.2",))],
)
def test_the_true_subspace_does_what_the_program_does(
    request: pytest.FixtureRequest, name: str, variable: str, sites: tuple[str, ...]
) -> None:
    case: Case = request.getfixturevalue(name)
    for site in sites:
        for basis in (known(case, variable).whole, known(case, variable).needed):
            found = score(case, variable, site, basis)
            assert found.right_site
            assert found.claimed.iia.share == 1.0
            assert found.claimed.cause is not None
            assert found.claimed.cause.share == 1.0
            assert found.claimed.isolate is None or found.claimed.isolate.share == 1.0
            assert max(found.angles or (90.0,)) < 1e-3
            assert found.geometry is not None
            assert found.geometry.inside == pytest.approx(1.0)
            assert found.geometry.covered == pytest.approx(1.0)
            assert found.random_subspace.cause is not None
            assert found.random_subspace.cause.share < 0.9
            assert found.random_site.cause is not None
            assert found.random_site.cause.share < 0.9


def test_other_variables_are_disturbed_by_all_of_the_stream(compiled: Case) -> None:
    everything = np.eye(compiled.config.d_model)
    found = score(compiled, INDEX, "stream.1", everything).claimed
    exact = score(compiled, INDEX, "stream.1", known(compiled, INDEX).whole).claimed
    assert found.isolate is not None and exact.isolate is not None
    assert found.isolate.share < 0.95
    assert exact.disentangle == 1.0


def test_only_the_span_of_a_basis_counts(compiled: Case) -> None:
    basis = known(compiled, INDEX).needed
    mixed = basis @ np.random.default_rng(0).normal(size=(basis.shape[1],) * 2)
    one = score(compiled, INDEX, "stream.1", basis)
    other = score(compiled, INDEX, "stream.1", -7.0 * mixed)
    assert one.claimed == other.claimed
    assert np.allclose(one.angles or (), other.angles or (), atol=1e-3)


def words(case: Case, ids: np.ndarray) -> list[Any]:
    return [case.model.typed.vocab[i] for i in ids[1:] if i < 2]


@pytest.mark.parametrize("site", ["m0", "stream.1"])
def test_iia_is_that_of_a_loop_over_pairs(rotated: Case, site: str) -> None:
    model, rng = rotated.model, np.random.default_rng(1)
    exact = known(rotated, INDEX).whole
    noise = random_subspace(rotated.config.d_model, exact.shape[1], rng)
    basis = np.linalg.qr(exact + noise)[0]
    found = score(rotated, INDEX, site, basis)
    drawn = draw_interchanges(rotated, INDEX, PAIRS)
    turn = np.zeros((rotated.config.d_model,) * 2, np.float32)
    turn[: basis.shape[1]] = basis.T
    mask = np.zeros((len(rotated.names.sources), 1, len(turn)), np.float32)
    mask[list(find_place(rotated.config, site).sources)] = 1.0
    counts = np.zeros(4, int)
    for base_ids, donor_ids in zip(drawn.base, drawn.donor, strict=True):
        base, donor = words(rotated, base_ids), words(rotated, donor_ids)
        shared = min(len(base), len(donor))
        before = model.interpreter(base)
        taken = model.interpreter(donor)[INDEX][:shared] + before[INDEX][shared:]
        after = model.interpreter(base, {INDEX: taken})[OUTPUT]
        where = (np.arange(rotated.config.n_ctx) <= shared).astype(np.float32)
        writes = model.run(donor).writes
        here = mask * where[None, :, None]
        patch = Patch.nodes(here, writes, turn)
        if site == "stream.1":
            readers = [
                (part.layer is None or part.layer >= 1)
                for part in rotated.names.reader_parts.values()
            ]
            edges = here[None] * np.array(readers, np.float32)[:, None, None, None]
            patch = Patch.edges(edges, writes, turn)
        logits = model.run(base, patch).logits
        out = model.decode(np.asarray(logits)[1 : len(base) + 1])
        for got, wanted, clean in zip(out, after, before[OUTPUT], strict=True):
            if wanted not in model.readout.values:
                continue
            counts += [got == wanted, 1, got == wanted != clean, wanted != clean]
    assert 0 < counts[2] < counts[3]
    assert found.claimed.cause is not None
    measured = (found.claimed.iia, found.claimed.cause)
    assert [n for r in measured for n in (r.hits, r.total)] == counts.tolist()


def test_nothing_changes_where_nothing_is_patched(compiled: Case) -> None:
    pairs = draw_interchanges(compiled, LENGTH, 16)
    runs = run_both(compiled, pairs)
    place, basis = find_place(compiled.config, "a0.h0"), np.eye(compiled.config.d_model)
    still = logits_under(compiled, place, runs, np.zeros_like(pairs.where), basis)
    assert np.allclose(still, runs.clean, atol=1e-4)


def test_a_site_is_right_between_the_writer_and_the_first_reader(
    compiled: Case,
) -> None:
    right = {
        variable: [
            place.name
            for place in all_places(compiled.config)
            if holds(compiled.model, variable, place)
        ]
        for variable in (LENGTH, INDEX, OUTPUT)
    }
    # The MLP of layer 0 reads the length before the stream in front of layer 1.
    assert right == {
        LENGTH: ["a0.h0"],
        INDEX: ["m0", "stream.1"],
        OUTPUT: ["a1.h0", "stream.2"],
    }


def test_a_trained_model_has_a_site_and_no_angles(case: Case) -> None:
    found = score(case, "is_t", "m0", np.eye(case.config.d_model))
    assert found.right_site and found.geometry is None and found.angles is None
    assert found.claimed == found.truth
    assert found.claimed.iia.share > 0.99
    assert "not known" in found.text


def test_the_report_is_text_and_json(compiled: Case) -> None:
    found = score(compiled, LENGTH, "m0", np.eye(compiled.config.d_model)[0])
    assert not found.right_site and found.dimension == 1
    lines = str(found).splitlines()
    assert "not a right site (written by a0.h0)" in lines[0]
    assert [line.split()[0] for line in lines[3:6]] == ["claimed", "truth", "random"]
    data = json.loads(json.dumps(found.to_json()))
    assert data["format"] == "circuitzoo.alignment"
    assert data["claimed"]["iia"]["share"] == found.claimed.iia.share
    assert data["record"]["pairs"] == PAIRS
    assert "wrong site" in repr(found)


@pytest.mark.parametrize(
    ("variable", "site", "text"),
    [
        ("lenght", "m0", "no variable is named 'lenght'. Did you mean 'length'?"),
        ("length", "a0.h9", "no site is named 'a0.h9'. Did you mean 'a0.h0'"),
        ("length", "stream1", "Did you mean 'stream.1'"),
    ],
)
def test_unknown_names_are_refused_with_the_nearest(
    compiled: Case, variable: str, site: str, text: str
) -> None:
    with pytest.raises(NameLookupError, match=text.replace(".", r"\.").split("?")[0]):
        score(compiled, variable, site, np.eye(compiled.config.d_model))


def test_inputs_are_no_variables_that_are_computed(compiled: Case) -> None:
    with pytest.raises(InputError, match="'tokens' is an input or a constant"):
        score(compiled, "tokens", "tokens", np.eye(compiled.config.d_model))


def test_a_basis_that_is_none_is_refused_with_what_to_do(compiled: Case) -> None:
    width = compiled.config.d_model
    good = np.random.default_rng(0).normal(size=(width, 3))
    bad: dict[str, Any] = {
        r"Give its transpose, basis\.T": good.T,
        r"found the shape \(5, 3\), expected \[d_model, k\]": good[:5],
        "found 1 number that is NaN or infinite": np.where(
            np.arange(width * 3).reshape(width, 3) == 4, np.nan, good
        ),
        "found 4 columns that span 3 dimensions": np.hstack([good, good[:, :1]]),
        "found 0 columns": good[:, :0],
        "found str, expected numbers": "m0",
    }
    for text, basis in bad.items():
        with pytest.raises(InputError, match=text):
            score(compiled, LENGTH, "a0.h0", basis)
    with pytest.raises(InputError, match="draws is 0"):
        score(compiled, LENGTH, "a0.h0", good, draws=0)
