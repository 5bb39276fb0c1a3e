"""Which items count, and which of them are true."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from compiler.machine.virtual import input_matrix
from zoo.cases.case import Case
from zoo.cases.levels import Level

SAME_WITHIN = 1e-5
"""Share of what a source's write changes by that a reader may read of it where it reads
the same in both runs: rounding errors."""


@dataclass(frozen=True, eq=False)
class Marks:
    """The items of a level, marked by the truth.

    Attributes:
        level: what the items are.
        true: [item] whether it has a used edge that the pairs can show.
        counted: [item] whether it is in the ranking.
        undetectable: number of items of the circuit that do not count, because no donor
            run (in the audit, or among these pairs) changes what their reader reads.
        constant: number of items outside the circuit that do not count, because their
            sources write the same in both runs of every pair.
        unused: number of items that the program has, but that count as outside.
    """

    level: Level
    true: Bool[np.ndarray, " item"]
    counted: Bool[np.ndarray, " item"]
    undetectable: int
    constant: int
    unused: int


def mark(case: Case, level: Level) -> Marks:
    """Return the marks of a level's items.

    An item is true if it has a used edge whose reader reads something else of its
    source in the corrupt run of some pair. An item that is not true does not count if
    it has an undetectable edge, or a used edge that no pair can show, or if the sources
    of all its edges write the same in both runs of every pair.
    """
    seen = case.names.visible & ~case.constant[None, :]
    used, hidden = case.truth.mask("used"), case.truth.mask("undetectable")
    shown = used & seen & ~_same_to_readers(case, used & seen)
    true = level.any_of(shown)
    unseen = level.any_of((used & ~shown) | hidden) & ~true
    constant = ~level.any_of(seen) & ~unseen
    unused = level.any_of(case.truth.mask("unused")) & ~true & ~unseen
    return Marks(
        level,
        true,
        ~unseen & ~constant,
        int(unseen.sum()),
        int(constant.sum()),
        int(unused.sum()),
    )


def _same_to_readers(
    case: Case, edges: Bool[np.ndarray, "reader source"]
) -> Bool[np.ndarray, "reader source"]:
    """Return of which edges the reader reads the same in both runs of every pair.

    A source may write several variables. Where those that a reader reads are the same
    in both runs, no pair can show the edge, whatever else the source writes. A norm in
    front of the readers sees all that is written.
    """
    found = np.zeros(edges.shape, bool)
    if case.config.norm != "none":
        return found
    batch, parts = case.batch, case.names.reader_parts
    moved = np.asarray(batch.donors) - np.asarray(batch.writes)
    for reader, source in np.argwhere(edges):
        matrix = input_matrix(case.weights, parts[case.names.readers[reader]])
        change = moved[:, source]
        most = np.linalg.norm(change, axis=-1).max() * np.linalg.norm(matrix, 2)
        found[reader, source] = np.abs(change @ matrix).max() <= SAME_WITHIN * most
    return found
