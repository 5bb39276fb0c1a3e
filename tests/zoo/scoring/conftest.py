"""One released model as a case, with few pairs, for all tests of scoring."""

from __future__ import annotations

import pytest

import zoo
from zoo.cases.case import Case, open_case
from zoo.cases.pairs import draw_pairs
from zoo.cases.truth import truth_of_circuit


@pytest.fixture(scope="session")
def case() -> Case:
    return open_case("fraction-previous-siit", pairs=16)


def small_case(name: str, split: str = "train", rotate: int | None = None) -> Case:
    """Return a compiled program of two letters and length 4, not audited."""
    model = zoo.compile(name, ["a", "b"], 4, rotate=rotate)
    truth = truth_of_circuit(model.circuit)
    return Case(name, model, truth, draw_pairs(model, split, 64))


@pytest.fixture(scope="session")
def compiled() -> Case:
    return small_case("reverse")


@pytest.fixture(scope="session")
def rotated() -> Case:
    return small_case("reverse", rotate=3)
