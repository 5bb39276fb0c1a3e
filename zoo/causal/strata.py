"""Groups of inputs that a random draw rarely meets, and how inputs are drawn from them.

Of 87,380 inputs of up to eight letters, four consist of the letter `a` alone repeated,
and a uniform draw meets none of them. A model may be wrong on such inputs while its
accuracy over a sample is .999. So inputs are grouped into *strata*, which overlap:

    length      all inputs of one length
    structure   one token, two tokens, sorted, sorted downwards, a repeated block
    value       all inputs in which a variable has one value at some position; the
                output is one of the variables

Training draws its inputs evenly over the strata, and an audit reports the worst of
them. `all_inputs` enumerates the inputs of a model where there are at most a million.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from compiler.passes.check import most_inputs
from compiler.rasp.program import Draws
from zoo.causal.model import CausalModel
from zoo.causal.pool import Pool, Strata, make_pool, pick_members
from zoo.causal.tabular import TabularModel

MOST_INPUTS = 1_000_000
"""Inputs up to which all of them are enumerated."""
SAMPLE = 100_000
"""Inputs that are drawn where there are more than that."""
PER_STRUCTURE = 2_000
"""Inputs of each structure that are added to such a sample."""
MOST_MEMBERS = 20_000
"""Inputs that are kept of one stratum to draw from; a seeded choice of them."""

STRUCTURES = ("one token", "two tokens", "sorted", "sorted downwards", "repeated block")


def all_inputs(
    model: CausalModel, seed: int = 0
) -> tuple[Int[np.ndarray, "input ctx"], bool]:
    """Return (inputs, whether these are all): enumerated, or a seeded sample.

    Args:
        model: the causal model that the inputs are for.
        seed: of the sample, where there are more than `MOST_INPUTS` inputs.
    """
    if _may_be_all(model):
        return model.inputs(MOST_INPUTS, seed)
    ids, complete = model.inputs(SAMPLE, seed)
    if complete or not isinstance(model, TabularModel):
        return ids, complete
    return np.unique(np.concatenate([ids, _structured(model, seed)]), axis=0), False


def _structured(model: TabularModel, seed: int) -> Int[np.ndarray, "input ctx"]:
    """Return some inputs of a program of every structure, where it takes them."""
    if isinstance(model.accepts, Draws):  # a grammar: few words of any shape are its
        return np.empty((0, model.n_ctx), np.int32)
    rng = np.random.default_rng(seed)
    size, longest = len(model.vocab), model.n_ctx - 1
    shape = PER_STRUCTURE, longest
    few = rng.integers(size, size=(PER_STRUCTURE, 2))
    two = np.take_along_axis(few, rng.integers(2, size=shape), axis=1)
    ordered = np.sort(rng.integers(size, size=shape), axis=1)
    periods = rng.integers(2, max(longest // 2, 2) + 1, size=(PER_STRUCTURE, 1))
    block = rng.integers(size, size=shape)
    repeated = np.take_along_axis(block, np.arange(longest) % periods, axis=1)
    same = np.repeat(few[:, :1], longest, axis=1)
    tokens = np.concatenate([same, two, ordered, ordered[:, ::-1], repeated])
    lengths = rng.integers(1, longest + 1, size=len(tokens))
    live = np.arange(longest) < lengths[:, None]
    if model.accepts is not None:
        rows = zip(tokens, lengths, strict=True)
        kept = [model.accepts([model.vocab[t] for t in row[:n]]) for row, n in rows]
        tokens, live = tokens[kept], live[kept]
    ids = np.full((len(tokens), model.n_ctx), model.pad_id, np.int32)
    ids[:, 0] = model.bos_id
    ids[:, 1:] = np.where(live, tokens, model.pad_id)
    return ids


def _may_be_all(model: CausalModel) -> bool:
    """Return whether a program has no more inputs than can be enumerated.

    A causal model written by hand says so only by drawing them, which takes minutes.
    """
    if not isinstance(model, TabularModel):
        return False
    return most_inputs(model.typed, model.accepts) <= MOST_INPUTS


def structures_of(
    ids: Int[np.ndarray, "input ctx"], pad_id: int
) -> Bool[np.ndarray, "input structure"]:
    """Return which of `STRUCTURES` each input has; it may have several or none.

    Inputs of a single token have none: there is nothing to be regular. An input is a
    repeated block if it has a period of at most half of its length and at least 2.

    Args:
        ids: token ids, BOS first.
        pad_id: the id that fills an input up.
    """
    tokens = ids[:, 1:]
    size = tokens.shape[1]
    live = tokens != pad_id
    lengths = live.sum(1)
    both = live[:, 1:]
    step = tokens[:, 1:].astype(np.int64) - tokens[:, :-1]
    rises = (~both | (step >= 0)).all(1)
    falls = (~both | (step <= 0)).all(1)
    ordered = np.sort(np.where(live, tokens, tokens[:, :1]), axis=1)
    distinct = 1 + (np.diff(ordered, axis=1) != 0).sum(1)
    repeats = np.zeros(len(ids), bool)
    for period in range(2, size // 2 + 1):
        later = live[:, period:]
        same = (~later | (tokens[:, period:] == tokens[:, :-period])).all(1)
        repeats |= same & (lengths >= 2 * period)
    found = np.stack([distinct == 1, distinct == 2, rises, falls, repeats], axis=1)
    found[:, 2:] &= (distinct > 1)[:, None]
    return found & (lengths > 1)[:, None]


@dataclass(frozen=True, eq=False)
class Space:
    """The inputs of a causal model, grouped.

    Attributes:
        pool: the inputs with the values of all variables.
        complete: whether these are all inputs of the model.
        structures: [input, structure] which of `STRUCTURES` each input has.
        strata: groups to draw from.
        names: [stratum] what each group is, such as `length 3` or `rank = 2`.
        missing: by variable, the indices of the values that no input has anywhere.
    """

    pool: Pool
    complete: bool
    structures: Bool[np.ndarray, "input structure"]
    strata: Strata
    names: tuple[str, ...]
    missing: dict[str, tuple[int, ...]]


def make_space(model: CausalModel, seed: int = 0) -> Space:
    """Return the inputs of a model, with its strata.

    Args:
        model: the causal model that the inputs are for.
        seed: of the sample where the inputs are too many, and of the members kept.
    """
    ids, complete = all_inputs(model, seed)
    return space_of(model, ids, complete, seed)


def space_of(
    model: CausalModel,
    ids: Int[np.ndarray, "input ctx"],
    complete: bool,
    seed: int = 0,
) -> Space:
    """Return some inputs of a model with their strata; see `make_space`."""
    pool = make_pool(model, ids)
    structures = structures_of(np.asarray(pool.ids), model.pad_id)
    groups, missing = _groups(model, pool, structures)
    rng = np.random.default_rng(seed)
    kept = [np.sort(rng.permutation(rows)[:MOST_MEMBERS]) for rows in groups.values()]
    counts = np.array([len(rows) for rows in kept], np.int32)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int32)
    members = np.concatenate(kept).astype(np.int32)
    return Space(
        pool=pool,
        complete=complete,
        structures=structures,
        strata=Strata(members, starts, counts),
        names=tuple(groups),
        missing=missing,
    )


def _groups(
    model: CausalModel, pool: Pool, structures: Bool[np.ndarray, "input structure"]
) -> tuple[dict[str, Int[np.ndarray, " member"]], dict[str, tuple[int, ...]]]:
    """Return (the members of every stratum that has any, values that never occur)."""
    lengths = np.asarray(pool.lengths)
    groups = {
        f"length {n - 1}": np.flatnonzero(lengths == n) for n in np.unique(lengths)
    }
    for index, name in enumerate(STRUCTURES):
        rows = np.flatnonzero(structures[:, index])
        if len(rows):
            groups[name] = rows
    missing: dict[str, tuple[int, ...]] = {}
    for index, variable in enumerate(model.variables):
        values = np.asarray(pool.values[:, index])
        never = []
        for value in range(variable.size):
            rows = np.flatnonzero((values == value).any(1))
            if len(rows):
                groups[f"{variable.name} = {value}"] = rows
            else:
                never.append(value)
        if never:
            missing[variable.name] = tuple(never)
    return groups, missing


def draw_stratified(
    space: Space, rng: np.random.Generator, count: int
) -> Int[np.ndarray, " draw"]:
    """Return indices of inputs of the pool, drawn evenly over the strata."""
    return np.asarray(pick_members(space.strata, rng.random(count), rng.random(count)))
