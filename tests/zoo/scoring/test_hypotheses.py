"""The three tests of a circuit, against sums, loops, simulations and known circuits."""

from __future__ import annotations

from math import comb, exp
from typing import Any

import numpy as np
import pytest

import zoo
from compiler.errors import InputError, NameLookupError
from zoo.cases.case import Case
from zoo.cases.pairs import draw_pairs
from zoo.cases.truth import truth_of_circuit
from zoo.scoring import hypotheses
from zoo.scoring.hypotheses import equivalence, examine_circuit
from zoo.scoring.independence import hsic, independence, kernel, permute_within
from zoo.scoring.minimality import inflate

FEW: dict[str, Any] = {"inflated": 40, "permutations": 99, "seed": 1}


def tail(count: int, extreme: int, p: float) -> float:
    """Return the chance of at least `extreme` on one side, by adding up."""
    chances = [comb(count, k) * p**k * (1 - p) ** (count - k) for k in range(count + 1)]
    return sum(c for k, c in enumerate(chances) if max(k, count - k) >= extreme)


@pytest.mark.parametrize(
    ("signs", "extreme"),
    [([1] * 9 + [-1] * 3, 9), ([-1] * 12, 12), ([0] * 5 + [1], 3), ([0, 1, 1], 2)],
)
def test_equivalence_is_a_binomial_tail(signs: list[int], extreme: int) -> None:
    share, p = equivalence(np.array(signs, float), 0.1, 0.1)
    count = len(signs)
    assert p == pytest.approx(min(1.0, tail(count, extreme, 0.6)))
    assert share == pytest.approx((signs.count(1) + signs.count(0) / 2) / count)


def test_a_circuit_that_does_what_the_model_does_is_equivalent() -> None:
    assert equivalence(np.zeros(20), 1e-6, 0.1)[1] == 1.0


def test_hsic_is_what_a_double_loop_finds() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(9, 2)), rng.normal(size=(9, 3))

    def kernels(rows: np.ndarray) -> list[list[float]]:
        gaps = [[float(((a - b) ** 2).sum()) for b in rows] for a in rows]
        middle = float(np.median([g for row in gaps for g in row if g > 0]))
        return [[exp(-g / (2 * middle)) for g in row] for row in gaps]

    k, l_, n = kernels(first), kernels(second), range(9)
    expected = sum(k[i][j] * l_[i][j] for i in n for j in n) / 81
    expected += sum(map(sum, k)) * sum(map(sum, l_)) / 81**2
    expected -= 2 * sum(sum(k[i]) * sum(l_[i]) for i in n) / 9**3
    assert hsic(kernel(first), kernel(second)) == pytest.approx(expected)


def test_the_p_values_of_what_is_independent_are_uniform() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat([0, 1], 12)
    found = []
    for seed in range(150):
        # The mean of a group is common to both, and is no dependence within it.
        first, second = (rng.normal(size=(24, 1)) + groups[:, None] for _ in range(2))
        found.append(independence(first, second, groups, seed, 99)[1])
    for share in (0.1, 0.3, 0.5, 0.7):
        assert np.mean(np.array(found) <= share) == pytest.approx(share, abs=0.12)
    dependent = independence(first, first**2, groups, 0, 99)
    assert dependent[1] < 0.05


def test_rows_are_exchanged_within_groups() -> None:
    groups = np.array([0, 1, 0, 1, 1, 2])
    order = permute_within(groups, np.random.default_rng(0))
    assert sorted(order) == list(range(6))
    assert (groups[order] == groups).all()


@pytest.fixture(scope="module")
def compiled() -> Case:
    model = zoo.compile("reverse", vocab=list("abc"), max_len=4)
    truth = truth_of_circuit(model.circuit)
    return Case("reverse", model, truth, draw_pairs(model, "test", 64))


def needed(case: Case) -> np.ndarray:
    """Return the edges of a compiled circuit that pairs can show."""
    changed = case.single_edges() - case.losses()
    used = case.truth.mask("used")
    return used & (np.abs(changed).mean(axis=-1) > 1e-3)


def test_the_circuit_of_a_compiled_model_passes(compiled: Case) -> None:
    found = examine_circuit(compiled, needed(compiled), **FEW)
    assert found.rejected == () and found.needless == ()
    assert found.equivalence == 1.0
    assert found.edges == len(found.needed)
    assert "equivalence p 1" in repr(found)


def test_what_is_left_of_a_compiled_model_is_independent_at_the_level(
    compiled: Case,
) -> None:
    circuit = needed(compiled)
    values = [hypotheses._independence(compiled, circuit, 99, s)[1] for s in range(20)]
    assert np.mean(np.array(values) < 0.05) <= 0.15
    assert 0.25 < np.mean(values) < 0.75


def test_an_edge_beside_the_circuit_is_neither_equivalent_nor_alone(
    compiled: Case,
) -> None:
    names = compiled.names
    spare = next(e for e in names.edges if not needed(compiled)[names.edge_index(e)])
    found = examine_circuit(compiled, [str(spare)], **FEW)
    assert {"equivalence", "independence"} <= set(found.rejected)


def test_an_edge_too_many_is_found(compiled: Case) -> None:
    names = compiled.names
    spare = next(e for e in names.edges if not needed(compiled)[names.edge_index(e)])
    edges = [str(e) for e in names.edges if needed(compiled)[names.edge_index(e)]]
    found = examine_circuit(compiled, [*edges, str(spare)], **FEW)
    assert found.rejected == ("minimality",)
    assert found.needless == (str(spare),)
    assert found.needed[0].share < 0.1


def test_the_added_way_goes_from_an_embedding_to_the_logits(compiled: Case) -> None:
    names, rng = compiled.names, np.random.default_rng(0)
    empty = np.zeros(names.visible.shape, bool)
    for _ in range(20):
        larger, smaller = inflate(names, empty, rng)
        assert (larger & ~smaller).sum() == 1 and not (smaller & ~larger).any()
        assert larger[-1].sum() == 1 and larger[:, :2].sum() == 1
        assert not (larger & ~names.visible).any()


def test_what_is_no_circuit_says_why(case: Case) -> None:
    with pytest.raises(InputError, match="no edges"):
        examine_circuit(case, [])
    with pytest.raises(InputError, match=r"\(2, 2\), expected \[reader, source\]"):
        examine_circuit(case, np.ones((2, 2), bool))
    with pytest.raises(NameLookupError, match="Write it as"):
        examine_circuit(case, ["a0.h0"])
    with pytest.raises(InputError, match="every edge"):
        examine_circuit(case, case.names.visible, **FEW)
