"""Domains by position: nothing reachable is missing, and little else is in."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.errors import ProgramError
from compiler.ir import typed as t
from compiler.ir.graph import build_graph
from compiler.passes.infer import infer_domains
from compiler.passes.means import reachable_means
from compiler.passes.select import bound
from compiler.rasp import (
    EQ,
    GT,
    LEQ,
    LT,
    TRUE,
    Aggregate,
    Elementwise,
    Map,
    Select,
    SelectorWidth,
    SOp,
    first,
    indices,
    last,
    length,
    mean,
    prefix,
    shift,
    tokens,
    total,
    where,
)
from tests import oracle

VOCAB, MAX_LEN = ("a", "b"), 4


def typed(expression: SOp, vocab: Any = VOCAB, causal: bool = False) -> t.Typed:
    return infer_domains(build_graph(expression, causal=causal), vocab, MAX_LEN)


def values(expression: SOp, vocab: Any = VOCAB, causal: bool = False) -> set:
    """Return the inferred values of the output."""
    found = typed(expression, vocab, causal)
    return set(found.variables[found.output].domain.values)


def reachable(expression: SOp, vocab: Any = VOCAB, causal: bool = False) -> list[set]:
    """Return the values that the output really takes, by position."""
    found: list[set] = [set() for _ in range(MAX_LEN)]
    for n in range(1, MAX_LEN + 1):
        for row in itertools.product(vocab, repeat=n):
            for place, value in enumerate(oracle.evaluate(expression, row, causal)):
                found[place].add(value)
    return found


def test_the_mean_of_booleans_has_every_fraction():
    fractions = {Fraction(a, b) for b in range(1, 5) for a in range(b + 1)}
    assert values(mean(Select(tokens, tokens, EQ), tokens == "a")) >= fractions
    assert values(mean(TRUE, tokens == "a")) == fractions


EXACT = {
    "a shift": shift(tokens, 2),
    "a causal mean": mean(prefix(), tokens == "a"),
    "an index": indices - length,
    "a sum": total(prefix(), tokens == "a"),
    "a width": SelectorWidth(Select(indices, indices, GT)),
    "a width of tokens": SelectorWidth(Select(tokens, "a", EQ)),
    "the same argument twice": tokens == tokens,
    "a default that fires": first(Select(tokens, "a", EQ), tokens, "none"),
    "a default that never fires": last(prefix(), tokens, "none"),
    "a choice": where(indices == 0, tokens, indices),
}


@pytest.mark.parametrize("name", EXACT)
def test_a_domain_holds_what_can_be_reached_and_nothing_else(name):
    expression = EXACT[name]
    found = typed(expression)
    domain = found.variables[found.output].domain
    exact = reachable(expression)
    inferred = [set(itertools.compress(domain.values, row)) for row in domain.mask]
    assert all(a <= b for a, b in zip(exact, inferred, strict=True)), name
    # What an aggregate selects by is not held against what it reads.
    if name not in ("a sum", "a default that fires"):
        assert set.union(*inferred) == set.union(*exact)


def test_length_at_a_position_is_at_least_its_number():
    found = typed(length - indices)
    domain = found.variables[found.output].domain
    assert set(domain.values) == {1, 2, 3, 4}
    assert list(domain.mask.sum(axis=1)) == [4, 3, 2, 1]


def test_equal_arguments_meet_equal_values_only():
    assert values(tokens == tokens) == {True}
    assert values(indices - indices) == {0}


def test_a_width_knows_the_positions_that_are_sure():
    assert values(SelectorWidth(prefix())) == {1, 2, 3, 4}
    assert values(SelectorWidth(Select(tokens, tokens, EQ))) == {1, 2, 3, 4}
    assert values(SelectorWidth(Select(tokens, "z", EQ))) == {0}
    assert values(SelectorWidth(TRUE), causal=True) == {1, 2, 3, 4}


def test_none_is_in_the_domain_only_where_a_row_can_be_empty():
    assert None in values(first(prefix(strict=True), tokens))
    assert None not in values(first(prefix(), tokens))
    assert values(Aggregate(Select(indices, 0, EQ), tokens)) == {"a", "b"}


def test_booleans_become_integers_beside_numbers():
    mixed = where(indices == 0, tokens == "a", 7)
    assert [type(v) for v in sorted(values(mixed))] == [int, int, int]
    assert values(tokens == "a") == {False, True}


def test_a_function_is_called_for_just_the_combinations_that_can_meet():
    calls = []

    def note(index: int, size: int) -> int:
        calls.append((index, size))
        return index

    typed(Elementwise(note, (indices, length)))
    every = [(i, n) for i in range(4) for n in range(i + 1, 5)]
    assert sorted(calls[: len(every)]) == every
    assert set(calls) == set(every)


def test_an_aggregate_of_one_position_needs_no_rule():
    found = typed(Aggregate(Select(indices, length - 1 - indices, EQ), tokens))
    pick = found.variables[found.output].operation
    assert isinstance(pick, t.Pick) and pick.proven
    both = Select(indices, length - 1 - indices, EQ) & Select(tokens, tokens, EQ)
    found = typed(Aggregate(both, tokens))
    pick = found.variables[found.output].operation
    assert isinstance(pick, t.Pick) and pick.proven
    vague = typed(Aggregate(Select(tokens, "a", EQ), indices))
    pick = vague.variables[vague.output].operation
    assert isinstance(pick, t.Pick) and not pick.proven


def test_an_output_of_fractions_is_a_number():
    assert typed(mean(TRUE, tokens == "a")).numerical
    assert not typed(indices).numerical
    assert typed(indices.numerical()).numerical
    assert not typed(Map(lambda token: token, tokens).numerical()).numerical


@settings(max_examples=40)
@given(
    st.lists(st.integers(-3, 3), min_size=1, max_size=3, unique=True),
    st.sampled_from([LEQ, LT, EQ, GT]),
    st.booleans(),
)
def test_the_sums_of_a_mean_are_the_reachable_ones(vocab, comparison, causal):
    program = typed(mean(Select(indices, indices, comparison), tokens), vocab, causal)
    mask = program.variables[0].domain
    atom = next(
        v.operation for v in program.variables if isinstance(v.operation, t.Mean)
    )
    domains = [v.domain for v in program.variables]
    token = next(v.domain for v in program.variables if v.name == "tokens")
    bounds = bound(atom.selector, domains, causal)
    means = reachable_means(bounds, token.mask, atom.numerators, causal, 10_000)
    expected = set()
    for n in range(1, MAX_LEN + 1):
        for row in itertools.product(token.values, repeat=n):
            for i in range(n):
                seen = [
                    row[j]
                    for j in range(n)
                    if comparison(j, i) and (j <= i or not causal)
                ]
                expected.add((i, len(seen), sum(seen)))
    found = {
        (int(i), int(c), int(s) + means.lowest)
        for i, c, s in zip(*means.reach.nonzero(), strict=True)
    }
    assert mask is not None and found == expected


@pytest.mark.parametrize(
    ("expression", "place"),
    [
        (tokens.map(lambda t: next(COUNTER)), "1 for ('a')"),
        (SelectorWidth(Select(tokens, tokens, lambda k, q: coin())), " for ('"),
    ],
    ids=["a counter", "a coin in a predicate"],
)
def test_a_function_that_answers_differently_each_time_is_refused(
    expression: SOp, place: str
):
    with pytest.raises(ProgramError, match="when it is called again") as caught:
        typed(expression)
    assert place in str(caught.value)


COUNTER = itertools.count(1)
_flips = itertools.cycle([True, False, False])


def coin() -> bool:
    return next(_flips)
