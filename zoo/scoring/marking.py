"""Which items count, and which of them are true."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from zoo.cases.case import Case
from zoo.cases.levels import Level


@dataclass(frozen=True, eq=False)
class Marks:
    """The items of a level, marked by the truth.

    Attributes:
        level: what the items are.
        true: [item] whether it has a used edge that the pairs can show.
        counted: [item] whether it is in the ranking.
        undetectable: number of items of the circuit that do not count, because no donor
            run (in the audit, or among these pairs) changes what they carry.
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

    An item is true if it has a used edge whose source writes something else in the
    corrupt run of some pair. An item that is not true does not count if it has an
    undetectable edge, or a used edge that no pair can show, or if the sources of all
    its edges write the same in both runs of every pair.
    """
    seen = case.names.visible & ~case.constant[None, :]
    used, hidden = case.truth.mask("used"), case.truth.mask("undetectable")
    true = level.any_of(used & seen)
    unseen = level.any_of((used & ~seen) | hidden) & ~true
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
