"""One reader at a time: the same logits as an edge patch of the whole forward pass."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from compiler.errors import NameLookupError
from compiler.machine.forward import forward
from compiler.machine.patch import Patch
from compiler.machine.single import logits_after
from tests.compiler.machine.reference import (
    CONFIGS,
    SEQ,
    assert_close,
    draw_tokens,
    draw_transformer,
)


@pytest.mark.parametrize("name", CONFIGS)
def test_every_edge_is_as_in_the_whole_forward_pass(name):
    config = CONFIGS[name]
    rng = np.random.default_rng(3)
    transformer = draw_transformer(config, rng).in_jax()
    tokens = jnp.asarray(draw_tokens(config, rng))
    names = config.names
    writes = forward(transformer, tokens).writes
    donor = jnp.asarray(rng.standard_normal(writes.shape))

    @jax.jit
    def whole(mask):
        return forward(transformer, tokens, Patch.edges(mask, donor)).logits

    for reader in names.readers:
        row = names.reader_index(reader)
        one = jax.jit(
            lambda c, r=reader: logits_after(transformer, tokens, writes, r, c)
        )
        for column in np.flatnonzero(names.visible[row]):
            mask = np.zeros(names.visible.shape)
            mask[row, column] = amount = rng.uniform(0.1, 1.0)
            change = amount * (donor[column] - writes[column])
            assert_close(one(change), whole(jnp.asarray(mask)))


def test_an_unknown_reader_is_refused():
    config = next(iter(CONFIGS.values()))
    transformer = draw_transformer(config, np.random.default_rng(0)).in_jax()
    writes = jnp.zeros((len(config.names.sources), SEQ, config.d_model))
    tokens = jnp.zeros(SEQ, int)
    with pytest.raises(NameLookupError, match="reader"):
        logits_after(transformer, tokens, writes, "a9.h0<q>", writes[0])
