"""RelP and AtP* against laws and against plain loops."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from compiler.machine.forward import forward
from compiler.machine.weights import Weights
from compiler.model import Model
from zoo.cases.case import Case
from zoo.methods import find_method
from zoo.methods.atp_star import gradients_without
from zoo.methods.relp import coefficients, rules_of


def run(name: str, case: Case) -> np.ndarray:
    return np.asarray(find_method(name).run(case, 0))


LLAMA: dict[str, Any] = {"norm": "rms", "act": "silu", "gated": True, "biases": "none"}
SHAPES: dict[str, dict[str, Any]] = {
    "no norm": {},
    "LayerNorm": {"norm": "pre"},
    "as Llama": LLAMA,
}
every_shape = pytest.mark.parametrize("shape", SHAPES)


def drawn(case: Case, shape: str = "no norm", **zero: bool) -> Case:
    """Return the case with random weights, and zeros where a word asks for them."""
    config = replace(case.config, **SHAPES[shape])
    rng = np.random.default_rng(0)
    arrays = {
        name: (rng.normal(size=size) * 0.3).astype(np.float32)
        for name, size in config.shapes.items()
    }
    arrays |= {name: np.zeros_like(arrays[name]) for name in config.derived}
    zeros = {"flat": ("W_Q", "b_Q"), "mute": ("W_out",)}
    zeros["plain"] = tuple(n for n in arrays if n.startswith("b_") or n.endswith("_b"))
    for word in zero:
        arrays |= {name: np.zeros_like(arrays[name]) for name in zeros[word]}
    old = case.model
    model = Model(
        "drawn",
        old.typed,
        config,
        Weights(**arrays),
        old.readout,
        old.circuit,
        old.rows,
    )
    return Case("drawn", model, case.truth, case.pairs)


def test_relp_is_eap_where_all_is_linear(case: Case) -> None:
    linear = drawn(case, flat=True, mute=True)
    expected = run("eap", linear)
    assert np.abs(expected).max() > 0.1
    assert np.allclose(run("relp", linear), expected, rtol=1e-3, atol=1e-4)


@every_shape
@pytest.mark.parametrize("halves", [False, True])
def test_the_rules_change_no_value(case: Case, shape: str, halves: bool) -> None:
    model = drawn(case, shape).model
    rng = np.random.default_rng(1)
    size = len(model.config.names.readers), case.pairs.clean.shape[1]
    added = rng.normal(size=(*size, model.config.d_model)).astype(np.float32)
    for ids in case.pairs.clean[:1]:
        args = model.transformer, jnp.asarray(ids)
        change = jnp.asarray(added)
        expected = forward(*args, perturbation=change).logits
        rules = rules_of(halves)
        found = forward(*args, perturbation=change, rules=rules).logits
        assert np.allclose(found, expected, rtol=1e-4, atol=1e-4)


@every_shape
def test_relevance_is_conserved_without_biases(case: Case, shape: str) -> None:
    plain = drawn(case, shape, plain=True)
    found = coefficients(plain, False)
    writes = np.asarray(plain.batch.writes)
    by_edge = np.einsum("nspd,nrpd->nrs", writes, np.asarray(found))
    by_edge *= plain.names.visible
    losses = plain.losses()
    assert np.abs(losses).max() > 0.1
    # At the logits, and at the very beginning: nothing is lost on the way.
    assert np.allclose(by_edge[:, -1].sum(-1), losses, rtol=1e-3, atol=1e-3)
    assert np.allclose(by_edge[..., :2].sum((1, 2)), losses, rtol=1e-3, atol=1e-3)


def test_factors_share_the_gradient_in_halves(case: Case) -> None:
    names = case.names
    halves, whole = run("relp-half", case), run("relp", case)
    last = f"a{case.config.n_layers - 1}.h"
    for row, reader in enumerate(names.readers):
        if reader.startswith(last) and reader.endswith("<v>"):
            assert np.allclose(halves[row], whole[row] / 2, rtol=1e-3, atol=1e-4)
        if reader.endswith(("<q>", "<k>")):
            assert not whole[row].any()
    readers = [r.endswith("<q>") for r in names.readers]
    assert np.abs(halves[readers]).max() > 0


def lost(added: Any, transformer: Any, ids: Any, contrast: Any) -> Any:
    """Return the loss of one pair with something added to what readers see."""
    logits = forward(transformer, jnp.asarray(ids), perturbation=added).logits
    return -(logits * jnp.asarray(contrast)).sum()


slope = jax.jit(jax.grad(lost))


def test_a_dropped_layer_lets_no_gradient_back(case: Case) -> None:
    """Against a model without that layer, to whose stream its writes are added."""
    model = drawn(case).model
    made = drawn(case)
    names, n_heads = case.names, case.config.n_heads
    for layer in range(case.config.n_layers):
        found = np.asarray(gradients_without(made, layer))
        arrays = {n: np.array(a) for n, a in model.weights._asdict().items()}
        for name in ("W_O", "W_out", "b_out"):
            arrays[name][layer] = 0
        without = model.transformer.with_arrays(**arrays)
        first = 2 + layer * (n_heads + 1)
        writes = np.asarray(made.batch.writes)[:, first : first + n_heads + 1]
        sees = names.visible[:, first : first + n_heads + 1].astype(np.float32)
        added = np.einsum("nspd,rs->nrpd", writes, sees)
        for row in range(3):
            given = without, made.batch.ids[row], made.batch.goal.contrast[row]
            expected = slope(jnp.asarray(added[row]), *given)
            assert np.allclose(found[row], expected, rtol=1e-3, atol=1e-4)


def test_atp_star_adds_up_the_sizes_of_a_plain_loop(case: Case) -> None:
    made, layers = drawn(case), case.config.n_layers
    found = run("atp-star", made)
    difference = np.asarray(made.batch.donors - made.batch.writes)
    parts = case.names.reader_parts
    for reader in ("m0", "a1.h0<v>", "logits"):
        row = case.names.reader_index(reader)
        kept = [i for i in range(layers) if i != parts[reader].layer]
        expected = np.zeros(len(case.names.sources))
        for layer in kept:
            gradient = np.asarray(gradients_without(made, layer))[:, row]
            each = (difference * gradient[:, None]).sum((-1, -2))
            expected += np.abs(each).mean(axis=0) / len(kept)
        expected *= case.names.visible[row]
        assert np.allclose(found[row], expected, rtol=1e-3, atol=1e-4)
    assert (found >= 0).all() and not found[~case.names.visible].any()
