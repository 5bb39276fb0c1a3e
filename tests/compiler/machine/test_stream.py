"""The laws of patches: what readers see of replaced writes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.machine.patch import Patch, edge_mask, node_mask
from tests.compiler.machine.reference import (
    CONFIGS,
    SEQ,
    assert_close,
    draw_donor,
    draw_tokens,
    draw_transformer,
    run_machine,
    run_reference,
)

every_config = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
one_of_each_norm = pytest.mark.parametrize("name", ["causal", "normed"])
seeds = st.integers(0, 10**6)

FORMS = ["", "seq", "1 d_model", "seq d_model", "seq d_model basis"]


def draw_case(config, seed):
    rng = np.random.default_rng(seed)
    transformer, donor = draw_transformer(config, rng), draw_donor(config, rng)
    return rng, transformer, draw_tokens(config, rng), donor


def draw_mask(config, rng, form, readers):
    """A mask of some form, and its meaning: what reader r sees of source s."""
    names = config.names
    lengths = {"seq": SEQ, "1": 1, "d_model": config.d_model}
    axes = [lengths[axis] for axis in form.split() if axis != "basis"]
    first = [len(names.readers)] if readers else []
    mask = rng.uniform(-1, 2, (*first, len(names.sources), *axes))
    basis = np.eye(config.d_model)
    if "basis" in form:
        basis = np.linalg.qr(rng.standard_normal((config.d_model,) * 2))[0]

    def see(donor):
        def seen(r, s, write):
            entry = mask[r, s] if readers else mask[s]
            if len(axes) == 1:
                entry = entry[:, None]
            return write + (entry * ((donor[s] - write) @ basis.T)) @ basis

        return seen

    return mask, basis if "basis" in form else None, see


# Every form of mask in two architectures, and two forms in every one.
SEEN = [
    (name, form)
    for name in CONFIGS
    for form in (FORMS if name in ("plain", "normed") else FORMS[::4])
]


@pytest.mark.parametrize(("name", "form"), SEEN)
@pytest.mark.parametrize("readers", [False, True], ids=["nodes", "edges"])
@settings(max_examples=2)
@given(seed=seeds)
def test_readers_see_what_the_mask_says(name, form, readers, seed):
    config = CONFIGS[name]
    rng, transformer, tokens, donor = draw_case(config, seed)
    mask, basis, see = draw_mask(config, rng, form, readers)
    make = Patch.edges if readers else Patch.nodes
    run = run_machine(transformer, tokens, make(mask, donor, basis))
    logits, writes = run_reference(transformer, tokens, see(donor))
    assert_close(run.logits, logits)
    assert_close(run.writes, writes)


@every_config
@settings(max_examples=2)
@given(seed=seeds)
def test_empty_patch_is_the_clean_run(config, seed):
    _, transformer, tokens, donor = draw_case(config, seed)
    nothing = edge_mask(config.names, ())
    clean = run_machine(transformer, tokens)
    by_edges = run_machine(transformer, tokens, Patch.edges(nothing, donor))
    by_nodes = run_machine(transformer, tokens, Patch.nodes(nothing[0], donor))
    for patched in (by_edges, by_nodes):
        assert_close(patched.logits, clean.logits)
        assert_close(patched.writes, clean.writes)


@every_config
@settings(max_examples=2)
@given(seed=seeds)
def test_full_patch_is_the_donor_run(config, seed):
    rng, transformer, tokens, _ = draw_case(config, seed)
    donor = run_machine(transformer, draw_tokens(config, rng))
    everything = edge_mask(config.names, config.names.edges)
    for patch in (
        Patch.edges(everything, donor.writes),
        Patch.nodes(np.ones(len(config.names.sources)), donor.writes),
    ):
        assert_close(run_machine(transformer, tokens, patch).logits, donor.logits)


@one_of_each_norm
@settings(max_examples=2)
@given(seed=seeds, picks=st.sets(st.integers(0, 7), min_size=1))
def test_column_of_an_edge_mask_is_a_node_mask(name, seed, picks):
    config = CONFIGS[name]
    _, transformer, tokens, donor = draw_case(config, seed)
    nodes = node_mask(config.names, {config.names.sources[s]: 1.0 for s in picks})
    columns = np.broadcast_to(nodes, (len(config.names.readers), len(nodes)))
    by_edges = run_machine(transformer, tokens, Patch.edges(columns, donor))
    by_nodes = run_machine(transformer, tokens, Patch.nodes(nodes, donor))
    assert_close(by_edges.logits, by_nodes.logits)
    assert_close(by_edges.writes, by_nodes.writes)


@one_of_each_norm
@settings(max_examples=2)
@given(seed=seeds, pick=st.integers(0, 7))
def test_node_mask_replaces_the_write(name, seed, pick):
    config = CONFIGS[name]
    _, transformer, tokens, donor = draw_case(config, seed)
    mask = np.arange(len(config.names.sources)) == pick  # booleans will do
    run = run_machine(transformer, tokens, Patch.nodes(mask, donor))
    logits, writes = run_reference(
        transformer, tokens, lambda r, s, write: donor[s] if s == pick else write
    )
    assert_close(run.logits, logits)
    assert_close(run.writes, writes)


@one_of_each_norm
@pytest.mark.parametrize("form", ["", "1 d_model", "seq d_model basis"])
@pytest.mark.parametrize("readers", [False, True], ids=["nodes", "edges"])
@settings(max_examples=2)
@given(seed=seeds)
def test_where_is_a_factor_of_the_mask_by_position(name, form, readers, seed):
    config = CONFIGS[name]
    rng, transformer, tokens, donor = draw_case(config, seed)
    mask, basis, _ = draw_mask(config, rng, form, readers)
    make, where = (Patch.edges if readers else Patch.nodes), rng.uniform(size=SEQ)
    patch = make(mask, donor, basis, where)
    run = run_machine(transformer, tokens, patch)
    full = mask if form else mask[..., None, None]
    patch = make(full * where[:, None], donor, basis)
    same = run_machine(transformer, tokens, patch)
    assert_close(run.logits, same.logits)
    assert_close(run.writes, same.writes)


def test_writes_are_computed_before_replacing_and_from_patched_reads():
    config = CONFIGS["plain"]
    _, transformer, tokens, donor = draw_case(config, 0)
    names = config.names
    mask = node_mask(names, {"a0.h1": 1.0})
    clean = run_machine(transformer, tokens).writes
    writes = run_machine(transformer, tokens, Patch.nodes(mask, donor)).writes
    later = names.source_index("m0")
    assert_close(writes[:later], clean[:later])  # the replaced head's own included
    assert (abs(writes[later:] - clean[later:]).max(axis=(1, 2)) > 1e-3).all()


@one_of_each_norm
@settings(max_examples=2)
@given(seed=seeds)
def test_entries_that_a_reader_cannot_see_are_ignored(name, seed):
    config = CONFIGS[name]
    rng, transformer, tokens, donor = draw_case(config, seed)
    mask = rng.uniform(size=config.names.visible.shape)
    noise = np.where(config.names.visible, mask, 1e6)
    first = run_machine(transformer, tokens, Patch.edges(mask, donor))
    second = run_machine(transformer, tokens, Patch.edges(noise, donor))
    np.testing.assert_array_equal(first.logits, second.logits)


@pytest.mark.parametrize("readers", [False, True], ids=["nodes", "edges"])
def test_gradient_in_the_mask_is_the_finite_difference(readers):
    config = CONFIGS["normed"]
    rng, transformer, tokens, donor = draw_case(config, 3)
    mask, _, _ = draw_mask(config, rng, "", readers)
    if readers:
        mask = mask * config.names.visible

    @jax.jit
    def loss(mask):
        patch = (Patch.edges if readers else Patch.nodes)(mask, donor)
        return (run_machine(transformer, tokens, patch).logits ** 2).sum()

    step = 1e-5 * np.eye(mask.size).reshape(mask.size, *mask.shape)
    differences = (jax.vmap(loss)(mask + step) - jax.vmap(loss)(mask - step)) / 2e-5
    gradient = jax.grad(loss)(jnp.asarray(mask)).reshape(-1)
    np.testing.assert_allclose(gradient, differences, rtol=1e-5, atol=1e-5)


@settings(max_examples=3)
@given(seed=seeds)
def test_logits_are_affine_in_their_own_row_of_the_mask(seed):
    config = CONFIGS["causal"]  # no LayerNorm in between
    rng, transformer, tokens, donor = draw_case(config, seed)
    base = rng.uniform(size=config.names.visible.shape)
    masks = np.stack([base] * 3)
    masks[:2, -1] = rng.uniform(-2, 2, masks[:2, -1].shape)
    masks[2, -1] = 0.3 * masks[0, -1] + 0.7 * masks[1, -1]
    first, second, mixed = (
        run_machine(transformer, tokens, Patch.edges(mask, donor)).logits
        for mask in masks
    )
    assert_close(mixed, 0.3 * first + 0.7 * second)


@one_of_each_norm
@settings(max_examples=2)
@given(seed=seeds, rank=st.integers(1, 5))
def test_subspace_patch_replaces_one_subspace_only(name, seed, rank):
    config = CONFIGS[name]
    rng, transformer, tokens, donor = draw_case(config, seed)
    basis = np.linalg.qr(rng.standard_normal((config.d_model,) * 2))[0]
    node = config.names.source_index("m0")
    mask = np.zeros((len(config.names.sources), 1, config.d_model))
    mask[node, 0, :rank] = 1
    subspace = basis[:rank].T @ basis[:rank]  # a projection
    run = run_machine(transformer, tokens, Patch.nodes(mask, donor, basis))
    logits, _ = run_reference(
        transformer,
        tokens,
        lambda r, s, w: w + (donor[s] - w) @ subspace if s == node else w,
    )
    assert_close(run.logits, logits)
