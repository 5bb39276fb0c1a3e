"""What is outside the circuit is matched to the circuit, from both sides."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from compiler.machine.config import Config
from compiler.machine.forward import attention_logits, forward_batch
from compiler.machine.transformer import Transformer
from compiler.machine.virtual import virtual_norms as numpy_norms
from compiler.machine.weights import Weights, expected_shapes, init
from zoo.training.examples import Layout
from zoo.training.matching import (
    LEAST_SPREAD,
    Statistic,
    attention_matching_loss,
    matching_loss,
    mismatch,
    normal_quantiles,
    pattern_statistics,
    virtual_norms,
    write_deviations,
)

CONFIG = Config(
    n_layers=2,
    n_heads=2,
    d_model=6,
    d_head=3,
    d_mlp=5,
    d_vocab=5,
    d_vocab_out=3,
    n_ctx=4,
    causal=False,
    bos_id=3,
    pad_id=4,
)
INSIDE = [CONFIG.names.source_index(node) for node in ("a0.h0", "a0.h1")]
IDS = np.array([[3, 0, 1, 2], [3, 2, 2, 4], [3, 1, 0, 1], [3, 1, 4, 4]], np.int32)


@pytest.fixture(scope="module")
def drawn():
    """A transformer, a circuit and the writes of four runs."""
    rng = np.random.default_rng(0)
    drawn = [a + 0.3 * rng.standard_normal(a.shape) for a in init(CONFIG, 0)]
    weights = Weights(*(jnp.asarray(a, jnp.float32) for a in drawn))
    others = np.ones(len(CONFIG.names.sources), bool)
    others[[0, 1, *INSIDE]] = False
    later = np.array([r.startswith(("a1", "m1", "l")) for r in CONFIG.names.readers])
    some = rng.random(CONFIG.names.visible.shape) < 0.5
    outside = CONFIG.names.visible & (some | later[:, None])
    layout = Layout(outside, np.array(INSIDE), np.array(INSIDE), others, 0)
    transformer = Transformer(CONFIG, weights)
    live = jnp.asarray(CONFIG.pad_id != IDS)
    return transformer, layout, forward_batch(transformer, IDS).writes, live


def statistic(outside, inside=(1.0, 2.0, 3.0)):
    values = jnp.asarray([*inside, *outside], jnp.float32)
    which = np.arange(len(values)) < len(inside)
    return Statistic(values, which, ~which)


def test_equal_distributions_cost_nothing_and_others_do_from_both_sides():
    spread = float(np.std([1.0, 2.0, 3.0]))
    alike = 2.0 + spread * normal_quantiles(9)
    assert float(mismatch(statistic(alike[::-1]), 0.0)) == pytest.approx(0, abs=1e-9)
    for moved in (alike + 0.5, alike - 0.5):
        assert float(mismatch(statistic(moved), 0.0)) == pytest.approx(0.25)
        assert float(mismatch(statistic(moved), 0.4)) == pytest.approx(0.01, rel=1e-3)
        assert float(mismatch(statistic(moved), 0.5001)) == 0
    assert float(mismatch(statistic(2.0 + 2 * (alike - 2.0)), 0.1)) > 0.1


def test_a_single_node_stands_for_a_distribution_with_some_spread():
    alike = 1.5 + LEAST_SPREAD * normal_quantiles(4)
    assert float(mismatch(statistic(alike, (1.5,)), 0.0)) == pytest.approx(0, abs=1e-9)
    assert float(mismatch(statistic((), (1.5,)), 0.0)) == 0


def test_the_circuit_is_the_goal_and_does_not_move():
    def loss(values):
        return mismatch(statistic(values[3:], values[:3]), 0.0)

    slope = jax.grad(lambda v: loss(tuple(v)))(jnp.arange(8.0))
    assert (np.asarray(slope[:3]) == 0).all() and (np.asarray(slope[3:]) != 0).any()


def test_norms_are_those_of_the_products(drawn):
    transformer, names = drawn[0], CONFIG.names
    weights = jax.tree.map(np.asarray, transformer.weights)
    found = np.exp(np.asarray(virtual_norms(transformer)))
    for source, reader, product in (
        ("tokens", "a0.h1<k>", weights.W_E @ weights.W_K[0, 1]),
        ("positions", "m0", weights.W_pos @ weights.W_in[0]),
        ("a0.h1", "a1.h0<v>", weights.W_O[0, 1] @ weights.W_V[1, 0]),
        ("m0", "a1.h1<q>", weights.W_out[0] @ weights.W_Q[1, 1]),
        ("m1", "logits", weights.W_out[1] @ weights.W_U),
    ):
        place = names.reader_index(reader), names.source_index(source)
        assert found[place] == pytest.approx(np.linalg.norm(product), rel=1e-4)


def test_deviations_are_those_of_loops(drawn):
    transformer, _, writes, live = drawn
    held, seen = np.asarray(writes), np.asarray(live)
    found = np.asarray(jax.jit(write_deviations)(writes, live))
    look = jax.jit(attention_logits, static_argnames="layer")
    scores = [
        np.asarray(look(transformer, ids, w, layer=1))
        for ids, w in zip(jnp.asarray(IDS), writes, strict=True)
    ]
    patterns = np.exp([s - s.max(-1, keepdims=True) for s in scores])
    patterns /= patterns.sum(-1, keepdims=True)
    entropy, expected = np.zeros(2), np.zeros(len(CONFIG.names.sources))
    for place in range(CONFIG.n_ctx):
        rows = np.flatnonzero(seen[:, place])
        here = held[rows, :, place]
        expected += ((here - here.mean(0)) ** 2).sum((0, 2))
        for row in rows:
            p = patterns[row, :, place]
            entropy -= (p * np.log(np.where(p > 0, p, 1.0))).sum(-1)
    count = seen.sum()
    np.testing.assert_allclose(found, np.sqrt(expected / count + 1e-6), rtol=1e-4)
    statistics = jax.jit(pattern_statistics)
    entropies = statistics(transformer, jnp.asarray(IDS), writes, live)[1]
    np.testing.assert_allclose(entropies[2:], entropy / count, rtol=1e-4)


@pytest.mark.parametrize("which", ["writes", "attention"])
def test_gradients_are_finite_differences(drawn, which):
    transformer, layout, _, live = drawn

    ids = jnp.asarray(IDS)

    @jax.jit
    def loss(W_V, W_Q):
        changed = transformer.with_arrays(W_V=W_V, W_Q=W_Q)
        writes = forward_batch(changed, IDS).writes
        if which == "writes":
            return matching_loss(changed, layout, writes, live, 0.05)
        return attention_matching_loss(changed, layout, ids, writes, live, 0.05)

    # The circuit is in layer 0, and it is the goal: only what comes later is moved.
    start = transformer.weights.W_V, transformer.weights.W_Q
    rng, step = np.random.default_rng(3), 3e-3
    way = [jnp.asarray(rng.standard_normal(a.shape), jnp.float32) for a in start]
    way = tuple(a.at[0].set(0) for a in way)
    slope = float(jax.jvp(loss, start, way)[1])
    ahead, behind = (
        float(loss(*(a + sign * step * w for a, w in zip(start, way, strict=True))))
        for sign in (1, -1)
    )
    assert slope == pytest.approx((ahead - behind) / (2 * step), rel=0.02)
    assert slope != 0


@pytest.mark.parametrize(
    "shape",
    [
        {"norm": "pre"},
        {"norm": "rms", "gated": True, "act": "silu", "biases": "none"},
    ],
    ids=["LayerNorm", "RMSNorm, gated"],
)
def test_norms_are_those_of_what_a_reader_reads_behind_its_norm(shape):
    """Scales of norms, the mean that LayerNorm takes off, both inputs of a gate."""
    config = replace(CONFIG, **shape)
    rng = np.random.default_rng(3)
    shapes = expected_shapes(config).values()
    weights = Weights(*(rng.standard_normal(s).astype(np.float32) for s in shapes))
    found = np.exp(np.asarray(virtual_norms(Transformer(config, weights).in_jax())))
    w, names = weights, config.names
    centre = np.eye(config.d_model) - 1 / config.d_model
    take = centre if shape["norm"] == "pre" else np.eye(config.d_model)
    into = {
        "a1.h0<v>": take @ (w.ln1_w[1][:, None] * w.W_V[1, 0]),
        "m1": take @ (w.ln2_w[1][:, None] * np.hstack([w.W_in[1], w.W_gate[1]])),
        "logits": take @ (w.lnf_w[:, None] * w.W_U),
    }
    plain = numpy_norms(names, weights)
    for reader, matrix in into.items():
        place = names.reader_index(reader), names.source_index("m0")
        expected = np.linalg.norm(w.W_out[0] @ matrix)
        assert found[place] == pytest.approx(expected, rel=1e-4)
        assert plain[place] == pytest.approx(expected, rel=1e-5)
