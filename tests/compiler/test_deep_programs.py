"""Programs as they are met: selectors of many keys, noisy sums, RASP's own examples.

Each compiled model is run in NumPy and compared with the interpreter, on random inputs
and on those that random draws never meet: all tokens equal, two tokens, the longest.
"""

from __future__ import annotations

import functools
import itertools
import operator
import re
import string
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest

from compiler.api import to_model
from compiler.errors import ProgramError
from compiler.ir.interpret import encode_batch, interpret
from compiler.ir.typed import Atom, Formula, Truth, Width, atoms
from compiler.passes.clauses import split_clauses
from compiler.pipeline import compile_stages, read_source
from compiler.rasp import (
    EQ,
    GT,
    LEQ,
    LT,
    NEQ,
    TRUE,
    Aggregate,
    Map,
    Select,
    Selector,
    SelectorWidth,
    SOp,
    any_of,
    indices,
    mean,
    tokens,
    where,
)
from tests.numpy_forward import run_inputs, wrong_positions

ROOT = Path(__file__).parents[2]
BOS = "§"
LETTERS = BOS + string.ascii_lowercase


def inputs(vocab: str, max_len: int, seed: int = 0) -> list[str]:
    """Return inputs of one token, of two, and random ones, most of them the longest."""
    rng = np.random.default_rng(seed)
    letters = [c for c in vocab if c != BOS]
    start = BOS if BOS in vocab else ""
    room = max_len - len(start)
    found = [letters[0] * room, (letters[0] + letters[1]) * (room // 2)]
    found += [letters[0] + letters[1] * (room - 1), "".join((letters * room)[:room])]
    for few in (2, 3, len(letters)):
        for length in (room, room, room // 2, 1):
            found.append("".join(rng.choice(letters[:few], length)))
    return [start + text for text in found]


def compare(expression: SOp, vocab: str, max_len: int, limit: int = 5_000_000) -> None:
    """Assert that the compiled model is the interpreter, and of a bounded size."""
    stages = compile_stages(read_source(expression, vocab, max_len))
    compiled = stages.compiled
    assert compiled.config.n_params <= limit
    model = to_model(stages)
    cells, lengths = encode_batch(stages.typed, inputs(vocab, max_len))
    trace = interpret(stages.typed, cells, lengths)
    logits = run_inputs(model, cells, lengths)[0]
    assert wrong_positions(model, trace, logits).sum() == 0


# Selectors of many keys and queries -----------------------------------------------


def shifted(by: int) -> SOp:
    """Return the token `by` positions before, `a` where there is none."""
    apart = Select(indices, indices, lambda key, query: key + by == query)
    return Aggregate(apart, tokens, "a")


SIX = [shifted(by) for by in range(6)]
# Each compares another key with another query: 6 x 6 of 4 values, 4^12 combinations.
ALIKE = [Select(SIX[i], SIX[(i + 1) % 6], EQ) for i in range(6)]
BEFORE = Select(indices, indices, LT)


def some(selectors: Iterable[Selector]) -> Selector:
    """Return the selector that selects where any of them does."""
    return functools.reduce(operator.or_, selectors)


def every(selectors: Iterable[Selector]) -> Selector:
    """Return the selector that selects where all of them do."""
    return functools.reduce(operator.and_, selectors)


SELECTORS = {
    "any of six": some(ALIKE) & BEFORE,
    "not all of six": ~every(ALIKE) & BEFORE,
    "six of either": every(
        s | Select(k, "a", EQ) for s, k in zip(ALIKE, SIX, strict=True)
    ),
    "any of three pairs": some(ALIKE[i] & ALIKE[i + 1] for i in (0, 2, 4)),
}


@pytest.mark.parametrize("name", SELECTORS)
@pytest.mark.parametrize("rule", ["first", "last", "min", "max"])
def test_a_selector_of_six_keys_and_queries_picks_by_rule(name: str, rule: str) -> None:
    if name == "any of three pairs" and rule != "first":
        pytest.skip("one rule is enough for the largest table")
    picked = Aggregate(SELECTORS[name], tokens, "a", rule)  # type: ignore[arg-type]
    compare(picked, "abcd", 8, 40_000_000)


@pytest.mark.parametrize("name", ["any of six", "not all of six", "six of either"])
def test_a_selector_of_six_keys_and_queries_averages_and_counts(name: str) -> None:
    compare(mean(SELECTORS[name], tokens == "b", 0), "abcd", 8)
    compare(SelectorWidth(SELECTORS[name]), "abcd", 8)


def test_a_unique_pick_over_cases_is_the_one_value() -> None:
    last = ~every(ALIKE) & Select(indices, 3, EQ)
    compare(Aggregate(last, tokens, "none"), "abcd", 8)


def test_a_mean_of_several_numbers_is_added_up_by_cases() -> None:
    compare(mean(some(ALIKE) & BEFORE, indices % 3, 0), "abcd", 6)


def test_clauses_hold_together_where_the_formula_holds() -> None:
    width = SelectorWidth(SELECTORS["six of either"])
    typed = compile_stages(read_source(width, "abcd", 6)).typed
    operation = typed.variables[typed.output].operation
    assert isinstance(operation, Width)
    selector = operation.selector
    clauses = split_clauses(selector)
    assert len(clauses) == 6
    rng = np.random.default_rng(0)
    members = {i for a in atoms(selector) for i in (a.key, a.query)}
    for _ in range(500):
        cells = {
            (m, side): int(rng.integers(typed.variables[m].domain.size))
            for m in members
            for side in "kq"
        }
        assert holds(selector, cells) == all(holds(c, cells) for c in clauses)


def holds(formula: Formula, cells: dict[tuple[int, str], int]) -> bool:
    """Return the truth of a formula for one value of each key and each query."""
    if isinstance(formula, Truth):
        return formula.value
    if isinstance(formula, Atom):
        key, query = cells[formula.key, "k"], cells[formula.query, "q"]
        return bool(formula.allowed[key, query])
    parts = [holds(p, cells) for p in formula.parts]
    return {"and": all(parts), "or": any(parts), "not": not parts[0]}[formula.kind]


# Sums of values with errors -------------------------------------------------------


@pytest.mark.parametrize("max_len", [17, 26, 33])
def test_noisy_booleans_are_recoded_before_they_add_up(max_len: int) -> None:
    most = mean(Select(indices, indices, LEQ), tokens == "a") * 2 > 1
    compare(any_of(Select(most, True, EQ) & BEFORE), "abc", max_len)


@pytest.mark.parametrize("max_len", [26, 50])
def test_counts_of_counts_compile(max_len: int) -> None:
    count = SelectorWidth(Select(tokens, tokens, EQ))
    again = SelectorWidth(Select(count, count, EQ))
    compare(SelectorWidth(Select(again, again, LT) & BEFORE), "abc", max_len)


# RASP's own examples (Weiss et al. 2021) -------------------------------------------


def width(selector: Selector) -> SOp:
    """Return RASP's own `selector_width(.., assume_bos=True)`: 1 / mean - 1."""
    first = Map(lambda position: int(position == 0), indices)
    return round(1 / mean(selector | Select(indices, 0, EQ), first)) - 1


def seen_before() -> SOp:
    return any_of(Select(tokens, tokens, EQ) & BEFORE)


def hist_bos(count: Callable[[Selector], SOp]) -> SOp:
    return count(Select(tokens, tokens, EQ))


def hist2_bos(count: Callable[[Selector], SOp]) -> SOp:
    hist, first = hist_bos(count), ~seen_before()
    return count(Select(hist, hist, EQ) & Select(first, True, EQ))


def sort(values: SOp, keys: SOp, count: Callable[[Selector], SOp]) -> SOp:
    smaller = Select(keys, keys, LT) | (Select(keys, keys, EQ) & BEFORE)
    target = where(indices == 0, 0, count(smaller) + 1)
    return Aggregate(Select(target, indices, EQ), values)


def sort_bos(count: Callable[[Selector], SOp]) -> SOp:
    return sort(tokens, where(indices == 0, "~", tokens), count)


def sort_by_most_freq(count: Callable[[Selector], SOp]) -> SOp:
    first = ~seen_before() & (indices > 0)
    keys = where(first, -hist_bos(count), 1)
    return sort(where(first, tokens, BOS), keys, count)


EXAMPLES = {
    "hist_bos": (hist_bos, 33, 50),
    "hist2_bos": (hist2_bos, 26, 50),
    "sort_bos": (sort_bos, 33, 50),
    "sort_by_most_freq": (sort_by_most_freq, 30, 50),
}


@pytest.mark.slow
@pytest.mark.parametrize("count", [SelectorWidth, width], ids=["width", "by its mean"])
@pytest.mark.parametrize("name", EXAMPLES)
def test_rasps_examples_compile_at_their_lengths(
    name: str, count: Callable[[Selector], SOp]
) -> None:
    example, shorter, longer = EXAMPLES[name]
    max_len = longer if count is SelectorWidth else shorter
    compare(example(count), LETTERS, max_len, 15_000_000)


@pytest.mark.parametrize("max_len", [90, 98, 102, 120])
def test_the_number_of_equal_letters_compiles_at_about_a_hundred(max_len: int) -> None:
    # Whether it did was decided by the order in which a machine adds 100 terms.
    compare(hist_bos(SelectorWidth), LETTERS, max_len, 400_000)


# What is refused, and how it is told ----------------------------------------------


def refused(expression: SOp, vocab: str = "ab", max_len: int = 4) -> str:
    with pytest.raises(ProgramError) as caught:
        compile_stages(read_source(expression, vocab, max_len))
    text = str(caught.value)
    assert not re.search(r"\b(aggregate|width|map|constant)_\d", text)
    return text


def test_errors_write_out_what_the_author_gave_no_name() -> None:
    ratio = 1 / mean(Select(tokens, "a", EQ) & BEFORE, tokens == "b", 0)
    text = refused(ratio + 1)
    part = "mean((key tokens == query ('a')) & (key indices < query indices), "
    assert f"`1 / ({part}(tokens == ('b')), 0))`" in text
    text = refused((ratio * 2).named("twice"))
    assert "`1 / (" in text


def test_errors_name_what_the_author_named() -> None:
    ratio = (1 / (indices * 0)).named("ratio")
    assert "'ratio', that is ratio = 1 / (indices * 0)" in refused(ratio)


def test_the_mode_of_many_values_is_refused_by_its_expression() -> None:
    mode = Aggregate(TRUE, indices, None, "mode") + 1
    assert "`mode(everything, indices)`: the rule" in refused(mode, "ab", 9)


def test_cases_that_take_too_many_heads_are_refused() -> None:
    union = some(
        Select(k, q, NEQ) & Select(q, k, GT)
        for k, q in itertools.product(SIX[:4], SIX[4:])
    )
    text = refused(mean(union, indices, 0), "abcdefgh", 12)
    assert "heads, above the limit of 64. Split the selector" in text


# Sizes ----------------------------------------------------------------------------


# In a process of its own: the peak of its memory is that of this program alone.
MEMORY = """
from pathlib import Path
from compiler.pipeline import compile_stages, read_source
from compiler.rasp import EQ, LT, Select, SelectorWidth, indices, tokens

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))

before = peak()
smaller = Select(tokens, tokens, LT)
smaller |= Select(tokens, tokens, EQ) & Select(indices, indices, LT)
compile_stages(read_source(SelectorWidth(smaller), (1, 2), 150))
print(peak() - before)
"""


def test_a_sum_of_two_large_counts_takes_little_memory() -> None:
    command = [sys.executable, "-c", MEMORY]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 600_000  # KiB
