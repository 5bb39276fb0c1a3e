"""What an earlier compiler got wrong, silently, and what it refused: all of it works.

Each of the ten known miscompilations of Tracr, and each construct that it refuses
and people asked for, is compiled here at several lengths, run, and compared with the
definition: in NumPy (`tests/test_numpy_forward.py` holds that and the jax machine
together), and one model of each kind in the jax machine as well, because XLA takes
longer over a model than all else here. Where the right answer is an error, the error
is tested.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import programs
from compiler.api import compile_model
from compiler.errors import InputError, ProgramError
from compiler.machine.forward import logits_batch
from compiler.model import Model
from compiler.rasp import (
    EQ,
    FALSE,
    GEQ,
    GT,
    LEQ,
    LT,
    NEQ,
    TRUE,
    Aggregate,
    LinearSequenceMap,
    Map,
    Select,
    SelectorWidth,
    SequenceMap,
    SOp,
    any_of,
    first,
    indices,
    is_none,
    last,
    length,
    mean,
    prefix,
    shift,
    tokens,
    total,
)
from tests import oracle
from tests.numpy_forward import outputs
from tests.programs.check import agree

# That compiler starts to be wrong at 10.
LENGTHS, IN_JAX = (3, 10, 40), 10
FULL, SHORTER = 3, 3
WORDS, NUMBERS = tuple("abc"), (-2, -1, 0, 3)


@pytest.fixture(scope="module", autouse=True)
def quick_compilation() -> Iterator[None]:
    """Most of the time here is XLA's, for models that run once."""
    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", before)


def inputs(vocab: Sequence[Any], max_len: int) -> list[tuple[Any, ...]]:
    """Return inputs of the full length, one of each constant kind, and shorter ones."""
    draw = random.Random(max_len)
    lengths = [max_len] * FULL + [draw.randint(1, max_len) for _ in range(SHORTER)]
    drawn = [tuple(draw.choices(vocab, k=n)) for n in lengths]
    return [*drawn, *((token,) * max_len for token in vocab)]


def check(
    expression: SOp,
    vocab: Sequence[Any],
    max_len: int,
    causal: bool = False,
    jax_too: bool = False,
) -> Model:
    """Fail unless the compiled program is what it is by definition."""
    model = compile_model(expression, vocab, max_len, causal=causal)
    given = inputs(vocab, max_len)
    run_in_jax = jax_too and max_len == IN_JAX
    answers = model.batch(given) if run_in_jax else outputs(model, given)
    for row, found in zip(given, answers, strict=True):
        expected = oracle.evaluate(expression, row, causal)
        assert close(found, expected), f"{row}: {found}, not {expected}"
    return model


def close(found: Sequence[Any], expected: Sequence[Any]) -> bool:
    """Return whether values are the same; fractions come back as floats."""

    def same(value: Any, exact: Any) -> bool:
        if isinstance(exact, Fraction):
            return isinstance(value, float) and abs(value - exact) < 1e-12
        if isinstance(value, float):
            return not isinstance(exact, bool) and value == exact
        return agree(value, exact)

    return len(found) == len(expected) and all(map(same, found, expected))


all_lengths = pytest.mark.parametrize("max_len", LENGTHS)
reversed_by_width = Aggregate(
    Select(indices, SelectorWidth(TRUE) - 1 - indices, EQ), tokens
)
fraction_of_a = mean(prefix(), tokens == "a")

# What it compiles wrongly -------------------------------------------------------------


@all_lengths
def test_1_widths_of_ten_and_more_are_counted(max_len):
    check(SelectorWidth(TRUE), WORDS, max_len)
    check(reversed_by_width, WORDS, max_len, jax_too=True)
    check(SelectorWidth(Select(tokens, tokens, EQ)), WORDS, max_len)


def test_2_attention_does_not_soften_as_keys_get_wider():
    sort = programs.find("sort")
    model = compile_model(sort, range(32), 20)
    draw = random.Random(2)
    rows = [draw.choices(range(32), k=20) for _ in range(60)]
    assert model.batch(rows) == [sorted(row) for row in rows]


@all_lengths
def test_2_sorting_is_exact_at_every_length(max_len):
    model = compile_model(programs.find("sort"), range(5), max_len)
    rows = inputs(range(5), max_len)
    assert outputs(model, rows) == [sorted(row) for row in rows]


@all_lengths
def test_3_a_map_after_a_mean_sees_every_fraction(max_len):
    check(fraction_of_a > Fraction(3, 5), WORDS, max_len, causal=True, jax_too=True)
    check(fraction_of_a > 0.6, WORDS, max_len)


def test_3_the_mean_of_booleans_has_two_thirds():
    model = compile_model(fraction_of_a.named("share"), WORDS, 4)
    assert {Fraction(2, 3), Fraction(3, 4)} <= set(model.variables["share"].values)


@all_lengths
def test_4_negative_values_of_a_map_stay_negative(max_len):
    signed = Map(lambda token: {"a": -3, "b": -1, "c": 2}[token], tokens).numerical()
    check(signed, WORDS, max_len)
    if max_len <= 10:  # the means of a longer input are checked on booleans
        check(Aggregate(TRUE, signed), WORDS, max_len)


@pytest.mark.parametrize("max_len", LENGTHS[1:])
def test_5_an_aggregate_of_different_values_is_refused(max_len):
    with pytest.raises(ProgramError) as caught:
        compile_model(Aggregate(prefix(), tokens).named("any"), WORDS, max_len)
    text = str(caught.value)
    assert "'any'" in text and "at position" in text
    assert "the selected positions hold different values (among 'a', 'b'" in text
    assert "rule='first', 'last', 'min', 'max' or 'mode'" in text


@all_lengths
@pytest.mark.parametrize("rule", ["first", "last", "min", "max", "mode"])
def test_5_a_rule_chooses_among_different_values(rule, max_len):
    earlier = prefix(strict=True)
    check(Aggregate(earlier, tokens, "c", rule), ("b", "a", "c"), max_len)


@pytest.mark.parametrize("answer", [2, 0.5, "yes", None])
def test_6_a_predicate_that_returns_no_boolean_is_refused(answer):
    selector = Select(tokens, tokens, lambda key, query: answer)
    with pytest.raises(ProgramError) as caught:
        compile_model(SelectorWidth(selector).named("w"), WORDS, 4)
    text = str(caught.value)
    assert f"the predicate returns {answer!r}, a {type(answer).__name__}" in text
    assert "on key 'a' and query 'a'; it must return True or False" in text


@all_lengths
def test_7_nothing_selected_is_none(max_len):
    later = Aggregate(Select(indices, indices + 2, EQ), tokens)
    model = check(later, WORDS, max_len)
    assert outputs(model, ["abc"]) == [["c", None, None]]
    check(is_none(later), WORDS, max_len)


@all_lengths
def test_7_none_stands_beside_numbers(max_len):
    means = mean(Select(tokens, "a", EQ), indices == 0)
    model = check(means, WORDS, max_len, jax_too=True)
    assert outputs(model, ["bb"]) == [[None, None]]


@all_lengths
def test_8_padding_is_never_attended_to(max_len):
    # Keys are positions: what is selected depends on no token, so PAD could be it.
    last_token = Aggregate(TRUE, tokens, rule="last")
    model = check(last_token, WORDS, max_len, jax_too=True)
    row = tuple("abc")[: max_len - 1]
    assert outputs(model, [row]) == outputs(model, [row, ("a",) * max_len])[:1]
    check(SelectorWidth(Select(indices, indices, GEQ)), WORDS, max_len)


@pytest.mark.parametrize("token", ["BOS", "PAD", "<bos>", None])
def test_8_bos_and_pad_are_no_tokens(token):
    model = compile_model(programs.find("reverse"), WORDS, 4)
    with pytest.raises(InputError, match=r"the token at position 1 is .* not in the"):
        model(["a", token, "b"])


@all_lengths
def test_8_a_longer_input_is_refused(max_len):
    model = compile_model(tokens == "a", WORDS, max_len)
    with pytest.raises(InputError, match=f"has {max_len + 1} tokens.*at most"):
        model(["a"] * (max_len + 1))


@all_lengths
@pytest.mark.parametrize("sign", ["==", "!=", "<", "<=", ">", ">="])
def test_9_two_sequences_are_compared_position_by_position(sign, max_len):
    compared = {
        "==": tokens == indices,
        "!=": tokens != indices,
        "<": tokens < indices,
        "<=": tokens <= indices,
        ">": tokens > indices,
        ">=": tokens >= indices,
    }[sign]
    check(compared, (0, 1, 2, 7, 15), max_len)


@all_lengths
def test_9_a_sequence_is_compared_with_a_shifted_one(max_len):
    check(tokens == shift(tokens), WORDS, max_len)
    check(shift(tokens, -1) != tokens, WORDS, max_len)


@all_lengths
def test_10_reading_a_name_makes_nothing_collide(max_len):
    plain = Map(lambda token: token * 2, tokens)
    assert plain.name is None and repr(plain)  # reading changes nothing
    number, word = plain.numerical(), plain.categorical()
    assert (plain.encoding, number.encoding, word.encoding) == (
        "auto",
        "numerical",
        "categorical",
    )
    both = mean(TRUE, number.named("x")) - Aggregate(
        Select(indices, 0, EQ), word.named("x")
    )
    if max_len <= 10:
        check(both, NUMBERS, max_len)
    check(first(TRUE, word.named("x")) + plain, NUMBERS, max_len)


def test_10_variables_of_the_same_name_stay_apart():
    one, other = (tokens + 1).named("x"), (tokens * 2).named("x")
    model = check(one - other, NUMBERS, 5)
    names = [name for name in model.variables if name.startswith("x")]
    assert len(names) == len(set(names)) == 2


# What it refuses ----------------------------------------------------------------------


@all_lengths
@pytest.mark.parametrize(
    "selector",
    [
        Select(tokens, tokens, EQ) & prefix(),
        Select(tokens, tokens, EQ) | Select(indices, indices, EQ),
        ~Select(tokens, tokens, EQ),
        ~(Select(tokens, tokens, EQ) & prefix(strict=True)) & TRUE,
        Select(tokens, "a", EQ),
        Select("a", tokens, NEQ) & prefix(),
        FALSE | Select(indices, 1, GT),
    ],
    ids=["and", "or", "not", "mixed", "constant-query", "constant-key", "false"],
)
def test_compound_selectors(selector, max_len):
    check(SelectorWidth(selector), WORDS, max_len)
    check(first(selector, tokens), WORDS, max_len)


@all_lengths
def test_length_is_a_primitive(max_len):
    check(length, WORDS, max_len)
    check(Aggregate(Select(indices, length - 1 - indices, EQ), tokens), WORDS, max_len)


@all_lengths
@pytest.mark.parametrize("default", ["none", "b", 7, Fraction(1, 2), -1, True])
def test_any_default(default, max_len):
    check(shift(tokens, 2, default), WORDS, max_len)


@all_lengths
@pytest.mark.parametrize("default", [5, Fraction(1, 3), -2, None])
def test_a_mean_has_any_default(default, max_len):
    check(
        mean(Select(tokens, "a", EQ) & prefix(), tokens == "a", default), WORDS, max_len
    )


@all_lengths
def test_numerical_keys_and_queries(max_len):
    number = (tokens * 2).numerical()
    check(SelectorWidth(Select(number, number, LT)), NUMBERS, max_len)
    check(
        last(Select(number, (indices + 1).numerical(), LEQ), tokens), NUMBERS, max_len
    )


@all_lengths
def test_functions_of_numerical_values(max_len):
    share = fraction_of_a
    if max_len <= 10:
        check(SequenceMap(lambda x, y: x * y, share, share), WORDS, max_len)
        check(LinearSequenceMap(share, indices, 2, -1), WORDS, max_len, causal=True)
    number = tokens.numerical()
    check(SequenceMap(lambda x, y: x * y + 1, number, indices), NUMBERS, max_len)


@pytest.mark.parametrize("max_len", (3, 10, 20))
def test_means_of_any_numbers(max_len):
    check(mean(TRUE, tokens), (-2, 0, 5), max_len)
    check(mean(prefix(), tokens), (Fraction(-1, 2), 0, 3), max_len, causal=True)


@all_lengths
@pytest.mark.parametrize(
    "expression",
    [-tokens, tokens % 3, tokens // 2, tokens**2, abs(tokens), round(tokens / 2)],
    ids=["negative", "modulo", "floor", "power", "abs", "round"],
)
def test_operators(expression, max_len):
    check(expression, NUMBERS, max_len)
    check(tokens - expression + indices, NUMBERS, max_len)


@all_lengths
def test_programs_without_tokens(max_len):
    check(indices, WORDS, max_len)
    check(indices % 2 == 0, WORDS, max_len, causal=True)
    check(length - indices, WORDS, max_len)
    check(indices - indices + 4, WORDS, max_len)


@all_lengths
def test_the_sum_of_an_aggregate(max_len):
    check(total(prefix(), tokens == "a"), WORDS, max_len, causal=True)
    check(total(Select(tokens, tokens, EQ), indices == 0), WORDS, max_len)
    check(any_of(Select(tokens, "a", EQ)), WORDS, max_len)


@all_lengths
def test_a_batch_is_ragged(max_len):
    model = compile_model(programs.find("reverse"), WORDS, max_len)
    rows = inputs(WORDS, max_len)
    assert outputs(model, rows) == [list(reversed(row)) for row in rows]
    if max_len == IN_JAX:
        assert model.batch(rows) == outputs(model, rows)
    assert model.batch([]) == []


def test_gradients_go_through_a_model():
    model = compile_model(programs.find("reverse"), WORDS, 3)
    ids = model.encode_batch(["abc"])

    def loss(matrix: Any) -> Any:
        return logits_batch(model.transformer.with_arrays(W_U=matrix), ids).sum()

    gradient = jax.grad(loss)(jnp.asarray(model.weights.W_U))
    assert gradient.shape == model.weights.W_U.shape
    assert np.isfinite(gradient).all() and np.abs(gradient).max() > 0


def test_the_unembedding_is_a_parameter_and_the_circuit_comes_along():
    model = compile_model(programs.find("reverse"), WORDS, 3)
    assert model.weights.W_U.shape == (model.config.d_model, len(model.logits("a")[0]))
    assert model.circuit.edges
    assert any(edge.reader == "logits" for edge in model.circuit.edges)
    assert set(model.circuit.sites) >= {"tokens", "length"}
