from __future__ import annotations

import itertools

import numpy as np
import pytest

from compiler.errors import InputError, NameLookupError
from compiler.ir import interpret as module
from compiler.ir.graph import build_graph
from compiler.ir.interpret import encode_batch, interpret, overrides_from_values
from compiler.ir.typed import Typed
from compiler.passes.infer import infer_domains
from compiler.rasp import (
    EQ,
    GT,
    LEQ,
    NEQ,
    TRUE,
    Aggregate,
    Select,
    SelectorWidth,
    SOp,
    indices,
    length,
    mean,
    prefix,
    shift,
    tokens,
    total,
)
from compiler.rasp.values import UNDEFINED
from tests import oracle

VOCAB, MAX_LEN = (2, 0, -1), 4
ROWS = [
    row for n in range(1, MAX_LEN + 1) for row in itertools.product(VOCAB, repeat=n)
]


def typed(expression: SOp, causal: bool = False) -> Typed:
    return infer_domains(build_graph(expression, causal=causal), VOCAB, MAX_LEN)


def run(expression: SOp, causal: bool = False) -> list[list]:
    """Return the output on every input."""
    program = typed(expression, causal)
    trace = interpret(program, *encode_batch(program, ROWS))
    return [trace.decoded(program.output, row) for row in range(len(ROWS))]


before = prefix(strict=True)
PROGRAMS = {
    "arithmetic": tokens * indices - 1,
    "width": SelectorWidth(Select(tokens, tokens, LEQ) & ~before),
    "mean": mean(Select(tokens, indices, NEQ), tokens, "none"),
    "sum": total(before, tokens),
    "shift": shift(tokens, -1, 7),
    "unique": Aggregate(Select(tokens, tokens, EQ), tokens),
    **{
        rule: Aggregate(before, tokens, "z", rule)
        for rule in ("first", "last", "min", "max", "mode")
    },
}


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_interpreter_is_the_definition(name, causal):
    expected = [oracle.evaluate(PROGRAMS[name], row, causal) for row in ROWS]
    assert run(PROGRAMS[name], causal) == expected


def test_different_values_are_undefined_and_stay_so():
    vague = Aggregate(prefix(), tokens) + 1
    found = run(vague)
    assert found == [oracle.evaluate(vague, row) for row in ROWS]
    assert any(UNDEFINED in values for values in found)


def test_what_follows_the_length_changes_nothing():
    program = typed(mean(TRUE, tokens) + Aggregate(TRUE, tokens, rule="last"))
    indices_, lengths = encode_batch(program, ROWS)
    filled = indices_.copy()
    filled[np.arange(MAX_LEN)[None, :] >= lengths[:, None]] = 2
    one, other = (
        interpret(program, indices_, lengths),
        interpret(program, filled, lengths),
    )
    for row in range(len(ROWS)):
        assert one.decoded(program.output, row) == other.decoded(program.output, row)


def test_an_override_replaces_a_variable_and_all_that_reads_it():
    double = (tokens * 2).named("double")
    program = typed(total(TRUE, double) + double)
    cells, lengths = encode_batch(program, [(2, 0, -1)])
    given = overrides_from_values(program, {"double": [4, -2, -2]}, lengths)
    trace = interpret(program, cells, lengths, given)
    assert trace.decoded(program.index("double"), 0) == [4, -2, -2]
    assert trace.decoded(program.output, 0) == [4, -2, -2]


def test_an_override_of_some_positions_leaves_the_others():
    program = typed((tokens * 2).named("double") + 1)
    cells, lengths = encode_batch(program, [(2, 0, -1)])
    index = program.index("double")
    override = np.full((1, MAX_LEN), -2, np.int32)
    override[0, 1] = program.variables[index].domain.index(4)
    trace = interpret(program, cells, lengths, {index: override})
    assert trace.decoded(program.output, 0) == [5, 5, -1]


def test_overriding_with_what_is_there_changes_nothing():
    program = typed(total(Select(tokens, tokens, EQ), indices) * length)
    arguments = encode_batch(program, ROWS)
    trace = interpret(program, *arguments)
    for index in range(len(program.variables)):
        again = interpret(program, *arguments, {index: trace.values[index]})
        assert np.array_equal(again.output, trace.output)


def test_chunks_of_a_batch_are_the_batch(monkeypatch):
    program = typed(SelectorWidth(Select(tokens, tokens, GT)))
    arguments = encode_batch(program, ROWS)
    given = {0: np.full((len(ROWS), MAX_LEN), 1, np.int32)}
    whole = interpret(program, *arguments, given)
    monkeypatch.setattr(module, "_CHUNK_CELLS", 7 * MAX_LEN**2)
    parts = interpret(program, *arguments, given)
    for one, other in zip(whole.values, parts.values, strict=True):
        assert np.array_equal(one, other)


def test_tokens_are_encoded_by_value_and_type():
    program = typed(tokens)
    found, lengths = encode_batch(program, [(0, 2.0), (np.int64(-1),)])
    assert found[0, :2].tolist() == [1, 0] and found[1, 0] == 2
    assert lengths.tolist() == [2, 1]
    for wrong in (False, "2", None, 5):
        with pytest.raises(InputError, match="the token at position 1 is"):
            encode_batch(program, [(0, wrong)])


def test_overrides_name_their_mistakes():
    program = typed((tokens * 2).named("double"))
    lengths = np.array([2])
    with pytest.raises(NameLookupError, match="no variable is named 'doubel'"):
        overrides_from_values(program, {"doubel": [0, 0]}, lengths)
    with pytest.raises(InputError, match="at position 1 is 3, outside its domain"):
        overrides_from_values(program, {"double": [0, 3]}, lengths)
    with pytest.raises(InputError, match="has 3 values for an input of 2 tokens"):
        overrides_from_values(program, {"double": [0, 0, 0]}, lengths)
