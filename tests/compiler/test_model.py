"""What a model answers, and what it says to what it cannot answer."""

from __future__ import annotations

import numpy as np
import pytest

import programs
from compiler.api import compile_model
from compiler.errors import InputError, NameLookupError
from compiler.model import Model

BASE, DONOR = list("abc"), list("bca")


@pytest.fixture(scope="module")
def reverse() -> Model:
    return compile_model(programs.find("reverse"), BASE, 4)


def test_a_donor_is_a_run_or_its_tokens(reverse: Model):
    of_run = reverse.interchange("opposite_index", reverse.run(list("ab")))
    of_tokens = reverse.interchange("opposite_index", list("ab"))
    first, second = reverse.run(BASE, of_run), reverse.run(BASE, of_tokens)
    np.testing.assert_array_equal(first.logits, second.logits)
    assert reverse.decode(first.logits[1:4]) != reverse(BASE)
    with pytest.raises(InputError, match="not in the vocabulary"):
        reverse.interchange("opposite_index", list("xyz"))


@pytest.mark.parametrize("table", ["variables", "sites"])
def test_an_unknown_variable_offers_the_nearest(reverse: Model, table: str):
    found = getattr(reverse, table)
    assert "opposite" not in found and found.get("opposite") is None
    remedy = "no variable is named 'opposite'. Did you mean 'opposite_index'"
    with pytest.raises(NameLookupError, match=remedy):
        found["opposite"]
    with pytest.raises(NameLookupError, match=remedy):
        reverse.variable_mask("opposite")


def test_models_variables_and_runs_print_on_a_line(reverse: Model):
    config = reverse.config
    assert repr(reverse) == (
        f"<Model reverse: 2 layers, 1 head, d_model {config.d_model}, "
        f"{config.n_params:,} parameters>"
    )
    found = repr(reverse.variables["opposite_index"])
    assert found == "<Variable opposite_index: {0..3}, Site(m0, rank 4)>"
    run = repr(reverse.run(BASE))
    assert run == f"Run(logits (5, 4), writes (6, 5, {config.d_model}))"
