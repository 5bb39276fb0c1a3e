"""How a variable is computed, as a Python expression that can be run.

The expression gives the list of the variable's values at the tokens 0 .. n - 1. It
reads `n`, `Fraction`, and the lists of the variables that are computed earlier.
A variable whose name is no Python identifier is read from the dictionary `x`:

    [sum(tokens[k] == tokens[q] for k in range(n)) for q in range(n)]

It is emitted from the tables of the saved program, in which no code is left, and a test
compares it with the interpreter. Nothing here runs it.
"""

from __future__ import annotations

import itertools
import keyword
import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from jaxtyping import Bool

from compiler.ir import typed as t
from compiler.rasp.values import Value, show, sort_key

_OWN = {"n", "x", "q", "k", "i", "s", "sum", "min", "max", "range", "len", "Fraction"}
COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_FORMULAS: dict[str, Callable[[Any, Any], Any]] = {
    **{f"{{0}} {sign} {{1}}": function for sign, function in COMPARISONS.items()},
    "{0} + {1}": operator.add,
    "{0} - {1}": operator.sub,
    "{1} - {0}": lambda a, b: b - a,
    "{0} - {1} - 1": lambda a, b: a - b - 1,
    "{1} - {0} - 1": lambda a, b: b - a - 1,
    "{0} and {1}": lambda a, b: a and b,
    "{0} or {1}": lambda a, b: a or b,
    "min({0}, {1})": min,
    "max({0}, {1})": max,
}


def code_of(steps: t.Typed, variable: t.Variable) -> str:
    """Return the expression of one variable.

    Args:
        steps: the program as its components compute it.
        variable: one of its variables.
    """
    operation = variable.operation
    match operation:
        case t.Input(kind="tokens"):
            return "tokens"
        case t.Input(kind="indices"):
            return "[q for q in range(n)]"
        case t.Input():
            return "[n] * n"
        case t.Fixed():
            return f"[{literal(variable.domain.values[0])}] * n"
        case t.Table():
            return f"[{_of_table(steps, variable, operation)} for q in range(n)]"
        case t.Width(selector=selector):
            counted = f"sum({condition(steps, selector)} for k in {_keys(steps)})"
            return f"[{_counts(operation, variable, counted)} for q in range(n)]"
    assert isinstance(operation, t.Mean | t.Pick)
    value = _read(steps, operation.value, "k")
    held = (
        f"[{value} for k in {_keys(steps)} if {condition(steps, operation.selector)}]"
    )
    index = operation.default
    default = None if index < 0 else variable.domain.values[index]
    chosen = (
        "Fraction(sum(s), len(s))"
        if isinstance(operation, t.Mean)
        else _picked(operation.rule, variable)
    )
    return f"[{chosen} if (s := {held}) else {literal(default)} for q in range(n)]"


def literal(value: Value) -> str:
    """Return a value as Python writes it: `Fraction(1, 2)`, `'a'`."""
    if isinstance(value, tuple):
        inside = ", ".join(map(literal, value))
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    if isinstance(value, Fraction):
        return f"Fraction({value.numerator}, {value.denominator})"
    return show(value)


def comparison_of(steps: t.Typed, atom: t.Atom) -> str | None:
    """Return the sign with which a Select compares a key and a query, if one does."""
    keys = steps.variables[atom.key].domain.values
    queries = steps.variables[atom.query].domain.values
    if len(keys) < 2 or len(queries) < 2:
        return None
    for sign, compare in COMPARISONS.items():
        if _holds(compare, keys, queries, atom.allowed):
            return sign
    return None


def _holds(
    compare: Callable[[Any, Any], bool],
    keys: tuple[Value, ...],
    queries: tuple[Value, ...],
    allowed: Bool[np.ndarray, "key query"],
) -> bool:
    try:
        return all(
            compare(key, query) == allowed[i, j]
            for i, key in enumerate(keys)
            for j, query in enumerate(queries)
        )
    except TypeError:  # None is compared with a number
        return False


def condition(steps: t.Typed, formula: t.Formula) -> str:
    """Return a selector as an expression in the positions k and q."""
    match formula:
        case t.Truth(value=value):
            return str(value)
        case t.Atom():
            return _of_atom(steps, formula)
        case t.Junction(kind="not"):
            return f"not ({condition(steps, formula.parts[0])})"
    parts = [f"({condition(steps, part)})" for part in formula.parts]
    return f"({f' {formula.kind} '.join(parts)})"


def _of_atom(steps: t.Typed, atom: t.Atom) -> str:
    key, query = _read(steps, atom.key, "k"), _read(steps, atom.query, "q")
    if (sign := comparison_of(steps, atom)) is not None:
        return f"{key} {sign} {query}"
    keys = steps.variables[atom.key].domain.values
    queries = steps.variables[atom.query].domain.values
    if len(queries) == 1:
        return f"{key} in {_set(v for v, ok in _rows(keys, atom.allowed[:, 0]) if ok)}"
    if len(keys) == 1:
        return (
            f"{query} in {_set(v for v, ok in _rows(queries, atom.allowed[0]) if ok)}"
        )
    pairs = [
        (k, q)
        for k, row in _rows(keys, atom.allowed)
        for q, ok in _rows(queries, row)
        if ok
    ]
    return f"({key}, {query}) in {_set(pairs)}"


def _rows(values: tuple[Value, ...], table: Any) -> Any:
    return zip(values, table, strict=True)


def _set(values: Any) -> str:
    inside = ", ".join(map(literal, values))
    return f"{{{inside}}}" if inside else "()"


def _keys(steps: t.Typed) -> str:
    return "range(q + 1)" if steps.causal else "range(n)"


def _read(steps: t.Typed, index: int, place: str) -> str:
    """Return how a variable is read at a position."""
    variable = steps.variables[index]
    match variable.operation:
        case t.Fixed():
            return literal(variable.domain.values[0])
        case t.Input(kind="indices"):
            return place
    return f"{_list(variable.name)}[{place}]"


def _list(name: str) -> str:
    plain = name.isidentifier() and not keyword.iskeyword(name) and name not in _OWN
    return name if plain else f"x[{name!r}]"


def _counts(width: t.Width, variable: t.Variable, counted: str) -> str:
    """Return a count, or what stands for it where the domain holds other values."""
    values = variable.domain.values
    stands = {c: values[i] for c, i in enumerate(width.lookup) if i >= 0}
    if all(count == value for count, value in stands.items()):
        return counted
    return f"{_dict(stands)}[{counted}]"


def _picked(rule: str, variable: t.Variable) -> str:
    """Return which of the selected values `s` a rule takes."""
    if rule == "first" or rule in ("unique", "one_or_mean"):
        return "s[0]"
    if rule == "last":
        return "s[-1]"
    ordered = sorted(variable.domain.values, key=sort_key)
    listed = f"[{', '.join(map(literal, ordered))}]"
    if rule == "mode":
        return f"max({listed}, key=s.count)"
    plain = all(isinstance(v, int | Fraction) for v in ordered)
    return f"{rule}(s)" if plain else f"{rule}(s, key={listed}.index)"


def _of_table(steps: t.Typed, variable: t.Variable, table: t.Table) -> str:
    """Return a look-up, or the formula that gives the same."""
    free = [i for i, a in enumerate(table.args) if table.table.shape[i] > 1]
    reads = [_read(steps, table.args[i], "q") for i in free]
    entries = table_entries(steps, variable, table)
    if not reads:
        return literal(next(iter(entries.values()), None))
    if (formula := _formula(entries, len(reads))) is not None:
        return formula.format(*reads)
    if len(reads) == 1:
        return f"{_dict({k[0]: v for k, v in entries.items()})}[{reads[0]}]"
    return f"{_dict(entries)}[{', '.join(reads)}]"


def table_entries(
    steps: t.Typed, variable: t.Variable, table: t.Table
) -> dict[tuple[Value, ...], Value]:
    """Return a table as a dictionary from the values of its arguments to its own.

    Arguments that hold one value only are left out, and so are entries that cannot be.
    """
    free = [i for i, size in enumerate(table.table.shape) if size > 1]
    domains = [steps.variables[table.args[i]].domain.values for i in free]
    entries = {}
    for cell in itertools.product(*(range(len(d)) for d in domains)):
        place = [0] * table.table.ndim
        for i, c in zip(free, cell, strict=True):
            place[i] = c
        index = int(table.table[tuple(place)])
        if index >= 0:
            key = tuple(d[c] for d, c in zip(domains, cell, strict=True))
            entries[key] = variable.domain.values[index]
    return entries


def _formula(entries: dict[tuple[Value, ...], Value], arguments: int) -> str | None:
    """Return a formula of one or two arguments that gives all entries, if one does."""
    if arguments == 1 and all(_same(k[0], v) for k, v in entries.items()):
        return "{0}"
    if arguments == 1 and all(isinstance(v, bool) for v in entries.values()):
        true = [key[0] for key, value in entries.items() if value]
        return f"{{0}} in {_set(true).replace('{', '{{').replace('}', '}}')}"
    if arguments != 2:
        return None
    for text, function in _FORMULAS.items():
        try:
            if all(_same(function(*k), v) for k, v in entries.items()):
                return text
        except TypeError:
            continue
    return None


def _same(found: Value, value: Value) -> bool:
    return found == value and isinstance(found, bool) == isinstance(value, bool)


def _dict(entries: dict[Any, Value]) -> str:
    inside = ", ".join(f"{literal(k)}: {literal(v)}" for k, v in entries.items())
    return f"{{{inside}}}"
