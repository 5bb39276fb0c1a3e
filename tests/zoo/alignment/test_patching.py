"""Patched sites against the definition: the whole forward pass under an edge patch."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from compiler.machine.forward import logits_batch
from compiler.machine.jit import QUICK_TO_COMPILE
from compiler.machine.patch import Patch
from zoo.alignment.interchanges import Interchanges, draw_interchanges
from zoo.alignment.patching import Runs, logits_under, run_both
from zoo.alignment.places import Place, all_places, find_place
from zoo.alignment.subspaces import random_subspace
from zoo.cases.case import Case
from zoo.causal.outputs import position_losses
from zoo.finders.descent import SearchSite, examples_of, interchange_loss

quick = partial(jax.jit, compiler_options=QUICK_TO_COMPILE)


def whole(
    transformer: Any, pairs: Any, donors: Any, edges: Any, where: Any, turn: Any
) -> Any:
    """Return the logits of `forward` with some edges patched in a subspace."""
    patch = Patch.edges(edges[..., None, None], donors, turn, where)
    return logits_batch(transformer, pairs, patch, shared_mask=True)


def edges_of(case: Case, place: Place) -> np.ndarray:
    """Return 1 for each edge from a site to a reader of its layer or a later one."""
    names = case.config.names
    edges = np.zeros((len(names.readers), len(names.sources)), np.float32)
    for row, part in enumerate(names.reader_parts.values()):
        if part.layer is None or part.layer >= place.layer:
            edges[row, list(place.sources)] = 1.0
    return edges


def drawn(case: Case, variable: str, count: int = 24) -> tuple[Interchanges, Runs]:
    pairs = draw_interchanges(case, variable, count)
    return pairs, run_both(case, pairs)


def along(basis: np.ndarray) -> np.ndarray:
    """Return the basis as rows, filled up with zeros."""
    turn = np.zeros((len(basis),) * 2, np.float32)
    turn[: basis.shape[1]] = basis.T
    return turn


def test_every_site_is_as_in_the_whole_forward_pass(case: Case) -> None:
    (pairs, runs), rng = drawn(case, "is_t"), np.random.default_rng(3)
    slow = quick(whole)
    for place in all_places(case.config):
        basis = random_subspace(case.config.d_model, 3, rng)
        found = logits_under(case, place, runs, pairs.where, basis)
        given = pairs.base, runs.donors, edges_of(case, place), pairs.where
        expected = np.asarray(slow(case.transformer, *given, along(basis)))
        live = pairs.base != case.config.pad_id
        error = np.abs(np.asarray(found) - expected)[live].max()
        assert error <= 1e-5 * np.abs(expected[live]).max(), place.name


def test_gradients_in_a_subspace_are_those_of_the_forward_pass(case: Case) -> None:
    pairs, runs = drawn(case, "is_t")
    place, readout = find_place(case.config, "a0.h0"), case.model.readout
    rows = examples_of(pairs, runs, place)
    basis = random_subspace(case.config.d_model, 3, np.random.default_rng(4))
    turn, share = jnp.asarray(along(basis)), jnp.ones(len(basis), np.float32)

    def fast(turn: Any) -> Any:
        at = SearchSite(case.transformer, readout, place)
        return interchange_loss(at, rows, rows.where, rows.labels, turn, share)

    def slow(turn: Any) -> Any:
        given = pairs.base, runs.donors, edges_of(case, place), pairs.where
        logits = whole(case.transformer, *given, turn)
        losses = position_losses(readout, logits, jnp.maximum(pairs.after, 0))
        return losses[pairs.after >= 0].mean()

    found, expected = (np.asarray(quick(jax.grad(f))(turn)) for f in (fast, slow))
    assert np.abs(expected).max() > 1e-3
    assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()
