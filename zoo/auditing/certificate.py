"""The certificate of a model: every figure of its audit, and which claims hold.

An edge of the circuit is

    used           if patching it alone changes more outputs than patching any edge
                   outside the circuit: the lower end of its interval is above the
                   largest effect outside, which is the noise floor of this model
    unused         if patching it does not change more outputs than that
    undetectable   if no donor run changes what it carries
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import numpy as np

from compiler import html
from compiler.errors import InputError, count
from compiler.lower.readout import plain
from compiler.machine.names import Edge
from compiler.model import Model
from compiler.rasp.values import Value
from zoo.auditing.behaviour import tokens_of
from zoo.auditing.circuit_lists import CircuitLists
from zoo.auditing.claims import COMPILED_CLAIMS, TRAINED_CLAIMS
from zoo.auditing.counts import OutputCounts, Tallied
from zoo.auditing.decisions import settled, tie_of
from zoo.auditing.findings import ClassFindings, EdgeFinding, Status, Witness
from zoo.auditing.measure import Measured, measure
from zoo.auditing.proof.figures import Proof
from zoo.auditing.rates import Rate, rate
from zoo.auditing.subject import Subject, Trained, subject_of
from zoo.auditing.thorough import Thorough, worst_figures
from zoo.causal.outputs import CLOSE
from zoo.causal.pairs import AuditPairs, draw_audit_pairs

PAIRS = 10_000
VERSION, TIED, UNTIED = 3, 2, 1
"""The format's version; that of a certificate without a thorough part; and that of one
without ties either. Older releases of circuitzoo read the lower ones."""

Scope = Literal["full", "quick", "sample"]


@dataclass(frozen=True)
class Claim:
    """One claim: the worst figure, where it is, and what it has to reach."""

    name: str
    worst: str
    found: float
    at_least: float

    @property
    def holds(self) -> bool:
        """Whether the figure reaches what is claimed."""
        return self.found >= self.at_least


@dataclass(frozen=True)
class Certificate:
    """The figures of an audit, and the claims that they support.

    Attributes:
        model: the model's name.
        seed: of the sample.
        inputs: how many inputs there were to draw from.
        all_inputs: whether these are all of the program's.
        pairs: how many pairs were run for each patch.
        all_pairs: whether these are all pairs of the inputs.
        behaviour: share of right outputs, nothing patched, over all inputs.
        interchange: by variables, share of outputs that are the causal model's.
        nodes: by node outside the circuit, share of right outputs with it replaced.
        circuit: the claimed edges.
        edges: by edge outside the circuit, share of right outputs with it patched.
        effects: by edge outside the circuit, share of positions that changed.
        all_edges: share of right outputs with everything outside patched at once.
        claims: what is claimed of all this, each on the worse of its two figures
            where there is a thorough part.
        thorough: all inputs by strata, pairs of several kinds, a search for a pair
            that breaks an output, ablations, effects on the logits; None if only a
            sample of pairs was audited.
        proof: what no donor can do, edge by edge; None if that was not asked for.
        classes: by class of inputs, which edges of the circuit it uses; None if the
            program does not divide its inputs into classes.
        circuits: all minimal circuits, and how each edge is used; None if every edge of
            the circuit is used by itself, or only a sample of pairs was audited.
    """

    model: str
    seed: int
    inputs: int
    all_inputs: bool
    pairs: int
    all_pairs: bool
    behaviour: Rate
    interchange: Mapping[str, Rate]
    nodes: Mapping[str, Rate]
    circuit: tuple[EdgeFinding, ...]
    edges: Mapping[str, Rate]
    effects: Mapping[str, Rate]
    all_edges: Rate
    claims: tuple[Claim, ...]
    thorough: Thorough | None = field(default=None, metadata={"may lack": True})
    proof: Proof | None = field(default=None, metadata={"may lack": True})
    classes: Mapping[str, ClassFindings] | None = field(
        default=None, metadata={"may lack": True}
    )
    circuits: CircuitLists | None = field(default=None, metadata={"may lack": True})

    def __repr__(self) -> str:
        holds = "holds" if self.holds else "FAILS"
        return (
            f"<Certificate {self.model}: {holds}, {count(len(self.circuit), 'edge')}, "
            f"{count(self.pairs, 'pair')} of inputs>"
        )

    def _repr_html_(self) -> str:
        failed = [claim.name for claim in self.claims if not claim.holds]
        claims = html.table(
            ("claim", "found", "has to reach", "worst at"),
            [
                (c.name, f"{c.found:.4f}", f"{c.at_least:g}", c.worst)
                for c in self.claims
            ],
        )
        edges = html.table(
            ("edge of the circuit", "status", "effect when patched alone", "carries"),
            [
                (f.edge, f.status, f"{f.effect.share:.4f}", ", ".join(f.carries))
                for f in self.circuit
            ],
        )
        pairs = count(self.pairs, "pair")
        head = html.heading(f"{self.model}: an audit over {pairs} of inputs")
        alarm = html.alarm(f"FAILS: {', '.join(failed)}" if failed else "")
        broken = self.thorough.broken if self.thorough is not None else ()
        rows = [(b.target, f"{b.margin:g}", str(b.base), str(b.donor)) for b in broken]
        found = html.table(("broken by a search", "margin", "base", "donor"), rows)
        return f"{head}{alarm}{claims}{edges}{found if rows else ''}"

    @property
    def scope(self) -> Scope:
        """How much was audited."""
        if self.thorough is None:
            return "sample"
        return "quick" if self.thorough.quick else "full"

    @property
    def holds(self) -> bool:
        """Whether every claim holds, and every edge of the circuit is in order."""
        return all(c.holds for c in self.claims)

    def to_json(self) -> dict[str, Any]:
        """Return the certificate as plain JSON values."""
        data = asdict(self)
        data["circuit"] = tuple(finding.to_json() for finding in self.circuit)
        if self.classes is None:
            del data["classes"]
        else:
            data["classes"] = {k: v.to_json() for k, v in self.classes.items()}
        if self.circuits is None:
            del data["circuits"]
        for claim, found in zip(data["claims"], self.claims, strict=True):
            claim["holds"] = found.holds
        tied = _leave_zeros_out(data)
        version = TIED if tied else UNTIED
        if self.proof is None:
            del data["proof"]
        if self.thorough is None:
            del data["thorough"]
        else:
            version = VERSION
        return {"format": "circuitzoo.certificate", "format_version": version, **data}


def _leave_zeros_out(data: Any) -> bool:
    """Remove `ties` and `close` where both are 0, and return whether any is left."""
    if isinstance(data, dict):
        if "ties" in data and not (data["ties"] or data["close"]):
            del data["ties"], data["close"]
        return any([_leave_zeros_out(v) for v in data.values()]) or "ties" in data
    if isinstance(data, list | tuple):
        return any([_leave_zeros_out(v) for v in data])
    return False


def audit(
    model: Model | Trained | Subject,
    *,
    pairs: int = PAIRS,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
    threads: int = 1,
) -> Certificate:
    """Return the certificate of a model: compiled, trained or loaded.

    Args:
        model: the model to audit; nothing that it states is taken on trust.
        pairs: all pairs of inputs are run if they are at most this many, else a
            seeded sample of this size.
        seed: of the sample.
        progress: called with (pairs done, pairs).
        threads: number of threads; the certificate does not depend on it.

    Raises:
        InputError: circuit and program do not belong together, or no thread is given.
    """
    if threads < 1:
        raise InputError(f"threads is {threads}; give at least 1")
    subject = model if isinstance(model, Subject) else subject_of(model)
    drawn = draw_audit_pairs(subject.causal, pairs, seed)
    found = measure(subject, drawn, progress, threads)
    return _certify(subject, drawn, found, seed)


def audit_pairs(subject: Subject, pairs: AuditPairs, seed: int = 0) -> Certificate:
    """Return what `audit` returns, over pairs that the caller has drawn.

    Args:
        subject: what is audited.
        pairs: the pairs of inputs.
        seed: what the caller drew them from, for the record.
    """
    return _certify(subject, pairs, measure(subject, pairs), seed)


def _certify(
    subject: Subject, pairs: AuditPairs, found: Measured, seed: int
) -> Certificate:
    names = subject.config.names
    outside = [(int(r), int(s)) for r, s in np.argwhere(subject.outside)]

    def edge(entry: tuple[int, int]) -> str:
        return str(Edge(names.sources[entry[1]], names.readers[entry[0]]))

    def right(count: OutputCounts) -> Rate:
        return _rate(count.right, count.total)

    effects = {edge(e): _effect(found.edges[e]) for e in outside}
    interchange = {name: right(c) for name, c in found.groups.items()}
    nodes = {names.sources[n]: right(c) for n, c in found.nodes.items()}
    edges = {edge(e): right(found.edges[e]) for e in outside}
    behaviour, whole = right(found.behaviour), right(found.all_edges)
    circuit = tuple(
        _finding(subject, pairs, found, names.edge_index(e), effects)
        for e in subject.circuit.edges
    )
    claims = claims_of(
        subject.claims, behaviour, interchange, nodes, edges, whole, circuit
    )
    return Certificate(
        model=subject.name,
        seed=seed,
        inputs=len(pairs.pool.ids),
        all_inputs=pairs.all_inputs,
        pairs=len(pairs.base),
        all_pairs=pairs.all_pairs,
        behaviour=behaviour,
        interchange=interchange,
        nodes=nodes,
        circuit=circuit,
        edges=edges,
        effects=effects,
        all_edges=whole,
        claims=claims,
    )


def claims_of(
    least: Mapping[str, float],
    behaviour: Rate,
    interchange: Mapping[str, Rate],
    nodes: Mapping[str, Rate],
    edges: Mapping[str, Rate],
    all_edges: Rate,
    circuit: tuple[EdgeFinding, ...],
    thorough: Thorough | None = None,
    circuits: CircuitLists | None = None,
) -> tuple[Claim, ...]:
    """Return what is claimed, from the figures of a certificate.

    Args:
        least: what each claim has to reach, by name; see `Subject.claims`.
        behaviour: share of right outputs, nothing patched.
        interchange: share of right outputs, by the variables that are interchanged.
        nodes: share of right outputs, by the patched node outside the circuit.
        edges: share of right outputs, by the patched edge outside the circuit.
        all_edges: share of right outputs, everything outside patched at once.
        circuit: the findings on the edges of the circuit.
        thorough: the thorough part; each claim is on the worse of its two figures.
        circuits: how each edge is used, where some are not used by themselves.
    """
    unused = [f.edge for f in circuit if not _is_used(f, circuits)]
    used = (len(circuit) - len(unused)) / max(len(circuit), 1)
    first_unused = next(iter(unused), "")
    sampled = (
        Claim("behaviour", "", behaviour.share, least["behaviour"]),
        Claim("interchange", *_worst(interchange), least["interchange"]),
        Claim("nodes", *_worst(nodes), least["nodes"]),
        Claim("edges", *_worst(edges), least["edges"]),
        Claim("all edges at once", "", all_edges.share, least["all edges at once"]),
        Claim("circuit edges used", first_unused, used, 1.0),
    )
    return sampled if thorough is None else _worse_of(sampled, thorough, least)


def _is_used(finding: EdgeFinding, circuits: CircuitLists | None) -> bool:
    """Return whether an edge is used, by itself or as one of several."""
    if circuits is None or finding.edge not in circuits.uses:
        return finding.status != "unused"
    return circuits.uses[finding.edge].kind != "none"


def _worse_of(
    sampled: tuple[Claim, ...], thorough: Thorough, least: Mapping[str, float]
) -> tuple[Claim, ...]:
    """Return claims on the worse of their figures, and those of a full audit only."""
    figures = worst_figures(thorough)
    claims = []
    for claim in sampled:
        share, where = figures.pop(claim.name, (claim.found, claim.worst))
        worse = share < claim.found
        claims.append(replace(claim, worst=where, found=share) if worse else claim)
    claims += [
        Claim(name, at, share, thorough_only(least, name))
        for name, (share, at) in figures.items()
    ]
    return tuple(claims)


def thorough_only(least: Mapping[str, float], name: str) -> float:
    """Return what a claim of full audits alone has to reach.

    Args:
        least: what each claim has to reach; one of sampled audits has no such name.
        name: the claim's.
    """
    exact = least["behaviour"] >= 1.0
    return (COMPILED_CLAIMS if exact else TRAINED_CLAIMS)[name]


def claims_from(
    certificate: Certificate, least: Mapping[str, float]
) -> tuple[Claim, ...]:
    """Return what is claimed, from all figures of a certificate.

    Args:
        certificate: the figures; its own claims are not looked at.
        least: what each claim has to reach, by name; see `Subject.claims`.
    """
    return claims_of(
        least,
        certificate.behaviour,
        certificate.interchange,
        certificate.nodes,
        certificate.edges,
        certificate.all_edges,
        certificate.circuit,
        certificate.thorough,
        certificate.circuits,
    )


def with_circuits(
    certificate: Certificate, circuits: CircuitLists | None, least: Mapping[str, float]
) -> Certificate:
    """Return a certificate with all minimal circuits, and the claims on them.

    Args:
        certificate: the other figures.
        circuits: of the same model; None leaves the certificate as it is.
        least: what each claim has to reach, by name; see `Subject.claims`.
    """
    if circuits is None:
        return certificate
    made = replace(certificate, circuits=circuits)
    return replace(made, claims=claims_from(made, least))


def with_thorough(
    sampled: Certificate, thorough: Thorough, least: Mapping[str, float]
) -> Certificate:
    """Return a sampled certificate with a thorough part, and the claims on both.

    Args:
        sampled: the figures over a sample of pairs.
        thorough: the other figures, of the same model.
        least: what each claim has to reach, by name; see `Subject.claims`.
    """
    claims = _worse_of(sampled.claims, thorough, least)
    return replace(sampled, claims=claims, thorough=thorough)


def status_of(effect: Rate, effects: Mapping[str, Rate]) -> Status:
    """Return whether an edge is used, by what edges outside the circuit do.

    Args:
        effect: of the edge.
        effects: by edge outside the circuit.
    """
    floor = max((e.share for e in effects.values()), default=0.0)
    return "used" if effect.low > floor else "unused"


def _rate(tallied: Tallied, total: int) -> Rate:
    return rate(tallied.hits, total, tallied.ties, tallied.close)


def _effect(count: OutputCounts) -> Rate:
    return _rate(count.changed, count.total)


def _worst(rates: Mapping[str, Rate]) -> tuple[str, float]:
    """Return the name and the share of the worst; nothing is never wrong."""
    name = min(rates, key=lambda n: rates[n].share, default="")
    return name, rates[name].share if name else 1.0


def _finding(
    subject: Subject,
    pairs: AuditPairs,
    found: Measured,
    entry: tuple[int, int],
    effects: Mapping[str, Rate],
) -> EdgeFinding:
    names, count = subject.config.names, found.edges[entry]
    edge = Edge(names.sources[entry[1]], names.readers[entry[0]])
    effect = _effect(count)
    status = status_of(effect, effects)
    if entry in found.undetectable:
        status = "undetectable"
    restored = found.restored[entry]
    return EdgeFinding(
        edge=str(edge),
        carries=subject.circuit.carries.get(edge, ()),
        status=status,
        effect=effect,
        restored=_rate(restored.right, restored.total),
        witness=_witness(subject, pairs, count, entry in found.shifted),
    )


def _witness(
    subject: Subject,
    pairs: AuditPairs,
    count: OutputCounts,
    shifted: bool,
) -> Witness | None:
    """Return the first pair that shows an edge's effect."""
    if count.first is None or count.shown is None:
        return None
    pair, position = count.first
    before, after = count.shown
    base, donor = int(pairs.base[pair]), int(pairs.donor[pair])
    shift = int(pairs.shifts[pair]) if shifted else 0
    ids = np.asarray(pairs.pool.ids)[[base, donor]]
    live = slice(1, int(pairs.pool.lengths[base]))
    return Witness(
        base=tokens_of(subject, ids[0]),
        donor=tokens_of(subject, ids[1]),
        shift=shift,
        position=position - 1,
        before=_values(subject, before[live]),
        after=_values(subject, after[live]),
    )


def _values(subject: Subject, logits: np.ndarray) -> tuple[Value, ...]:
    values = subject.readout.values
    return tuple(
        plain(values[i])
        for i in settled(subject.readout, logits, tie_of(subject.config))
    )


NOTE = f"A number counts as right within {CLOSE:.0%} of the range of its values."
