"""Small programs to compute beside another: real variables that nothing reads.

A probe can find them, and they are in no circuit. They use nothing but the tokens and
the positions, so that any vocabulary has them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from compiler.ir import typed as t
from compiler.lower.options import generator
from compiler.rasp import (
    EQ,
    LT,
    NEQ,
    Map,
    Select,
    SOp,
    any_of,
    count,
    first,
    indices,
    last,
    mean,
    prefix,
    select_all,
    shift,
    tokens,
)
from compiler.rasp.values import Value

PREFIX = "decoy_"


def _same_before() -> SOp:
    return any_of(Select(tokens, tokens, EQ) & prefix(strict=True))


def _last_same() -> SOp:
    return last(Select(tokens, tokens, EQ) & prefix(strict=True), indices)


def _is_in_first_half(vocab: Sequence[Value]) -> SOp:
    half = set(vocab[: (len(vocab) + 1) // 2])
    return Map(lambda token: token in half, tokens)


CATALOGUE: dict[str, Callable[[Sequence[Value]], SOp]] = {
    "previous_token": lambda vocab: shift(tokens, 1),
    "token_two_before": lambda vocab: shift(tokens, 2),
    "first_token": lambda vocab: first(select_all, tokens),
    "repeats_previous": lambda vocab: shift(tokens, 1) == tokens,
    "count_same": lambda vocab: count(Select(tokens, tokens, EQ)),
    "count_same_before": lambda vocab: count(
        Select(tokens, tokens, EQ) & prefix(strict=True)
    ),
    "count_other": lambda vocab: count(Select(tokens, tokens, NEQ)),
    "seen_before": lambda vocab: _same_before(),
    "last_same": lambda vocab: _last_same(),
    "is_odd_position": lambda vocab: indices % 2 == 1,
    "share_of_first_half": lambda vocab: mean(prefix(), _is_in_first_half(vocab)),
    "count_earlier_half": lambda vocab: count(
        Select(_is_in_first_half(vocab), True, EQ) & Select(indices, indices, LT)
    ),
}
"""Name -> function of the vocabulary."""


def draw_distractors(
    vocab: Sequence[Value], max_len: int, cells: int, seed: int
) -> dict[str, SOp]:
    """Return the candidates by name, in an order drawn at random.

    Args:
        vocab: the tokens.
        max_len: the greatest number of tokens.
        cells: the greatest table that may be made; there are none above it.
        seed: of the order.
    """
    if max(len(vocab), max_len) ** 2 > cells:
        return {}
    names = sorted(CATALOGUE)
    order = generator("distractors", seed).permutation(len(names))
    return {names[i]: CATALOGUE[names[i]](vocab) for i in order}


def keep_distractors(typed: t.Typed, names: Sequence[str], wanted: int) -> t.Typed:
    """Return the program with the first candidates that are new to it, named.

    Args:
        typed: its last `len(names)` extra variables are the candidates.
        names: of the candidates.
        wanted: how many to keep.
    """
    if not names:
        return typed
    given = len(typed.extra) - len(names)
    kept = list(typed.extra[:given])
    seen = t.needed(typed.variables, [typed.output, *kept])
    variables = list(typed.variables)
    for name, index in zip(names, typed.extra[given:], strict=True):
        if len(kept) == given + wanted:
            break
        if index in seen or variables[index].domain.size < 2:
            continue
        kept.append(index)
        seen |= t.needed(typed.variables, [index])
        variables = _rename(variables, index, PREFIX + name)
    return t.prune(replace(typed, variables=tuple(variables), extra=tuple(kept)))


def _rename(variables: list[t.Variable], index: int, name: str) -> list[t.Variable]:
    """Return the variables with one renamed, in the texts of the others too."""
    taken = {v.name for v in variables}
    number, fresh = 1, name
    while fresh in taken:
        number += 1
        fresh = f"{name}_{number}"
    old = re.compile(rf"\b{re.escape(variables[index].name)}\b")
    renamed = [replace(v, text=old.sub(fresh, v.text)) for v in variables]
    renamed[index] = replace(renamed[index], name=fresh, named=True)
    return renamed
