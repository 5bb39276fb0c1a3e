"""A selector of several keys and queries as conditions of joint ones.

Key values that no query can tell apart are one class, and so are query values. A table
maps the keys at a position to their class, another one the queries, and a head compares
the classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compiler.ir import typed as t
from compiler.ir.domain import Domain, image, possible
from compiler.passes.builder import StepBuilder
from compiler.passes.clauses import alike, split_clauses, truth_table, variables_of
from compiler.passes.conjuncts import Conjunction

# Combinations of the keys and the queries up to which a selector is taken as a whole.
_WHOLE_CELLS = 4_096
# Pairs of a class of keys and one of queries, above which cases are better: a class
# takes a dimension and a hidden unit. Where an aggregate has few cases, they are so
# from the lower figure on: at 113 x 113 classes, the joint has 706,000 parameters and
# the cases 34,000, in two layers more; at 17 x 17 they have as many.
_WIDE_CELLS, _WIDER_CELLS = 4_096, 16_384
# Combinations above which no table of classes is made.
_JOINT_CELLS = 4_000_000


@dataclass(frozen=True, eq=False)
class _Joint:
    """One condition of the keys and the queries of a clause.

    Attributes:
        keys: the variables that are compared as keys.
        queries: those that are compared as queries.
        key_table: [values of the keys] class of each combination; None for one key.
        query_table: the same of the queries.
        allowed: [key classes, query classes] what is selected.
    """

    keys: list[int]
    queries: list[int]
    key_table: NDArray[np.int32] | None
    query_table: NDArray[np.int32] | None
    allowed: NDArray[np.bool_]


def join_selector(
    builder: StepBuilder, index: int, selector: t.Formula, *, few_cases: bool = False
) -> Conjunction | None:
    """Return conditions of joint keys and queries that make any selector.

    None where their tables would be large, so that cases are better.

    Args:
        builder: the classes of keys and of queries become steps of it.
        index: the variable that the selector is of.
        selector: over variables.
        few_cases: whether the cases of the selector are few enough to compute each.
    """
    name, domains = builder.typed.variables[index].name, builder.domains
    members = [i for side in variables_of(selector) for i in side]
    cells = np.prod([domains[i].size for i in members], dtype=float)
    clauses = [selector] if cells <= _WHOLE_CELLS else split_clauses(selector)
    if any(_cells(c, domains) > _JOINT_CELLS for c in clauses):
        return None
    joints = [_join(clause, domains) for clause in clauses]
    pairs = [j.allowed.size for j in joints]
    if max(pairs, default=0) > _WIDER_CELLS or (few_cases and sum(pairs) > _WIDE_CELLS):
        return None
    several = sum(len(j.keys) + len(j.queries) > 2 for j in joints) > 1
    matches = []
    for number, joint in enumerate(joints, start=1):
        suffix = str(number) if several else ""
        key = _member(builder, f"{name}.key{suffix}", joint.keys, joint.key_table)
        query = _member(
            builder, f"{name}.query{suffix}", joint.queries, joint.query_table
        )
        matches.append(t.Atom(key, query, joint.allowed))
    return tuple(matches)


def _cells(clause: t.Formula, domains: list[Domain]) -> float:
    """Return the combinations that a table of a clause needs, or that it reads."""
    if isinstance(clause, t.Atom):
        return 0.0
    classes, raw = 1.0, []
    for side, members in zip(("key", "query"), variables_of(clause), strict=True):
        for member in members:
            classes *= alike(clause, member, side).max() + 1.0
        raw.append(float(np.prod([domains[m].size for m in members])))
    return max(classes, *raw)


def _join(clause: t.Formula, domains: list[Domain]) -> _Joint:
    """Return one condition of a joint key and a joint query for a clause."""
    keys, queries = variables_of(clause)
    if isinstance(clause, t.Atom):
        return _Joint(keys, queries, None, None, clause.allowed)
    classes = [alike(clause, k, "key") for k in keys]
    classes += [alike(clause, q, "query") for q in queries]
    values = [np.unique(c, return_index=True)[1] for c in classes]
    truth = truth_table(clause, keys, queries, values)
    count = int(np.prod([len(v) for v in values[: len(keys)]]))
    flat = truth.reshape(count, -1)
    key_table, key = _classes([domains[k] for k in keys], classes[: len(keys)], flat)
    query_table, query = _classes(
        [domains[q] for q in queries], classes[len(keys) :], flat.T
    )
    return _Joint(keys, queries, key_table, query_table, flat[np.ix_(key, query)])


def _classes(
    domains: list[Domain], alike: list[NDArray[np.intp]], flat: NDArray[np.bool_]
) -> tuple[NDArray[np.int32] | None, NDArray[np.intp]]:
    """Return (class of each combination of values, a row of `flat` for each class).

    Args:
        domains: of the keys, or of the queries.
        alike: for each of them the class of each of its values.
        flat: [combinations of those classes, ..] what is selected.
    """
    if len(domains) == 1:
        return None, alike[0]
    live = possible(domains)
    sizes = [int(a.max()) + 1 for a in alike]
    rows = np.ravel_multi_index(np.ix_(*alike), sizes)[live]
    used, place = np.unique(rows, return_inverse=True)
    _, first, inverse = np.unique(
        flat[used], axis=0, return_index=True, return_inverse=True
    )
    table = np.full(live.shape, -1, np.int32)
    table[live] = inverse.reshape(-1)[place.reshape(-1)]
    return table, used[first]


def _member(
    builder: StepBuilder,
    name: str,
    members: list[int],
    table: NDArray[np.int32] | None,
) -> int:
    """Return the step of a key or a query: a variable, or a class of several."""
    if table is None:
        return builder.place[members[0]]
    size = int(table.max()) + 1
    mask = image([builder.domains[m] for m in members], table, size)
    domain = Domain(tuple(range(size)), mask)
    if size == 1:
        return builder.add(name, domain, t.Fixed())
    return builder.table(name, domain, [builder.place[m] for m in members], table)
