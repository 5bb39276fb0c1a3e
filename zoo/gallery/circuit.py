"""The circuit of a model in its page: the picture, what each part of it is, patches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from compiler.model import Model
from zoo.auditing.certificate import Certificate
from zoo.auditing.findings import EdgeFinding
from zoo.gallery.circuit_tables import edge_table, node_data, node_table
from zoo.gallery.markup import Content, Markup, data_block, tag
from zoo.gallery.program import shown
from zoo.gallery.recordings import DEGREES, Degrees
from zoo.gallery.svg import circuit_svg
from zoo.scoring.sufficient import Circuits


@dataclass(frozen=True)
class ShownCircuit:
    """One of the circuits that a page shows in turn.

    Attributes:
        title: what it is, such as a class of inputs.
        edges: its edges.
        note: a sentence on it.
    """

    title: str
    edges: tuple[str, ...]
    note: str


def class_circuits(certificate: Certificate) -> list[ShownCircuit]:
    """Return the circuit of each class of inputs, where a program has classes."""
    return [
        ShownCircuit(
            f"inputs of the class {name}",
            tuple(e.edge for e in found.circuit if e.status == "used"),
            f"The edges that inputs of this class use, over {found.pairs:,} pairs of "
            f"them; {found.behaviour.share:.4f} of their outputs are right.",
        )
        for name, found in (certificate.classes or {}).items()
    ]


def minimal_circuits(found: Circuits) -> list[ShownCircuit]:
    """Return the minimal circuits of a model with redundant parts."""
    note = (
        "A minimal circuit: if everything else is patched, outputs stay, and no part "
        f"of it is enough. Measured on {found.pairs:,} pairs."
    )
    return [
        ShownCircuit(f"minimal circuit {place}", edges, note)
        for place, edges in enumerate(found.sufficient, 1)
    ]


def circuit_section(
    model: Model,
    certificate: Certificate,
    degrees: Sequence[Degrees],
    in_turn: Sequence[ShownCircuit],
) -> Markup:
    """Return the section on a model's circuit.

    Args:
        model: the model.
        certificate: its audit.
        degrees: its witnesses, with the edge patched by degrees; may be empty.
        in_turn: circuits that are shown one after the other; none of most models.
    """
    edges = len(model.circuit.edges)
    label = (
        f"The circuit of {model.name}: {edges} of {len(model.config.names.edges)} edges"
    )
    return tag(
        "section",
        tag("h2", "The circuit"),
        tag(
            "p",
            f"{edges} of {len(model.config.names.edges)} edges. Embeddings are at the "
            "bottom, the logits on top; each layer has its heads and its MLP. Pale "
            "nodes are outside the circuit. ",
            tag(
                "span",
                "Choose a node or an edge with the pointer or the keyboard.",
                class_="needs-script",
                hidden=True,
            ),
            class_="lead",
        ),
        _turns(in_turn),
        tag(
            "div",
            tag(
                "div",
                circuit_svg(model.circuit, label),
                class_="scroll drawing",
                tabindex="0",
                role="region",
                aria_label="Picture of the circuit",
            ),
            tag(
                "div",
                tag("div", id="chosen", aria_live="polite"),
                _patch_controls(),
                class_="beside needs-script",
                hidden=True,
            ),
            class_="workbench",
        ),
        edge_table(certificate.circuit),
        node_table(model),
        data_block("circuit-data", circuit_data(model, certificate, degrees, in_turn)),
        id="circuit",
    )


def circuit_data(
    model: Model,
    certificate: Certificate,
    degrees: Sequence[Degrees],
    in_turn: Sequence[ShownCircuit],
) -> Mapping[str, Any]:
    """Return what the scripts of the page know of the circuit."""
    recorded = {d.edge: d for d in degrees}
    return {
        "degrees": DEGREES,
        "edges": [_edge_data(f, recorded.get(f.edge)) for f in certificate.circuit],
        "nodes": node_data(model),
        "circuits": [{"title": c.title, "edges": c.edges} for c in in_turn],
    }


def _edge_data(finding: EdgeFinding, recorded: Degrees | None) -> Mapping[str, Any]:
    found: dict[str, Any] = {
        "name": finding.edge,
        "carries": finding.carries,
        "status": finding.status,
        "effect": [finding.effect.share, finding.effect.low, finding.effect.high],
        "restored": finding.restored.share,
    }
    witness = finding.witness
    if witness is None:
        return found
    outputs = (witness.before, witness.after) if recorded is None else recorded.outputs
    return {
        **found,
        "witness": {
            "base": [shown(v) for v in witness.base],
            "donor": [shown(v) for v in witness.donor],
            "shift": witness.shift,
            "position": witness.position,
            "outputs": [[shown(v) for v in row] for row in outputs],
        },
    }


def _turns(in_turn: Sequence[ShownCircuit]) -> Content:
    if not in_turn:
        return None
    buttons = [
        tag(
            "button",
            circuit.title,
            type="button",
            data_circuit=str(place),
            aria_pressed="false",
        )
        for place, circuit in enumerate(in_turn)
    ]
    whole = tag(
        "button", "all edges", type="button", data_circuit="-1", aria_pressed="true"
    )
    listed = [
        tag(
            "li",
            tag("b", circuit.title),
            f": {circuit.note} ",
            [tag("code", edge, " ") for edge in circuit.edges],
        )
        for circuit in in_turn
    ]
    return tag(
        "div",
        tag("p", f"This model has {len(in_turn)} circuits. They are shown in turn."),
        tag(
            "div",
            whole,
            buttons,
            class_="turns needs-script",
            role="group",
            aria_label="Show a circuit",
            hidden=True,
        ),
        tag("details", tag("summary", "Their edges"), tag("ul", listed)),
    )


def _patch_controls() -> Markup:
    return tag(
        "div",
        tag("h3", "Patch this edge"),
        tag(
            "p",
            "The edge is given what it carries in the run of another input, the donor. "
            "The slider says to which degree.",
        ),
        tag("label", "Edge", for_="edge"),
        tag("select", id="edge"),
        tag("label", "Degree ", tag("output", "0", id="degree-shown"), for_="degree"),
        tag("input", type="range", id="degree", min="0", max="8", value="0", step="1"),
        tag("div", id="patched", class_="scroll", tabindex="0"),
        tag("p", id="patch-note", class_="quiet"),
        class_="patch",
    )
