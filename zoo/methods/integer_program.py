"""The circuit of most score under a budget, as an integer program.

Nikankin et al. 2025 (BlackboxNLP, MIB shared task), section on integer programming, and
their code. With x_e and y_v in {0, 1} for edges and nodes, and scores s_e,

    maximise  sum_e s_e x_e     such that  sum_e x_e <= n
    x_e <= y_u and x_e <= y_v   an edge u -> v has both its nodes
    sum_(e into v) x_e >= y_v   a node that is no embedding has an edge into it
    sum_(e out of v) x_e >= y_v a node other than the logits has an edge out of it
    y_logits = 1                and one embedding at least is there

Here the embeddings are two nodes, of which one is enough; the paper has one. Scores are
sizes of EAP-IG-inputs, as the paper takes them for CMD. The circuits of different n
need not be nested; the score of an edge says in how many of them it is, and then its
EAP-IG.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from scipy import optimize, sparse

from compiler.machine.names import Names
from zoo.cases.case import Case
from zoo.methods.eap_ig import eap_ig_inputs
from zoo.methods.method import method

SHARES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
"""MIB's shares of the edges."""
SECONDS = 10.0
"""Time of the solver for each size, after which its best circuit so far counts."""


@method(
    "eap-ig-ilp",
    paper="Nikankin et al. 2025",
    equation="MIB's sizes n whose circuit of most |EAP-IG| has e; then |EAP-IG|",
)
def eap_ig_ilp(case: Case, seed: int) -> Float[np.ndarray, "reader source"]:
    """Return in how many circuits each edge is, and its score as a fraction."""
    names = case.names
    scores = np.abs(eap_ig_inputs(case))
    total = int(names.visible.sum())
    sizes = sorted({size for share in SHARES if (size := int(share * total))})
    found = scores / (scores.max() * 2 or 1.0)
    for size in sizes:
        found = found + best_circuit(names, scores, size)
    return found


def best_circuit(
    names: Names, scores: Float[np.ndarray, "reader source"], size: int
) -> Bool[np.ndarray, "reader source"]:
    """Return the connected circuit of at most some edges with the greatest score.

    Args:
        names: of the transformer's parts.
        scores: of its edges.
        size: n, the greatest number of edges; at least 1.
    """
    places = np.argwhere(names.visible)
    rows, low, high, fixed = _constraints(names)
    least: Any = np.concatenate([np.zeros(len(places)), fixed])
    weights = np.concatenate([scores[tuple(places.T)], np.zeros(len(fixed))])
    budget = np.concatenate([np.ones(len(places)), np.zeros(len(fixed))])
    within = optimize.LinearConstraint(budget[None], -np.inf, size)
    solved = optimize.milp(
        -weights,
        constraints=[optimize.LinearConstraint(rows, low, high), within],
        integrality=np.ones(len(weights)),
        bounds=optimize.Bounds(least, 1.0),
        options={"time_limit": SECONDS},
    )
    chosen = np.zeros(names.visible.shape, bool)
    if solved.x is not None:
        chosen[tuple(places[solved.x[: len(places)] > 0.5].T)] = True
    return chosen


@cache
def _constraints(
    names: Names,
) -> tuple[sparse.csr_array, Any, Any, np.ndarray]:
    """Return (rows over edges and nodes, lower ends, upper ends, which y must be 1)."""
    nodes = [*names.sources, "logits"]
    ends = [
        (int(source), nodes.index(names.node_of(names.readers[reader])))
        for reader, source in np.argwhere(names.visible)
    ]
    edges, rows = len(ends), []
    for edge, pair in enumerate(ends):
        rows += [{edge: -1.0, edges + node: 1.0} for node in pair]
    for node, name in enumerate(nodes):
        used = {edges + node: -1.0}
        if name not in ("tokens", "positions"):
            rows.append(used | {e: 1.0 for e, (_, v) in enumerate(ends) if v == node})
        if name != "logits":
            rows.append(used | {e: 1.0 for e, (u, _) in enumerate(ends) if u == node})
    rows.append({edges: 1.0, edges + 1: 1.0})  # an embedding
    matrix = sparse.lil_array((len(rows), edges + len(nodes)))
    for number, row in enumerate(rows):
        for column, value in row.items():
            matrix[number, column] = value
    low = np.zeros(len(rows))
    low[-1] = 1.0
    fixed = np.array([float(name == "logits") for name in nodes])
    return sparse.csr_array(matrix), low, np.full(len(rows), np.inf), fixed
