"""Whether each edge of a circuit is needed (Shi et al. 2024, section 3).

An edge is needed if removing it changes the score more than removing an edge of a
random path that was added to the circuit. A binomial test checks that the change
exceeds that of most random edges, corrected for the number of edges (Holm 1979).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy import stats

from compiler.machine.names import Names
from zoo.cases.case import Case
from zoo.scoring.table import holm


@dataclass(frozen=True)
class Needed:
    """One edge in the test of minimality.

    Attributes:
        edge: its name.
        effect: mean size of the change of the score when it is taken away.
        share: of the random edges that change less.
        p: of `share` being at least `quantile`.
        corrected: p times the number of edges left, by Holm.
    """

    edge: str
    effect: float
    share: float
    p: float
    corrected: float


def minimality(
    case: Case,
    circuit: Bool[np.ndarray, "reader source"],
    alone: Float[np.ndarray, " pair"],
    inflated: int,
    quantile: float,
    tie: float,
    rng: np.random.Generator,
) -> tuple[Needed, ...]:
    """Return every edge of a circuit with its test, the least needed first.

    Args:
        case: the model and the pairs.
        circuit: has some of the edges, and not all.
        alone: score of the circuit by itself.
        inflated: how many circuits with a random way added are drawn.
        quantile: share of random edges that a needed edge outdoes.
        tie: changes of no more than this are rounding.
        rng: draws the ways, and which of their edges goes.
    """
    every, entries = case.names.visible, np.argwhere(circuit)
    without = np.repeat(circuit[None], len(entries), axis=0)
    without[np.arange(len(entries)), entries[:, 0], entries[:, 1]] = False
    larger = [inflate(case.names, circuit, rng) for _ in range(inflated)]
    kept = np.stack([*without, *(mask for pair in larger for mask in pair)])
    scores = -case.losses_of_each(every[None] & ~kept)
    effects = np.abs(scores[: len(entries)] - alone).mean(axis=1)
    both = scores[len(entries) :].reshape(inflated, 2, -1)
    random = np.abs(both[:, 0] - both[:, 1]).mean(axis=1)
    beaten = (effects[:, None] > random[None] + tie).sum(axis=1)
    values = stats.binom.cdf(beaten, inflated, quantile)
    rows = zip(entries, effects, beaten, values, holm(values.tolist()), strict=True)
    needed = [
        Needed(
            f"{case.names.sources[s]}->{case.names.readers[r]}",
            float(effect),
            float(count) / inflated,
            float(p),
            corrected,
        )
        for (r, s), effect, count, p, corrected in rows
    ]
    return tuple(sorted(needed, key=lambda n: (n.share, n.effect, n.edge)))


def inflate(
    names: Names, circuit: Bool[np.ndarray, "reader source"], rng: np.random.Generator
) -> tuple[Bool[np.ndarray, "reader source"], Bool[np.ndarray, "reader source"]]:
    """Return a circuit with a random way added, and that without one added edge."""
    while True:
        larger, source = circuit.copy(), int(rng.integers(2))
        while True:
            row = int(rng.choice(np.flatnonzero(names.visible[:, source])))
            larger[row, source] = True
            node = names.node_of(names.readers[row])
            if node == "logits":
                break
            source = names.source_index(node)
        added = np.argwhere(larger & ~circuit)
        if len(added):
            smaller = larger.copy()
            smaller[tuple(rng.choice(added))] = False
            return larger, smaller
