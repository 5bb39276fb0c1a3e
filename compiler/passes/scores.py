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

from dataclasses import dataclass
from typing import Literal

import numpy as np

from compiler.ir.typed import Atom
from compiler.passes.codes import Code, Floats, affine
from compiler.passes.conjuncts import Conjunction

GAP = 25.0
# Widths up to this are counted without a shift.
_PLAIN_WIDTH = 3

HeadKind = Literal["width", "mean", "pick", "length"]


@dataclass(frozen=True, eq=False)
class Read:
    """An affine read of one variable into the dimensions of a head.

    Attributes:
        variable: the variable; None for a constant.
        matrix: [rank of the variable's code, dims].
        bias: [dims].
    """

    variable: int | None
    matrix: Floats
    bias: Floats


@dataclass(frozen=True, eq=False)
class Channel:
    """Some dimensions of a head in which one key meets one query.

    Attributes:
        key: what the key side reads.
        query: what the query side reads; GAP is in here.
    """

    key: Read
    query: Read

    @property
    def dims(self) -> int:
        """How many dimensions of the head the channel takes."""
        return len(self.key.bias)


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
    matches: Conjunction, kind: HeadKind, never_empty: bool, shift: float
) -> list[Floats]:
    """Return the scores of each match, [key values, query values], in units of GAP."""
    tables: list[Floats] = []
    for number, match in enumerate(matches):
        allowed = match.allowed.astype(np.float64)
        if kind == "width":
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
    match: Atom, scores: Floats, codes: dict[int, Code], stretch: float = 1.0
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
            return Channel(
                Read(match.key, *keys),
                Read(match.query, *queries),
            )
    return None
