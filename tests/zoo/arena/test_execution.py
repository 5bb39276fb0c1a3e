"""The one compiled function of the arena gives what the forward pass gives."""

from __future__ import annotations

import numpy as np

from compiler.machine.patch import Patch, edge_mask, node_mask
from zoo.arena.execution import BATCH, PatchedMachine
from zoo.arena.models import HiddenModel
from zoo.causal.runs import shifted_runs


def test_patches_of_edges_and_sources_are_those_of_the_forward_pass(
    hidden: HiddenModel,
) -> None:
    model, machine = hidden.served, PatchedMachine(hidden.served)
    names = model.config.names
    base, donor = model.run(list("abcd")), model.run(list("dcba"))
    edge = str(names.edges[-1])
    masks = machine.masks([[edge], ["tokens"]])
    ids = np.repeat(model.encode_batch([list("abcd")]), 2, axis=0)
    writes = np.asarray(donor.writes)
    found = machine.patched(
        ids, masks, np.stack([writes] * 2), np.ones(ids.shape, np.float32)
    )
    own = Patch.edges(edge_mask(names, [edge]), writes)
    node = Patch.nodes(node_mask(names, ["tokens"]), writes)
    for row, patch in enumerate((own, node)):
        expected = np.asarray(model.run(list("abcd"), patch).logits)
        assert np.allclose(found.logits[row], expected, atol=0.03)
    clean = machine.clean(ids[:1])
    assert np.allclose(clean.logits[0], np.asarray(base.logits), atol=0.03)
    assert np.allclose(clean.writes[0], np.asarray(base.writes), atol=0.03)


def test_shifted_runs_are_those_of_an_audit_and_batches_join(
    hidden: HiddenModel,
) -> None:
    model = hidden.served
    rng = np.random.default_rng(0)
    sequences = [
        list(rng.choice(list("abcd"), size=rng.integers(1, 7)))
        for _ in range(BATCH + 3)
    ]
    ids = model.encode_batch([[str(t) for t in s] for s in sequences])
    shifts = np.full(len(ids), 2, np.int32)
    expected = np.asarray(shifted_runs(model.transformer, ids, shifts).logits)
    found = PatchedMachine(model).clean(ids, shift=2).logits
    assert np.allclose(found, expected, atol=0.03)
