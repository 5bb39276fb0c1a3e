"""The graphs that EAP-IG and MIB save, each read as what it holds.

One file has room for scores of edges, of nodes and of neurons, and for a circuit; what
was not measured is written as 0. So what is there has to be found out:

    scores of edges     one of them is not 0
    scores of nodes     the same, where edges have none
    scores of neurons   refused: a sum, a norm and a maximum give different nodes
    a circuit           `in_graph` of edges, or else of nodes, is true for some
    none of these       refused

JSON has {"cfg", "nodes": {node: ..}, "edges": {edge: ..}}. PT files have the same as
tensors: `edges_scores` and `edges_in_graph` [source, reader], `nodes_scores` and
`nodes_in_graph` [source], with the names in `src_nodes` and `dst_nodes`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan
from typing import Any

import numpy as np

from compiler.errors import InputError
from compiler.machine.names import ARROW, INPUT, SLOTS, Names

LOGITS = "logits"


@dataclass(frozen=True)
class Held:
    """What a file is read as.

    Args:
        entries: by name of an edge or of a node, its score; or whether it is inside.
        is_circuit: whether the entries say what is inside.
        what: in words, for reports.
    """

    entries: Mapping[str, Any]
    is_circuit: bool
    what: str


@dataclass
class _Parts:
    """What a file has, by name; what it lacks is empty."""

    edges: dict[str, Any] = field(default_factory=dict)
    edges_in: dict[str, bool] = field(default_factory=dict)
    nodes: dict[str, Any] = field(default_factory=dict)
    nodes_in: dict[str, bool] = field(default_factory=dict)
    neurons: bool = False


def parse_json(given: Mapping[str, Any]) -> Held:
    """Return what a graph in JSON holds.

    Raises:
        InputError: an entry is not an entry, or there is nothing to score.
    """
    parts = _Parts()
    for name, entry in _entries(given, "edges"):
        if not isinstance(entry, Mapping):
            parts.edges[name] = entry
        else:
            _take(parts.edges, parts.edges_in, name, entry)
    for name, entry in _entries(given, "nodes"):
        if isinstance(entry, Mapping) and name != LOGITS:
            _take(parts.nodes, parts.nodes_in, name, entry)
            parts.neurons |= entry.get("neurons_scores") is not None
    return _choose(parts)


def parse_tensors(names: Names, given: Mapping[str, Any]) -> Held:
    """Return what the dict of a PT file holds.

    Raises:
        InputError: an array has another shape, or there is nothing to score.
    """
    nodes = (INPUT, *names.sources[2:])
    rows = _labels(given, "src_nodes", nodes)
    columns = _labels(given, "dst_nodes", columns_of(names))
    parts = _Parts(neurons=given.get("neurons_scores") is not None)
    every = {str(edge) for edge in names.merged_edges}
    for key, into in (
        ("edges_scores", parts.edges),
        ("edges_in_graph", parts.edges_in),
    ):
        array = _array(given, key, (len(rows), len(columns)))
        for r, c in np.ndindex(array.shape if array is not None else (0, 0)):
            name = f"{rows[r]}{ARROW}{columns[c]}"
            if array is not None and name in every:
                into[name] = array[r, c].item()
    for key, into in (
        ("nodes_scores", parts.nodes),
        ("nodes_in_graph", parts.nodes_in),
    ):
        array = _array(given, key, (len(rows),))
        if array is not None:
            found = zip(rows, array.tolist(), strict=True)
            into.update({name: value for name, value in found if value == value})
    parts.edges_in = {name: bool(inside) for name, inside in parts.edges_in.items()}
    parts.nodes_in = {name: bool(inside) for name, inside in parts.nodes_in.items()}
    return _choose(parts)


def columns_of(names: Names) -> tuple[str, ...]:
    """Return the readers in MIB's order: all q of a layer, all k, all v, its MLP."""
    readers = []
    for layer in range(names.n_layers):
        heads = range(names.n_heads)
        readers += [f"a{layer}.h{h}<{slot}>" for slot in SLOTS for h in heads]
        readers.append(f"m{layer}")
    return (*readers, LOGITS)


def _choose(parts: _Parts) -> Held:
    if _some(parts.edges.values()):
        if len(parts.edges) == len(parts.edges_in) and all(
            _is(parts.edges[name], inside) for name, inside in parts.edges_in.items()
        ):
            return Held(parts.edges_in, True, "a circuit of edges")
        beside = ", its scores of nodes left out" if _some(parts.nodes.values()) else ""
        return Held(parts.edges, False, f"scores of edges{beside}")
    if _some(parts.nodes.values()):
        return Held(parts.nodes, False, "scores of nodes")
    if parts.neurons:
        raise InputError(
            "scores: the file scores neurons, and neither edges nor nodes, which are "
            "what is scored here. Make one number of each node's neurons, and give "
            "them by name: {'a0.h0': 0.5, 'm0': 0.1, ..}. Say which rule you took: a "
            "sum, a norm and a maximum give different nodes"
        )
    if any(parts.edges_in.values()) and not all(parts.edges_in.values()):
        return Held(parts.edges_in, True, "a circuit of edges (in_graph)")
    if any(parts.nodes_in.values()) and not all(parts.nodes_in.values()):
        return Held(parts.nodes_in, True, "a circuit of nodes (in_graph)")
    inside = "all" if any(parts.edges_in.values()) else "none"
    raise InputError(
        f"scores: every score in the file is 0 or missing, and {inside} of the edges "
        "is in the graph: nothing is ranked and nothing is chosen. Was the graph "
        "saved before its edges were scored?"
    )


def _entries(given: Mapping[str, Any], key: str) -> list[tuple[str, Any]]:
    found = given.get(key)
    if found is not None and not isinstance(found, Mapping):
        raise InputError(
            f"scores: '{key}' is a {type(found).__name__}, expected an object from "
            "names to entries, as EAP-IG's Graph.to_json writes it"
        )
    return list((found or {}).items())


def _take(
    scores: dict[str, Any], inside: dict[str, bool], name: str, entry: Mapping[str, Any]
) -> None:
    """Note what an entry says; a node that nobody scored has NaN or null there."""
    score = entry.get("score")
    unscored = score is None or (isinstance(score, float) and isnan(score))
    if not unscored or (ARROW in name and score is not None):
        scores[name] = score
    if isinstance(entry.get("in_graph"), bool | int):
        inside[name] = bool(entry["in_graph"])


def _some(values: Any) -> bool:
    """Return whether a value is anything but 0: a number, or what is none."""
    return any(value != 0 for value in values)


def _is(score: Any, inside: bool) -> bool:
    return isinstance(score, int | float) and score == inside


def _labels(
    given: Mapping[str, Any], key: str, expected: Sequence[str]
) -> Sequence[str]:
    """Return the names of rows or columns, in the file's order.

    Raises:
        InputError: they are not those of this model.
    """
    found = given.get(key)
    if found is None:
        return expected
    if not isinstance(found, list | tuple) or sorted(map(str, found)) != sorted(
        expected
    ):
        raise InputError(
            f"scores: '{key}' are {str(found)[:60]}, expected the {len(expected)} "
            f"nodes of this model, {expected[0]} to {expected[-1]}. Is the file for "
            "another architecture?"
        )
    return found


def _array(
    given: Mapping[str, Any], key: str, shape: tuple[int, ...]
) -> np.ndarray | None:
    if given.get(key) is None:
        return None
    array = np.asarray(given[key])
    if array.shape != shape:
        raise InputError(
            f"scores: '{key}' has the shape {array.shape}, expected {shape}: a row for "
            "the input, for each head and for each MLP. Is it for another "
            "architecture?"
        )
    return array
