from __future__ import annotations

import numpy as np
import pytest

from compiler.errors import ProgramError
from compiler.ir.graph import build_graph
from compiler.ir.typed import Typed
from compiler.passes.check import check_defined, count_inputs, sample_inputs
from compiler.passes.infer import infer_domains
from compiler.rasp import EQ, TRUE, Aggregate, Select, SOp, indices, length, tokens

VOCAB = ("a", "b", "c")


def typed(expression: SOp, max_len: int = 4) -> Typed:
    return infer_domains(build_graph(expression), VOCAB, max_len)


def test_few_inputs_are_all_inputs():
    found, lengths, complete = sample_inputs(typed(tokens), 1000, 0)
    assert complete and len(found) == count_inputs(3, 4) == 120
    rows = {tuple(row[:n]) for row, n in zip(found.tolist(), lengths, strict=True)}
    assert len(rows) == 120


def test_many_inputs_are_drawn_with_even_lengths():
    program = typed(tokens, 12)
    found, lengths, complete = sample_inputs(program, 120, 5)
    assert not complete and np.bincount(lengths).tolist() == [0, *[10] * 12]
    again, _, _ = sample_inputs(program, 120, 5)
    other, _, _ = sample_inputs(program, 120, 6)
    assert np.array_equal(found, again) and not np.array_equal(found, other)


def test_inputs_that_the_program_is_not_for_are_left_out():
    _, lengths, complete = sample_inputs(typed(tokens), 1000, 0, lambda r: "a" in r)
    assert complete and len(lengths) == 120 - (2 + 4 + 8 + 16)


def test_what_is_proven_is_not_run():
    program = typed(Aggregate(Select(indices, length - 1, EQ), tokens))
    assert check_defined(program, None) is program


def test_what_is_sampled_is_noted():
    same = Aggregate(Select(tokens, tokens, EQ), tokens)
    assert check_defined(typed(same), None).notes == ()
    found = check_defined(typed(same, 40), None)
    assert len(found.notes) == 1
    assert "was checked on" in found.notes[0] and "not proven" in found.notes[0]


def test_an_undefined_output_is_shown_with_its_input():
    with pytest.raises(ProgramError) as caught:
        check_defined(typed(Aggregate(TRUE, tokens).named("x")), None)
    (problem,) = caught.value.problems
    assert problem.startswith(
        "'x', that is x = unique(everything, tokens), on ['a', 'b'"
    )
    assert "at position 0: the selected positions hold different values" in problem


def test_inputs_outside_the_programs_may_be_undefined():
    program = typed(Aggregate(TRUE, tokens))
    assert check_defined(program, lambda row: len(set(row)) == 1).notes == ()
