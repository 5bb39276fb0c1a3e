"""The transformer itself: against the definition, and what positions cannot see."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.errors import InputError
from compiler.machine.config import CHOICES
from compiler.machine.forward import forward
from compiler.machine.layers import rotate
from tests.compiler.machine.reference import (
    CONFIGS,
    SEQ,
    assert_close,
    draw_tokens,
    draw_transformer,
    run_machine,
    run_reference,
)

every_config = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
seeds = st.integers(0, 10**6)


@every_config
@settings(max_examples=5)
@given(seed=seeds)
def test_clean_run_follows_the_definition(config, seed):
    rng = np.random.default_rng(seed)
    transformer = draw_transformer(config, rng)
    tokens = rng.integers(0, config.d_vocab, SEQ)
    logits, writes = run_reference(transformer, tokens)
    run = run_machine(transformer, tokens)
    assert_close(run.logits, logits)
    assert_close(run.writes, writes)


@pytest.mark.parametrize("name", ["plain", "normed", "rotary"])
@settings(max_examples=3)
@given(seed=seeds)
def test_padding_changes_nothing_at_other_positions(name, seed):
    config, n_pad = CONFIGS[name], 2
    rng = np.random.default_rng(seed)
    transformer, tokens = draw_transformer(config, rng), draw_tokens(config, rng)
    tokens[-n_pad:] = config.pad_id
    padded = run_machine(transformer, tokens).logits[:-n_pad]
    short = forward(transformer, jnp.asarray(tokens[:-n_pad])).logits
    assert_close(padded, short)
    embeddings = transformer.weights.W_E.copy()
    embeddings[config.pad_id] += 1  # what PAD says is heard by nobody else
    louder = run_machine(transformer.with_arrays(W_E=embeddings), tokens)
    assert_close(louder.logits[:-n_pad], short)


def test_sequence_of_only_padding_is_finite():
    config = CONFIGS["plain"]
    transformer = draw_transformer(config, np.random.default_rng(0))
    tokens = np.full(SEQ, config.pad_id)
    assert np.isfinite(run_machine(transformer, tokens).logits).all()


@pytest.mark.parametrize("name", ["causal", "rotary"])
@settings(max_examples=3)
@given(seed=seeds, change=st.integers(1, SEQ - 1))
def test_causal_logits_ignore_later_tokens(name, seed, change):
    config = CONFIGS[name]
    rng = np.random.default_rng(seed)
    transformer, tokens = draw_transformer(config, rng), draw_tokens(config, rng)
    other = tokens.copy()
    other[change:] = draw_tokens(config, rng)[change:]
    first, second = (run_machine(transformer, t).logits for t in (tokens, other))
    np.testing.assert_array_equal(first[:change], second[:change])


@pytest.mark.parametrize("pairs", CHOICES["rotary_pairs"])
@settings(max_examples=5)
@given(seed=seeds, shift=st.integers(0, 5))
def test_rotary_scores_depend_on_distance_only(pairs, seed, shift):
    config = replace(CONFIGS["rotary"], rotary_pairs=pairs)
    rng = np.random.default_rng(seed)
    q, k = np.zeros((2, 1, 9, 4))
    q[0, [0, shift]], k[0, [3, 3 + shift]] = rng.standard_normal((2, 4))
    q, k = (np.asarray(rotate(config, jnp.asarray(x))) for x in (q, k))
    assert_close(q[0, 0] @ k[0, 3], q[0, shift] @ k[0, 3 + shift])


def test_sequence_longer_than_n_ctx_is_refused():
    config = CONFIGS["plain"]
    transformer = draw_transformer(config, np.random.default_rng(0))
    with pytest.raises(InputError, match="6 tokens, but n_ctx is 5"):
        forward(transformer, jnp.ones(6, int))
