"""A circuit as tables, for readers without scripts and for those who search in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from compiler.model import Model
from zoo.auditing.findings import EdgeFinding
from zoo.gallery.markup import Content, Markup, tag
from zoo.gallery.program import shown


def node_data(model: Model) -> Mapping[str, Any]:
    """Return by node of the circuit: what kind it is, and the variables it writes."""
    definitions = {v.name: v for v in (model.steps or model.typed).variables}
    definitions |= {v.name: v for v in model.typed.variables}
    found: dict[str, Any] = {name: [] for name in model.circuit.nodes}
    for name, site in model.circuit.sites.items():
        known = definitions.get(name)
        values = [] if known is None else known.domain.values
        found.setdefault(site.node, []).append(
            {
                "name": name,
                "text": "" if known is None else known.text,
                "note": "" if known is None else known.note,
                "values": ", ".join(shown(v) for v in values[:12])
                + (", .." if len(values) > 12 else ""),
            }
        )
    return found


def edge_table(found: Sequence[EdgeFinding]) -> Markup:
    """Return what was found of every edge of a circuit, with the witnesses."""
    head = ("edge", "carries", "effect alone", "95 %", "kept right", "status")
    rows = [
        tag(
            "tr",
            tag("th", tag("code", f.edge), scope="row"),
            tag("td", ", ".join(f.carries)),
            tag("td", f"{f.effect.share:.4f}", class_="number"),
            tag("td", f"{f.effect.low:.4f} to {f.effect.high:.4f}", class_="number"),
            tag("td", f"{f.restored.share:.4f}", class_="number"),
            tag("td", f.status),
        )
        for f in found
    ]
    table = tag(
        "table",
        tag("thead", tag("tr", [tag("th", name, scope="col") for name in head])),
        tag("tbody", rows),
        class_="sortable",
    )
    witnesses = [_witness_line(f) for f in found if f.witness is not None]
    return tag(
        "details",
        tag("summary", "All edges as a table, with their witnesses"),
        tag(
            "p",
            "Effect alone: the share of outputs that change when this edge alone is "
            "patched. Kept right: the share of right outputs when this edge is patched "
            "together with all edges outside the circuit.",
        ),
        tag("div", table, class_="scroll", tabindex="0"),
        tag("ul", witnesses, class_="witnesses"),
    )


def _witness_line(finding: EdgeFinding) -> Markup:
    witness = finding.witness
    assert witness is not None
    shift = f", positions shifted by {witness.shift}" if witness.shift else ""
    return tag(
        "li",
        tag("code", finding.edge),
        ": on ",
        tag("code", _line(witness.base)),
        ", donor ",
        tag("code", _line(witness.donor)),
        f"{shift}: ",
        tag("code", _line(witness.before)),
        " becomes ",
        tag("code", _line(witness.after)),
    )


def _line(values: Sequence[Any]) -> str:
    return " ".join(shown(value) for value in values)


def node_table(model: Model) -> Markup:
    """Return every node of a circuit with its variables."""
    rows = [
        tag(
            "tr",
            tag("th", tag("code", node), scope="row"),
            tag("td", tag("code", variable["name"])),
            tag("td", variable["note"] or None, _definition(variable["text"])),
            tag("td", variable["values"]),
        )
        for node, variables in node_data(model).items()
        for variable in variables
    ]
    head = ("node", "variable", "definition", "values")
    table = tag(
        "table",
        tag("thead", tag("tr", [tag("th", name, scope="col") for name in head])),
        tag("tbody", rows),
    )
    return tag(
        "details",
        tag("summary", "All nodes and variables as a table"),
        tag("div", table, class_="scroll", tabindex="0"),
    )


def _definition(line: str) -> Content:
    return tag("code", line, class_="definition") if line else None
