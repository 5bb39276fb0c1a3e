"""Runs in which a subspace of a site is taken from another run.

With an orthonormal basis B of the subspace, the site holds h + B B^T (h' - h): the
distributed interchange of Geiger et al. 2024. Only what comes after the site is run
again, by `compiler/machine/rerun`.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from compiler.machine.forward import forward_batch
from compiler.machine.jit import QUICK_TO_COMPILE
from compiler.machine.rerun.rerun import (
    BaseRuns,
    Target,
    perturbed_logits,
    stack,
    stack_runs,
    unstack,
)
from compiler.machine.transformer import Transformer
from zoo.alignment.interchanges import Interchanges
from zoo.alignment.places import Place
from zoo.cases.case import Case

_jit = partial(jax.jit, compiler_options=QUICK_TO_COMPILE)
_stack_runs = _jit(stack_runs)


def stack_base_runs(transformer: Transformer, ids: Int[Any, "pair ctx"]) -> BaseRuns:
    """Return the runs of some inputs, with inputs as rows."""
    writes = forward_batch(transformer, ids).writes
    return _stack_runs(transformer, ids, writes)


class Runs(NamedTuple):
    """Base and donor inputs, run.

    Attributes:
        base: the runs of the base inputs, with pairs as rows.
        writes: [pair, source, ctx, d_model] in the base runs.
        donors: the same in the donor runs.
        clean: [pair, ctx, class] logits of the base runs.
    """

    base: BaseRuns
    writes: Any
    donors: Any
    clean: Any

    def change(self, place: Place) -> Float[np.ndarray, "pair ctx d_model"]:
        """Return what a site holds in the donor runs, less that in the base runs."""
        return place.held(self.donors) - place.held(self.writes)


def run_both(case: Case, pairs: Interchanges) -> Runs:
    """Return the runs of all base inputs and all donor inputs."""
    base = forward_batch(case.transformer, pairs.base)
    donor = forward_batch(case.transformer, pairs.donor)
    stacked = _stack_runs(case.transformer, pairs.base, base.writes)
    return Runs(stacked, base.writes, donor.writes, base.logits)


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
    basis = np.asarray(basis, np.float32)
    change = runs.change(place) * where[..., None]
    moved = (change @ basis) @ basis.T
    return perturb_site(case.transformer, runs.base, place.target, moved)


@_jit
def perturb_site(
    transformer: Transformer,
    base: BaseRuns,
    target: Target,
    moved: Float[Any, "pair ctx d_model"],
) -> Float[Array, "pair ctx class"]:
    """Return logits with something added to what a target's readers see.

    The target is an argument, so all sites share a compilation.
    """
    return unstack(perturbed_logits(transformer, base, target, stack(moved)))
