from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.api import compile_model
from compiler.lower.readout import Readout, decode_indices, decode_logits
from compiler.rasp import EQ, TRUE, Map, Select, mean, shift, tokens

domains = st.lists(
    st.fractions(-5, 5, max_denominator=6), min_size=2, max_size=8, unique=True
).map(lambda values: tuple(sorted(values)))


@given(st.lists(st.integers(-9, 9), min_size=3, max_size=3, unique=True))
def test_the_largest_logit_is_the_class(logits):
    readout = Readout("classes", (None, "a", True))
    assert readout.size == 3
    best = int(np.argmax(logits))
    assert decode_indices(readout, np.array([logits], np.float32)).tolist() == [best]
    assert decode_logits(readout, np.array([logits], np.float32)) == [
        readout.values[best]
    ]


@given(domains, st.floats(-7, 7))
def test_a_number_is_the_nearest_value(values, logit):
    readout = Readout("number", values)
    found = values[int(decode_indices(readout, np.array([[logit]]))[0])]
    assert abs(found - logit) <= min(abs(v - logit) for v in values) + 1e-12


@given(domains)
def test_every_value_is_read_back(values):
    readout = Readout("number", values)
    logits = np.array([[float(v)] for v in values], np.float32)
    assert decode_indices(readout, logits).tolist() == list(range(len(values)))


def test_the_second_logit_says_whether_there_is_a_number():
    readout = Readout("nullable", (None, -1, Fraction(1, 2), 2))
    assert readout.size == 2
    logits = np.array([[0.4, -1.0], [0.4, 1.0], [-3.0, -0.1], [9.0, -5.0]])
    assert decode_logits(readout, logits) == [0.5, None, -1, 2]
    found = decode_logits(readout, logits)
    assert [type(value).__name__ for value in found] == [
        "float",
        "NoneType",
        "int",
        "int",
    ]


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        (tokens == 1, "classes"),
        (shift(tokens), "classes"),
        (Map(lambda token: "ab"[token % 2], tokens), "classes"),
        ((tokens * 2).numerical(), "number"),
        (mean(TRUE, tokens), "number"),
        (mean(Select(tokens, 0, EQ) | Select(tokens, 1, EQ), tokens), "nullable"),
    ],
)
def test_the_kind_follows_the_domain(expression, kind):
    model = compile_model(expression, (0, 1, 2), 3)
    assert model.readout.kind == kind
    assert model.readout.values == model.variables[model.output].values
    assert model.readout.size == model.weights.W_U.shape[1]
