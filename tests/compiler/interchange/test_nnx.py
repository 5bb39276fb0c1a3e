"""A transformer as a module of flax: forward's logits, forward's gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from compiler.machine.forward import forward, logits_batch
from compiler.machine.weights import Weights, reduced
from tests.compiler.interchange.models import compiled, inputs, untrained

OPTIONS = [
    {},
    {"norm": "pre", "act": "gelu", "causal": True},
    {"positions": "rotary"},
    {
        "positions": "rotary",
        "norm": "rms",
        "act": "silu",
        "gated": True,
        "biases": "qkv",
        "n_kv_heads": 1,
    },
]


@pytest.mark.parametrize("options", OPTIONS)
def test_parameters_and_logits_are_the_same(options):
    model = untrained(**options)
    module = model.to_nnx()
    parameters = nnx.to_flat_state(nnx.state(module, nnx.Param))
    found = {path[-1]: np.asarray(value[...]) for path, value in parameters}
    parameters = reduced(model.weights, model.config)._asdict()
    expected = {n: a for n, a in parameters.items() if a.size}
    assert sorted(found) == sorted(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)
    assert sum(a.size for a in found.values()) == model.config.n_params
    ids = model.encode_batch(inputs(model))
    expected = np.asarray(model.logits_of(ids))
    np.testing.assert_array_equal(module(ids), expected)
    # Compiled together with something else, XLA may add up in another order.
    jitted = nnx.jit(lambda module, ids: module(ids))(module, ids)
    np.testing.assert_allclose(jitted, expected, 1e-5, 1e-5)


def test_batches_may_have_any_number_of_axes():
    model = compiled("reverse")
    module, ids = model.to_nnx(), model.encode_batch(inputs(model)[:4])
    whole = np.asarray(module(ids))
    assert whole.shape == (*ids.shape, model.config.d_vocab_out)
    np.testing.assert_allclose(module(ids[0]), whole[0], 1e-5, 1e-5)
    two = module(ids.reshape(2, 2, -1))
    np.testing.assert_allclose(two, whole.reshape(2, 2, *whole.shape[1:]), 1e-5, 1e-5)
    tokens = inputs(model)[0]
    assert model.decode(whole[0, 1 : len(tokens) + 1]) == model(tokens)


def test_the_gradient_is_that_of_forward():
    model = untrained(norm="pre", act="gelu")
    ids = jnp.asarray(model.encode(["a", "b", "c"]))

    def loss(logits):
        return (logits**2).mean()

    found = nnx.jit(nnx.grad(lambda module: loss(module(ids))))(model.to_nnx())
    of_forward = jax.grad(lambda whole: loss(forward(whole, ids).logits))
    expected = jax.jit(of_forward)(model.transformer)
    for name in Weights._fields:
        array = np.asarray(getattr(expected.weights, name))
        if array.size:
            np.testing.assert_allclose(found[name][...], array, 1e-5, 1e-6)


def test_an_optimizer_of_flax_lowers_the_loss_and_leaves_the_model_alone():
    model = untrained(norm="pre", act="gelu")
    before = [np.array(array) for array in model.weights]
    module = model.to_nnx()
    optimizer = nnx.Optimizer(module, optax.adam(1e-2), wrt=nnx.Param)
    ids = jnp.asarray(model.encode_batch(inputs(model)))
    labels = jnp.roll(ids, 1, axis=1) % model.config.d_vocab_out

    @nnx.jit
    def step(module, optimizer):
        def loss(module):
            return optax.softmax_cross_entropy_with_integer_labels(
                module(ids), labels
            ).mean()

        value, gradient = nnx.value_and_grad(loss)(module)
        optimizer.update(module, gradient)
        return value

    with jax.numpy_dtype_promotion("standard"):
        losses = [float(step(module, optimizer)) for _ in range(8)]
    assert losses[-1] < 0.9 * losses[0]
    trained = module.transformer
    logits = logits_batch(trained, ids)
    np.testing.assert_allclose(module(ids), logits, 1e-4, 1e-5)
    for array, old in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(array, old)
