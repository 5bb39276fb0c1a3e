"""Sparse autoencoders as other libraries have them: objects with W_dec.

Those of SAELens (github.com/jbloomAus/SAELens) have `W_dec` [feature, d_model] and the
methods `encode` [.., d_model] -> [.., feature] and `decode`, back again. Any object
with these is taken as it is. No library is imported for it.

    explained   1 - sum |h - decode(encode(h))|^2 / sum |h - mean h|^2
    l0          mean number of features that fire at a token
    dead        share of features that fire at no token
    behaviour   share of outputs that stay when the site holds decode(encode(h))
    zeroed      the same when it holds 0; a coder that returns nothing has this
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from compiler.errors import InputError
from compiler.machine.forward import forward_batch
from compiler.machine.rerun.rerun import stack_runs
from compiler.model import Model
from compiler.torch_values import plain
from zoo.alignment.patching import perturb_site
from zoo.alignment.places import Place, find_place
from zoo.auditing.certificate import Rate, rate
from zoo.cases.case import Case, open_case
from zoo.causal.outputs import differs

HeldVectors = Float[np.ndarray, "token d_model"]


@dataclass(frozen=True)
class CoderFigures:
    """How a coder does on what a site holds; see the module.

    Attributes:
        explained: share of the variance; below 0 for what is worse than the mean.
        l0: features that fire at a token, on the mean.
        dead: share of features that never fire.
        behaviour: share of outputs that stay with the reconstruction.
        zeroed: share of outputs that stay with nothing in its place.
    """

    explained: float
    l0: float
    dead: float
    behaviour: Rate
    zeroed: Rate


def decoder_of(dictionary: Any) -> Any:
    """Return the decoder of a coder; anything else as it is."""
    return plain(getattr(dictionary, "W_dec", dictionary))


def is_coder(dictionary: Any) -> bool:
    """Return whether something has a decoder, and encodes and decodes."""
    calls = (getattr(dictionary, name, None) for name in ("encode", "decode"))
    return hasattr(dictionary, "W_dec") and all(map(callable, calls))


def measure_coder(coder: Any, case: Case, place: Place) -> CoderFigures:
    """Return how a coder does at a site, over the case's inputs.

    Raises:
        InputError: what it returns has another shape, or is not finite.
    """
    ids = case.pairs.inputs
    run = forward_batch(case.transformer, ids)
    live = ids != case.config.pad_id
    live[:, 0] = False
    held = place.held(run.writes)
    features, near = _run_coder(coder, held[live].astype(np.float32))
    middle = held[live] - held[live].mean(axis=0)
    error = float(np.square(held[live] - near).sum())
    base = stack_runs(case.transformer, ids, run.writes)

    def kept(there: HeldVectors) -> Rate:
        moved = np.zeros(held.shape, np.float32)
        moved[live] = there - held[live]
        logits = perturb_site(case.transformer, base, place.target, moved)
        same = ~np.asarray(differs(case.model.readout, logits, run.logits))
        return rate(int(same[live].sum()), int(live.sum()))

    fires = features > 0
    return CoderFigures(
        explained=1 - error / max(float(np.square(middle).sum()), 1e-30),
        l0=float(fires.sum(axis=1).mean()),
        dead=float((~fires.any(axis=0)).mean()),
        behaviour=kept(near),
        zeroed=kept(np.zeros_like(near)),
    )


def compare_coder(
    coder: Any, case: Case, place: Place, seed: int
) -> dict[str, CoderFigures]:
    """Return the figures of a coder, of one that changes nothing, and of a random one.

    The random one has as many directions, and the best factor on what it decodes.
    """
    size = len(decoder_of(coder))
    drawn = np.random.default_rng([*b"coder", seed])
    rows = drawn.standard_normal((size, case.config.d_model)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    every = {"coder": coder, "unchanged": _Unchanged(size), "random": _Random(rows)}
    return {name: measure_coder(one, case, place) for name, one in every.items()}


class _Unchanged:
    """A coder that gives back what it was given: nothing is lost."""

    def __init__(self, size: int) -> None:
        self.W_dec = np.zeros((size, 1), np.float32)

    def encode(self, held: HeldVectors) -> np.ndarray:
        self._held = held
        return np.ones((len(held), len(self.W_dec)), np.float32)

    def decode(self, features: np.ndarray) -> HeldVectors:
        return self._held


class _Random:
    """A coder of random directions."""

    def __init__(self, rows: Float[np.ndarray, "feature d_model"]) -> None:
        self.W_dec = rows

    def encode(self, held: HeldVectors) -> np.ndarray:
        fires = np.maximum(held @ self.W_dec.T, 0.0)
        near = fires @ self.W_dec
        self._factor = (near * held).sum() / max(np.square(near).sum(), 1e-30)
        return fires

    def decode(self, features: np.ndarray) -> HeldVectors:
        return self._factor * (features @ self.W_dec)


def score_coder(
    source: str | Path | Model | Case, coder: Any, site: str, *, seed: int = 0
) -> dict[str, CoderFigures]:
    """Return how a coder does on any model, trained ones too, beside two others.

    Args:
        source: a release's name, a folder, a model, a program's name, or a case.
        coder: an object with `W_dec`, `encode` and `decode`.
        site: where its activations come from: a source (`m0`), or `stream.1`.
        seed: of the random coder.

    Raises:
        NameLookupError: the site is unknown; the nearest are offered.
        InputError: it is no coder, or returns what cannot be.
    """
    if not is_coder(coder):
        raise InputError(
            f"coder: found {type(coder).__name__}, expected an object with W_dec, "
            "encode and decode, as SAELens has them"
        )
    case = open_case(source, split="test")
    return compare_coder(coder, case, find_place(case.config, site), seed)


def _run_coder(
    coder: Any, held: HeldVectors
) -> tuple[Float[np.ndarray, "token feature"], HeldVectors]:
    """Return features and reconstructions of some vectors."""
    given = _as_own_arrays(coder, held)
    try:
        coded = coder.encode(given)
        near = coder.decode(coded)
    except (RuntimeError, ValueError, TypeError) as error:
        raise InputError(
            f"dictionary: encode and decode of {type(coder).__name__} fail on vectors "
            f"[token, d_model] of shape {held.shape}: {error}. Give one that was made "
            "for this site"
        ) from None
    features, back = (np.asarray(plain(v), np.float32) for v in (coded, near))
    rows, width = len(held), len(decoder_of(coder))
    for name, found, shape in (
        ("encode", features, (rows, width)),
        ("decode", back, held.shape),
    ):
        if found.shape != shape or not np.isfinite(found).all():
            raise InputError(
                f"dictionary: {name} returned the shape {found.shape}, expected finite "
                f"numbers of the shape {shape}"
            )
    return features, back


def _as_own_arrays(coder: Any, held: HeldVectors) -> Any:
    """Return vectors as the coder's own kind of array: torch's, jax's or NumPy's."""
    torch, decoder = sys.modules.get("torch"), coder.W_dec
    make: Callable[[Any], Any] = np.asarray
    if torch is not None and isinstance(decoder, torch.Tensor):
        return torch.tensor(held, dtype=decoder.dtype, device=decoder.device)
    if not isinstance(decoder, np.ndarray):
        make = jnp.asarray
    return make(held)
