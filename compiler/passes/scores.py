"""The attention scores of one head, factored into keys and queries.

Scores are relative to the BOS position, whose key is zero. With M = 1 where a match
is allowed, the score of a key is a sum over the head's matches of

    width:               M - 1        selected 0, like BOS; others <= -1
    mean, pick:          2M - 1, then 2(M - 1): selected +1, others <= -1
    where never empty:   M            selected = number of matches, others less

times GAP, at which e^-GAP vanishes beside 1 in float32. A wide width is counted at
a shift: BOS weighs as much as `shift` tokens, so the share of BOS, shift/(w + shift),
stays far enough from its neighbours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from compiler.ir.typed import Atom
from compiler.passes.codes import Affine, Code, Floats, affine
from compiler.passes.conjuncts import Conjunction

GAP = 25.0
# Widths up to this are counted without a shift.
_PLAIN_WIDTH = 3


@dataclass(frozen=True, eq=False)
class Channel:
    """Some dimensions of a head in which one key meets one query.

    Attributes:
        key: what the key side reads.
        query: what the query side reads; GAP is in here.
    """

    key: Affine
    query: Affine

    @property
    def dims(self) -> int:
        """How many dimensions of the head the channel takes."""
        return len(self.key.bias)


@dataclass(frozen=True, eq=False)
class Head:
    """The weights of an attention head, in terms of the codes that it reads.

    Attributes:
        channels: parts of the scores, each in its own dimensions of the head: one for
            each of `Step.compared`, then perhaps one that reads no step.
        value: what is read at the keys; None reads the BOS direction only.
        rank: how many dimensions the result takes.
        key_bos: [query-key dims] added to the key at BOS, so that it is zero there.
        query_bos: [query-key dims] added to the query at BOS.
        value_bos: [rank] added to the value at BOS.
    """

    channels: tuple[Channel, ...]
    value: Affine | None
    rank: int
    key_bos: Floats
    query_bos: Floats
    value_bos: Floats

    @property
    def dims(self) -> int:
        """The head dimension that it needs."""
        return max(sum(c.dims for c in self.channels), self.rank, 1)

    @property
    def uses_bos(self) -> bool:
        """Whether it reads the BOS direction."""
        return bool(self.key_bos.any() or self.query_bos.any() or self.value_bos.any())


@dataclass(frozen=True, eq=False)
class Factor:
    """Targets of a channel by value: scores = keys @ queries.T."""

    keys: Floats  # [key values, dims]
    queries: Floats  # [query values, dims]


def width_shift(widest: int) -> float:
    """Return how many tokens BOS weighs in a head that counts."""
    return 1.0 if widest <= _PLAIN_WIDTH else float(widest)


def factor(scores: Floats) -> list[Factor]:
    """Return the factorizations of a score table, the narrowest first.

    Keys of equal rows share a dimension, or queries of equal columns do; rows and
    columns of zeros need none.
    """
    rows, row_class = np.unique(scores, axis=0, return_inverse=True)
    columns, column_class = np.unique(scores.T, axis=0, return_inverse=True)
    by_key = _classes(rows, row_class.reshape(-1))
    by_query = _classes(columns, column_class.reshape(-1))
    options = [
        Factor(by_key[0], by_key[1].T),
        Factor(by_query[1].T, by_query[0]),
    ]
    return sorted(options, key=lambda f: f.keys.shape[1])


def _classes(distinct: Floats, classes: np.ndarray) -> tuple[Floats, Floats]:
    """Return ([values, used classes] one-hot, [used classes, others] scores)."""
    used = distinct.any(axis=1)
    indicator = np.eye(len(distinct))[classes][:, used]
    return indicator, distinct[used]


def score_tables(
    matches: Conjunction, counting: bool, never_empty: bool, shift: float
) -> list[Floats]:
    """Return the scores of each match, [key values, query values], in units of GAP.

    Args:
        matches: the conditions that a selected key meets.
        counting: whether the head counts the selected keys.
        never_empty: whether some key is selected in every row of every input.
        shift: how many tokens BOS weighs in a head that counts.
    """
    tables: list[Floats] = []
    for number, match in enumerate(matches):
        allowed = match.allowed.astype(np.float64)
        if counting:
            first = -np.log(shift) / GAP if number == 0 else 0.0
            tables.append(np.where(match.allowed, first, -1.0 + first))
        elif never_empty:
            tables.append(allowed)
        elif number == 0:
            tables.append(2 * allowed - 1)
        else:
            tables.append(2 * (allowed - 1))
    return tables


def channel(
    match: Atom, scores: Floats, codes: Mapping[int, Code], stretch: float = 1.0
) -> Channel | None:
    """Return the narrowest channel for a match that the codes can carry.

    None where a variable is held as a number and its scores are no affine function
    of that number; its values must stand one-hot then.
    """
    key, query = codes[match.key], codes[match.query]
    for option in factor(scores):
        keys = affine(key.rows, option.keys)
        queries = affine(query.rows, option.queries * (GAP * stretch))
        if keys is not None and queries is not None:
            return Channel(keys, queries)
    return None
