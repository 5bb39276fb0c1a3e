import itertools
import random

import numpy as np
import pytest

import zoo
from compiler.errors import InputError, NameLookupError
from zoo.auditing.dualize import dualize
from zoo.scoring.circuit_sets import mixing_index


def by_enumeration(holds, size):
    every = [
        frozenset(s)
        for n in range(size + 1)
        for s in itertools.combinations(range(size), n)
    ]
    true = [s for s in every if holds(s)]
    return {s for s in true if not any(t < s for t in true)}


@pytest.mark.parametrize("seed", range(20))
def test_search_finds_what_enumeration_finds(seed):
    draw = random.Random(seed)
    size = draw.randint(1, 8)
    seeds = [
        frozenset(draw.sample(range(size), draw.randint(0, size)))
        for _ in range(draw.randint(0, 6))
    ]

    def holds(chosen):
        return any(one <= chosen for one in seeds)

    found = dualize(holds, size, 64)
    assert found.complete
    assert set(found.sufficient) == by_enumeration(holds, size)
    lost = by_enumeration(lambda s: not holds(frozenset(range(size)) - s), size)
    if found.sufficient:
        assert set(found.necessary) == lost
        assert found.asked <= 2**size


def test_search_stops_at_its_limit_and_says_so():
    found = dualize(lambda s: len(s) >= 3, 6, 4)
    assert not found.complete and len(found.sufficient) == 4


@pytest.fixture(scope="module")
def case():
    model = zoo.compile("reverse_by_vote", "ab", 4)
    return zoo.open_case(model, split="test", pairs=64)


@pytest.fixture(scope="module")
def vote(case):
    return zoo.circuits(case)


def test_any_two_of_three_copies_suffice(vote):
    copies = [{f"a1.h{a}->m1", f"a1.h{b}->m1"} for a, b in ((0, 1), (0, 2), (1, 2))]
    found = [{e for e in one if e.endswith("->m1")} for one in vote.sufficient]
    assert sorted(map(sorted, found)) == sorted(map(sorted, copies))
    assert vote.complete and vote.monotone == 1.0
    assert all(vote.single[f"a1.h{h}->m1"] == 0 for h in range(3))
    assert vote.single["m1->logits"] > 0
    assert "m1->logits" in vote.intersection and "a1.h0->m1" not in vote.intersection


def test_reported_sets_are_run_and_compared(case, vote):
    first, mixture = vote.sufficient[0], sorted(vote.union)
    report = zoo.score_circuits(case, [first, mixture], truth=vote)
    exact, whole = report.reported
    assert exact.suffices and exact.minimal and exact.f1 == 1.0
    assert whole.suffices and not whole.minimal and whole.needless is not None
    assert report.coverage == pytest.approx(1 / 3)
    assert report.precision_union == 1.0 and report.recall_union == 1.0
    lost = zoo.score_circuits(case, [first[:-1]], truth=vote).reported[0]
    assert not lost.suffices and not lost.minimal


def test_every_minimal_circuit_reported_covers_all(case, vote):
    report = zoo.score_circuits(case, vote.sufficient, truth=vote)
    assert report.coverage == 1.0 and report.mean_f1 == 1.0


def test_unknown_edges_and_empty_sets_are_refused(case, vote):
    with pytest.raises(NameLookupError, match=r"a9\.h9"):
        zoo.score_circuits(case, [["a9.h9->logits"]], truth=vote)
    with pytest.raises(InputError, match="no circuit is given"):
        zoo.score_circuits(case, [], truth=vote)
    with pytest.raises(InputError, match="is the text"):
        zoo.score_circuits(case, ["m1->logits"], truth=vote)


def test_mixing_index_is_zero_for_one_class_and_a_half_for_two_halves():
    assert mixing_index("abx", ["ab", "cd"]) == 0.0
    assert mixing_index("abcd", ["ab", "cd"]) == 0.5
    assert mixing_index("xy", ["ab", "cd"]) == 0.0
    assert np.isclose(mixing_index("abc", ["a", "b", "c"]), 2 / 3)
