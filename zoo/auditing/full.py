"""A full audit: the sampled one, and the thorough one beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from compiler.model import Model
from zoo.auditing.certificate import (
    PAIRS,
    Certificate,
    audit,
    with_circuits,
    with_thorough,
)
from zoo.auditing.circuit_lists import find_circuit_lists
from zoo.auditing.classes import find_in_classes
from zoo.auditing.proof.prove import (
    INPUTS,
    prove,
    refuse_form,
    refuse_space,
)
from zoo.auditing.subject import Subject, Trained, subject_of
from zoo.auditing.thorough import OnStage, Published, audit_thoroughly
from zoo.causal.strata import Space, make_space

QUICK_PAIRS = 2_000
"""Pairs of the sampled part of a quick audit."""


def audit_fully(
    model: Model | Trained | Subject,
    *,
    quick: bool = False,
    pairs: int | None = None,
    seed: int = 0,
    published: Published | None = None,
    progress: Callable[[int, int], None] | None = None,
    on_stage: OnStage | None = None,
    threads: int = 1,
) -> Certificate:
    """Return the full certificate of a model: compiled, trained or loaded.

    Args:
        model: the model to audit; nothing that it states is taken on trust.
        quick: whether fewer pairs and a shorter search are enough.
        pairs: of the sampled part; 10,000 by default, or 2,000 for a quick audit.
        seed: of all draws.
        published: token ids of the base and of the donor inputs of a release's pairs.
        progress: called with (pairs done, pairs) of the sampled part.
        on_stage: called with (stages done, stages) of the thorough part.
        threads: number of threads; the certificate does not depend on it.
    """
    subject = model if isinstance(model, Subject) else subject_of(model)
    sampled = audit(
        subject,
        pairs=sample_size(quick, pairs),
        seed=seed,
        progress=progress,
        threads=threads,
    )
    return completed(
        sampled, subject, quick=quick, published=published, on_stage=on_stage
    )


def sample_size(quick: bool, pairs: int | None) -> int:
    """Return how many pairs the sampled part of a full or a quick audit runs."""
    return pairs or (QUICK_PAIRS if quick else PAIRS)


def completed(
    sampled: Certificate,
    subject: Subject,
    *,
    quick: bool = False,
    published: Published | None = None,
    on_stage: OnStage | None = None,
) -> Certificate:
    """Return a sampled certificate with the thorough part, classes and circuits added.

    Args:
        sampled: of the subject.
        subject: what is audited.
        quick: whether fewer pairs and a shorter search are enough.
        published: token ids of the base and of the donor inputs of a release's pairs.
        on_stage: called with (stages done, stages).
    """
    found = audit_thoroughly(
        subject,
        quick=quick,
        seed=sampled.seed,
        published=published,
        on_stage=on_stage,
    )
    made = with_thorough(sampled, found, subject.claims)
    made = replace(made, classes=find_in_classes(subject, seed=sampled.seed))
    lists = find_circuit_lists(subject, sampled.circuit, seed=sampled.seed)
    return with_circuits(made, lists, subject.claims)


def proven(
    certificate: Certificate,
    subject: Subject,
    *,
    inputs: int = INPUTS,
    on_stage: OnStage | None = None,
) -> Certificate:
    """Return a certificate with a proof added, of the same seed.

    Args:
        certificate: of the subject.
        subject: what is audited.
        inputs: base inputs for which it is tried, of which a sample is drawn if there
            are more.
        on_stage: called with (stages done, stages).

    Raises:
        InputError: nothing can be proven of such a model.
    """
    space = provable(subject)
    seed = certificate.seed
    found = prove(subject, space, inputs=inputs, seed=seed, on_target=on_stage)
    return replace(certificate, proof=found)


def provable(subject: Subject) -> Space:
    """Return all inputs of a model of which something can be proven.

    Raises:
        InputError: nothing can be proven of such a model.
    """
    refuse_form(subject)
    space = make_space(subject.causal)
    refuse_space(subject, space)
    return space
