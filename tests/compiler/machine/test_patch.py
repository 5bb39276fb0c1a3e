"""Masks by name, and patches that do not fit."""

import jax.numpy as jnp
import numpy as np
import pytest

from compiler.errors import InputError, NameLookupError
from compiler.machine.forward import forward
from compiler.machine.names import Edge, Names
from compiler.machine.patch import Patch, edge_mask, node_mask
from tests.compiler.machine.reference import CONFIGS, SEQ, draw_donor, draw_transformer

NAMES = Names(2, 2)


def test_node_mask_has_the_given_values():
    mask = node_mask(NAMES, {"a0.h1": 0.5, "m1": 1.0})
    assert mask[NAMES.source_index("a0.h1")] == 0.5
    assert mask[NAMES.source_index("m1")] == 1.0
    assert mask.sum() == 1.5


def test_edge_mask_has_the_value_at_the_edges():
    edges = [Edge("tokens", "a0.h0<k>"), Edge("m0", "logits")]
    mask = edge_mask(NAMES, edges, value=2.0)
    assert {NAMES.edge_index(edge) for edge in edges} == set(
        zip(*(axis.tolist() for axis in np.nonzero(mask)), strict=True)
    )
    assert mask.max() == 2.0


def test_masks_offer_the_nearest_name():
    with pytest.raises(NameLookupError, match=r"Did you mean .*'a0.h1'"):
        node_mask(NAMES, {"a0.h11": 1.0})
    with pytest.raises(NameLookupError, match="reads before"):
        edge_mask(NAMES, [Edge("m0", "a0.h0<q>")])


def test_masks_take_names_as_well_as_values_and_edges():
    assert (
        node_mask(NAMES, ["m0", "m1"]) == node_mask(NAMES, {"m0": 1, "m1": 1})
    ).all()
    assert (node_mask(NAMES, "m0") == node_mask(NAMES, ["m0"])).all()
    edge = Edge("m0", "a1.h0<q>")
    for same in (["m0->a1.h0<q>"], "m0->a1.h0<q>", edge):
        assert (edge_mask(NAMES, same) == edge_mask(NAMES, [edge])).all()
    with pytest.raises(NameLookupError, match="'m0' is not an edge"):
        edge_mask(NAMES, ["m0"])
    with pytest.raises(NameLookupError, match="no source is named 'm7'"):
        edge_mask(NAMES, ["m7->logits"])


@pytest.mark.parametrize("names", ["m0", ["m0"], ("m0",), {"m0": 1.0}])
def test_names_in_place_of_a_mask_are_told_the_remedy(names):
    remedy = r"given names \('m0'\).*node_mask\(model.config.names, \['m0'\]\)"
    with pytest.raises(InputError, match=remedy):
        Patch.nodes(names, np.zeros((2, 2, 2)))
    with pytest.raises(InputError, match=r"edge_mask\(.*\['m0->m1'\]"):
        Patch.edges([Edge("m0", "m1")], np.zeros((2, 2, 2)))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda n, r, d: Patch.nodes(np.ones((r, n)), d),
        lambda n, r, d: Patch.nodes(np.ones((n, SEQ + 1)), d),
        lambda n, r, d: Patch.nodes(np.ones((n, SEQ, 2)), d),
        lambda n, r, d: Patch.nodes(np.ones(()), d),
        lambda n, r, d: Patch.edges(np.ones(n), d),
        lambda n, r, d: Patch.edges(np.ones((1, n)), d),
        lambda n, r, d: Patch.edges(np.ones((7, r, n, SEQ, 1)), d),
        lambda n, r, d: Patch.nodes(np.ones(n), d[:-1]),
        lambda n, r, d: Patch.nodes(np.ones(n), d, where=np.ones(SEQ + 1)),
        lambda n, r, d: Patch(np.ones(n), np.ones((r, n)), d),
        lambda n, r, d: Patch(None, None, d),
    ],
)
def test_patch_that_does_not_fit_says_what_was_expected(wrong):
    config, rng = CONFIGS["plain"], np.random.default_rng(0)
    transformer, names = draw_transformer(config, rng), config.names
    n_sources, n_readers = len(names.sources), len(names.readers)
    patch = wrong(n_sources, n_readers, draw_donor(config, rng))
    with pytest.raises(InputError, match=r"patch: .*expected"):
        forward(transformer, jnp.ones(SEQ, int), patch)
