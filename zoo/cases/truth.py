"""The truth about a model's edges, as its certificate states it.

used           in the circuit; patched alone it changes outputs, and has a witness; or
               it is one of several redundant parts, has no effect alone, and the
               certificate lists a minimal circuit that has it
unused         in the program's circuit, but no output depends on it; counts as outside
undetectable   in the circuit, but no donor run changes what it carries; does not count
outside        not in the circuit; patched alone or all together, these edges change
               (nearly) no output

This is read from the certificate of an audit and is not measured again here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool

from compiler.errors import FormatError, NameLookupError
from compiler.machine.circuit import Circuit
from compiler.machine.names import Edge, Names
from zoo.auditing.certificate import Certificate
from zoo.auditing.findings import ClassFindings
from zoo.cases.levels import Level
from zoo.release.build import certificate_bytes

STATUSES = ("used", "unused", "undetectable")


@dataclass(frozen=True)
class KnownEdge:
    """The status of one edge of the circuit, with its evidence.

    Attributes:
        edge: the edge.
        carries: the variables on it.
        status: `used`, `unused` or `undetectable`; see the module.
        effect: share of outputs that change when this edge alone is patched.
        witness: a pair of inputs that shows the effect, as in the certificate: base,
            source (the donor input), turn (shift of positions), before, after; None if
            there is none.
    """

    edge: Edge
    carries: tuple[str, ...]
    status: str
    effect: float
    witness: Mapping[str, Any] | None


@dataclass(frozen=True, eq=False)
class Truth:
    """The edges of the circuit with their status; every other edge is outside.

    Args:
        names: the names of the transformer's parts.
        known: the status of each edge of the circuit.

    Raises:
        NameLookupError: the transformer has no such edge.
        FormatError: a status is unknown.
    """

    names: Names
    known: Mapping[Edge, KnownEdge]

    def __post_init__(self) -> None:
        for edge, known in self.known.items():
            self.names.edge_index(edge)
            if known.status not in STATUSES:
                raise FormatError(
                    f"{edge}: found the status {known.status!r}, expected one of "
                    f"{', '.join(STATUSES)}"
                )

    def __repr__(self) -> str:
        counts = ", ".join(f"{self.mask(s).sum()} {s}" for s in STATUSES)
        return f"<Truth: {counts} of {len(self.names.edges)} edges>"

    def mask(self, *statuses: str) -> Bool[np.ndarray, "reader source"]:
        """Return the mask of the edges with one of the statuses."""
        mask = np.zeros(self.names.visible.shape, bool)
        for edge, known in self.known.items():
            if known.status in statuses:
                mask[self.names.edge_index(edge)] = True
        return mask

    def used_edges_of(self, level: Level, item: str) -> list[KnownEdge]:
        """Return the used edges that belong to an item of a level."""
        place = level.items.index(item)
        return [
            known
            for edge, known in self.known.items()
            if known.status == "used"
            and level.index[self.names.edge_index(edge)] == place
        ]


def truth_of(
    names: Names,
    certificate: Certificate | ClassFindings | Mapping[str, Any],
    within: str | None = None,
) -> Truth:
    """Return the truth that a certificate states.

    Args:
        names: the names of the transformer's parts.
        certificate: a certificate, or its JSON; or what was found of one class.
        within: the class of inputs whose truth is wanted; of all inputs if None.

    Raises:
        FormatError: the JSON is not that of a certificate.
    """
    said: Any = certificate
    if isinstance(certificate, Certificate):
        said = json.loads(certificate_bytes(certificate))
    elif isinstance(certificate, ClassFindings):
        said, within = json.loads(json.dumps(certificate.to_json())), None
    if within is not None:
        said = _of_class(said, within)
    try:
        shared = _shared_edges(said) if within is None else frozenset()
        findings = [_known(names, finding, shared) for finding in said["circuit"]]
    except (KeyError, TypeError, AttributeError):
        raise FormatError(
            "certificate: found no list of edges with statuses under 'circuit'. Make a "
            "certificate with zoo.audit(model)"
        ) from None
    return Truth(names, {known.edge: known for known in findings})


def _of_class(said: Any, within: str) -> Any:
    """Return what a certificate's JSON says of one class of inputs."""
    try:
        return said["classes"][within]
    except (KeyError, TypeError):
        raise FormatError(
            f"certificate: found nothing on the inputs of class {within!r} under "
            "'classes'. Make a full certificate: zoo audit"
        ) from None


def truth_of_circuit(circuit: Circuit) -> Truth:
    """Return a truth in which every edge of a circuit is used, without any audit."""
    known = {
        edge: KnownEdge(edge, carried, "used", 1.0, None)
        for edge, carried in circuit.carries.items()
    }
    return Truth(circuit.names, known)


def _shared_edges(said: Any) -> frozenset[str]:
    """Return the edges that a certificate calls used, by themselves or together."""
    circuits = said.get("circuits")
    uses = circuits["uses"] if circuits is not None else {}
    return frozenset(edge for edge, use in uses.items() if use["kind"] != "none")


def _known(
    names: Names, finding: Mapping[str, Any], shared: frozenset[str]
) -> KnownEdge:
    effect = finding["effect"]
    try:
        edge = names.parse_edge(finding["edge"])
    except NameLookupError as error:
        raise FormatError(
            f"certificate: {error} It is for another architecture"
        ) from None
    return KnownEdge(
        edge=edge,
        carries=tuple(finding["carries"]),
        status="used" if finding["edge"] in shared else finding["status"],
        effect=effect["hits"] / max(effect["total"], 1),
        witness=finding["witness"],
    )
