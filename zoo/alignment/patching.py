"""Runs in which a subspace of a site is taken from another run.

With an orthonormal basis B of the subspace the site holds h + B B^T (h' - h): the
distributed interchange of Geiger et al. 2024. Nothing before the site is run again.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from compiler.machine.forward import forward_batch, logits_from
from compiler.machine.jit import QUICK_TO_COMPILE
from compiler.machine.patch import Patch
from compiler.machine.transformer import Transformer
from zoo.alignment.interchanges import Interchanges
from zoo.alignment.places import Place
from zoo.cases.case import Case


class Runs(NamedTuple):
    """The runs of base and donor inputs.

    Attributes:
        ids: [pair, ctx] token ids of the base inputs.
        writes: [pair, source, ctx, d_model] of the base runs.
        donors: the same, of the donor runs.
        clean: [pair, ctx, class] logits of the base runs.
    """

    ids: Any
    writes: Any
    donors: Any
    clean: Any


def run_both(case: Case, pairs: Interchanges) -> Runs:
    """Return the runs of all base inputs and all donor inputs."""
    base = forward_batch(case.transformer, pairs.base)
    donor = forward_batch(case.transformer, pairs.donor)
    return Runs(pairs.base, base.writes, donor.writes, base.logits)


def logits_under(
    case: Case,
    place: Place,
    runs: Runs,
    where: Bool[np.ndarray, "pair ctx"],
    basis: Float[Any, "d_model k"],
) -> Float[Array, "pair ctx class"]:
    """Return the logits with a subspace of a site taken from the donor runs.

    Args:
        case: the model.
        place: the site.
        runs: of base and donor inputs.
        where: positions that are patched.
        basis: orthonormal columns.
    """
    # Rows of zeros up to d_model: bases of all sizes share one compilation.
    turn = np.zeros((case.config.d_model,) * 2, np.float32)
    turn[: basis.shape[1]] = np.asarray(basis, np.float32).T
    share = np.ones(len(turn), np.float32)
    return _logits_under(case.transformer, place, runs, where, turn, share)


def patched_logits(
    transformer: Transformer,
    place: Place,
    runs: Runs,
    where: Bool[Any, "pair ctx"],
    turn: Float[Any, "d_model d_model"],
    share: Float[Any, " d_model"],
) -> Float[Array, "pair ctx class"]:
    """Return `logits_under`, not compiled: for use inside what is.

    Args:
        transformer: the model's shape and its arrays.
        place: the site.
        runs: of base and donor inputs.
        where: positions that are patched.
        turn: orthonormal rows, or rows of zeros.
        share: how much of each row's direction is taken, from 0 to 1.
    """
    chosen = np.zeros((len(transformer.config.names.sources), 1, 1), np.float32)
    chosen[list(place.sources)] = 1.0
    mask = jnp.asarray(chosen) * share  # [source, 1, d_model]

    def one(ids: Array, writes: Array, donor: Array, where: Array) -> Array:
        patch = Patch.nodes(mask, donor, jnp.asarray(turn), where)
        return logits_from(transformer, ids, writes, place.layer, patch)

    live = jnp.asarray(where).astype(jnp.float32)
    return jax.vmap(one)(
        jnp.asarray(runs.ids), jnp.asarray(runs.writes), jnp.asarray(runs.donors), live
    )


_logits_under = partial(jax.jit, compiler_options=QUICK_TO_COMPILE)(
    patched_logits, static_argnames="place"
)
