"""A model that is too large is refused before it is made, and no other one is."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

import programs
from compiler.api import compile_model
from compiler.errors import ProgramError
from compiler.passes import coding, plan
from compiler.passes.codes import one_hot
from compiler.passes.infer import Limits
from compiler.passes.size import LeastSize, least_size
from compiler.passes.units import TooManyUnits, solve_table
from compiler.rasp import EQ, LT, Aggregate, Select, indices, tokens
from compiler.rasp.expr import SOp
from tests.numpy_forward import outputs

SMALL = ["reverse", "sort", "argmax", "second_maximum", "running_mean"]


@pytest.mark.parametrize("name", [n for n in SMALL if n in programs.all_programs()])
def test_the_limit_refuses_exactly_the_models_that_are_larger(name: str) -> None:
    program = programs.find(name)
    size = compile_model(program).config.n_params
    assert (
        compile_model(program, limits=Limits(parameters=size)).config.n_params == size
    )
    with pytest.raises(ProgramError, match=f"above the limit of {size - 1:,}"):
        compile_model(program, limits=Limits(parameters=size - 1))


def test_decoys_count_as_parameters() -> None:
    program = programs.find("reverse")
    limits = Limits(parameters=compile_model(program).config.n_params)
    with pytest.raises(ProgramError, match="or raise max_parameters"):
        compile_model(program, limits=limits, decoys=3)


def test_a_large_model_is_refused_with_its_size_its_reason_and_a_remedy() -> None:
    with pytest.raises(ProgramError) as error:
        compile_model(
            programs.find("sort"), [1, 2], 40, limits=Limits(parameters=300_000)
        )
    text = error.value.problems[0]
    assert text.startswith("with 2 tokens and max_len 40 its model would have 3")
    assert "above the limit of 300,000: the table of 'target_index' takes 818" in text
    assert "the values of 'indices' take 40 of its 84 dimensions" in text
    assert text.endswith("raise max_parameters.")


def test_a_table_of_too_many_rectangles_is_refused_before_they_are_made() -> None:
    rng = np.random.default_rng(0)
    table = rng.integers(0, 9, (60, 60)).astype(np.int32)
    codes, numbers = [one_hot(60)] * 2, [rng.permutation(60).astype(float)] * 2
    with pytest.raises(TooManyUnits) as error:
        solve_table(table, codes, numbers, one_hot(9), (1e-2,), most=300)
    units = solve_table(table, codes, numbers, one_hot(9), (1e-2,), most=600)
    assert units is not None and units.count == error.value.count > 300


def test_a_table_may_have_as_many_units_as_the_parameters_allow() -> None:
    size = LeastSize(rows=10, d_model=20, layers=3, heads=2, d_head=5)
    for parameters in (2_000, 9_999, 100_000):
        most = size.units_within(parameters)
        assert size.with_units("x", most).parameters <= parameters
        assert size.with_units("x", most + 1).parameters > parameters


def test_a_large_sort_is_refused_before_any_table_is_solved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def solve(*_: object) -> None:
        raise AssertionError("a table was solved")

    monkeypatch.setattr(coding, "solve_table", solve)
    with pytest.raises(ProgramError) as error:
        compile_model(programs.find("sort"), [1, 2], 500)
    text = error.value.problems[0]
    assert "its model would have 12,546,988 parameters or more" in text
    assert "the table of 'target_index' takes 499 hidden units or more" in text
    assert text.endswith("or raise max_parameters.")


@pytest.mark.parametrize("name", [*SMALL, "histogram", "dyck2_ptf"])
def test_the_first_bound_is_below_what_the_model_has(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bounds: list[int] = []

    def measure(*arguments: object) -> LeastSize:
        found = least_size(*arguments)  # type: ignore[arg-type]
        bounds.append(found.parameters)
        return found

    monkeypatch.setattr(plan, "least_size", measure)
    model = compile_model(programs.find(name))
    assert 0 < max(bounds) <= model.config.n_params


def test_heads_that_can_be_in_one_layer_only_count_in_all_layers() -> None:
    size = LeastSize(rows=1, d_model=10, layers=3, heads=3, d_head=5, abreast=2)
    assert size.parameters == 10 * (1 + 4 * 5 * 4)  # one head in each of four layers
    several = replace(size, heads=9, abreast=3)
    assert several.parameters == 10 * (1 + 4 * 5 * 9)
    waiting = replace(size, waiting={"x": 7})
    assert waiting.parameters == 10 * (1 + 4 * 5 * 4 + 2 * 7 * 4)
    assert waiting.with_units("x", 7).parameters == waiting.parameters


# Programs that were much larger than they had to be --------------------------------


def test_many_counts_are_added_before_they_stand_one_hot() -> None:
    model = compile_model(programs.find("sort"), [1, 2], 100)
    assert model.config.n_params < 1_000_000  # 25,259,859 in the first release
    assert model.config.n_layers == 3
    rng = np.random.default_rng(0)
    rows = [rng.integers(1, 3, length).tolist() for length in (1, 50, 99, 100)]
    assert outputs(model, rows) == [sorted(row) for row in rows]


def any_of_three(rule: Literal["first", "min"]) -> SOp:
    """Return the token that a rule picks where one of three conditions holds."""
    before = Aggregate(Select(indices, indices - 1, EQ), tokens, default=0)
    selector = Select(tokens, tokens, EQ) | Select(indices, indices, LT)
    selector |= Select(before, before, EQ)
    return Aggregate(selector, tokens, rule=rule, default=None)


@pytest.mark.parametrize("rule", ["first", "min"])
def test_a_choice_of_three_conditions_is_made_case_by_case(
    rule: Literal["first", "min"],
) -> None:
    model = compile_model(any_of_three(rule), range(4), 8)
    assert model.config.n_params < 50_000  # 705,766 with one head for all of them
    rng = np.random.default_rng(0)
    rows = [rng.integers(0, 4, rng.integers(1, 9)).tolist() for _ in range(20)]
    wanted = [list(model.interpreter(row).values())[-1] for row in rows]
    assert outputs(model, rows) == wanted
