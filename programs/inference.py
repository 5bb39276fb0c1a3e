"""Programs of logic: clauses, rules, reachability, assignments."""

from __future__ import annotations

from compiler.rasp import (
    EQ,
    Elementwise,
    Select,
    SOp,
    any_of,
    count,
    indices,
    prefix,
    program,
    tokens,
)
from programs.search import everywhere, holding

FAMILY = "program execution/logic"


@program(family=FAMILY, vocab=(0, 1, ","), example=((0, 1, ",", 0, 0), (False,) * 5))
def cnf_of_literals() -> SOp:
    """Whether each clause between commas has a 1, everywhere.

    A clause without literals has none.

    `cnf_of_literals([0, 1, ",", 1]) -> [True, True, True, True]`
    """
    clause = count(prefix() & holding(",")).named("clause")
    ones = any_of(Select(clause, clause, EQ) & holding(1)).named("clause_holds")
    # A comma belongs to the clause behind it; nothing belongs to one before the first.
    starts_empty = Elementwise(lambda t, i: i == 0 and t == ",", (tokens, indices))
    return everywhere((ones & ~starts_empty).named("holds"))
