"""The margins of the pairs that a certificate reports, measured again.

Where a search ends depends on rounding, so that another machine may find another pair.
What it reported can be run again anywhere: the pair has the margin that it says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Int

from compiler.machine.patch import edge_mask
from compiler.rasp.values import Value
from zoo.auditing.adversary import Break, pair_margins
from zoo.auditing.subject import Subject
from zoo.auditing.thorough import ALL
from zoo.causal.pool import make_pool


def reported_margins(
    subject: Subject,
    breaks: Mapping[str, Break],
    masks: Mapping[str, Bool[np.ndarray, "reader source"]],
) -> dict[str, float | None]:
    """Return by target the margin of the reported output under the reported patch.

    None where the pair is no pair of inputs of this model, where the edges are not
    among those of the target, or where the output is not right without the patch.

    Args:
        subject: the model.
        breaks: what a search reported, by target.
        masks: by target, the edges that it may patch.
    """
    known = {name: b for name, b in breaks.items() if _fits(subject, b, masks, name)}
    found: dict[str, float | None] = dict.fromkeys(breaks)
    if not known:
        return found
    every = list(known.values())
    base, donor = (
        np.stack([_ids(subject, getattr(b, side)) for b in every])
        for side in ("base", "donor")
    )
    patched = np.stack(
        [
            edge_mask(subject.config.names, b.edges) > 0 if b.edges else masks[name]
            for name, b in known.items()
        ]
    )
    pool = make_pool(subject.causal, np.concatenate([base, donor]))
    row = {ids.tobytes(): i for i, ids in enumerate(np.asarray(pool.ids))}
    first, second = (
        np.array([row[ids.tobytes()] for ids in side]) for side in (base, donor)
    )
    shifts = np.array([b.shift for b in every], np.int32)
    margins, _ = pair_margins(subject, pool, first, second, shifts, patched)
    for (name, one), row_margins in zip(known.items(), margins, strict=True):
        margin = row_margins[one.position + 1]
        found[name] = float(margin) if np.isfinite(margin) else None
    return found


def _fits(
    subject: Subject,
    one: Break,
    masks: Mapping[str, Bool[np.ndarray, "reader source"]],
    name: str,
) -> bool:
    """Return whether a report can be run on this model."""
    if name not in masks or one.target != name:
        return False
    names = subject.config.names
    outside = {
        f"{names.sources[s]}->{names.readers[r]}" for r, s in np.argwhere(masks[name])
    }
    return (
        set(one.edges) <= outside
        and (not one.edges or name == ALL)
        and 0 <= one.position < len(one.base)
        and 0 <= one.shift < max(subject.config.n_ctx - 1, 1)
        and all(_known(subject, tokens) for tokens in (one.base, one.donor))
    )


def _known(subject: Subject, tokens: Sequence[Value]) -> bool:
    """Return whether tokens are an input of the model."""
    if not 0 < len(tokens) < subject.config.n_ctx:
        return False
    vocab = getattr(subject.causal, "vocab", None)
    words = range(subject.config.d_vocab) if vocab is None else vocab
    return all(t in words for t in tokens)


def _ids(subject: Subject, tokens: Sequence[Value]) -> Int[np.ndarray, " ctx"]:
    """Return an input's token ids, BOS and PAD included."""
    causal = subject.causal
    vocab = getattr(causal, "vocab", None)
    ids = [int(t) if vocab is None else vocab.index(t) for t in tokens]  # type: ignore[call-overload]
    row = np.full(subject.config.n_ctx, causal.pad_id, np.int32)
    row[: len(ids) + 1] = [causal.bos_id, *ids]
    return row
