"""Programs that a search found to be compiled wrongly once, made small."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest

from compiler.api import compile_model
from compiler.ir.interpret import encode_batch, interpret
from compiler.model import Model
from compiler.rasp import (
    EQ,
    LT,
    NEQ,
    Aggregate,
    Map,
    Select,
    SelectorWidth,
    first,
    indices,
    is_none,
    mean,
    shift,
    tokens,
    where,
)
from tests.numpy_forward import Runs, run_inputs, wrong_positions


def check(model: Model, most: int = 600) -> None:
    """Fail unless the model is right, on all inputs or on some spread over them."""
    longest = model.typed.max_len
    rows = [
        row
        for n in range(1, longest + 1)
        for row in itertools.product(model.typed.vocab, repeat=n)
    ]
    tokens_, lengths = encode_batch(model.typed, rows[:: 1 + len(rows) // most])
    trace = interpret(model.typed, tokens_, lengths)
    logits, _ = run_inputs(model, tokens_, lengths)
    assert not wrong_positions(model, trace, logits).any()


@pytest.mark.parametrize("offset", [10**k for k in range(2, 13, 2)])
def test_classes_of_large_integers_are_told_apart(offset):
    # Read off one number, the logits of these classes were beyond float32.
    check(compile_model(tokens + offset, range(6), 3))
    check(compile_model(indices + offset, "ab", 5))
    check(compile_model(SelectorWidth(Select(tokens, tokens, EQ)) + offset, "ab", 5))
    chosen = Select(tokens, indices, EQ)
    check(compile_model(first(chosen, indices + offset, 0), range(4), 4))


def test_powers_are_told_apart():
    check(compile_model(tokens**20, (1, 2, 3, 7), 3))


def test_errors_of_a_one_hot_value_do_not_cancel():
    # Its entries are wrong by different signs; with all of one sign, what a clean
    # copy of it reads seemed to be exact, and the mean was off by 5e-5.
    after = shift(tokens, -1)

    pairs = {(None, None), (None, -3), (None, -1), (-1, -3), (-1, -1), (0, None)}

    def often(key: object, query: object) -> bool:
        return (key, query) in pairs

    place = Aggregate(Select(after, after, often), indices, 2, "min")
    level = Map(lambda value: (0, -1, -1, -1, 2, -1, -1, 2)[value], place)
    number = indices // 5 - level
    average = mean(Select(number, number, LT), level, Fraction(-1, 3))
    check(compile_model(average, (0, -1, -3), 8), most=3000)


def test_a_table_of_one_value_that_is_not_everywhere_defined():
    only = Map(lambda index: {0: 1}[index], indices)
    check(
        compile_model(Aggregate(Select(indices, 1, EQ), shift(only), "none"), "ab", 3)
    )


def test_steps_between_averages_leave_no_rest():
    # Six high slopes, each off by what float32 cuts from its place, added up to 1e-5.
    average = mean(Select(tokens, tokens, lambda key, query: True), tokens, 0)
    above = {-4, Fraction(-19, 5), Fraction(-18, 5)}
    step = Map(lambda v: Fraction(1, 2) if v in above else Fraction(-1, 3), average)
    check(compile_model(step, (-4, -3), 5))


def test_errors_of_what_a_number_is_made_of_count():
    # The least of some means has an error of its own, and adding 2 kept all of it.
    own = mean(Select(tokens, indices, NEQ), tokens, None)
    same = Aggregate(Select(tokens, own, EQ), tokens, -1)
    others = mean(Select(own, same, NEQ), tokens, 1)
    least = Aggregate(Select(same, tokens, LT), others, 0, "min")
    model = compile_model((least + 2).numerical(), (1, -3, 5, 4), 6, causal=True)
    check(model, most=3000)


def test_weights_gone_astray_move_a_mean_by_what_its_values_lie_apart():
    # Of -2 and 2 the mean is 0; a hundred-thousandth of weight too much is four.
    kept = {(2, 2), (2, -1), (-1, -1)}
    others = {(0, -2), (-1, 2), (-1, -1)}
    same = (tokens * 1).named("x")
    odd = (same % -2).named("odd")
    near = Select(tokens, same, lambda key, query: (key, query) in kept)
    far = Select(odd, same, lambda key, query: (key, query) in others)
    average = mean((near & Select(odd, tokens, NEQ)) | far, tokens, None)
    size = 2 + abs(where(is_none(average), 1, average))
    model = compile_model(size, (2, -2, -1), 5, causal=True)
    check(model)
    rows = list(itertools.product((2, -2, -1), repeat=4))
    tokens_, lengths = encode_batch(model.typed, rows)
    base, source = np.divmod(np.arange(len(rows) ** 2), len(rows))
    runs = Runs(model, tokens_, lengths)
    for name in ("x", "odd"):
        trace, logits = runs.interchange(name, base, source)
        assert not wrong_positions(model, trace, logits).any()
