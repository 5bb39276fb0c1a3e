"""The verifier finds what is broken: it can fail."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import programs
from compiler.api import compile_model
from compiler.errors import NameLookupError
from compiler.machine.circuit import Site
from compiler.model import Model
from compiler.passes.check import count_inputs
from compiler.rasp import TRUE, Aggregate, Program, mean, tokens
from compiler.verify import verify_interchange, verify_outputs


@pytest.fixture(scope="module")
def reverse() -> Model:
    return compile_model(programs.find("reverse"), "abc", 4)


def damaged(model: Model, name: str, scale: float = -1.0) -> Model:
    """Return the model with the greatest weight of one array changed."""
    array = np.array(getattr(model.weights, name))
    array[np.unravel_index(np.abs(array).argmax(), array.shape)] *= scale
    return replace(model, weights=model.weights._replace(**{name: array}))


def test_a_compiled_model_is_right_on_all_inputs(reverse):
    found = verify_outputs(reverse)
    assert (found.wrong, found.complete, found.example) == (0, True, None)
    assert found.inputs == count_inputs(3, 4) == 3 + 9 + 27 + 81
    assert found.positions == 3 + 2 * 9 + 3 * 27 + 4 * 81
    assert found.accuracy == 1.0 and found.margin > 0.5


@pytest.mark.parametrize("name", ["W_E", "W_pos", "W_Q", "W_K", "W_V", "W_in", "W_out"])
def test_a_broken_weight_is_found(reverse, name):
    found = verify_outputs(damaged(reverse, name))
    assert found.wrong > 0 and found.accuracy < 1.0
    assert found.example is not None
    tokens_, expected = found.example.tokens, found.example.expected
    assert expected == tuple(reversed(tokens_)) != found.example.found


def test_a_number_that_is_slightly_off_is_found():
    model = compile_model(mean(TRUE, tokens), (0, 1, 2), 3)
    good = verify_outputs(model)
    assert good.wrong == 0 and good.worst <= 1e-5
    found = verify_outputs(damaged(model, "W_U", 1.001))
    assert found.wrong > 0 and found.worst > 1e-4


def test_a_variable_in_its_place_is_interchanged(reverse):
    for variable in reverse.circuit.sites:
        if reverse.typed.index(variable) >= 0:
            found = verify_interchange(reverse, variable, pairs=900)
            assert found.wrong == 0 and found.inputs > 0, found.example


def test_a_site_that_is_not_the_variables_is_found(reverse):
    site = reverse.circuit.sites["length"]
    basis = np.array(reverse.circuit.sites["opposite_index"].basis)
    assert site.basis is not None and len(basis)
    wrong = replace(
        reverse.circuit,
        sites={**reverse.circuit.sites, "length": Site("tokens", basis)},
    )
    found = verify_interchange(replace(reverse, circuit=wrong), "length", pairs=900)
    assert found.wrong > 0 and found.example is not None
    assert found.example.variable == "length" and found.example.donor is not None


def test_a_variable_without_a_site_is_an_error(reverse):
    with pytest.raises(
        NameLookupError, match=r"no variable is named 'lengt'\. Did you"
    ):
        verify_interchange(reverse, "lengt")


def test_many_inputs_are_sampled_and_refused_ones_left_out(reverse):
    found = verify_outputs(reverse, limit=100, sample=50)
    assert not found.complete and found.inputs == 50
    again = verify_outputs(reverse, limit=100, sample=50)
    assert again == found
    even = verify_outputs(reverse, accepts=lambda row: len(row) % 2 == 0)
    assert even.inputs == 9 + 81 and even.wrong == 0


def test_progress_counts_to_the_end(reverse):
    seen = []
    verify_outputs(reverse, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (120, 120)


def test_undefined_positions_are_counted_and_not_compared():
    # Undefined where the token at 0 differs from another one: outside `accepts`.
    same = Program(
        name="same",
        family="tests",
        meaning="the one token that there is",
        vocab=("a", "b"),
        max_len=2,
        example=(("a", "a"), ("a", "a")),
        builder=lambda: Aggregate(TRUE, tokens),
        accepts=lambda row: len(set(row)) == 1,
    )
    found = verify_outputs(compile_model(same))
    assert (found.positions, found.undefined, found.wrong) == (6, 4, 0)
    found = verify_outputs(compile_model(same), accepts=same.accepts)
    assert (found.positions, found.undefined, found.wrong) == (6, 0, 0)
