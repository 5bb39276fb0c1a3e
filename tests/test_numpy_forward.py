"""The NumPy forward of the tests is the jax machine."""

from __future__ import annotations

import jax
import numpy as np
import pytest

import programs
from compiler.api import compile_model
from compiler.ir.interpret import encode_batch
from compiler.machine.forward import forward_batch, logits_batch
from compiler.machine.patch import Patch
from tests.numpy_forward import outputs, run
from tests.programs.check import inputs_of


@pytest.mark.parametrize("name", ["sort", "fraction_previous", "dyck1_balanced"])
def test_numpy_forward_is_the_jax_forward(name):
    model = compile_model(programs.find(name))
    inputs = inputs_of(programs.find(name))[-40:]
    ids = model.ids(*encode_batch(model.typed, inputs))
    found, writes = run(model.config, model.weights, ids)
    expected = forward_batch(model.transformer, ids)
    scale = np.abs(np.asarray(expected.logits)).max()
    live = ids != model.config.pad_id
    assert np.abs(found - expected.logits)[live].max() < 1e-4 * scale
    for number, source in enumerate(model.config.names.sources):
        wanted = np.asarray(expected.writes)[:, number]
        close = 1e-3 * max(1.0, np.abs(wanted).max())
        assert np.abs(writes[source] - wanted)[live].max() < close, source
    assert outputs(model, inputs) == model.batch(inputs)


def test_patches_in_numpy_are_those_of_jax():
    model = compile_model(programs.find("sort"), rotate=1, decoys=1)
    names, inputs = model.config.names, inputs_of(programs.find("sort"))[-40:]
    ids = model.ids(*encode_batch(model.typed, inputs))
    # In double precision: a rotated model enlarges the rounding of float32.
    double = model.transformer.cast(lambda array: np.asarray(array, np.float64))
    _, writes = run(model.config, double.weights, ids)
    donor = {name: value[::-1] for name, value in writes.items()}
    donors = np.stack([donor[name] for name in names.sources], axis=1)
    drawn = np.random.default_rng(0).random(names.visible.shape) < 0.3
    mask, site = (drawn & names.visible).astype(float), model.sites["target_index"]
    assert site.basis is not None and model.basis is not None
    swap = {site.node: (np.ones(ids.shape, bool), donor[site.node], site.basis)}
    edges, _ = run(model.config, double.weights, ids, edges=(mask, donor))
    nodes, _ = run(model.config, double.weights, ids, swap)
    known, _ = run(model.config, double.weights, ids, swap, known=writes)
    np.testing.assert_array_equal(known, nodes)

    def every(mask):
        return np.broadcast_to(mask, (len(ids), *mask.shape))

    own = every(model.variable_mask("target_index"))
    own = Patch.nodes(own, donors, model.basis)
    for found, patch in ((edges, Patch.edges(every(mask), donors)), (nodes, own)):
        with jax.enable_x64(True):
            expected = np.asarray(logits_batch(double, ids, patch))
        live = ids != model.config.pad_id
        assert np.abs(found - expected)[live].max() < 1e-6 * np.abs(expected).max()
