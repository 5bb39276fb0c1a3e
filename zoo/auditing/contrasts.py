"""Pairs of inputs of several kinds: what a random draw of pairs does not meet.

    drawn       bases and donors as training draws them: evenly over lengths and results
    uniform     every input of the model as likely as any other, of all lengths
    structured  bases drawn evenly over the strata; donors of one token alone, the
                longest, the shortest, of the base's own output, or of any stratum
    published   the pairs of a release, each both ways

A third of the donor runs of each kind have no shift of their positions.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Int

from compiler.errors import InputError
from zoo.causal.pairs import AuditPairs, draw_any, draw_within, with_shifts
from zoo.causal.strata import STRUCTURES, Space, draw_stratified

KINDS = ("drawn", "uniform", "structured")
PUBLISHED = "published"
_DONORS = 5  # ways in which a structured donor is chosen


def draw_contrasts(
    space: Space, n_ctx: int, count: int, seed: int
) -> Mapping[str, AuditPairs]:
    """Return pairs of every kind that needs no release, `count` of each.

    Args:
        space: the inputs, with their strata.
        n_ctx: the context length, which bounds the shifts.
        count: how many pairs of each kind.
        seed: of the draws.

    Raises:
        InputError: no pair is asked for.
    """
    if count < 1:
        raise InputError(f"an audit needs at least 1 pair, and was given {count}")
    found = {}
    for number, kind in enumerate(KINDS):
        rng = np.random.default_rng((seed, number))
        base, donor = _DRAWS[kind](space, rng, count)
        found[kind] = with_shifts(
            space.pool, base, donor, rng, n_ctx, all_inputs=space.complete
        )
    return found


def both_ways(
    space: Space,
    base: Int[np.ndarray, " pair"],
    donor: Int[np.ndarray, " pair"],
    n_ctx: int,
    seed: int,
) -> AuditPairs:
    """Return given pairs of inputs of the pool, each with either input as the base."""
    rng = np.random.default_rng((seed, len(KINDS)))
    first, second = np.concatenate([base, donor]), np.concatenate([donor, base])
    return with_shifts(space.pool, first, second, rng, n_ctx, all_inputs=space.complete)


def _drawn(
    space: Space, rng: np.random.Generator, count: int
) -> tuple[np.ndarray, np.ndarray]:
    return draw_any(space.pool, rng, count), draw_any(space.pool, rng, count)


def _uniform(
    space: Space, rng: np.random.Generator, count: int
) -> tuple[np.ndarray, np.ndarray]:
    base, donor = rng.integers(len(space.pool.ids), size=(2, count))
    return base, donor


def _structured(
    space: Space, rng: np.random.Generator, count: int
) -> tuple[np.ndarray, np.ndarray]:
    base = draw_stratified(space, rng, count)
    lengths = np.asarray(space.pool.lengths)
    one_token = np.flatnonzero(space.structures[:, STRUCTURES.index("one token")])
    longest, shortest = (
        np.flatnonzero(lengths == end(lengths)) for end in (np.max, np.min)
    )
    donors = [
        rng.choice(one_token if len(one_token) else longest, count),
        rng.choice(longest, count),
        rng.choice(shortest, count),
        _same_result(space, base, rng),
        draw_stratified(space, rng, count),
    ]
    way = rng.integers(_DONORS, size=count)
    return base, np.stack(donors)[way, np.arange(count)]


def _same_result(
    space: Space, base: Int[np.ndarray, " pair"], rng: np.random.Generator
) -> Int[np.ndarray, " pair"]:
    """Return donors with the length of the base and its output at the last token."""
    starts = np.asarray(space.pool.result_starts)
    result = np.searchsorted(starts, base, side="right") - 1
    return draw_within(starts, space.pool.result_counts, rng, result)


_DRAWS = {"drawn": _drawn, "uniform": _uniform, "structured": _structured}
