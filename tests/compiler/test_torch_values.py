"""Tensors as people hold them: the same numbers come out of each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import zoo
from compiler.errors import InputError
from compiler.machine.names import Names
from compiler.torch_values import plain
from tests.compiler.interchange.models import needs
from zoo.scoring.formats import read_scores

NAMES = Names(1, 1)
VALUES = np.linspace(-2.0, 2.0, len(NAMES.edges)).round(1)


@pytest.fixture(scope="module")
def torch() -> Any:
    return needs("torch")


def held(torch: Any) -> dict[str, Any]:
    numbers = torch.tensor(VALUES)
    return {
        "plain": numbers,
        "with gradients": numbers.clone().requires_grad_(),
        "a result": numbers.clone().requires_grad_() * 1.0,
        "a parameter": torch.nn.Parameter(numbers.clone()),
        "bfloat16": numbers.bfloat16(),
        "float16": numbers.half(),
        "negated view": torch.complex(numbers, -numbers).conj().imag,
        "sparse": numbers.to_sparse(),
        "a list of numbers": list(numbers),
        "a dict": dict(zip(map(str, NAMES.edges), numbers, strict=True)),
    }


def test_every_kind_of_tensor_is_read_as_scores(torch: Any) -> None:
    for kind, given in held(torch).items():
        read = read_scores(NAMES, given)
        close = 1e-2 if "float16" in kind else 0.0
        assert np.allclose(read.values, VALUES, atol=close, rtol=0), kind


def test_what_is_no_tensor_is_handed_on_as_it_is(torch: Any) -> None:
    for value in (1, "a", None, [1, 2], {"a": [1]}, (1.0,), NAMES):
        assert plain(value) is value


def test_a_tensor_without_numbers_is_refused(torch: Any) -> None:
    with pytest.raises(InputError, match="'meta'"):
        plain(torch.zeros(3, device="meta"))


def test_logits_with_gradients_are_decoded(torch: Any) -> None:
    model = zoo.compile("reverse", ["a", "b"], 3)
    logits = np.array(model.logits(["a", "b", "b"]))
    for made in (
        torch.tensor(logits).requires_grad_(),
        torch.nn.Parameter(torch.tensor(logits)),
        torch.tensor(logits).bfloat16(),
    ):
        assert model.decode(made) == ["b", "b", "a"]
