"""How one variable of a language task is computed, in words of the task.

A rule names what a head looks for and what it moves, or what an MLP computes, as plain
Python functions of words. They are tabulated over all values of what they read, so that
jax can run them for any combination of overrides. `language.py` makes a causal model of
a tuple of rules.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Int

from compiler.errors import InputError
from compiler.rasp.values import Value
from zoo.causal.model import UNDEFINED, Parent, ParentSlot

NO_VALUE: Value = ...
"""What a rule gives where its variable has no value; None is a value like others."""

Values = Mapping[str, tuple[Value, ...]]
"""The values of `tokens` and of every variable, by name."""
Known = Mapping[str, Int[Any, " ctx"]]
"""What is known of an input: by name, the index of a value at each position."""


@dataclass(frozen=True, kw_only=True)
class HeadRule:
    """A variable that a head moves from the positions that it selects.

    Where the selected positions disagree about the value, there is none.

    Attributes:
        name: the variable.
        layer: the first layer that it can be computed in.
        values: its values.
        moves: the source whose value is moved: a variable, or `tokens`; None if the
            variable is whether any key is selected, and its values False and True.
        query: the sources that `selects` takes at the position of the query.
        key: the sources that `selects` takes at the position of the key.
        selects: whether a key is selected, of the values of `query`, then of `key`.
        distance: a selected key is so many positions before the query; None for any.
        earlier: whether the query's own position is left out.
        latest: whether only the latest of the selected keys counts.
        rank: a number for the first value of `key`; of the selected keys only those
            with the greatest number count. None if all of them count.
        renamed: what a moved value becomes; the others stay what they are.
        default: the value where no key is selected; the head attends to BOS there.
        asked: whether it has values only where the output has some.
    """

    name: str
    layer: int
    values: tuple[Value, ...]
    moves: str | None = "tokens"
    query: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    selects: Callable[..., bool] = lambda *_: True
    distance: int | None = None
    earlier: bool = False
    latest: bool = False
    rank: Callable[[Value], int] | None = None
    renamed: Mapping[Value, Value] = field(default_factory=dict)
    default: Value = NO_VALUE
    asked: bool = False

    @property
    def parents(self) -> tuple[Parent, ...]:
        """What its head reads; positions only where it compares them."""
        apart = self.distance is not None or self.earlier
        query = (*self.query, *(["positions"] if apart else []))
        key = (*self.key, *(["positions"] if apart or self.latest else []))
        moved = () if self.moves is None else (self.moves,)
        return (*_read(query, "q"), *_read(key, "k"), *_read(moved, "v"))


@dataclass(frozen=True, kw_only=True)
class CountRule:
    """Whether a weighted count of the tokens so far is above 0, found by one head.

    The head attends to all tokens and to BOS alike.

    Attributes:
        name: the variable; its values are False and True.
        layer: the first layer that it can be computed in.
        weights: by token, what it adds.
        asked: whether it has values only where the output has some.
    """

    name: str
    layer: int
    weights: Mapping[str, int]
    asked: bool = False
    values: tuple[Value, ...] = (False, True)

    @property
    def parents(self) -> tuple[Parent, ...]:
        """What its head reads."""
        return (Parent("tokens", "v"),)


@dataclass(frozen=True, kw_only=True)
class MlpRule:
    """A variable that an MLP computes at each position.

    Attributes:
        name: the variable.
        layer: the first layer that it can be computed in.
        values: its values.
        reads: the sources that `computes` takes.
        computes: its value, or `NO_VALUE`, of the values of `reads`.
        asked: whether it has values only where the output has some.
    """

    name: str
    layer: int
    values: tuple[Value, ...]
    reads: tuple[str, ...]
    computes: Callable[..., Value]
    asked: bool = True

    @property
    def parents(self) -> tuple[Parent, ...]:
        """What its MLP reads."""
        return tuple(_read(self.reads, "in"))


VariableRule = HeadRule | CountRule | MlpRule
RuleArrays = tuple[Any, ...]
"""The arrays of a rule; what they are depends on the kind of rule."""


def _read(sources: tuple[str, ...], slot: ParentSlot) -> list[Parent]:
    return [Parent(source, slot) for source in sources]


def tabulate(rule: VariableRule, values: Values) -> RuleArrays:
    """Return the arrays that a rule is run with.

    Args:
        rule: the rule.
        values: of `tokens` and of the variables that it reads.

    Returns:
        of a head (whether a key is selected [query, key], the rank of each key or None,
        what a moved value becomes, the index of the default or -1), of a count (the
        weight of each token), of an MLP (its value).

    Raises:
        InputError: it reads what is not there, or gives what is not among its values.
    """
    read = {p.source for p in rule.parents} - {"positions"}
    if unknown := sorted(read - set(values)):
        raise InputError(
            f"rule {rule.name!r}: it reads {unknown[0]!r}, which is neither 'tokens' "
            "nor the variable of an earlier rule. Put the rules in the order of reading"
        )
    if isinstance(rule, MlpRule):
        rows = itertools.product(*(values[name] for name in rule.reads))
        return (_indices(rule, (rule.computes(*row) for row in rows)),)
    if isinstance(rule, CountRule):
        adds = [rule.weights.get(word, 0) for word in values["tokens"]]
        return (np.array(adds, np.int32),)
    return _tabulate_head(rule, values)


def _tabulate_head(rule: HeadRule, values: Values) -> RuleArrays:
    queries = list(itertools.product(*(values[name] for name in rule.query)))
    keys = list(itertools.product(*(values[name] for name in rule.key)))
    selects = np.array([[bool(rule.selects(*q, *k)) for k in keys] for q in queries])
    ranks = None
    if rule.rank is not None:  # only keys that are ever selected need to have one
        ever = np.flatnonzero(selects.any(axis=0))
        ranks = np.zeros(len(keys), np.int32)
        ranks[ever] = [rule.rank(keys[key][0]) for key in ever]
    if rule.moves is None:
        return selects, ranks, None, int(_indices(rule, [rule.default])[0])
    # A head that ends up at a token which it never moves has no value there.
    own = set(_typed(rule.values))
    moved = [rule.renamed.get(word, word) for word in values[rule.moves]]
    taken = (
        w if typed in own else NO_VALUE
        for w, typed in zip(moved, _typed(moved), strict=True)
    )
    return selects, ranks, _indices(rule, taken), int(_indices(rule, [rule.default])[0])


def _typed(values: Iterable[Value]) -> list[tuple[type, Value]]:
    """Return values with their types: True is not the number 1 here."""
    return [(type(value), value) for value in values]


def _indices(rule: VariableRule, found: Iterable[Value]) -> Int[np.ndarray, " value"]:
    """Return which of a rule's values each value is, -1 for NO_VALUE."""
    place = {word: i for i, word in enumerate(_typed(rule.values))}
    place[type(NO_VALUE), NO_VALUE] = UNDEFINED
    typed = _typed(found)
    if wrong := [value for kind, value in typed if (kind, value) not in place]:
        raise InputError(
            f"rule {rule.name!r}: it gives {wrong[0]!r}, which is not among its "
            "values. Add it to `values`, or give NO_VALUE where the variable has none"
        )
    return np.array([place[key] for key in typed], np.int32)


def _joint(
    names: tuple[str, ...], values: Values, known: Known, n_ctx: int
) -> tuple[Int[Any, " ctx"], Bool[Any, " ctx"]]:
    """Return (the number of each combination of values, whether all are defined)."""
    number, defined = jnp.zeros(n_ctx, jnp.int32), jnp.ones(n_ctx, bool)
    for name in names:
        number = number * len(values[name]) + jnp.maximum(known[name], 0)
        defined = defined & (known[name] >= 0)
    return number, defined


def run_rule(
    rule: VariableRule,
    table: RuleArrays,
    values: Values,
    known: Known,
    live: Bool[Any, " ctx"],
) -> tuple[Int[Any, " ctx"], Bool[Any, "ctx key"] | None]:
    """Return (the value at each position, the keys that a head selects there).

    Args:
        rule: the rule.
        table: its arrays.
        values: of `tokens` and of all variables.
        known: the tokens, and the variables that it reads.
        live: which positions hold BOS or a token.
    """
    if isinstance(rule, MlpRule):
        number, defined = _joint(rule.reads, values, known, len(live))
        return jnp.where(defined, jnp.asarray(table[0])[number], UNDEFINED), None
    place = jnp.arange(len(live))
    seen = live[None, :] & (place[None, :] <= place[:, None])
    if isinstance(rule, CountRule):
        weights = jnp.asarray(table[0])[known["tokens"]]
        total = jnp.where(seen, weights[None, :], 0).sum(axis=1)
        return (total > 0).astype(jnp.int32), seen
    return _run_head(rule, table, values, known, seen)


def _run_head(
    rule: HeadRule,
    table: RuleArrays,
    values: Values,
    known: Known,
    seen: Bool[Any, "ctx key"],
) -> tuple[Int[Any, " ctx"], Bool[Any, "ctx key"]]:
    selects, ranks, moved, default = table
    n_ctx = len(seen)
    query, able = _joint(rule.query, values, known, n_ctx)
    key, there = _joint(rule.key, values, known, n_ctx)
    place = jnp.arange(n_ctx)
    back = place[:, None] - place[None, :]
    chosen = jnp.asarray(selects)[query][:, key]
    chosen = chosen & seen & able[:, None] & there[None, :]
    if rule.distance is not None:
        chosen = chosen & (back == rule.distance)
    if rule.earlier:
        chosen = chosen & (back > 0)
    if rule.latest:
        chosen = chosen & _greatest(chosen, place)
    if ranks is not None:
        chosen = chosen & _greatest(chosen, jnp.asarray(ranks)[key])
    if rule.moves is None:
        taken = jnp.full((1, n_ctx), rule.values.index(True))
    else:
        source = known[rule.moves]
        taken = jnp.where(source >= 0, jnp.asarray(moved)[source], UNDEFINED)[None, :]
    high = jnp.where(chosen, taken, UNDEFINED).max(axis=1)
    low = jnp.where(chosen, taken, len(rule.values)).min(axis=1)
    value = jnp.where(low == high, high, UNDEFINED)
    if default < 0:
        return value, chosen
    none = ~chosen.any(axis=1) & able
    to_bos = none[:, None] & (place == 0)[None, :]
    return jnp.where(none, default, value), chosen | to_bos


def _greatest(
    chosen: Bool[Any, "ctx key"], number: Int[Any, " key"]
) -> Bool[Any, "ctx key"]:
    """Return which keys have the greatest number of the chosen keys of each query."""
    least = jnp.iinfo(number.dtype).min
    best = jnp.where(chosen, number[None, :], least).max(axis=1)
    return number[None, :] == best[:, None]
