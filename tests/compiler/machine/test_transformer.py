"""A transformer is one value: a pytree with a static configuration."""

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from compiler.machine.forward import forward
from compiler.machine.transformer import Transformer, precise
from compiler.machine.weights import Weights
from tests.compiler.machine.reference import (
    CONFIGS,
    assert_close,
    draw_tokens,
    draw_transformer,
    run_reference,
)

CONFIG = CONFIGS["normed"]

SETTINGS: Any = jax.config


def draw(seed):
    rng = np.random.default_rng(seed)
    return draw_transformer(CONFIG, rng), draw_tokens(CONFIG, rng)


def test_a_function_is_compiled_once_for_each_configuration():
    traced = []

    @jax.jit
    def total(transformer):
        traced.append(transformer.config)
        return transformer.weights.W_E.sum()

    first, _ = draw(0)
    second, _ = draw(1)
    again = Transformer(replace(CONFIG), second.weights)  # equal, not the same object
    for same in (first, second, first.in_jax(), again):
        total(same)
    assert traced == [CONFIG]
    other = replace(CONFIG, ln_eps=0.5)
    total(Transformer(other, first.weights))
    assert traced == [CONFIG, other]


def test_the_gradient_is_a_transformer_and_is_a_finite_difference():
    transformer, tokens = draw(0)
    way, _ = draw(1)

    @jax.jit
    def loss(transformer):
        return (forward(transformer, jnp.asarray(tokens)).logits ** 2).sum()

    gradient = jax.jit(jax.grad(loss))(transformer.in_jax())
    assert isinstance(gradient, Transformer)
    assert gradient.config == CONFIG
    slope = sum(
        (g * w).sum() for g, w in zip(gradient.weights, way.weights, strict=True)
    )

    def moved(step):
        pairs = zip(transformer.weights, way.weights, strict=True)
        return loss(Transformer(CONFIG, Weights(*(a + step * w for a, w in pairs))))

    np.testing.assert_allclose(slope, (moved(1e-6) - moved(-1e-6)) / 2e-6, rtol=1e-5)


def test_transformers_can_be_stacked_and_run_side_by_side():
    tokens = jnp.asarray(draw(0)[1])
    each = [draw(seed)[0] for seed in range(3)]
    stacked = jax.tree.map(lambda *arrays: jnp.stack(arrays), *each)
    found = jax.jit(jax.vmap(lambda one: forward(one, tokens).logits))(stacked)
    for one, logits in zip(each, found, strict=True):
        assert_close(logits, run_reference(one, np.asarray(tokens))[0])


def test_what_is_precise_gets_arrays_of_jax_and_full_precision():
    seen = {}

    @precise
    def look(transformer, value, *, name):
        seen[name] = SETTINGS.jax_default_matmul_precision
        return isinstance(transformer.weights.W_E, jax.Array), value

    before = SETTINGS.jax_default_matmul_precision
    assert look(draw(0)[0], 7, name="inside") == (True, 7)
    assert seen == {"inside": "highest"}
    assert SETTINGS.jax_default_matmul_precision == before
