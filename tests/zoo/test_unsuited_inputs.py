"""What a program leaves open: inputs that it is not for, by its `accepts`."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

import programs
import zoo
from compiler.errors import UnsuitedInputWarning
from compiler.model import Model
from tests.zoo.calls import Call

IN_ITS_SOURCE = {"sort_unique"}  # released with a lambda, which says nothing


@pytest.fixture(scope="module")
def sets_equal() -> Model:
    return zoo.compile("sets_equal", vocab="ab|", max_len=4)


def test_every_program_that_is_not_for_all_inputs_says_for_which():
    filters = {n: p for n, p in programs.all_programs().items() if p.accepts}
    silent = {name for name, p in filters.items() if not p.inputs}
    assert len(filters) >= 40 and silent == IN_ITS_SOURCE
    for name in filters.keys() - silent:
        assert "\n" not in programs.find(name).inputs
        assert programs.find(name).inputs[-1] not in ".:"
    assert programs.find("sort").inputs == ""


def test_every_example_is_an_input_that_its_program_is_for():
    for program in programs.all_programs().values():
        assert program.accepts is None or program.accepts(program.example[0]), program


def test_a_model_warns_on_an_input_that_its_program_is_not_for(sets_equal: Model):
    with pytest.warns(UnsuitedInputWarning) as told:
        output = sets_equal(list("a||b"))
    assert len(output) == 4
    assert str(told[0].message) == (
        "sets_equal is not for ['a', '|', '|', 'b']. Of the inputs that it is for this "
        'holds: there is exactly one bar ("|"); either side may be empty. The output '
        "there stands for nothing"
    )
    assert Path(told[0].filename) != Path(zoo.__file__)


def test_a_model_is_silent_on_the_others(sets_equal: Model):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert sets_equal.batch(["a|a", "ab|a"]) == [[True] * 3, [False] * 4]
        assert sets_equal.unsuited(["a|b", "|"]) == ""


def test_of_several_inputs_they_are_counted(sets_equal: Model):
    found = sets_equal.unsuited(["ab", "a|b", "||"])
    assert found.startswith(
        "sets_equal is not for 2 of the 3 inputs, such as ['a', 'b']."
    )


def test_a_program_of_several_says_what_each_is_for():
    both = programs.find("sets_equal+is_subset")
    assert both.inputs.startswith("the first token is the name of a program")
    assert both.inputs.count("exactly one bar") == 2


def test_a_saved_model_and_the_command_say_the_same(
    sets_equal: Model, call: Call, tmp_path: Path
):
    zoo.save(sets_equal, tmp_path / "saved")
    loaded = zoo.load(tmp_path / "saved")
    assert loaded.unsuited(["ab"]) == sets_equal.unsuited(["ab"]) != ""
    outcome = call("run", "./saved", "--input", "ab")
    assert (outcome.status, len(outcome.lines[0])) == (0, 2)
    assert outcome.err == f"note: {sets_equal.unsuited(['ab'])}\n"
    assert call("run", "./saved", "--input", "a|b").err == ""
    assert "For inputs of which this holds: there is" in call("show", "./saved").out


def test_an_expression_is_for_all_inputs():
    assert zoo.compile("reverse", vocab="ab", max_len=3).unsuited(["ab", "b"]) == ""
