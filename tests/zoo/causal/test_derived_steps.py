"""Steps that are read off a circuit's names are those that were compiled."""

from __future__ import annotations

import numpy as np
import pytest

import programs
from compiler.api import compile_model
from compiler.errors import InputError
from compiler.ir.interpret import interpret
from compiler.machine.circuit import Circuit, Site
from compiler.passes.check import sample_inputs
from compiler.rasp import EQ, LEQ, LT, Aggregate, Select, SelectorWidth, indices, tokens
from zoo.causal.derived_steps import derived_steps
from zoo.causal.tabular import TabularModel


def joint():
    same = Select(tokens, tokens, EQ)
    before = Select(indices, indices, LT)
    return Aggregate(same | before, tokens, default=None, rule="max")


def counted():
    same = Select(tokens, tokens, EQ)
    before = Select(indices, indices, LT)
    return SelectorWidth(same | before)


def commonest():
    same = Select(indices, indices, LEQ)
    return Aggregate(same, tokens, default=None, rule="mode")


MADE = {
    "key": lambda: compile_model(joint(), vocab="ab", max_len=3),
    "case1": lambda: compile_model(counted(), vocab="ab", max_len=3),
    "count0": lambda: compile_model(commonest(), vocab="ab", max_len=3),
    "onehot": lambda: compile_model(programs.find("most_frequent"), max_len=4),
}


@pytest.mark.parametrize("suffix", MADE)
def test_names_say_what_every_step_computes(suffix):
    model = MADE[suffix]()
    assert model.steps is not None
    assert any(suffix in name for name in model.circuit.sites)
    found = derived_steps(model.typed, model.circuit)
    assert found is not None
    own, other = (TabularModel(model.typed, s) for s in (model.steps, found))
    assert [_shape(v) for v in own.variables] == [_shape(v) for v in other.variables]
    assert own.output == other.output
    tokens_, lengths, _ = sample_inputs(model.typed, 200, 0)
    live = np.arange(tokens_.shape[1])[None, :] < lengths[:, None]
    left, right = (interpret(s, tokens_, lengths) for s in (model.steps, found))
    for variable in own.variables:
        if not _is_class(variable.name):  # whose numbering means nothing
            a, b = (
                [p.variables[p.index(variable.name)].domain.values[i] for i in row]
                for p, trace in ((model.steps, left), (found, right))
                for row in [trace.values[p.index(variable.name)][live]]
            )
            assert a == b, variable.name


def _is_class(name):
    return name.endswith((".key", ".query"))


def _shape(variable):
    return variable.name, variable.kind, variable.layer, frozenset(variable.parents)


def test_a_program_whose_every_variable_has_a_component_has_no_other_steps():
    model = compile_model(programs.find("reverse"), vocab="ab", max_len=3)
    assert model.steps is None
    assert derived_steps(model.typed, model.circuit) is None


def test_a_variable_that_no_program_explains_is_refused():
    model = compile_model(programs.find("reverse"), vocab="ab", max_len=3)
    sites = {**model.circuit.sites, "stranger": Site("m0")}
    circuit = Circuit(
        model.circuit.names, model.circuit.edges, sites, model.circuit.carries
    )
    with pytest.raises(InputError, match="a variable 'stranger', and the program has"):
        derived_steps(model.typed, circuit)
