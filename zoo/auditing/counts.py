"""How many outputs each patch changed, added up over chunks of pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float


class Tallied(NamedTuple):
    """How many positions a statement holds at; see `decisions.Verdict`.

    Attributes:
        hits: positions at which it holds.
        ties: positions at which rounding would decide it; they are not among `hits`.
        close: positions that another machine may count differently.
    """

    hits: int = 0
    ties: int = 0
    close: int = 0

    def plus(self, more: Tallied) -> Tallied:
        """Return the sums."""
        return Tallied(*(a + b for a, b in zip(self, more, strict=True)))


@dataclass(frozen=True, eq=False)
class OutputCounts:
    """The outputs under one patch, over all positions that have a label.

    Attributes:
        right: positions at which the output equals the label.
        changed: positions at which the output differs from the unpatched one.
        total: number of positions.
        first: the first (pair, position) at which the output changed, or None.
        shown: logits of that pair without the patch and with it, or None.
    """

    right: Tallied
    changed: Tallied
    total: int
    first: tuple[int, int] | None = None
    shown: Float[np.ndarray, "2 ctx class"] | None = None


class Adder:
    """Adds up the counts of chunks, in the order of the chunks.

    Attributes:
        counts: the count of each patch, by what it patches.
    """

    def __init__(self) -> None:
        self.counts: dict[Any, OutputCounts] = {}

    def add(self, key: Any, more: OutputCounts) -> None:
        """Add the count of a patch in a later chunk."""
        old = self.counts.get(key, OutputCounts(Tallied(), Tallied(), 0))
        earliest = more if old.first is None else old
        self.counts[key] = OutputCounts(
            old.right.plus(more.right),
            old.changed.plus(more.changed),
            old.total + more.total,
            earliest.first,
            earliest.shown,
        )

    def join(self, later: Adder) -> None:
        """Add what was counted in later chunks."""
        for key, count in later.counts.items():
            self.add(key, count)


class Tally:
    """All counts of an audit, chunk by chunk; see `measure.Measured`.

    Args:
        n_sources: number of sources of the transformer.

    Attributes:
        shifted: edges of the circuit, from donor runs with shifted positions.
        whole: everything outside the circuit patched at once.
        spread: [without or with shifted positions, source] the greatest change of a
            source's write from a base run to its donor run.
    """

    def __init__(self, n_sources: int) -> None:
        self.groups, self.nodes, self.edges = Adder(), Adder(), Adder()
        self.shifted, self.restored, self.whole = Adder(), Adder(), Adder()
        self.spread = np.zeros((2, n_sources))

    def join(self, later: Tally) -> None:
        """Add what was counted in later chunks."""
        self.groups.join(later.groups)
        self.nodes.join(later.nodes)
        self.edges.join(later.edges)
        self.shifted.join(later.shifted)
        self.restored.join(later.restored)
        self.whole.join(later.whole)
        self.spread = np.maximum(self.spread, later.spread)
