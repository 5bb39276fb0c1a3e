"""All minimal sets that suffice, and all that are needed, of a monotone function.

A function of sets is monotone if adding an item never makes it false. The minimal sets
for which it is true and the minimal sets that meet each of them determine each other.
The search asks the function about the complements of the sets that meet all minimal
sets found so far: one that is still true holds a new minimal set, and if none is, the
list is complete (Fredman and Khachiyan 1996; Bailey and Stuckey 2005).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Items = frozenset[int]


@dataclass(frozen=True)
class Dual:
    """The minimal sets of a monotone function.

    Attributes:
        sufficient: the minimal sets for which it is true, the smallest first.
        necessary: the minimal sets that meet each of these: without one of them it is
            false.
        complete: whether the lists have all; False if the search was stopped.
        asked: how many sets the function was asked about.
    """

    sufficient: tuple[Items, ...]
    necessary: tuple[Items, ...]
    complete: bool
    asked: int


def dualize(
    holds: Callable[[Items], bool], items: int, limit: int, most: int = 2**31
) -> Dual:
    """Return all minimal sets for which a monotone function is true.

    Args:
        holds: the function of a set of items.
        items: how many items there are: 0, 1, ...
        limit: minimal sets after which the search stops.
        most: sets that the function is asked about, after which it stops too; a minimal
            set that is begun is finished.
    """
    known: dict[Items, bool] = {}

    def ask(chosen: Items) -> bool:
        if chosen not in known:
            known[chosen] = holds(chosen)
        return known[chosen]

    every = frozenset(range(items))
    if not ask(every):
        return Dual((), (), True, len(known))
    sufficient = [_shrunk(ask, every)]
    while len(sufficient) <= limit and len(known) < most:
        meeting = transversals(sufficient)
        left = next((every - t for t in meeting if ask(every - t)), None)
        if left is None:
            return Dual(_ordered(sufficient), _ordered(meeting), True, len(known))
        sufficient.append(_shrunk(ask, left))
    found = sufficient[:limit]
    return Dual(_ordered(found), _ordered(transversals(found)), False, len(known))


def _shrunk(ask: Callable[[Items], bool], chosen: Items) -> Items:
    """Return a part of a set for which the function is true, and of no item less.

    One round is enough for a monotone function. The runs of a model may not be quite
    monotone, so that an item can be left out only once others are.
    """
    before: Items | None = None
    while chosen != before:
        before = chosen
        for item in sorted(chosen):
            if ask(chosen - {item}):
                chosen = chosen - {item}
    return chosen


def transversals(sets: list[Items]) -> list[Items]:
    """Return the minimal sets that meet each of some sets (Berge 1989)."""
    found: set[Items] = {frozenset()}
    for one in sets:
        meeting = {t for t in found if t & one}
        grown = {t | {item} for t in found - meeting for item in one}
        found = meeting | {g for g in grown if not any(t <= g for t in meeting)}
    minimal = [t for t in found if not any(other < t for other in found)]
    return sorted(minimal, key=lambda t: (len(t), sorted(t)))


def _ordered(sets: list[Items]) -> tuple[Items, ...]:
    return tuple(sorted(sets, key=lambda s: (len(s), sorted(s))))
