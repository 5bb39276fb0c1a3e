"""`where` and masks of patches, with and without a batch axis, against one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import zoo
from compiler.errors import InputError
from compiler.machine.patch import Patch
from compiler.model import Model

INPUTS = (["a", "b", "b"], ["b", "a", "a"])


@pytest.fixture(scope="module")
def model() -> Model:
    return zoo.compile("reverse", ["a", "b"], 3)


def masks(model: Model) -> dict[str, Any]:
    names, rng = model.config.names, np.random.default_rng(0)
    nodes = rng.random(len(names.sources)).astype(np.float32)
    edges = rng.random(names.visible.shape).astype(np.float32)
    seq = model.config.n_ctx
    return {
        "nodes": nodes,
        "nodes by position": nodes[:, None] * np.ones(seq, np.float32),
        "edges": edges,
        "edges by position": edges[..., None] * np.ones(seq, np.float32),
    }


def made(kind: str, mask: Any, donor: Any, where: Any) -> Patch:
    make = Patch.nodes if kind.startswith("nodes") else Patch.edges
    return make(mask, donor, where=where)


@pytest.mark.parametrize("kind", ["nodes", "nodes by position", "edges"])
@pytest.mark.parametrize("stacked", [False, True])
def test_where_has_one_factor_a_position(
    model: Model, kind: str, stacked: bool
) -> None:
    mask = masks(model)[kind]
    donors = np.stack([np.asarray(model.run(x).writes) for x in INPUTS[::-1]])
    where = np.array([1, 0, 0.5, 1], np.float32)
    alone = [
        np.asarray(model.run(x, made(kind, mask, d, where)).logits)
        for x, d in zip(INPUTS, donors, strict=True)
    ]
    masks_ = np.stack([mask, mask]) if stacked else mask
    both = model.run(list(INPUTS), made(kind, masks_, donors, where)).logits
    assert np.allclose(both, alone, atol=1e-5)
    by_position = masks(model)[
        "nodes by position" if kind.startswith("nodes") else "edges by position"
    ]
    folded = made(kind, by_position * where, donors[0], None)
    assert np.allclose(model.run(INPUTS[0], folded).logits, alone[0], atol=1e-5)
    as_before = made(kind, mask, donors[0], where[None])
    assert np.allclose(model.run(INPUTS[0], as_before).logits, alone[0], atol=1e-5)


def test_masks_for_other_sequences_are_refused(model: Model) -> None:
    donor, mask = np.asarray(model.run(INPUTS[0]).writes), masks(model)["edges"]
    with pytest.raises(InputError, match="masks for 3 sequences, and there are 2"):
        model.run(list(INPUTS), Patch.edges(np.stack([mask] * 3), donor))
