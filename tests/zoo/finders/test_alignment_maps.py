"""Non-linear alignments: laws of the map, and the control of random weights."""

from __future__ import annotations

import numpy as np
import pytest

from compiler.errors import InputError, NameLookupError
from zoo.alignment.interchanges import draw_interchanges, shuffle_outputs
from zoo.alignment.patching import run_both
from zoo.alignment.places import find_place
from zoo.alignment.score import score_alignment
from zoo.cases.case import Case
from zoo.finders.alignment_maps import measure_map, score_map
from zoo.finders.flows import AlignmentMap, flow, start_of

INDEX, OUTPUT, PAIRS = "opposite_index", "output", 48


@pytest.fixture(scope="module")
def bent(rotated: Case) -> AlignmentMap:
    """A map with coupling layers that were drawn at random."""
    rng = np.random.default_rng(0)
    start = start_of(rotated, "m0", INDEX, 0, choose_positions=False)
    for name, array in start.items():
        if name.startswith("out"):
            start[name] = rng.normal(size=array.shape)
    return AlignmentMap(start, 5)


def test_a_map_takes_nothing_from_a_run_that_is_the_same(bent: AlignmentMap) -> None:
    base = np.random.default_rng(1).normal(size=(6, 4, len(bent.values["turn"])))
    assert np.allclose(bent(base, base), base, atol=1e-3)


def test_all_coordinates_together_are_the_donors_and_some_are_not_linear(
    bent: AlignmentMap,
) -> None:
    rng = np.random.default_rng(2)
    width = len(bent.values["turn"])
    base, donor = rng.normal(size=(2, 30, width))
    whole = AlignmentMap(bent.values, width)
    assert np.allclose(whole(base, donor), donor, atol=1e-3)
    half = bent(base, (base + donor) / 2) - base
    assert not np.allclose(2 * half, bent(base, donor) - base, atol=0.1)


def test_without_its_layers_a_map_is_a_subspace(rotated: Case) -> None:
    start = start_of(rotated, "m0", INDEX, 0, choose_positions=False)
    found = AlignmentMap(start, 5)
    place = find_place(rotated.config, "m0")
    linear = score_alignment(rotated, INDEX, "m0", start["turn"][:, :5], pairs=PAIRS)
    assert measure_map(rotated, INDEX, place, found, PAIRS, 0).iia == linear.claimed.iia


def test_a_free_map_aligns_random_weights_and_gains_nothing_by_it(
    compiled: Case,
) -> None:
    def quick_flow(case: Case, variable: str, site: str) -> AlignmentMap:
        return flow(case, variable, site, steps=300)

    blank = compiled.untrained(seed=3)
    found = score_map(blank, OUTPUT, "stream.2", quick_flow, pairs=PAIRS)
    fitted, control = found.rows["fitted"].cause, found.rows["random"].cause
    assert fitted is not None and control is not None
    assert fitted.share > 0.75 and fitted.share > control.share + 0.25
    assert found.gained is None or abs(found.gained) < 0.3
    assert found.rows["truth"].cause is not None
    assert max(map(len, str(found).splitlines())) <= 80


def test_the_true_map_is_all_right_and_its_finder_gains_all(compiled: Case) -> None:
    def knowing(case: Case, variable: str, site: str):
        basis = compiled.model.sites[variable].basis
        assert basis is not None
        return lambda base, donor: base + (donor - base) @ basis.T @ basis

    found = score_map(compiled, INDEX, "m0", knowing, pairs=PAIRS)
    for row in ("claimed", "fitted", "truth"):
        rate = found.rows[row].cause
        assert rate is not None and rate.share == 1.0
    assert found.gained is not None and found.gained > 0.9
    assert found.right_site and found.to_json()["finder"] == "knowing"


def test_maps_without_knowledge_win_nothing(compiled: Case) -> None:
    """Nothing, a constant, and all that the donor holds, where it holds more."""
    cheats = {
        "nothing": lambda base, donor: base,
        "constant": lambda base, donor: np.zeros_like(base),
        "copy": lambda base, donor: donor,
    }
    place = find_place(compiled.config, "stream.1")
    for name, cheat in cheats.items():
        found = measure_map(compiled, INDEX, place, cheat, PAIRS, 0)
        assert found.disentangle is not None
        assert found.disentangle < 0.75, name


def test_a_map_that_memorises_its_pairs_knows_no_others(compiled: Case) -> None:
    """It holds the right logits' direction for each pair that it was fitted to."""
    place = find_place(compiled.config, "stream.2")
    pairs = draw_interchanges(compiled, OUTPUT, PAIRS, 0)
    runs = run_both(compiled, pairs)
    kept = {}
    keys = zip(
        place.held(runs.writes).reshape(-1, compiled.config.d_model),
        place.held(runs.donors).reshape(-1, compiled.config.d_model),
        pairs.after.ravel(),
        strict=True,
    )
    unembed = np.asarray(compiled.weights.W_U)
    for base, donor, label in keys:
        kept[base.tobytes() + donor.tobytes()] = 1e3 * unembed[:, max(label, 0)]

    def memorised(base: np.ndarray, donor: np.ndarray) -> np.ndarray:
        found = base.copy()
        for index in np.ndindex(base.shape[:-1]):
            key = base[index].tobytes() + donor[index].tobytes()
            found[index] = kept.get(key, base[index])
        return found

    fitted = measure_map(compiled, OUTPUT, place, memorised, PAIRS, 0)
    others = measure_map(compiled.untrained(1), OUTPUT, place, memorised, PAIRS, 1)
    assert fitted.cause is not None and fitted.cause.share > 0.95
    assert others.cause is not None and others.cause.share < 0.5


def test_outputs_are_shuffled_among_pairs_that_have_one(compiled: Case) -> None:
    pairs = draw_interchanges(compiled, OUTPUT, PAIRS, 0)
    mixed = shuffle_outputs(pairs, 0)
    assert (mixed.after != pairs.after).any()
    assert np.array_equal(mixed.after < 0, pairs.after < 0)
    assert np.array_equal(np.sort(mixed.after, axis=0), np.sort(pairs.after, axis=0))


def test_maps_that_cannot_be_say_why(compiled: Case) -> None:
    with pytest.raises(NameLookupError, match="flow"):
        score_map(compiled, INDEX, "m0", "flaw")
    with pytest.raises(InputError, match="the map returned the shape"):
        score_map(compiled, INDEX, "m0", lambda *_: lambda base, donor: base[0])
