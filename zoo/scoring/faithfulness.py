"""Faithfulness: the loss of a circuit when everything outside it is patched.

    f(C) = (m(C) - m(empty)) / (m(M) - m(empty))

where m is minus the loss, and all edges outside C are patched from the corrupt runs.
The curve has circuits of the k highest edges, in MIB's ten sizes (Mueller et al. 2025).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

import numpy as np
from jaxtyping import Bool, Float

from compiler.machine.names import Names
from zoo.cases.case import Case
from zoo.cases.scores import Scores
from zoo.ranking import top
from zoo.scoring.conventions import SIZES


@dataclass(frozen=True, eq=False)
class Curve:
    """Faithfulness by size.

    Attributes:
        shares: of all items, the ten sizes.
        sizes: how many items were taken.
        kept: how many edges are left once dead ends are pruned.
        values: faithfulness; 1 is the whole model, 0 nothing.
    """

    shares: tuple[float, ...]
    sizes: tuple[int, ...]
    kept: tuple[int, ...]
    values: tuple[float, ...]

    @property
    def cpr(self) -> float:
        """The area under the curve over the shares (MIB's integrated circuit ratio)."""
        return float(np.trapezoid(self.values, self.shares))

    @property
    def cmd(self) -> float:
        """The area of its distance from 1 (MIB's integrated model distance)."""
        apart = [abs(1 - value) for value in self.values]
        return float(np.trapezoid(apart, self.shares))


def curve_of(case: Case, scores: Scores) -> Curve:
    """Return the faithfulness of the circuits of the highest items."""
    sizes = tuple(floor(share * len(scores)) for share in SIZES)
    circuits = [
        prune(case.names, scores.level.spread(top(scores.values, size)))
        for size in sizes
    ]
    values = faithfulness(case, np.stack(circuits))
    kept = tuple(int(circuit.sum()) for circuit in circuits)
    return Curve(SIZES, sizes, kept, tuple(values.tolist()))


def faithfulness(
    case: Case, circuits: Bool[np.ndarray, "circuit reader source"]
) -> Float[np.ndarray, " circuit"]:
    """Return f of every circuit. NaN where patching everything changes no loss."""
    every = case.names.visible
    masks = every[None] & ~np.asarray(circuits)
    ends = np.stack([np.zeros_like(every), every])
    whole, empty, *found = -case.losses_of_each(np.concatenate([ends, masks])).mean(1)
    gap = whole - empty
    return (np.array(found) - empty) / (gap if gap else np.nan)


def prune(
    names: Names, circuit: Bool[np.ndarray, "reader source"]
) -> Bool[np.ndarray, "reader source"]:
    """Return a circuit without edges that are on no path from input to logits."""
    parts = list(names.reader_parts.values())
    node_of = [part.node for part in parts]
    kept = circuit & names.visible
    for column, source in enumerate(names.sources):  # in the order in which they write
        rows = [r for r, node in enumerate(node_of) if node == source]
        if rows and not kept[rows].any():
            kept[:, column] = False
    for column in reversed(range(len(names.sources))):
        if not kept[:, column].any():
            source = names.sources[column]
            kept[[r for r, node in enumerate(node_of) if node == source]] = False
    return kept
