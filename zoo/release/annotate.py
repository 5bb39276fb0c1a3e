"""What `circuit.json` of a release says of its circuit, for readers without this code.

Nodes, edges with what an audit found of each, variables with their definition, values,
place and role, and how tokens are numbered.
"""

from __future__ import annotations

from typing import Any

from compiler.ir import typed as t
from compiler.ir.typed import Typed, Variable
from compiler.model import Model
from compiler.notation import value_to_json as to_json
from zoo.auditing.certificate import Certificate, EdgeFinding

ROLES = {
    "input": "given: the tokens, the positions, or a constant",
    "indicator": "true or false, from values at the same position",
    "mapper": "a function of one value at the same position",
    "combiner": "a function of several values at the same position",
    "aggregator": "a count or a mean over positions",
    "router": "a value moved from another position",
    "by hand": "defined in Python, by a causal model that is no program",
}
"""The roles a variable can have, and what each means."""


def role(variable: Variable) -> str:
    """Return which of `ROLES` a variable has."""
    match variable.operation:
        case t.Table(table=table) if (table < 0).all():
            return "by hand"
        case t.Table(args=args):
            if set(variable.domain.values) <= {True, False} and all(
                isinstance(v, bool) for v in variable.domain.values
            ):
                return "indicator"
            return "combiner" if len(args) > 1 else "mapper"
        case t.Width() | t.Mean():
            return "aggregator"
        case t.Pick():
            return "router"
    return "input"


def annotation(model: Model, certificate: Certificate) -> dict[str, Any]:
    """Return the annotated circuit as JSON values.

    Args:
        model: any model.
        certificate: its audit.
    """
    return {
        "nodes": _nodes(model),
        "edges": [_edge(finding) for finding in certificate.circuit],
        "variables": _variables(model.typed, model),
        "roles": ROLES,
        "correspondence": {n: s.node for n, s in model.circuit.sites.items()},
        "tokens": tokens(model),
        "outputs": {
            "kind": model.readout.kind,
            "values": [to_json(v) for v in model.readout.values],
        },
    }


def tokens(model: Model) -> dict[str, Any]:
    """Return how tokens are numbered, and how an input is laid out."""
    return {
        "ids": [to_json(token) for token in model.typed.vocab],
        "bos": model.config.bos_id,
        "pad": model.config.pad_id,
        "layout": "bos, the tokens, pad up to n_ctx; logits at a token's own position",
    }


def _nodes(model: Model) -> list[dict[str, Any]]:
    carried: dict[str, list[str]] = {}
    for name, site in model.circuit.sites.items():
        carried.setdefault(site.node, []).append(name)
    names = model.config.names.sources
    found = [n for n in names if n in model.circuit.nodes or n in carried]
    return [{"name": n, "writes": carried.get(n, [])} for n in found]


def _edge(finding: EdgeFinding) -> dict[str, Any]:
    data = finding.to_json()
    data["name"] = data.pop("edge")
    data["effect"] = finding.effect.share
    data["restored"] = finding.restored.share
    for key in ("base", "source", "before", "after"):
        if data["witness"] is not None:
            data["witness"][key] = [to_json(v) for v in data["witness"][key]]
    return data


def _variables(typed: Typed, model: Model) -> list[dict[str, Any]]:
    return [
        {
            "name": variable.name,
            "definition": variable.text,
            "note": variable.note,
            "role": role(variable),
            "values": [to_json(v) for v in variable.domain.values],
            "node": site.node if site is not None else None,
            "output": index == typed.output,
        }
        for index, variable in enumerate(typed.variables)
        for site in [model.circuit.sites.get(variable.name)]
    ]
