"""The truth about a model: over all inputs, over one class of them, or on one input.

On one input an edge is used if some donor input changes an output when it is patched
through this edge alone. Such a donor is the edge's witness.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from compiler.errors import InputError
from compiler.model import Model
from compiler.rasp.values import Value, show_many
from zoo.auditing.certificate import audit_pairs
from zoo.auditing.subject import Subject
from zoo.cases.case import Case, open_case, open_subject
from zoo.cases.truth import Truth, truth_of
from zoo.causal.pairs import MOST_INPUTS, AuditPairs, draw_any, with_shifts
from zoo.causal.pool import Pool, make_pool

DONORS = 512
"""Donor inputs that are tried on one input."""


def truth(
    source: str | Path | Model | Case,
    input: Sequence[Value] | None = None,
    *,
    within: str | None = None,
    donors: int = DONORS,
    seed: int = 0,
) -> Truth:
    """Return which edges of a model are used: at all, by a class, or on one input.

    Args:
        source: a release's name, a folder, a model, a program's name, or a case;
            `NAME:CLASS` for the inputs of one class.
        input: the tokens of one input: the truth is then what this input uses.
        within: the class of inputs, in place of `:CLASS` behind the name. With an
            input, only donors of this class are tried.
        donors: how many donor inputs are tried on one input.
        seed: of the donors.

    Raises:
        NameLookupError: nothing has that name, or there is no such class.
        InputError: the input is not one that the model is for.
    """
    if input is None:
        return open_case(source, within=within).truth
    if isinstance(source, Case):
        model, subject = source.model, source.subject
    else:
        model, subject = open_subject(source, within)
    return truth_on_input(model, subject, input, donors=donors, seed=seed)


def truth_on_input(
    model: Model,
    subject: Subject,
    input: Sequence[Value],
    among: DonorInputs | None = None,
    *,
    donors: int = DONORS,
    seed: int = 0,
) -> Truth:
    """Return which edges one input uses.

    Args:
        model: the model.
        subject: what an audit of it is of, over the inputs that donors are drawn from.
        input: the tokens.
        among: what `donor_inputs` gave for this subject and seed; it is asked if None.
        donors: how many donor inputs are tried.
        seed: of the donors.

    Raises:
        InputError: the model is not for this input.
    """
    if donors < 1:
        raise InputError(f"donors is {donors}; give at least 1")
    base = np.asarray(model.encode(input), np.int32)
    _check_input(subject, input)
    among = donor_inputs(subject, seed) if among is None else among
    pairs = _pairs_of_input(subject, base, among, donors, seed)
    return truth_of(model.config.names, audit_pairs(subject, pairs, seed))


class DonorInputs(NamedTuple):
    """The inputs that donors are drawn from.

    Attributes:
        pool: the inputs, with the values of all variables.
        complete: whether these are all inputs.
    """

    pool: Pool
    complete: bool


def donor_inputs(subject: Subject, seed: int = 0) -> DonorInputs:
    """Return the inputs that donors are drawn from: all, or a seeded sample."""
    ids, complete = subject.causal.inputs(MOST_INPUTS, seed)
    return DonorInputs(make_pool(subject.causal, ids), complete)


def _check_input(subject: Subject, words: Sequence[Value]) -> None:
    """Raise InputError for an input that the program is not for."""
    accepts = getattr(subject.causal, "accepts", None)
    if accepts is not None and not accepts(list(words)):
        raise InputError(
            f"{subject.name} is not for the input {show_many(tuple(words))}, so it has "
            "no truth there. Give one that it is for: zoo.data has examples"
        )


def _pairs_of_input(
    subject: Subject,
    base: Int[np.ndarray, " ctx"],
    among: DonorInputs,
    donors: int,
    seed: int,
) -> AuditPairs:
    """Return pairs of one base input with drawn donor inputs."""
    rng = np.random.default_rng(seed)
    model = subject.causal
    chosen = np.asarray(among.pool.ids)[draw_any(among.pool, rng, donors)]
    pool = make_pool(model, np.unique(np.concatenate([chosen, base[None]]), axis=0))
    kept = np.asarray(pool.ids)
    place = int(np.flatnonzero((kept == base).all(axis=1))[0])
    others = np.flatnonzero(np.arange(len(kept)) != place)
    donor = others[rng.integers(len(others), size=donors)]
    return with_shifts(
        pool,
        np.full(donors, place),
        donor,
        rng,
        model.n_ctx,
        all_inputs=among.complete,
    )
