"""Every pair of options of an architecture: the definition, patches, the fast path."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import cache
from typing import Any

import jax
import numpy as np
import pytest

from compiler.errors import FormatError
from compiler.machine.config import CHOICES, Config
from compiler.machine.forward import Run, forward
from compiler.machine.patch import Patch
from compiler.machine.rerun.rerun import (
    perturbed_logits,
    stack_runs,
    target_of_reader,
    unstack,
)
from compiler.machine.transformer import Transformer
from compiler.machine.weights import (
    Weights,
    check_sharing,
    expand,
    from_tensors,
    init,
    reduced,
    to_tensors,
)
from tests.compiler.machine.reference import (
    assert_close,
    draw_donor,
    draw_tokens,
    draw_transformer,
    run_reference,
)

SHAPE: dict[str, Any] = dict(
    n_layers=2, n_heads=4, d_model=6, d_head=2, d_mlp=5, d_vocab=7
)
SHAPE |= dict(d_vocab_out=7, n_ctx=5, rotary_base=30.0)
OPTIONS: dict[str, tuple[Any, ...]] = {
    **CHOICES,
    "n_kv_heads": (None, 1, 2),
    "gated": (False, True),
    "tied": (False, True),
    "unembed_bias": (False, True),
    "causal": (False, True),
    "pad_id": (None, 0),
}


def covering_rows() -> list[dict[str, Any]]:
    """Rows in which every value of an option meets every value of every other one.

    Greedily: each row takes, option by option, the value that meets the most values
    that it has not met yet.
    """
    pairs = itertools.combinations(OPTIONS, 2)
    left = {
        ((one, x), (other, y))
        for one, other in pairs
        for x in OPTIONS[one]
        for y in OPTIONS[other]
    }
    rows = []
    while left:
        (one, x), (other, y) = min(left, key=repr)
        row = {one: x, other: y}
        for name in OPTIONS:
            if name not in row:
                row[name] = max(
                    OPTIONS[name], key=lambda v, n=name: _new(left, row, n, v)
                )
        left -= {pair for pair in left if _holds(row, pair)}
        rows.append(row)
    return rows


def _new(left: set, row: dict[str, Any], name: str, value: Any) -> int:
    return sum(_holds({**row, name: value}, pair) for pair in left)


def _holds(row: dict[str, Any], pair: tuple) -> bool:
    return all(name in row and row[name] == value for name, value in pair)


def each_value_once() -> list[int]:
    """Return numbers of rows in which every value of every option stands."""
    left, chosen = {(n, v) for n in OPTIONS for v in OPTIONS[n]}, []
    while left:
        gains = [len(left & {*row.items()}) for row in ROWS]
        chosen.append(gains.index(max(gains)))
        left -= {*ROWS[chosen[-1]].items()}
    return chosen


ROWS = covering_rows()
every_row = pytest.mark.parametrize("row", ROWS, ids=range(len(ROWS)))


def test_the_rows_cover_every_pair_of_values():
    for one, other in itertools.combinations(OPTIONS, 2):
        met = {(row[one], row[other]) for row in ROWS}
        assert met == set(itertools.product(OPTIONS[one], OPTIONS[other]))


def draw(row: dict[str, Any]) -> tuple[Transformer, np.ndarray, np.ndarray, Any]:
    config, rng = Config(**SHAPE, **row), np.random.default_rng(5)
    drawn = draw_transformer(config, rng)
    return drawn, draw_tokens(config, rng), draw_donor(config, rng), rng


class Case:
    """A transformer of one row, with what runs it under an edge mask, compiled once."""

    def __init__(self, row: dict[str, Any]) -> None:
        transformer, tokens, donor, _ = draw(row)
        self.row = row
        self.transformer, self.tokens, self.donor = transformer, tokens, donor
        self.names = transformer.config.names
        self.nothing = np.zeros(self.names.visible.shape)
        readers = len(self.names.readers)
        self.still = np.zeros((readers, len(tokens), transformer.config.d_model))

        def run(tokens, mask, nudge):
            return forward(transformer, tokens, Patch.edges(mask, donor), nudge)

        self.run = jax.jit(run)

    @property
    def rng(self) -> np.random.Generator:
        """The same draws for every test, in whatever order they run."""
        return np.random.default_rng(5)

    def patched(self, mask: np.ndarray) -> Run:
        return self.run(self.tokens, mask, self.still)


@pytest.fixture(scope="module", params=range(len(ROWS)))
def case(request):
    return make_case(request.param)


@cache
def make_case(number: int) -> Case:
    return Case(ROWS[number])


def test_patched_logits_are_those_of_the_definition(case):
    mask, donor = case.rng.uniform(-1, 2, case.nothing.shape), case.donor
    expected, writes = run_reference(
        case.transformer,
        case.tokens,
        lambda r, s, write: write + mask[r, s] * (donor[s] - write),
    )
    found = case.patched(mask)
    assert_close(found.logits, expected)
    assert_close(found.writes, writes)


def test_an_empty_patch_changes_nothing_and_a_full_one_all(case):
    plain, _ = run_reference(case.transformer, case.tokens)
    assert_close(case.patched(case.nothing).logits, plain)
    # Under a full mask the input does not matter to what the logits read.
    others = np.where(case.tokens == 1, 2, 1)
    one, other = (
        case.run(tokens, case.nothing + 1, case.still).logits
        for tokens in (case.tokens, others)
    )
    assert_close(one, other)


def test_one_edge_in_the_fast_path_is_one_edge_in_the_definition(case):
    transformer, tokens, names = case.transformer, case.tokens, case.names
    rng = case.rng
    writes = case.patched(case.nothing).writes
    base = stack_runs(transformer, tokens[None], writes[None])
    turn = ROWS.index(case.row) % 2  # three readers a row, the other three in the next
    for reader in ("a0.h1<q>", "a1.h2<k>", "m1", "m0", "a1.h3<v>", "logits")[turn::2]:
        r = names.reader_index(reader)
        s = int(rng.choice(np.flatnonzero(names.visible[r])))
        mask = case.nothing.copy()
        mask[r, s] = 0.7
        expected = case.patched(mask).logits
        change = 0.7 * (case.donor[s] - writes[s]).T[:, :, None]
        target = target_of_reader(names, reader)
        found = unstack(perturbed_logits(transformer, base, target, change))[0]
        assert_close(found, expected)


@pytest.mark.parametrize("number", each_value_once())
def test_the_gradient_in_what_is_seen_is_the_finite_difference(number):
    case = make_case(number)

    def loss(nudge):
        return (case.run(case.tokens, case.nothing, nudge).logits ** 2).sum()

    direction, step = case.rng.standard_normal(case.still.shape), 1e-5
    gradient = np.asarray(jax.jit(jax.grad(loss))(case.still))
    along = loss(step * direction) - loss(-step * direction)
    found = float((gradient * direction).sum())
    # A kink of ReLU between the two points would break this; the seed has none.
    np.testing.assert_allclose(found, float(along) / (2 * step), rtol=2e-5)


@every_row
def test_parameters_expand_to_arrays_and_back(row):
    config = Config(**SHAPE, **row)
    weights = init(config, 3)
    check_sharing(weights, config)
    parameters = reduced(weights, config)
    assert sum(a.size for a in parameters) == config.n_params
    for one, other in zip(expand(parameters, config), weights, strict=True):
        np.testing.assert_array_equal(one, other)
    again = from_tensors(to_tensors(weights, config), config)
    for one, other in zip(again, weights, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"n_kv_heads": 2}, "W_K"),
        ({"n_kv_heads": 1}, "b_V"),
        ({"biases": "none"}, "b_O"),
        ({"biases": "qkv"}, "b_in"),
        ({"gated": True}, "b_out"),
        ({"tied": True}, "W_U"),
        ({"unembed_bias": False}, "b_U"),
    ],
)
def test_arrays_that_contradict_what_they_share_are_refused(options, field):
    config = Config(**SHAPE, **options)
    weights = init(config, 0)
    other = np.array(getattr(weights, field))
    other.flat[-1] += 1
    with pytest.raises(FormatError, match=f"weights: {field} do not agree"):
        to_tensors(weights._replace(**{field: other}), config)
    if not config.gated:  # where nothing is shared, the same arrays are welcome
        to_tensors(weights._replace(**{field: other}), replace(config, **FREE))


FREE = {"n_kv_heads": None, "biases": "all", "tied": False, "unembed_bias": True}


def test_weights_of_every_field_are_drawn_or_zero():
    config = Config(**SHAPE, gated=True, n_kv_heads=2)
    weights = init(config, 0)
    assert isinstance(weights, Weights)
    assert weights.W_gate.shape == weights.W_in.shape
    np.testing.assert_array_equal(weights.W_K[:, 0], weights.W_K[:, 1])
    assert (weights.W_K[:, 1] != weights.W_K[:, 2]).any()
