"""Small compiled programs as cases."""

from __future__ import annotations

import zoo
from zoo.cases.case import Case
from zoo.cases.pairs import draw_pairs
from zoo.cases.truth import truth_of_circuit


def small_case(name: str, split: str = "train", rotate: int | None = None) -> Case:
    """Return a compiled program of two letters and length 4, not audited."""
    model = zoo.compile(name, ["a", "b"], 4, rotate=rotate)
    truth = truth_of_circuit(model.circuit)
    return Case(name, model, truth, draw_pairs(model, split, 64))
