"""Filters of releases as conditions on the index of a large folder.

A suite's expression and the options of `zoo releases` say here what they say in
`zoo/suites.py` and `zoo/release_choice.py`, as SQL. What is asked of a program is
decided in Python, once for each program of the library. Nothing here imports arrays.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from programs.facts import all_facts
from zoo.catalogue import entries
from zoo.expressions import FieldComparison, FilterJoin, FilterName, SuiteFilter
from zoo.filters import ProgramFilter, bounds, family_named
from zoo.release.index_condition import EVERY, NEWEST, Condition, join
from zoo.suites import FIELDS, INSIDE, facts_of_program, parse_suite

_OF_PROGRAM = ("family", "corpus", "difficulty", "output", "causal")
_NAMES = {"alone": "nodes = 1", "attends": "attending > 0", "holds": "holds"}


def suite_condition(text: str) -> Condition:
    """Return the condition of a suite; the newest versions, unless it asks for others.

    Raises:
        InputError: it cannot be read.
    """
    if not text.strip():
        return NEWEST
    expression = parse_suite(text)
    found = _condition(expression)
    return found if "version" in expression.asks else NEWEST & found


def filter_condition(
    chooses: ProgramFilter,
    *,
    kind: str | None = None,
    family: str = "",
    norm: str | None = None,
) -> Condition:
    """Return the condition of the options of `zoo releases`.

    Raises:
        NameLookupError: no family has that in its name.
    """
    found = EVERY
    for name in ("layers", "heads", "nodes", "variables"):
        if wanted := getattr(chooses, name):
            text = f"{name} BETWEEN ? AND ?"
            found &= Condition(text, bounds(wanted, name), name == "nodes")
    if chooses.attention is not None:
        sign = ">" if chooses.attention else "<="
        found &= Condition(f"attending {sign} 0", inside=True)
    if norm is not None:
        found &= Condition("norm = ?", (norm,), inside=True)
    if kind is not None:
        found &= Condition("kind = ?", (kind,))
    if family:
        every = entries()
        families = family_named(family, (e.family for e in every))
        names = {e.name for e in every if e.family in families}
        found &= _of_programs(names.__contains__)
    return found & _of_programs(lambda p: chooses.keeps_program(all_facts().get(p)))


def _condition(expression: SuiteFilter) -> Condition:
    match expression:
        case FilterJoin("not", (part,)):
            return ~_condition(part)
        case FilterJoin(kind, parts):
            word = "AND" if kind == "and" else "OR"
            return join(word, [_condition(part) for part in parts])
        case FilterName(name) if name in _NAMES:
            return Condition(_NAMES[name], inside=name in INSIDE)
        case FieldComparison(field) if field not in _OF_PROGRAM:
            return _comparison(expression)
    return _of_programs(lambda program: expression.holds(facts_of_program(program)))


def _comparison(wanted: FieldComparison) -> Condition:
    """Return the comparison of a column, whose name is one that is known."""
    inside = wanted.field in INSIDE
    if wanted.field == "name":
        found = _named(str(wanted.value).lower())
        return found if wanted.operator == "=" else ~found
    if wanted.field in FIELDS.texts:
        sign = "" if wanted.operator == "=" else "NOT "
        text = f"lower({wanted.field}) {sign}GLOB ?"
        return Condition(text, (str(wanted.value).lower(),))
    value = wanted.value if isinstance(wanted.value, int) else wanted.value.lower()
    text = f"{wanted.field} {wanted.operator} ?"
    if wanted.field == "version":
        return Condition(text, (value,), table="releases")
    return Condition(text, (value,), inside)


def _named(pattern: str) -> Condition:
    """Return the condition that a name, which has no capitals, is like a pattern.

    What the pattern begins with is a range of names, which are sorted.
    """
    start = re.split(r"[*?\[]", pattern, maxsplit=1)[0]
    if not start:
        return Condition("name GLOB ?", (pattern,), table="releases", named=True)
    behind = start[:-1] + chr(ord(start[-1]) + 1)
    text = "name >= ? AND name < ? AND name GLOB ?"
    values = (start, behind, pattern)
    return Condition(text, values, table="releases", named=True)


def _of_programs(keeps: Callable[[str], bool]) -> Condition:
    """Return the condition that a program is kept; of unknown ones, all or none are."""
    known = {entry.name for entry in entries()} | set(all_facts())
    unknown = keeps("")
    others = sorted(name for name in known if keeps(name) != unknown)
    if not others:
        return Condition(str(int(unknown)))
    marks = ", ".join("?" * len(others))
    sign = "NOT IN" if unknown else "IN"
    return Condition(f"program {sign} ({marks})", tuple(others))
