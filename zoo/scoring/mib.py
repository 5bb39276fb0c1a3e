"""The area under MIB's ROC curve, which is one of circuits and not of a ranking.

`evaluate_area_under_roc` of the MIB circuit track (Mueller et al. 2025; the code of
30 June 2025, with EAP-IG's graph of 24 July 2025) does this, and so does `mib_area`:

- A circuit grows from the logits up. Of all edges into nodes that are in it, the one
  with the greatest absolute score is taken, whatever lies deeper.
- There are ten sizes, shares of all edges, rounded *up*.
- Edges that are left without a way from the input are taken out again.
- The area is trapezoids over these ten points; nothing is added at (0, 0).

Every edge of the graph with one input counts. Where scores are tied, their code takes
edges in the order of a Python set, which differs from process to process; here the
order of the graph decides, which is one of theirs.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from math import ceil

import numpy as np
from jaxtyping import Bool, Float

from compiler.errors import InputError
from compiler.machine.names import ARROW
from zoo.cases.levels import Level
from zoo.cases.scores import Scores
from zoo.scoring.conventions import SIZES
from zoo.scoring.faithfulness import prune


def mib_level(level: Level) -> Level:
    """Return the level of MIB's graph.

    Raises:
        InputError: scores at a coarser level say nothing of its edges.
    """
    if level.kind != "qkv":
        raise InputError(
            f"convention 'mib' ranks edges into q, k and v, and these scores are at "
            f"'{level}'. Take convention='exact', which any granularity has"
        )
    return Level(level.names, "qkv", merged=True)


def mib_area(scores: Scores, true: Bool[np.ndarray, " item"]) -> float:
    """Return the area under MIB's curve; NaN if every edge is true or none.

    Args:
        scores: of edges into q, k and v.
        true: [item] of the level with one input.

    Raises:
        InputError: the scores are of coarser items.
    """
    return area_of_circuits(greedy_circuits(scores), true)


def greedy_circuits(scores: Scores) -> Bool[np.ndarray, "size item"]:
    """Return MIB's circuits of the ten sizes, at the level with one input."""
    level = mib_level(scores.level)
    values = np.abs(scores.at_level(level).values)
    order = _greedy_order(level, values)
    found = np.zeros((len(SIZES), len(order)), bool)
    for row, share in zip(found, SIZES, strict=True):
        row[order[: ceil(share * len(order))]] = True
        row[:] = level.any_of(prune(level.names, level.spread(row)))
    return found


def area_of_circuits(
    circuits: Bool[np.ndarray, "size item"], true: Bool[np.ndarray, " item"]
) -> float:
    """Return the area of trapezoids over the rates of some circuits."""
    if not true.any() or true.all():
        return float("nan")
    wrong = circuits[:, ~true].mean(axis=1)
    return float(np.trapezoid(circuits[:, true].mean(axis=1), wrong))


def _greedy_order(level: Level, sizes: Float[np.ndarray, " item"]) -> list[int]:
    """Return the items in the order in which MIB's code takes them."""
    into: dict[str, list[int]] = defaultdict(list)
    sources = []
    for place, item in enumerate(level.items):
        source, _, reader = item.partition(ARROW)
        into[level.names.node_of(reader)].append(place)
        sources.append(source)
    # Of equal scores, edges into the node that came first are first.
    reached, heap = {"logits": 0}, [(-sizes[i], 0, i) for i in into["logits"]]
    heapq.heapify(heap)
    order = []
    while heap:
        _, _, place = heapq.heappop(heap)
        order.append(place)
        node = sources[place]
        if node not in reached:
            reached[node] = len(reached)
            for below in into[node]:
                heapq.heappush(heap, (-sizes[below], reached[node], below))
    return order
