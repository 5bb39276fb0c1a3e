"""Components against the interpreter: their code is run, their tables looked up."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest

import zoo
from compiler.errors import InputError, NameLookupError
from compiler.ir import typed as t
from tests.zoo.calls import Call, mistake
from zoo.annotation.code import code_of
from zoo.annotation.components import choose_examples
from zoo.annotation.roles import ROLES
from zoo.auditing.subject import causal_of
from zoo.causal.population import Population, populate
from zoo.causal.tabular import TabularModel

SMALL: dict[str, list[Any]] = {
    "sort": ["a", "b"],
    "fraction_previous": ["x", "y"],
    "median": [1, 3],
    "dyck1_balanced": list("()"),
    "most_frequent": ["a", "b"],
}
"""Program and vocabulary: heads of every rule, MLPs of every kind."""


def computed(model: TabularModel, words: list[Any]) -> dict[str, list[Any]]:
    """Return the values of all steps of one input, by running the emitted code."""
    space: dict[str, Any] = {"n": len(words), "Fraction": Fraction, "x": {}}
    for variable in model.steps.variables:
        code = code_of(model.steps, variable)
        given = isinstance(variable.operation, t.Input) and code == "tokens"
        found = list(words) if given else eval(code, space)
        space["x"][variable.name] = space[variable.name] = found
    return space["x"]


@pytest.mark.parametrize("name", sorted(SMALL))
def test_the_code_of_every_component_computes_what_the_program_does(name: str) -> None:
    causal = causal_of(zoo.compile(name, SMALL[name], 4))
    assert isinstance(causal, TabularModel)
    found = populate(causal)
    assert found.complete
    for row in range(len(found)):
        own = computed(causal, found.words(row))
        for variable in found.names:
            held = found.held(variable)[row][found.live[row]]
            wanted = [found.domains[variable][i] for i in held]
            pairs = zip(own[variable], wanted, held, strict=True)
            assert all(a == b for a, b, index in pairs if index >= 0), variable


def test_every_node_has_a_component_and_every_variable_one() -> None:
    model = zoo.load("reverse-decoys")
    found = zoo.components(model)
    nodes = {c.node for c in found}
    assert nodes == set(model.config.names.sources) - {"tokens", "positions"}
    assert {c.variable for c in found} - {None} == {
        name for name, s in model.sites.items() if s.node in nodes
    }
    assert {c.part for c in found} == {"circuit", "beside", "outside"}
    for c in found:
        assert (c.role in ROLES) == (c.variable is not None)


def test_the_five_roles_are_told_apart() -> None:
    roles = {c.variable: c.role for c in zoo.components("sort-compiled", inputs=50)}
    assert roles["target_index.case1"] == "aggregator"
    assert roles["target_index"] == "combiner"
    assert roles["output"] == "router"
    roles = {
        c.variable: c.role for c in zoo.components("fraction-previous-siit", inputs=50)
    }
    assert {"indicator", "aggregator"} <= set(roles.values())
    induction = {
        c.variable: c.role
        for c in zoo.components("k-hop-induction-compiled", inputs=50)
    }
    assert set(induction.values()) == {"router", None}
    roles = {c.role for c in zoo.components("median-compiled", inputs=50)}
    assert roles == {"mapper", "combiner", "aggregator", None}
    assert {c.role for c in zoo.components("sort-llama", inputs=50)} == {None, "router"}


def test_examples_and_tables_are_what_the_program_computes() -> None:
    model = zoo.load("sort-siit")
    interpreter, components = model.interpreter, zoo.components(model)
    for c in components:
        if c.variable is None or ".case" in c.variable:
            continue
        assert len(c.examples) == 10
        for e in c.examples:
            assert list(e.values) == interpreter(e.tokens)[c.variable]
    combiner = next(c for c in components if c.role == "combiner")
    assert combiner.table is not None
    assert all(sum(k) == v for k, v in combiner.table.items())


def test_examples_show_every_value_that_ten_inputs_can_show() -> None:
    found: Population = populate(causal_of(zoo.load("sort-siit")))
    held = found.held("target_index")
    rows = choose_examples(held, found.live, 10, 0)
    assert len(rows) == len(set(rows)) == 10
    assert set(held[rows].ravel()) - {-1} == set(range(8))


def test_shares_of_values_sum_to_one() -> None:
    for c in zoo.components("histogram-siit", inputs=500):
        if c.variable is not None:
            assert sum(share for _, share in c.values) == pytest.approx(1, abs=1e-4)


def test_the_command_prints_text_and_json_lines(call: Call) -> None:
    told = call("components", "sort-siit", "--inputs", "200")
    assert (told.status, told.err) == (0, "")
    assert "a1.h0  router  output" in told.out
    assert max(map(len, told.out.splitlines())) <= 80
    lines = call("components", "sort-siit", "--jsonl", "--inputs", "200").out
    rows = [json.loads(line) for line in lines.splitlines()]
    assert rows == [c.to_json() for c in zoo.components("sort-siit", inputs=200)]


def test_mistakes_are_told(call: Call) -> None:
    assert "Did you mean" in mistake(call, "components", "sort-siif")
    with pytest.raises(NameLookupError, match="sort-siit"):
        zoo.components("sort-siif")
    with pytest.raises(InputError, match="examples is 0"):
        zoo.components("sort-siit", examples=0)
    with pytest.raises(InputError, match="inputs is 0"):
        zoo.components("sort-siit", inputs=0)
