"""The NumPy forward of the tests is the jax machine."""

from __future__ import annotations

import numpy as np
import pytest

import programs
from compiler.api import compile_model
from compiler.ir.interpret import encode_batch
from compiler.machine.forward import forward_batch
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
