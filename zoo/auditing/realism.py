"""Figures of how much a model looks like one that was trained without a circuit loss.

These figures support no claim. Compare them with those of the natural twin and of the
compiled original to see how far a model with a known circuit is from either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from compiler.grid import align
from compiler.machine.forward import forward_batch, logits_batch
from compiler.machine.patch import Patch
from compiler.machine.transformer import Transformer
from compiler.model import Model
from zoo.auditing.giveaways import Giveaways, giveaways_of
from zoo.auditing.subject import Subject, Trained, subject_of
from zoo.causal.pairs import draw_audit_pairs

_PAIRS = 512
_SMALL = 1e-6  # of the largest weight: below this a weight counts as zero


@dataclass(frozen=True)
class Realism:
    """A description of weights and activations.

    Attributes:
        model: its name.
        norms: by array, its root mean square.
        sparsity: share of weights that are zero.
        ranks: by array, effective rank over full rank, mean over layers and heads:
            exp of the entropy of the normalised singular values (Roy and Vetterli
            2007).
        write_norms: by source, root mean square of its writes.
        kurtosis: of the coordinates of the final stream (3 for a normal distribution).
        concentration: Gini coefficient of the absolute EAP scores of all edges.
        top_share: of the sum of these, held by the largest tenth of the edges.
        giveaways: how well scores that look at no output find the circuit; None of a
            model for which none is known, such as a natural twin.
    """

    model: str
    norms: Mapping[str, float]
    sparsity: float
    ranks: Mapping[str, float]
    write_norms: Mapping[str, float]
    kurtosis: float
    concentration: float
    top_share: float
    giveaways: Giveaways | None = None


def realism_of(model: Model | Trained | Subject, *, seed: int = 0) -> Realism:
    """Return the figures of a model, over a seeded sample of pairs."""
    subject = model if isinstance(model, Subject) else subject_of(model)
    pairs = draw_audit_pairs(subject.causal, _PAIRS, seed)
    ids = np.asarray(pairs.pool.ids)
    config, names = subject.config, subject.config.names
    arrays = {
        name: np.asarray(array, np.float64)
        for name, array in subject.weights._asdict().items()
        if name.startswith("W_") and array.size
    }
    run = forward_batch(subject.transformer, ids[pairs.base])
    writes = np.asarray(run.writes, np.float64)
    live = ids[pairs.base] != config.pad_id
    final = writes.sum(axis=1)[live]
    sizes = np.sqrt((writes**2).sum(axis=(0, 2, 3)) / max(live.sum(), 1))
    scores = np.abs(eap_scores(subject, ids[pairs.base], ids[pairs.donor]))
    flat = np.sort(scores[names.visible])[::-1]
    total = max(flat.sum(), 1e-30)
    return Realism(
        model=subject.name,
        norms={n: float(np.sqrt((a**2).mean())) for n, a in arrays.items()},
        sparsity=_sparsity(list(arrays.values())),
        ranks={n: _rank(a) for n, a in arrays.items() if min(a.shape[-2:]) > 1},
        write_norms=dict(zip(names.sources, sizes.tolist(), strict=True)),
        kurtosis=_kurtosis(final),
        concentration=_gini(flat),
        top_share=float(flat[: max(1, len(flat) // 10)].sum() / total),
        giveaways=giveaways_of(subject, seed=seed) if subject.outside.any() else None,
    )


@jax.jit
def _gradient(
    transformer: Transformer, base: Array, donor: Array
) -> Float[Array, "reader source"]:
    """Return the gradient of the mean change of the right logits in the edge mask."""
    writes = forward_batch(transformer, donor).writes
    clean = logits_batch(transformer, base)
    answer = clean.argmax(axis=-1)

    def loss(mask: Array) -> Array:
        patch = Patch.edges(mask, writes)
        logits = logits_batch(transformer, base, patch, shared_mask=True)
        if logits.shape[-1] == 1:
            return jnp.square(logits - clean + 1e-3).mean()
        chosen = jax.nn.log_softmax(logits)
        return -jnp.take_along_axis(chosen, answer[..., None], axis=-1).mean()

    return jax.grad(loss)(jnp.zeros(transformer.config.names.visible.shape))


def eap_scores(
    subject: Subject, base: np.ndarray, donor: np.ndarray
) -> Float[np.ndarray, "reader source"]:
    """Return edge attribution scores: the mask's gradient (Syed et al. 2023)."""
    return np.asarray(_gradient(subject.transformer, base, donor))


def _sparsity(arrays: Sequence[np.ndarray]) -> float:
    zero = sum(int((np.abs(a) <= _SMALL * np.abs(a).max()).sum()) for a in arrays)
    return zero / sum(a.size for a in arrays)


def _rank(array: np.ndarray) -> float:
    values = np.linalg.svd(array, compute_uv=False)
    shares = values / np.maximum(values.sum(axis=-1, keepdims=True), 1e-30)
    entropy = -(shares * np.log(np.maximum(shares, 1e-30))).sum(axis=-1)
    return float(np.exp(entropy).mean() / values.shape[-1])


def _kurtosis(values: np.ndarray) -> float:
    """Return the mean over coordinates that vary of the fourth standardised moment."""
    centred = values - values.mean(axis=0)
    variance = (centred**2).mean(axis=0)
    moving = variance > 1e-12 * max(variance.max(), 1e-30)
    fourth = (centred[:, moving] ** 4).mean(axis=0)
    return float((fourth / variance[moving] ** 2).mean()) if moving.any() else 0.0


def _gini(values: np.ndarray) -> float:
    """Return the Gini coefficient: 0 where all are equal, near 1 where one has all."""
    ordered = np.sort(values)
    if ordered.sum() <= 0:
        return 0.0
    ranks = np.arange(1, len(ordered) + 1)
    return float(
        2 * (ranks * ordered).sum() / (len(ordered) * ordered.sum())
        - (len(ordered) + 1) / len(ordered)
    )


def describe(models: Mapping[str, Realism]) -> list[str]:
    """Return the figures of one model or several, side by side, as lines.

    Args:
        models: by what heads its column.
    """
    every = list(models.values())
    rows = [("REALISM", *models)]
    rows.append(("zero weights", *(f"{m.sparsity:.3f}" for m in every)))
    rows.append(("kurtosis of the stream", *(f"{m.kurtosis:.2f}" for m in every)))
    rows.append(("EAP: Gini", *(f"{m.concentration:.3f}" for m in every)))
    rows.append(("EAP: top tenth", *(f"{m.top_share:.3f}" for m in every)))
    sizes = [np.array(list(m.write_norms.values())) for m in every]
    rows.append(("writes, median size", *(f"{np.median(s):.3f}" for s in sizes)))
    rows.append(("writes, largest", *(f"{s.max():.3f}" for s in sizes)))
    for name in dict.fromkeys(n for m in every for n in m.norms):
        rows.append((f"size of {name}", *(_figure(m.norms, name, 3) for m in every)))
    for name in dict.fromkeys(n for m in every for n in m.ranks):
        rows.append((f"rank of {name}", *(_figure(m.ranks, name, 2) for m in every)))
    rows += _giveaways(every)
    return [*align(rows), "", *LEGEND]


def _giveaways(every: Sequence[Realism]) -> list[tuple[str, ...]]:
    """Return a row for each control, of the models whose circuit is known."""
    known = [m.giveaways for m in every if m.giveaways is not None]
    rows = []
    for name in known[0].controls if known else ():
        figures = [
            "-" if m.giveaways is None else _both(m.giveaways.controls[name])
            for m in every
        ]
        rows.append((f"AP of {name}", *figures))
    if known:
        figures = [
            "-" if m.giveaways is None else f"{m.giveaways.random:.3f}" for m in every
        ]
        rows.append(("AP of random scores", *figures))
    return rows


def _both(found: Sequence[float]) -> str:
    high, low = found
    return f"{high:.3f} / {low:.3f}"


def _figure(figures: Mapping[str, float], name: str, digits: int) -> str:
    return f"{figures[name]:.{digits}f}" if name in figures else "-"


LEGEND = (
    "  kurtosis  3 for a normal distribution; of the final stream's coordinates",
    "  EAP       how unevenly edge attribution falls: Gini coefficient, and the",
    "            share of the tenth of the edges that has most",
    "  size      root mean square",
    "  rank      effective rank over full rank, mean over layers and heads",
    "  AP        average precision of finding the circuit's edges by a score that",
    "            looks at no output: the highest scores first / the lowest first",
)
