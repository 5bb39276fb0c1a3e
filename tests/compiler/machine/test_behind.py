"""What is behind a change, packed: the same logits as the whole forward pass."""

from collections.abc import Callable
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from compiler.errors import NameLookupError
from compiler.machine.behind import (
    last_logits,
    logits_under,
    make_rows,
    move,
    run_under,
    spot_behind,
    spot_of_reader,
)
from compiler.machine.forward import forward, forward_batch
from compiler.machine.packed import pack, take
from compiler.machine.patch import Patch
from tests.compiler.machine.reference import CONFIGS, assert_close, draw_transformer

DEEP = {
    **CONFIGS,
    "one layer": replace(CONFIGS["plain"], n_layers=1),
    "three layers": replace(CONFIGS["causal"], n_layers=3, pad_id=0),
}
LENGTHS = [5, 1, 2, 4, 3, 0, 2, 1, 1]


class Case:
    """Sequences of several lengths, packed, and donors for each."""

    def __init__(self, name: str) -> None:
        self.config = config = DEEP[name]
        rng = np.random.default_rng(7)
        self.transformer = draw_transformer(config, rng).in_jax()
        lengths = np.array(LENGTHS)
        if config.pad_id is None:
            lengths = np.where(lengths, config.n_ctx, 0)
        shape = len(lengths), config.n_ctx
        ids = rng.integers(1, config.d_vocab, shape)
        self.live = np.arange(config.n_ctx) < lengths[:, None]
        self.ids = jnp.asarray(np.where(self.live, ids, config.pad_id or 0))
        self.writes = forward_batch(self.transformer, self.ids).writes
        self.donors = jnp.asarray(rng.standard_normal(self.writes.shape))
        # Inputs of different lengths share some positions only.
        self.where = self.live & (rng.random(shape) < 0.8)
        self.packing = pack(config, lengths)
        self.rows = make_rows(self.transformer, self.packing, self.writes)

    def packed_change(self, source: int) -> jax.Array:
        change = (self.donors - self.writes)[:, source]
        return take(self.packing, jnp.where(self.where[..., None], change, 0.0))

    def behind(self) -> Callable[..., jax.Array]:
        """What gives the logits behind a change at a spot."""

        @jax.jit
        def logits(spot, change):
            moved, way = move(self.transformer, self.rows, spot, change)
            front = self.rows.stream[-2]
            return last_logits(self.transformer, front, moved, way)

        return logits

    def whole(self, patch_of) -> jax.Array:
        """The logits of the whole forward pass, [class, place, row]."""

        def one(ids, donor, where):
            return forward(self.transformer, ids, patch_of(donor, where))

        where = jnp.asarray(self.where, float)
        run = jax.vmap(one)(self.ids, self.donors, where)
        return take(self.packing, run.logits)

    def assert_same(self, found, expected) -> None:
        here = self.packing.sequence.T >= 0
        assert_close(np.asarray(found)[:, here], np.asarray(expected)[:, here])


@pytest.fixture(scope="module", params=DEEP)
def case(request):
    return Case(request.param)


def test_every_live_position_stands_in_one_place(case):
    sequence, position = case.packing
    here = sequence >= 0
    found = sorted(zip(sequence[here].tolist(), position[here].tolist(), strict=True))
    assert found == [tuple(i) for i in np.argwhere(case.live).tolist()]
    ids = take(case.packing, case.ids[..., None])[0].T
    expected = np.asarray(case.ids)[sequence[here], position[here]]
    assert np.asarray(ids)[here].tolist() == expected.tolist()


def test_short_sequences_share_rows():
    plain, rotary = CONFIGS["plain"], CONFIGS["rotary"]
    assert len(pack(plain, [1] * 10).sequence) == 2
    assert len(pack(plain, [3, 2, 4, 1, 5, 0]).sequence) == 3
    # Rotary embeddings count places from the start of a row.
    assert len(pack(rotary, [1] * 10).sequence) == 10
    assert pack(plain, []).sequence.shape == (0, plain.n_ctx)


def test_every_edge_is_as_in_the_whole_forward_pass(case):
    names, fast = case.config.names, case.behind()

    @jax.jit
    def slow(mask):
        return case.whole(lambda donor, where: Patch.edges(mask, donor, where=where))

    for row, reader in enumerate(names.readers):
        spot = spot_of_reader(names, reader)
        for source in np.flatnonzero(names.visible[row]):
            mask = np.zeros(names.visible.shape)
            mask[row, source] = 1.0
            case.assert_same(fast(spot, case.packed_change(source)), slow(mask))


def test_every_node_is_as_in_the_whole_forward_pass(case):
    names, fast = case.config.names, case.behind()

    @jax.jit
    def slow(mask):
        return case.whole(lambda donor, where: Patch.nodes(mask, donor, where=where))

    for source, node in list(enumerate(names.sources))[2:]:
        mask = np.zeros(len(names.sources))
        mask[source] = 1.0
        change = case.packed_change(source)
        case.assert_same(fast(spot_behind(names, node), change), slow(mask))


def test_runs_under_a_mask_are_as_in_the_whole_forward_pass(case):
    config, names = case.config, case.config.names
    rng = np.random.default_rng(11)
    mask = jnp.asarray(names.visible * (rng.random(names.visible.shape) < 0.5) * 1.0)
    donors = take(case.packing, case.donors)
    where = take(case.packing, jnp.asarray(case.where)[..., None])[0]
    given = case.transformer, case.rows
    under = jax.jit(lambda: run_under(*given, mask, donors, where))()

    @jax.jit
    def fast(mask, layer):
        return logits_under(*given, mask, donors, where, under, layer)

    @jax.jit
    def slow(mask):
        return case.whole(lambda donor, where: Patch.edges(mask, donor, where=where))

    case.assert_same(fast(mask, 0), slow(mask))
    parts = list(names.reader_parts.values())
    for row, source in np.argwhere(names.visible & (np.asarray(mask) == 0)):
        more = mask.at[row, source].set(1.0)
        layer = config.n_layers if parts[row].layer is None else parts[row].layer
        case.assert_same(fast(more, layer), slow(more))


def test_names_that_are_none_are_refused():
    names = CONFIGS["plain"].names
    with pytest.raises(NameLookupError, match="reader"):
        spot_of_reader(names, "a9.h0<q>")
    with pytest.raises(NameLookupError, match="source"):
        spot_behind(names, "a9.h0")
