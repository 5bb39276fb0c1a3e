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
        true: [item] has a used edge, that the pairs can show.
        counted: [item] takes part in the ranking.
        undetectable: how many items of the circuit do not count, since no donor (in
            the audit, or among these pairs) changes what they carry.
        silent: how many others do not count, since their sources write the same in
            every pair.
        unused: how many items are claimed by the program and count as outside.
    """

    level: Level
    true: Bool[np.ndarray, " item"]
    counted: Bool[np.ndarray, " item"]
    undetectable: int
    silent: int
    unused: int


def mark(case: Case, level: Level) -> Marks:
    """Return the marks of a level's items.

    An item is true if one of its edges is used and its source moves in some pair. An
    item that is not, but has a used or undetectable edge that cannot be seen, or whose
    edges are all silent, does not count.
    """
    seen = case.names.visible & ~case.silent[None, :]
    used, hidden = case.truth.mask("used"), case.truth.mask("undetectable")
    true = level.any_of(used & seen)
    unseen = level.any_of((used & ~seen) | hidden) & ~true
    silent = ~level.any_of(seen) & ~unseen
    unused = level.any_of(case.truth.mask("unused")) & ~true & ~unseen
    return Marks(
        level,
        true,
        ~unseen & ~silent,
        int(unseen.sum()),
        int(silent.sum()),
        int(unused.sum()),
    )
