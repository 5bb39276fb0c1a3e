"""Completeness and minimality of a circuit (Wang et al. 2023, section 4), by edges.

Both compare faithfulness f under knock-outs K, random halves of the circuit's edges:

    completeness   |f(C without K) - f(M without K)|, near 0 for a complete circuit
    minimality     by edge e of C, the greatest |f(C without K and e) - f(C without K)|,
                   near 0 for an edge that C does not need
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from zoo.cases.case import Case
from zoo.scoring.faithfulness import faithfulness

HALVES = 8
MOST_EDGES = 64
"""Edges of a circuit beyond which minimality is measured on a sample of them."""


@dataclass(frozen=True)
class Subsets:
    """Completeness and minimality of a circuit.

    Attributes:
        completeness: mean over knock-outs; 0 is complete.
        worst_completeness: the greatest of them.
        minimality: the least over the circuit's edges.
        needless: the edge that has it.
    """

    completeness: float
    worst_completeness: float
    minimality: float
    needless: str


def measure_subsets(
    case: Case, circuit: Bool[np.ndarray, "reader source"], seed: int = 0
) -> Subsets:
    """Return the completeness and the minimality of a circuit."""
    entries = np.argwhere(circuit)
    if not len(entries):
        return Subsets(float("nan"), float("nan"), float("nan"), "")
    rng = np.random.default_rng(seed)
    halves = circuit[None] & (rng.random((HALVES, *circuit.shape)) < 0.5)
    every = case.names.visible
    whole = faithfulness(case, every[None] & ~halves)
    apart = np.abs(faithfulness(case, circuit[None] & ~halves) - whole)
    chosen = rng.permutation(entries)[:MOST_EDGES]
    # The empty knock-out is one of them: most needless edges show with it.
    base = np.concatenate([circuit[None], circuit[None] & ~halves[:2]])
    before = faithfulness(case, base)
    after = []
    for reader, source in chosen:
        without = base.copy()
        without[:, reader, source] = False
        after.append(without)
    found = faithfulness(case, np.concatenate(after)).reshape(len(chosen), len(base))
    needed = np.abs(found - before).max(axis=1)
    least = int(needed.argmin())
    reader, source = chosen[least]
    edge = f"{case.names.sources[source]}->{case.names.readers[reader]}"
    return Subsets(float(apart.mean()), float(apart.max()), float(needed[least]), edge)
