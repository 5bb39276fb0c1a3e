from __future__ import annotations

import itertools

import numpy as np
import pytest

from compiler.ir import typed as t
from compiler.ir.graph import build_graph
from compiler.ir.interpret import encode_batch, interpret
from compiler.passes.formulas import fold_formula, negate
from compiler.passes.infer import infer_domains
from compiler.passes.simplify import simplify
from compiler.rasp import (
    EQ,
    LT,
    NEQ,
    TRUE,
    Aggregate,
    Constant,
    Elementwise,
    Map,
    Select,
    SelectorWidth,
    SOp,
    first,
    indices,
    length,
    shift,
    tokens,
    where,
)

VOCAB, MAX_LEN = (0, 1, 2), 4


def both(expression: SOp) -> tuple[t.Typed, t.Typed]:
    """Return the program before and after."""
    before = infer_domains(build_graph(expression), VOCAB, MAX_LEN)
    return before, simplify(before)


def kinds(typed: t.Typed) -> list[str]:
    return [type(variable.operation).__name__ for variable in typed.variables]


def run(typed: t.Typed, overrides: dict[str, list[int]] | None = None) -> list:
    """Return the output on every input, some variables overridden."""
    rows = [
        row for n in range(1, MAX_LEN + 1) for row in itertools.product(VOCAB, repeat=n)
    ]
    given = {}
    for name, values in (overrides or {}).items():
        domain = typed.variables[typed.index(name)].domain
        cells = [domain.index(value) for value in values]
        assert min(cells) >= 0
        given[typed.index(name)] = np.tile(np.array(cells, np.int32), (len(rows), 1))
    trace = interpret(typed, *encode_batch(typed, rows), given)
    return [trace.decoded(typed.output, row) for row in range(len(rows))]


PROGRAMS = {
    "chain": Map(lambda x: x * x, tokens + indices) % 3,
    "constants": where(Constant(True), tokens + (Constant(1) + 1), 5),
    "repeats": (tokens + 1) * (tokens + 1) - (1 + tokens),
    "dead": where(indices >= 0, tokens, SelectorWidth(Select(tokens, tokens, EQ))),
    "fixed widths": SelectorWidth(Select(indices, indices, LT)) + tokens,
    "selectors": first(~(Select(tokens, 0, NEQ) & ~Select(indices, 1, LT)), tokens),
    "everything": SelectorWidth(Select(tokens, 9, NEQ) & TRUE) - length,
    "same argument": Elementwise(lambda x, y, z: x + y * z, (tokens, tokens, indices)),
    "order": shift(tokens, 1, 0) - shift(tokens, 1, 1),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_meaning_stays(name):
    before, after = both(PROGRAMS[name])
    assert run(after) == run(before)
    assert len(after.variables) <= len(before.variables)
    assert kinds(simplify(after)) == kinds(after)


def test_unnamed_steps_join_into_one_table():
    _, after = both(Map(lambda x: x * x, tokens + indices) % 3)
    assert kinds(after) == ["Input", "Input", "Table"]


def test_a_named_step_is_kept_and_read():
    middle = (tokens + 1).named("middle")
    before, after = both(middle * 2)
    assert [v.name for v in after.variables][:2] == ["tokens", "middle"]
    override = {"middle": [3, 1, 2, 1]}
    assert run(after, override) == run(before, override)
    assert run(after, override)[0] == [6]


def test_what_no_output_needs_is_gone():
    unused = SelectorWidth(Select(tokens, tokens, EQ)) * 0
    _, after = both(tokens + unused)
    assert kinds(after) == ["Input"]


def test_a_function_of_the_position_becomes_a_table_of_it():
    _, after = both(SelectorWidth(Select(indices, indices // 2, LT)))
    assert kinds(after) == ["Input", "Table"]
    _, after = both(SelectorWidth(Select(indices, indices, LT)))  # that is `indices`
    assert kinds(after) == ["Input"]


def test_an_output_that_is_always_the_same_is_fixed():
    _, after = both(tokens - tokens)
    assert kinds(after) == ["Fixed"]


def test_a_copy_is_the_variable_itself():
    _, after = both(Map(lambda x: x, tokens))
    assert kinds(after) == ["Input"]
    _, after = both(Map(lambda x: x, tokens).named("copy"))
    assert [v.name for v in after.variables] == ["tokens", "copy"]


def test_a_boolean_is_no_copy_of_a_number():
    before = infer_domains(build_graph(Map(lambda x: x == 1, tokens)), (0, 1), 2)
    after = simplify(before)
    assert after.variables[after.output].domain.values == (False, True)


def test_equal_aggregates_of_equal_selectors_are_one():
    one = Aggregate(Select(indices, tokens + 0, EQ), tokens)
    other = Aggregate(Select(indices, tokens, EQ), tokens)
    _, after = both(Elementwise(lambda x, y: (x, y), (one, other)))
    assert kinds(after).count("Pick") == 1


def test_the_authors_name_wins_over_a_made_up_one():
    _, after = both((tokens + 1) * Map(lambda x: x + 1, tokens).named("next"))
    assert "next" in [v.name for v in after.variables]


def atom(bits: str) -> t.Atom:
    """Return an atom of two keys and two queries, its cells as digits."""
    return t.Atom(0, 0, np.array([c == "1" for c in bits]).reshape(2, 2))


def test_formulas_fold_their_constants():
    some = atom("0110")
    assert fold_formula(atom("1111")) == t.Truth(True)
    assert fold_formula(t.Junction("and", (some, t.Truth(True)))) is some
    assert fold_formula(t.Junction("or", (some, atom("1111")))) == t.Truth(True)
    assert fold_formula(t.Junction("or", (atom("0000"), some))) is some
    assert fold_formula(t.Junction("not", (t.Truth(False),))) == t.Truth(True)


def test_not_goes_to_the_atoms():
    some, other = atom("0110"), atom("0111")
    found = negate(t.Junction("and", (some, t.Junction("or", (other, some)))))
    assert isinstance(found, t.Junction) and found.kind == "or"
    first_part, second = found.parts
    assert isinstance(first_part, t.Atom) and isinstance(second, t.Junction)
    assert (first_part.allowed == ~some.allowed).all() and second.kind == "and"
