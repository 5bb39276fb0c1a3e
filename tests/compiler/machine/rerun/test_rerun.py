"""What is run again gives the same logits as the whole forward pass."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache, cached_property, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from compiler.errors import NameLookupError
from compiler.machine.forward import Run, forward
from compiler.machine.patch import Patch
from compiler.machine.rerun.packed import pack, take
from compiler.machine.rerun.rerun import (
    Donors,
    Target,
    edge_targets,
    masked_logits,
    pack_runs,
    perturbed_logits,
    run_masked,
    stack,
    stack_runs,
    target_of_node,
    target_of_reader,
    unmasked,
    unstack,
)
from tests.compiler.machine.reference import CONFIGS, assert_close, draw_transformer

# Llama turns halves and shares keys; what is causal is also in three layers.
DEEP = {
    **{name: CONFIGS[name] for name in ("plain", "normed", "llama", "neighbours")},
    "one layer": replace(CONFIGS["plain"], n_layers=1),
    "three layers": replace(CONFIGS["causal"], n_layers=3, pad_id=0),
}
LENGTHS = [5, 1, 2, 4, 3, 0, 2, 1, 1]


class Case:
    """Sequences of several lengths, and donors for each.

    Args:
        name: of the configuration.
        packed: whether short sequences share rows, or each has one of its own.
    """

    def __init__(self, name: str, packed: bool) -> None:
        self.config = config = DEEP[name]
        rng = self.rng = np.random.default_rng(7)
        self.transformer = draw_transformer(config, rng).in_jax()
        lengths = np.array(LENGTHS)
        if config.pad_id is None:
            lengths = np.where(lengths, config.n_ctx, 0)
        shape = len(lengths), config.n_ctx
        ids = rng.integers(1, config.d_vocab, shape)
        self.live = np.arange(config.n_ctx) < lengths[:, None]
        self.ids = jnp.asarray(np.where(self.live, ids, config.pad_id or 0))
        names = config.names
        written = len(lengths), len(names.sources), config.n_ctx, config.d_model
        self.donor_writes = jnp.asarray(rng.standard_normal(written))
        # Inputs of different lengths share some positions only.
        self.where = self.live & (rng.random(shape) < 0.8)
        self.writes = self.run(jnp.zeros(names.visible.shape)).writes
        self.packing = pack(config, lengths)
        if packed:
            self.base = pack_runs(self.transformer, self.packing, self.writes)
        else:
            self.base = stack_runs(self.transformer, self.ids, self.writes)
        self.lay = partial(take, self.packing) if packed else stack
        self.packed = packed

    @property
    def donors(self) -> Donors:
        where = self.lay(jnp.asarray(self.where)[..., None])[0]
        return Donors(self.lay(self.donor_writes), where)

    def perturbation(self, source: int, amount: float = 1.0) -> jax.Array:
        change = amount * (self.donor_writes - self.writes)[:, source]
        return self.lay(jnp.where(self.where[..., None], change, 0.0))

    @cached_property
    def again(self) -> Callable[..., jax.Array]:
        """What gives the logits after a perturbation, compiled once."""
        return jax.jit(partial(perturbed_logits, self.transformer, self.base))

    @cached_property
    def run(self) -> Callable[[jax.Array], Run]:
        """What runs the definition under an edge mask, compiled once."""
        transformer, where = self.transformer, jnp.asarray(self.where, float)

        @jax.jit
        def run(mask):
            def one(ids, donor, where):
                return forward(transformer, ids, Patch.edges(mask, donor, where=where))

            return jax.vmap(one)(self.ids, self.donor_writes, where)

        return run

    def slow(self, mask) -> jax.Array:
        """The logits of the whole forward pass, [class, place, row]."""
        return self.lay(self.run(jnp.asarray(mask)).logits)

    def assert_same(self, found, expected) -> None:
        here = self.packing.sequence.T >= 0 if self.packed else Ellipsis
        assert_close(np.asarray(found)[:, here], np.asarray(expected)[:, here])


make_case = cache(Case)


# Rotary sequences share no rows, so that theirs are packed as they are stacked.
@pytest.fixture(
    scope="module", params=[*((name, True) for name in DEEP), ("plain", False)]
)
def case(request):
    return make_case(*request.param)


@pytest.fixture(scope="module", params=DEEP)
def packed(request):
    return make_case(request.param, True)


def test_every_live_position_stands_in_one_place(packed):
    case = packed
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
    names, fast = case.config.names, case.again
    for row, reader in enumerate(names.readers):
        target = target_of_reader(names, reader)
        for source in np.flatnonzero(names.visible[row]):
            mask = np.zeros(names.visible.shape)
            mask[row, source] = amount = case.rng.uniform(0.1, 1.0)
            change = case.perturbation(source, amount)
            case.assert_same(fast(target, change), case.slow(mask))


def test_every_node_is_as_in_the_whole_forward_pass(case):
    names, fast = case.config.names, case.again
    for source, node in enumerate(names.sources):
        mask = np.zeros(names.visible.shape)
        mask[:, source] = 1.0  # a node mask is a column of an edge mask
        change = case.perturbation(source)
        case.assert_same(fast(target_of_node(names, node), change), case.slow(mask))


def test_runs_under_a_mask_are_as_in_the_whole_forward_pass(case):
    config, names = case.config, case.config.names
    rng = np.random.default_rng(11)
    mask = jnp.asarray(names.visible * (rng.random(names.visible.shape) < 0.5) * 1.0)
    donors = case.donors
    given = case.transformer, case.base
    known = jax.jit(lambda: run_masked(*given, mask, donors))()

    @jax.jit
    def fast(mask, layer, known):
        return masked_logits(*given, mask, donors, known, layer)

    case.assert_same(fast(mask, 0, known), case.slow(mask))
    parts = list(names.reader_parts.values())
    for row, source in np.argwhere(names.visible & (np.asarray(mask) == 0)):
        more = mask.at[row, source].set(1.0)
        layer = config.n_layers if parts[row].layer is None else parts[row].layer
        case.assert_same(fast(more, layer, known), case.slow(more))
    # Unpatched runs are the same as any whose patched readers come later.
    last = mask.at[: names.reader_index(f"a{config.n_layers - 1}.h0<q>")].set(0.0)
    start = unmasked(case.base, donors)
    case.assert_same(fast(last, config.n_layers - 1, start), case.slow(last))


def test_all_positions_are_patched_where_donors_name_none():
    case = make_case("plain", False)
    visible = jnp.asarray(case.config.names.visible, float)
    donors = Donors(stack(case.donor_writes))

    @jax.jit
    def fast():
        start = unmasked(case.base, donors)
        return masked_logits(case.transformer, case.base, visible, donors, start, 0)

    patched = jax.vmap(
        lambda ids, donor: forward(case.transformer, ids, Patch.edges(visible, donor))
    )
    expected = jax.jit(patched)(case.ids, case.donor_writes).logits
    assert_close(unstack(fast()), expected)


@pytest.mark.parametrize("name", DEEP)
def test_edge_targets_say_each_edge_once_and_where_it_begins(name):
    names = DEEP[name].names
    rows = edge_targets(names)
    assert len(rows) == len(names.edges)
    for (reader, source, layer, *target), edge in zip(rows, names.edges, strict=True):
        assert names.edge_index(edge) == (reader, source)
        own = names.reader_parts[edge.reader].layer
        assert layer == (names.n_layers if own is None else own)
        assert Target(*target) == target_of_reader(names, edge.reader)


def test_names_that_are_none_are_refused():
    names = CONFIGS["plain"].names
    with pytest.raises(NameLookupError, match="reader"):
        target_of_reader(names, "a9.h0<q>")
    with pytest.raises(NameLookupError, match="source"):
        target_of_node(names, "a9.h0")
