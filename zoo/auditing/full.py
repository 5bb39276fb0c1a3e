"""A full certificate: the sampled one, and what a thorough audit found beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from compiler import html
from compiler.model import Model
from zoo.auditing.certificate import PAIRS, Certificate, Claim, audit
from zoo.auditing.claims import ABLATIONS
from zoo.auditing.proof.figures import Proof
from zoo.auditing.proof.prove import (
    INPUTS,
    QUICK_INPUTS,
    prove,
    refuse_form,
    refuse_space,
)
from zoo.auditing.subject import Subject, Trained, subject_of
from zoo.auditing.thorough import (
    OnStage,
    Published,
    Thorough,
    audit_thoroughly,
    worst_figures,
)
from zoo.causal.strata import Space, make_space

VERSION = 3
"""The format's version of a certificate with a thorough part."""
QUICK_PAIRS = 2_000
"""Pairs of the sampled part of a quick audit."""


@dataclass(frozen=True)
class FullCertificate(Certificate):
    """The figures of a full audit, and the claims that they support.

    The claims are on the worst of the sampled and of the thorough figures.

    Attributes:
        thorough: all inputs by strata, pairs of several kinds, a search for a pair
            that breaks an output, ablations, effects on the logits.
        proof: what no donor can do, if that was asked for.
    """

    thorough: Thorough
    proof: Proof | None = None

    def __repr__(self) -> str:
        return Certificate.__repr__(self)

    def to_json(self) -> dict[str, Any]:
        """Return the certificate as plain JSON values."""
        data = Certificate.to_json(self)
        data |= {"format_version": VERSION, "thorough": asdict(self.thorough)}
        return data if self.proof is None else {**data, "proof": asdict(self.proof)}

    def _repr_html_(self) -> str:
        broken = self.thorough.broken
        rows = [(b.target, f"{b.margin:g}", str(b.base), str(b.donor)) for b in broken]
        table = html.table(("broken by a search", "margin", "base", "donor"), rows)
        return Certificate._repr_html_(self) + (table if rows else "")


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
) -> FullCertificate:
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
) -> FullCertificate:
    """Return a sampled certificate with the thorough part added, of the same seed.

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
    kept = {f.name: getattr(sampled, f.name) for f in fields(sampled)}
    claims = _claims(sampled.claims, subject.claims, found)
    return FullCertificate(**{**kept, "claims": claims}, thorough=found)


def proven(
    certificate: FullCertificate,
    subject: Subject,
    *,
    quick: bool = False,
    on_stage: OnStage | None = None,
) -> FullCertificate:
    """Return a full certificate with a proof added, of the same seed.

    Args:
        certificate: of the subject.
        subject: what is audited.
        quick: whether fewer base inputs are enough.
        on_stage: called with (stages done, stages).

    Raises:
        InputError: nothing can be proven of such a model.
    """
    space = provable(subject)
    inputs = QUICK_INPUTS if quick else INPUTS
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


def _claims(
    sampled: tuple[Claim, ...], least: Mapping[str, float], found: Thorough
) -> tuple[Claim, ...]:
    """Return the claims, each on the worse of its two figures."""
    figures = worst_figures(found)
    claims = []
    for claim in sampled:
        share, where = figures.pop(claim.name, (claim.found, claim.worst))
        worse = share < claim.found
        claims.append(
            Claim(claim.name, where, share, claim.at_least) if worse else claim
        )
    bar = ABLATIONS if least["behaviour"] < 1.0 else 1.0
    claims += [Claim(name, at, share, bar) for name, (share, at) in figures.items()]
    return tuple(claims)
