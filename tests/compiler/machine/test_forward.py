"""Batches of runs: the same as one run at a time, in the weights' own dtype."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from compiler.machine.forward import (
    choose_chunk,
    forward,
    forward_batch,
    logits_batch,
)
from compiler.machine.patch import Patch
from tests.compiler.machine.reference import (
    CONFIGS,
    SEQ,
    assert_close,
    draw_tokens,
    draw_transformer,
    run_machine,
)

BATCH = 5


def draw_batch(config, edges):
    rng = np.random.default_rng(1)
    transformer = draw_transformer(config, rng)
    tokens = np.stack([draw_tokens(config, rng) for _ in range(BATCH)])
    names = config.names
    shape = names.visible.shape if edges else (len(names.sources),)
    mask = rng.uniform(size=(BATCH, *shape))
    donor = rng.standard_normal((BATCH, len(names.sources), SEQ, config.d_model))
    return transformer, tokens, mask, donor


def test_batch_without_a_patch_is_one_run_after_the_other():
    config = CONFIGS["normed"]
    transformer, tokens, _, _ = draw_batch(config, edges=False)
    batch = forward_batch(transformer, tokens)
    for i in range(BATCH):
        one = run_machine(transformer, tokens[i])
        assert_close(batch.logits[i], one.logits)
        assert_close(batch.writes[i], one.writes)


@pytest.mark.parametrize("edges", [False, True], ids=["nodes", "edges"])
@pytest.mark.parametrize("chunk", [None, 2])
def test_every_example_of_a_batch_has_its_own_patch(edges, chunk):
    config = CONFIGS["normed"]
    transformer, tokens, mask, donor = draw_batch(config, edges)
    make = Patch.edges if edges else Patch.nodes
    where = np.tri(BATCH, SEQ)
    patch = make(mask, donor, where=where)
    batch = forward_batch(transformer, tokens, patch, chunk=chunk)
    for i in range(BATCH):
        own = make(mask[i], donor[i], where=where[i])
        one = run_machine(transformer, tokens[i], own)
        assert_close(batch.logits[i], one.logits)
        assert_close(batch.writes[i], one.writes)


@pytest.mark.parametrize("edges", [False, True], ids=["nodes", "edges"])
def test_shared_mask_is_the_same_mask_for_all(edges):
    config = CONFIGS["plain"]
    transformer, tokens, mask, donor = draw_batch(config, edges)
    make, basis = (Patch.edges if edges else Patch.nodes), np.eye(config.d_model)
    patch = make(mask[0], donor, basis)
    logits = logits_batch(transformer, tokens, patch, shared_mask=True, chunk=2)
    for i in range(BATCH):
        one = run_machine(transformer, tokens[i], make(mask[0], donor[i]))
        assert_close(logits[i], one.logits)


def test_only_edge_patches_larger_than_the_cache_run_in_chunks():
    config = CONFIGS["plain"]  # 8 sources * 4 positions * 6 * 8 bytes an example
    transformer = draw_transformer(config, np.random.default_rng(0))
    edges, nodes = Patch.edges(1, 1), Patch.nodes(1, 1)
    for batch, patch, chunk in (
        (1024, edges, 1024),
        (1025, edges, 513),
        (3000, edges, 1000),
        (3000, nodes, 3000),
        (3000, None, 3000),
    ):
        tokens = jnp.zeros((batch, SEQ), int)
        assert choose_chunk(transformer, tokens, patch) == chunk


def test_logits_alone_do_not_compute_what_single_heads_write():
    config = CONFIGS["plain"]
    transformer, tokens, mask, donor = draw_batch(config, edges=False)

    def count_products(f):
        args = transformer, tokens, Patch.nodes(mask, donor)
        return f.lower(*args).compile().as_text().count(" dot(")

    saved = count_products(forward_batch) - count_products(logits_batch)
    assert saved == config.n_layers


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_weights_set_the_dtype_of_everything(name, dtype):
    config = CONFIGS[name]
    transformer, tokens, mask, donor = draw_batch(config, edges=True)
    transformer = transformer.cast(lambda array: array.astype(dtype))
    patch = Patch.edges(mask > 0.5, donor, np.eye(config.d_model))
    run = jax.eval_shape(lambda: forward_batch(transformer, tokens, patch))
    assert run.logits.dtype == run.writes.dtype == dtype


def test_gradient_in_the_weights_is_finite_with_padding():
    config = CONFIGS["plain"]
    transformer, tokens, mask, donor = draw_batch(config, edges=True)
    tokens[:, -2:] = config.pad_id
    tokens[0] = config.pad_id

    def loss(transformer):
        patch = Patch.edges(mask, donor)
        return (logits_batch(transformer, tokens, patch) ** 2).sum()

    gradient = jax.jit(jax.grad(loss))(transformer.in_jax())
    assert all(np.isfinite(array).all() for array in gradient.weights)
    assert abs(gradient.weights.W_Q).max() > 0


def test_products_ask_for_full_precision():
    config = CONFIGS["plain"]
    transformer, tokens, _, _ = draw_batch(config, edges=False)
    text = str(jax.make_jaxpr(forward)(transformer, tokens[0]))
    # Both operands of every product say so.
    assert text.count("Precision.HIGHEST") == 2 * text.count("dot_general") > 0
