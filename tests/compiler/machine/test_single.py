"""One reader at a time: the same logits as an edge patch of the whole forward pass."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from compiler.errors import NameLookupError
from compiler.machine.forward import forward
from compiler.machine.patch import Patch
from compiler.machine.single import logits_after
from compiler.machine.weights import Weights
from tests.compiler.machine.reference import (
    CONFIGS,
    SEQ,
    assert_close,
    draw_tokens,
    draw_weights,
)


@pytest.mark.parametrize("name", CONFIGS)
def test_every_edge_is_as_in_the_whole_forward_pass(name):
    config = CONFIGS[name]
    rng = np.random.default_rng(3)
    weights = Weights(*(jnp.asarray(a) for a in draw_weights(config, rng)))
    tokens = jnp.asarray(draw_tokens(config, rng))
    names = config.names
    writes = forward(config, weights, tokens).writes
    donor = jnp.asarray(rng.standard_normal(writes.shape))

    @jax.jit
    def whole(mask):
        return forward(config, weights, tokens, Patch.edges(mask, donor)).logits

    for reader in names.readers:
        row = names.reader_index(reader)
        one = jax.jit(
            lambda c, r=reader: logits_after(config, weights, tokens, writes, r, c)
        )
        for column in np.flatnonzero(names.visible[row]):
            mask = np.zeros(names.visible.shape)
            mask[row, column] = amount = rng.uniform(0.1, 1.0)
            change = amount * (donor[column] - writes[column])
            assert_close(one(change), whole(jnp.asarray(mask)))


def test_an_unknown_reader_is_refused():
    config = next(iter(CONFIGS.values()))
    weights = Weights(
        *(jnp.asarray(a) for a in draw_weights(config, np.random.default_rng(0)))
    )
    writes = jnp.zeros((len(config.names.sources), SEQ, config.d_model))
    tokens = jnp.zeros(SEQ, int)
    with pytest.raises(NameLookupError, match="reader"):
        logits_after(config, weights, tokens, writes, "a9.h0<q>", writes[0])
