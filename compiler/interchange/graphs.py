"""Circuits in the files and names of other tools, and back.

EAP-IG, MIB and auto-circuit have one node `input` for both embeddings: an edge from
it is in the circuit where an edge from either of them is. That is all that does not
come back. GraphML carries everything but the subspaces of variables.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import networkx as nx

from compiler.errors import FormatError, ZooError, unknown_name
from compiler.files import write_atomically
from compiler.machine.circuit import Circuit, Site
from compiler.machine.names import ARROW, INPUT, Edge, Names, merge_input

# What reading entries of an unexpected shape raises.
_MALFORMED = (ValueError, TypeError, KeyError, AttributeError, RecursionError)


@dataclass(frozen=True)
class MergedGraph:
    """A circuit over a graph with one input node.

    Args:
        names: the names of the transformer.
        edges: the edges in the circuit, in the order of `names.merged_edges`.
        scores: by edge, what the tool gave it; edges without a score are left out.
    """

    names: Names
    edges: tuple[Edge, ...]
    scores: Mapping[Edge, float]


def merged(circuit: Circuit) -> MergedGraph:
    """Return a circuit with one input node; a score is 1 in it, and 0 outside."""
    inside = {merge_input(edge) for edge in circuit.edges}
    every = circuit.names.merged_edges
    return MergedGraph(
        circuit.names,
        tuple(edge for edge in every if edge in inside),
        {edge: float(edge in inside) for edge in every},
    )


# EAP-IG and MIB -------------------------------------------------------------------


def write_eap_ig_json(
    circuit: Circuit, d_model: int, path: str | os.PathLike[str]
) -> None:
    """Write the graph that EAP-IG's `Graph.from_json` and MIB read."""
    graph = merged(circuit)
    scores = {str(edge): score for edge, score in graph.scores.items()}
    inside = {str(edge) for edge in graph.edges}
    data = eap_ig_json(circuit.names, d_model, scores, inside)
    write_atomically(Path(path), (json.dumps(data, indent=1) + "\n").encode())


def eap_ig_json(
    names: Names, d_model: int, scores: Mapping[str, float], inside: Collection[str]
) -> dict[str, Any]:
    """Return a graph as EAP-IG and MIB write it.

    Args:
        names: of the transformer.
        d_model: its width, for `cfg`.
        scores: by name of an edge, with one input node.
        inside: the names of those in the graph.
    """
    ends = {end for name in inside for end in name.split(ARROW)}
    reached = {end.partition("<")[0] for end in ends}
    nodes = (INPUT, *names.sources[2:], "logits")
    return {
        "cfg": {
            "n_layers": names.n_layers,
            "n_heads": names.n_heads,
            "parallel_attn_mlp": False,
            "d_model": d_model,
        },
        "nodes": {node: {"in_graph": node in reached} for node in nodes},
        "edges": {
            name: {"score": float(score), "in_graph": name in inside}
            for name, score in scores.items()
        },
    }


def read_eap_ig_json(path: str | os.PathLike[str]) -> MergedGraph:
    """Return the circuit and the scores in a graph of EAP-IG or MIB.

    Raises:
        FormatError: it is no such file.
        NameLookupError: an edge is none of this transformer's.
    """
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
        names = Names(data["cfg"]["n_layers"], data["cfg"]["n_heads"])
        found = {
            name: (None if entry["score"] is None else float(entry["score"]), entry)
            for name, entry in data["edges"].items()
        }
        inside = {name for name, (_, entry) in found.items() if entry["in_graph"]}
    except ZooError:
        raise
    except (OSError, *_MALFORMED) as error:
        raise FormatError(
            f"{path}: no graph of EAP-IG ({type(error).__name__}: {error}). Expected "
            'JSON with "cfg", "nodes" and "edges", each edge with "score" and '
            '"in_graph".'
        ) from None
    known = {str(edge): edge for edge in names.merged_edges}
    _check_known(found, known)
    return MergedGraph(
        names,
        tuple(edge for name, edge in known.items() if name in inside),
        {known[n]: score for n, (score, _) in found.items() if score is not None},
    )


# auto-circuit ---------------------------------------------------------------------


def to_auto_circuit(circuit: Circuit) -> dict[str, float]:
    """Return 1 or 0 for each edge of auto-circuit's graph: is it in the circuit?"""
    spelled = circuit.names.auto_circuit
    return {spelled[edge]: score for edge, score in merged(circuit).scores.items()}


def from_auto_circuit(names: Names, scores: Mapping[str, float]) -> MergedGraph:
    """Return auto-circuit's scores by our edges; those that are not 0 are inside.

    Raises:
        NameLookupError: an edge is none of this transformer's.
    """
    known = {name: edge for edge, name in names.auto_circuit.items()}
    _check_known(scores, known)
    inside = tuple(edge for name, edge in known.items() if scores.get(name))
    return MergedGraph(
        names, inside, {known[name]: float(score) for name, score in scores.items()}
    )


def _check_known(found: Mapping[str, Any], known: Mapping[str, Edge]) -> None:
    for name in found:
        if name not in known:
            raise unknown_name("edge", name, known)


# GraphML --------------------------------------------------------------------------


def write_graphml(circuit: Circuit, path: str | os.PathLike[str]) -> None:
    """Write `circuit.to_networkx()` as GraphML, tuples of names as JSON lists."""
    graph, sites = circuit.to_networkx(), circuit.sites
    plain = nx.MultiDiGraph(
        n_layers=circuit.names.n_layers,
        n_heads=circuit.names.n_heads,
        sites=json.dumps({variable: site.node for variable, site in sites.items()}),
    )
    for node, entries in graph.nodes(data=True):
        plain.add_node(node, **_plain(entries))
    for source, target, reader, entries in graph.edges(keys=True, data=True):
        plain.add_edge(source, target, key=reader, reader=reader, **_plain(entries))
    text = "\n".join(nx.generate_graphml(plain))
    write_atomically(Path(path), (text + "\n").encode())


def read_graphml(path: str | os.PathLike[str]) -> Circuit:
    """Return the circuit that `write_graphml` wrote, with whole nodes as sites.

    Raises:
        FormatError: it is no such file.
        NameLookupError: an edge or a node is none of this transformer's.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        graph = nx.parse_graphml(text, force_multigraph=True)
        names = Names(graph.graph["n_layers"], graph.graph["n_heads"])
        nodes = json.loads(graph.graph["sites"])
        carries = {
            Edge(source, entries["reader"]): tuple(json.loads(entries["carries"]))
            for source, _, entries in graph.edges(data=True)
        }
    except ZooError:
        raise
    except (OSError, *_MALFORMED, SyntaxError, nx.NetworkXError) as error:
        raise FormatError(
            f"{path}: no circuit in GraphML ({type(error).__name__}: {error}). "
            "Expected what to_graphml writes."
        ) from None
    sites = {variable: Site(node) for variable, node in nodes.items()}
    return Circuit(names, tuple(carries), sites, carries)


def _plain(entries: Mapping[str, Any]) -> dict[str, Any]:
    """Return what GraphML has types for: no None, and lists as text."""
    return {
        key: json.dumps(list(value)) if isinstance(value, tuple) else value
        for key, value in entries.items()
        if value is not None
    }
