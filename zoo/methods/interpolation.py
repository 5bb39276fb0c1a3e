"""Attribution with gradients at points between the clean and the corrupt run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Array, Bool, Float

from zoo.cases.case import Case
from zoo.cases.running import attribute, attribute_each, reader_gradients


def inputs_at(case: Case, share: float) -> Float[np.ndarray, " source"]:
    """Return the node mask that moves both embeddings a share of the way to x'."""
    mask = np.zeros(len(case.names.sources), np.float32)
    mask[:2] = share
    return mask


def gradients(
    case: Case, mask: Float[np.ndarray, " source"], layer: int = 0
) -> Float[Array, "pair reader ctx d_model"]:
    """Return the gradient in what every reader sees, with nodes moved by a mask.

    Args:
        case: the model, the pairs, the loss.
        mask: where each source stands, between clean (0) and donor (1).
        layer: the first that is computed: no earlier reader sees a change.
    """
    return reader_gradients(case.machine(), case.batch, mask, layer)


def edge_scores(
    case: Case, masks: Sequence[Float[np.ndarray, " source"]], layer: int = 0
) -> Float[np.ndarray, "reader source"]:
    """Return (z' - z) . the mean of the gradients at some node masks, for all edges."""
    total = attribute_each(case.machine(), case.batch, np.stack(masks), layer)
    return case.sign * np.asarray(total) / len(masks) * case.names.visible


def sublayer_scores(
    case: Case, shares: Sequence[float]
) -> Float[np.ndarray, "reader source"]:
    """Return `edge_scores` with the sources of each sublayer moved by themselves."""
    found = np.zeros(case.names.visible.shape)
    for is_mlp, layer, here in _sublayers(case):
        masks = [np.where(here, share, 0.0).astype(np.float32) for share in shares]
        # Nothing before the readers of these sources is computed again.
        scores = edge_scores(case, masks, 0 if layer is None else layer + is_mlp)
        found[:, here] = scores[:, here]
    return found


def every_run_scores(
    case: Case, shares: Sequence[float]
) -> Float[np.ndarray, "reader source"]:
    """Return (z' - z) . the mean gradient over the runs of all sublayers.

    In a run, a sublayer's output is a constant between clean and corrupt. So a mask of
    1 puts it in: what the sublayer would have written, and its gradient, are gone.
    """
    batch, machine = case.batch, case.machine()
    total = np.zeros(case.names.visible.shape)
    sublayers = _sublayers(case)
    for _, _, here in sublayers:
        mask = here.astype(np.float32)
        for share in shares:
            between = batch.writes + share * (batch.donors - batch.writes)
            run = batch._replace(donors=between)
            gradient = reader_gradients(machine, run, mask)
            total += np.asarray(attribute(batch.donors - batch.writes, gradient))
    return case.sign * total / (len(sublayers) * len(shares)) * case.names.visible


def _sublayers(
    case: Case,
) -> list[tuple[bool, int | None, Bool[np.ndarray, " source"]]]:
    """Return (is it an MLP, its layer, its sources) of each sublayer."""
    keys = [(p.kind == "mlp", p.layer) for p in case.names.source_parts.values()]
    return [(*key, np.array([k == key for k in keys])) for key in dict.fromkeys(keys)]


def pair_scores(
    case: Case, masks: Sequence[Float[np.ndarray, " source"]]
) -> Float[np.ndarray, "pair reader source"]:
    """Return what `edge_scores` is the mean of: the scores of every pair by itself."""
    total = np.sum([np.asarray(gradients(case, mask)) for mask in masks], axis=0)
    moved = np.asarray(case.batch.donors - case.batch.writes)
    found = np.einsum("nspd,nrpd->nrs", moved, total, optimize=True)
    return case.sign * found / len(masks) * case.names.visible
