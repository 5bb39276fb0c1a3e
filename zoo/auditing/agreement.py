"""Whether a certificate agrees with an audit on this machine or another one.

Most figures are exact: no output that they count is close to the threshold of a tie
(`decisions.py`), so every machine measures the same. Any other figure may differ by the
number of outputs that are close to the threshold; this is its tolerance. The tolerance
is measured by the new audit and not taken from the certificate. Everything that follows
from figures (intervals, claims, which edges are used) must follow from the stated ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from zoo.auditing.certificate import (
    UNTIED,
    Certificate,
    EdgeFinding,
    Rate,
    claims_from,
    rate,
    status_of,
)
from zoo.auditing.circuit_lists import CircuitLists, EdgeUse
from zoo.auditing.findings import ClassFindings
from zoo.auditing.proof.agreement import is_near_proof
from zoo.auditing.thorough_agreement import Stated, in_stated_words, thorough_rates

_GAP = 0.001  # share by which the mean growth of a lead may differ
_LAST = 1.5e-9  # ends of intervals are written with nine digits


@dataclass(frozen=True)
class Tolerated:
    """A figure that another machine may measure differently.

    Attributes:
        figure: the name of the figure.
        stated: number of positions by the certificate.
        measured: number of positions by the audit.
        tolerance: by how much the two may differ.
    """

    figure: str
    stated: int
    measured: int
    tolerance: int


@dataclass(frozen=True)
class Agreement:
    """A measured certificate, in the words of a stated one.

    Attributes:
        certificate: what was measured, with the stated figures wherever these are
            within their tolerance. It equals the stated one if all of that is right.
        exact: how many figures are exact.
        tolerated: the others.
    """

    certificate: Certificate
    exact: int
    tolerated: tuple[Tolerated, ...]


def agree(
    stated: Certificate,
    measured: Certificate,
    version: int,
    margins: Mapping[str, float | None] | None = None,
) -> Agreement:
    """Return a measured certificate in the words of a stated one.

    Args:
        stated: what is to be checked.
        measured: what an audit of the same model, seed and pairs found.
        version: of the stated certificate's format. Whoever wrote the first one did not
            count ties, and let the rounding of that machine decide on each: there the
            number of ties is part of the tolerance.
        margins: by target, the margin that the pair which a search reported has here
            (`reported.py`), where both certificates have a thorough part.
    """
    if stated.circuits is None and measured.circuits is not None:
        # Earlier certificates have no such part, and claim less without it.
        measured = _claimed_anew(replace(measured, circuits=None))
    found, said = dict(_rates(measured)), dict(_rates(stated))
    tolerated, words = [], {}
    for name, own in found.items():
        tolerance = own.close + (own.ties if version == UNTIED else 0)
        other = said.get(name, own)
        if tolerance == 0:
            if _same_counts(other, own):
                words[name] = other
            continue
        tolerated.append(Tolerated(name, other.hits, own.hits, tolerance))
        words[name] = _prefer_stated(other, own, tolerance, version)
    certificate = _replace_figures(measured, words)
    if stated.thorough is not None and measured.thorough is not None:
        certificate = replace(
            certificate,
            thorough=in_stated_words(
                measured.thorough, Stated(stated.thorough, words, margins or {})
            ),
        )
        certificate = _claimed_anew(certificate)
    if stated.circuits is not None and certificate.circuits is not None:
        circuits = _in_stated_gaps(stated.circuits, certificate.circuits)
        certificate = replace(certificate, circuits=circuits)
    if stated.proof is not None and measured.proof is not None:
        near = is_near_proof(measured.proof, stated.proof)
        proof = stated.proof if near else measured.proof
        certificate = replace(certificate, proof=proof)
    return Agreement(certificate, len(found) - len(tolerated), tuple(tolerated))


def _same_counts(stated: Rate, own: Rate) -> bool:
    """Return whether two figures differ in the last digit of their intervals at most.

    The intervals are quantiles, whose last bits depend on the library that finds them.
    """
    ends = abs(stated.low - own.low), abs(stated.high - own.high)
    same = replace(stated, low=own.low, high=own.high) == own
    return same and max(ends) < _LAST


def _prefer_stated(stated: Rate, own: Rate, tolerance: int, version: int) -> Rate:
    """Return the stated figure if it is within the tolerance, else the measured one."""
    near = stated.total == own.total and abs(stated.hits - own.hits) <= tolerance
    if version == UNTIED:
        return rate(stated.hits, own.total) if near else own
    near = near and abs(stated.ties - own.ties) <= tolerance
    # Of what lies close to a border a few may fall on the other side of that one.
    near = near and abs(stated.close - own.close) <= 1 + own.close // 4
    if not near:
        return own
    return rate(stated.hits, own.total, stated.ties, stated.close)


def _rates(certificate: Certificate) -> Iterator[tuple[str, Rate]]:
    """Yield every figure of a certificate, under a name of its own."""
    yield "behaviour", certificate.behaviour
    yield "all edges at once", certificate.all_edges
    for group in ("interchange", "nodes", "edges", "effects"):
        for name, found in getattr(certificate, group).items():
            yield f"{group}, {name}", found
    for finding in certificate.circuit:
        yield f"circuit, {finding.edge}, effect", finding.effect
        yield f"circuit, {finding.edge}, restored", finding.restored
    if certificate.thorough is not None:
        yield from thorough_rates(certificate.thorough)
    for label, group in (certificate.classes or {}).items():
        yield from _class_rates(f"classes, {label}", group)
    if certificate.circuits is not None:
        for name, found in certificate.circuits.lists.items():
            for number, one in enumerate(found.sufficient):
                yield f"circuits, {name}, {number}, kept", one.kept


def _class_rates(label: str, found: ClassFindings) -> Iterator[tuple[str, Rate]]:
    for name in ("behaviour", "all_edges", "outside"):
        yield f"{label}, {name}", getattr(found, name)
    for finding in found.circuit:
        yield f"{label}, {finding.edge}, effect", finding.effect
        yield f"{label}, {finding.edge}, restored", finding.restored


def _replace_figures(
    certificate: Certificate, words: Mapping[str, Rate]
) -> Certificate:
    """Return a certificate with other figures, and what follows from them."""

    def group(name: str) -> dict[str, Rate]:
        found = getattr(certificate, name)
        return {key: words.get(f"{name}, {key}", own) for key, own in found.items()}

    effects = group("effects")
    found = certificate.classes
    classes = found and {
        name: _replace_class_figures(f"classes, {name}", old, words)
        for name, old in found.items()
    }
    made = replace(
        certificate,
        behaviour=words.get("behaviour", certificate.behaviour),
        all_edges=words.get("all edges at once", certificate.all_edges),
        interchange=group("interchange"),
        nodes=group("nodes"),
        edges=group("edges"),
        effects=effects,
        circuit=_replace_findings("circuit", certificate.circuit, words, effects),
        classes=classes,
        circuits=_replace_kept(certificate.circuits, words),
    )
    return _claimed_anew(made)


def _replace_kept(
    circuits: CircuitLists | None, words: Mapping[str, Rate]
) -> CircuitLists | None:
    """Return lists of circuits with other shares of pairs whose outputs stay."""
    if circuits is None:
        return None
    lists = {
        name: replace(
            found,
            sufficient=tuple(
                replace(
                    one,
                    kept=words.get(f"circuits, {name}, {number}, kept", one.kept),
                )
                for number, one in enumerate(found.sufficient)
            ),
        )
        for name, found in circuits.lists.items()
    }
    return replace(circuits, lists=lists)


def _in_stated_gaps(stated: CircuitLists, measured: CircuitLists) -> CircuitLists:
    """Return lists of circuits with the stated gaps where these are nearly the same."""

    def near(edge: str, own: EdgeUse) -> EdgeUse:
        said = stated.uses.get(edge, own).gap
        if said is None or own.gap is None:
            return own
        same = abs(said - own.gap) <= _GAP * max(abs(said), abs(own.gap))
        return replace(own, gap=said) if same else own

    uses = {edge: near(edge, own) for edge, own in measured.uses.items()}
    return replace(measured, uses=uses)


def _replace_findings(
    label: str,
    circuit: tuple[EdgeFinding, ...],
    words: Mapping[str, Rate],
    effects: Mapping[str, Rate],
) -> tuple[EdgeFinding, ...]:
    """Return findings with other figures, and the statuses that follow from them."""

    def anew(old: EdgeFinding) -> EdgeFinding:
        effect = words.get(f"{label}, {old.edge}, effect", old.effect)
        restored = words.get(f"{label}, {old.edge}, restored", old.restored)
        status = status_of(effect, effects)
        if old.status == "undetectable":
            status = old.status
        return replace(old, effect=effect, restored=restored, status=status)

    return tuple(anew(old) for old in circuit)


def _replace_class_figures(
    label: str, old: ClassFindings, words: Mapping[str, Rate]
) -> ClassFindings:
    outside = words.get(f"{label}, outside", old.outside)
    return replace(
        old,
        behaviour=words.get(f"{label}, behaviour", old.behaviour),
        all_edges=words.get(f"{label}, all_edges", old.all_edges),
        outside=outside,
        circuit=_replace_findings(label, old.circuit, words, {"": outside}),
    )


def _claimed_anew(certificate: Certificate) -> Certificate:
    """Return a certificate with the claims that its figures give."""
    least = {claim.name: claim.at_least for claim in certificate.claims}
    return replace(certificate, claims=claims_from(certificate, least))
