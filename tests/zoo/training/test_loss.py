"""The losses of a batch against loops over its positions."""

import jax.numpy as jnp
import numpy as np
import pytest

from compiler.machine.config import Config
from compiler.machine.transformer import Transformer
from compiler.machine.weights import init
from zoo.training.examples import TrainingBatch
from zoo.training.loss import Probes, attending_loss, decoding_loss

SOURCES = np.array([2, 0, 2])


@pytest.fixture
def drawn():
    """Random writes, probes, and values of which some are not known."""
    rng = np.random.default_rng(0)
    values = rng.integers(-1, 4, (5, 3, 6))
    writes = rng.standard_normal((5, 4, 6, 7), np.float32)
    probes = Probes(
        jnp.asarray(rng.standard_normal((3, 7, 4), np.float32)),
        jnp.asarray(rng.standard_normal((3, 4), np.float32)),
    )
    empty = np.zeros((5, 6), np.int32)
    mask = np.zeros((5, 2, 4), np.float32)
    arrays = empty, empty, empty[:, 0], mask, mask[:, 0], empty, values
    return writes, probes, TrainingBatch(*(jnp.asarray(array) for array in arrays))


def read_one(writes, probes, n, variable, place, value):
    """The cross-entropy of reading one variable at one place, in nats."""
    held = writes[n, SOURCES[variable], place]
    logits = held @ probes.W[variable] + probes.b[variable]
    return np.log(np.exp(logits).sum()) - logits[value]


def test_a_reading_is_the_mean_over_all_values(drawn):
    writes, probes, batch = drawn
    values = np.asarray(batch.values)
    expected = np.mean(
        [
            read_one(writes, probes, n, v, p, values[n, v, p])
            for n, v, p in np.argwhere(values >= 0)
        ]
    )
    found = decoding_loss(probes, jnp.asarray(writes), SOURCES, batch)
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_attending_is_compared_with_what_is_selected():
    config = Config(
        n_layers=2,
        n_heads=2,
        d_model=6,
        d_head=4,
        d_mlp=5,
        d_vocab=5,
        d_vocab_out=3,
        n_ctx=4,
        causal=False,
        bos_id=3,
        pad_id=4,
    )
    weights, rng = init(config, 0), np.random.default_rng(1)
    ids = np.array([[3, 0, 1, 2], [3, 2, 2, 4], [3, 1, 0, 1]], np.int32)
    writes = rng.standard_normal((3, len(config.names.sources), 4, 6), np.float32)
    nodes = ("m0", "a0.h1", "a1.h0")
    sources_of = np.array([config.names.source_index(node) for node in nodes])
    exists = ids != config.pad_id
    chosen = rng.random((3, 3, 4, 4)) < 0.5
    chosen &= exists[:, None, :, None] & exists[:, None, None, :]
    shifts = np.array([0, 0, 2], np.int32)
    nothing, none = np.zeros((3, 4), np.int32), np.zeros((3, 4), np.float32)
    mask = np.zeros((3, 1, 1), np.float32)
    arrays = nothing, ids, shifts, mask, none, nothing, np.zeros((3, 3, 4), int), chosen

    losses = []
    for variable, layer, head in ((1, 0, 1), (2, 1, 0)):
        before = config.names.sources_before(layer)
        for n in np.flatnonzero(shifts == 0):
            seen = writes[n, :before].sum(axis=0) + weights.b_O[:layer].sum(axis=0)
            queries = seen @ weights.W_Q[layer, head] + weights.b_Q[layer, head]
            keys = seen @ weights.W_K[layer, head] + weights.b_K[layer, head]
            for place in range(4):
                own = np.flatnonzero(chosen[n, variable, place])
                scores = (keys @ queries[place] / 2)[exists[n]]
                odds = np.exp(scores) / np.exp(scores).sum()
                losses += [-np.log(odds[own]).mean()] if len(own) else []
    found = attending_loss(
        Transformer(config, weights).in_jax(),
        jnp.asarray(writes),
        sources_of,
        TrainingBatch(*(jnp.asarray(array) for array in arrays)),
    )
    assert float(found) == pytest.approx(np.mean(losses), rel=1e-5)
