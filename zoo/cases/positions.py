"""Patches of an edge at some positions only, and which positions an edge is used at.

The position of an edge is that of its reader: of a query, of a key or a value, of an
MLP, of the logits. A *place* is one position, or all positions of an input that have
one role, such as the second name of a sentence; inputs of different lengths share roles
and no positions. (Haklay et al. 2025 speak of spans and of a schema.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from compiler.errors import InputError, unknown_name
from compiler.lower.readout import Readout
from compiler.machine.jit import QUICK_TO_COMPILE
from compiler.machine.names import ARROW
from compiler.machine.rerun.rerun import (
    Target,
    edge_targets,
    perturbed_logits,
    stack,
    stack_runs,
    unstack,
)
from compiler.rasp.values import Value
from zoo.auditing.decisions import decide, other_class, other_number, tie_of
from zoo.cases.case import Case
from zoo.cases.losses import every_loss
from zoo.cases.running import Batch, Machine, join_blocks, split_into_blocks
from zoo.causal.classes import class_name
from zoo.causal.population import Population, run_all

AT = "@"
"""What stands between an edge and a place in the name of an item."""
BOS = "BOS"
Roles = Callable[[list[Value]], Sequence[str | None]] | str


@dataclass(frozen=True, eq=False)
class EdgePlaces:
    """Which place each position of each pair belongs to.

    Attributes:
        names: of the places.
        index: [pair, ctx] the place of a position; -1 for none.
    """

    names: tuple[str, ...]
    index: Int[np.ndarray, "pair ctx"]


def places_of(case: Case, roles: Roles | None = None) -> EdgePlaces:
    """Return the places of a case: positions, or the roles of tokens.

    Args:
        case: the pairs, whose clean inputs say what a position is.
        roles: a function of the tokens that returns a role, or None, for each; or the
            name of a variable, whose value at a token is the token's role. Positions
            if None: `BOS`, `0`, `1` and so on.

    Raises:
        InputError: the function returns too few or too many roles.
        NameLookupError: there is no such variable.
    """
    clean = np.asarray(case.pairs.clean)
    live = clean != case.config.pad_id
    if roles is None:
        names = (BOS, *map(str, range(clean.shape[1] - 1)))
        places = np.where(live, np.arange(clean.shape[1]), -1)
        return EdgePlaces(names, places.astype(np.int32))
    found = _by_variable(case, roles) if isinstance(roles, str) else _said(case, roles)
    names = tuple(sorted({name for row in found for name in row if name is not None}))
    if not names:
        raise InputError(f"{case.name}: no token of any pair has a role")
    index = np.full(clean.shape, -1, np.int32)
    for row, given in enumerate(found):
        index[row, 1 : len(given) + 1] = [
            -1 if name is None else names.index(name) for name in given
        ]
    return EdgePlaces(names, index)


def _said(
    case: Case, roles: Callable[[list[Value]], Sequence[str | None]]
) -> list[list[str | None]]:
    """Return the roles that a function gives the tokens of each clean input."""
    found, inputs = [], _inputs(case)
    for words in map(inputs.words, range(len(inputs))):
        given = list(roles(words))
        if len(given) != len(words):
            raise InputError(
                f"roles: found {len(given)} roles for the {len(words)} tokens "
                f"{words}. Return one for each, None for a token without a role"
            )
        found.append([None if name is None else str(name) for name in given])
    return found


def _inputs(case: Case) -> Population:
    """Return the clean inputs of a case, with the values of all variables."""
    causal: Any = case.subject.causal
    ids = np.asarray(case.pairs.clean, np.int32)
    return Population(causal, ids, False, run_all(causal, ids))


def _by_variable(case: Case, name: str) -> list[list[str | None]]:
    """Return the values that a variable has at the tokens of each clean input."""
    inputs = _inputs(case)
    if name not in inputs.domains:
        raise unknown_name("variable", name, inputs.domains)
    return [
        [None if v is None else class_name(v) for v in inputs.decoded(name, row)]
        for row in range(len(inputs))
    ]


class PlacePatches(NamedTuple):
    """What patching each edge at each place alone does.

    Attributes:
        change: [reader, source, place, pair] of the loss.
        changed: [reader, source, place, pair] whether some output is another one.
        seen: [source, place] whether some pair's runs differ in what is written there.
    """

    change: Float[np.ndarray, "reader source place pair"]
    changed: Bool[np.ndarray, "reader source place pair"]
    seen: Bool[np.ndarray, "source place"]


def patch_places(
    case: Case,
    places: EdgePlaces,
    edges: Bool[np.ndarray, "reader source"] | None = None,
) -> PlacePatches:
    """Return what patching each edge at each place alone does.

    Args:
        case: the model and its pairs.
        places: which positions are patched together.
        edges: which edges are patched; all if None. Others have zeros.
    """
    names, batch, machine = case.names, case.batch, case.machine()
    chosen = names.visible if edges is None else edges & names.visible
    targets = edge_targets(names)
    targets = targets[chosen[targets[:, 0], targets[:, 1]]]
    shape = (*names.visible.shape, len(places.names), len(batch.ids))
    change, changed = np.zeros(shape, np.float32), np.zeros(shape, bool)
    if len(targets):
        found = _each(
            machine,
            batch,
            places.index,
            targets,
            machine.readout,
            len(places.names),
            tie_of(case.config),
        )
        loss, other = map(np.asarray, found)
        change[targets[:, 0], targets[:, 1]] = loss - case.losses()
        changed[targets[:, 0], targets[:, 1]] = other
    return PlacePatches(change, changed, _seen(case, places))


def _seen(case: Case, places: EdgePlaces) -> Bool[np.ndarray, "source place"]:
    """Return which sources write something else at a place in some pair."""
    own, other = np.asarray(case.batch.writes), np.asarray(case.batch.donors)
    apart = np.abs(own - other).max(axis=-1) > 1e-5 * (1.0 + np.abs(own).max(axis=-1))
    here = places.index[..., None] == np.arange(len(places.names))
    return np.einsum("nsc,ncp->sp", apart.astype(np.int64), here.astype(np.int64)) > 0


@partial(
    jax.jit,
    static_argnames=("readout", "count", "tie"),
    compiler_options=QUICK_TO_COMPILE,
)
def _each(
    machine: Machine,
    batch: Batch,
    place: Int[Any, "pair ctx"],
    edges: Int[Any, "edge 7"],
    readout: Readout,
    count: int,
    tie: float,
) -> tuple[Float[Array, "edge place pair"], Bool[Array, "edge place pair"]]:
    edges, transformer = jnp.asarray(edges), machine.transformer

    def of_block(given: tuple[Batch, Array]) -> tuple[Array, Array]:
        block, where = given
        base = stack_runs(transformer, block.ids, block.writes)
        moves = stack(block.donors) - base.writes
        clean = jnp.asarray(block.goal.clean)

        def of_edge(edge: Array) -> tuple[Array, Array]:
            _, source, _, *target = edge

            def of_place(here: Array) -> tuple[Array, Array]:
                move = moves[source] * (where == here).T.astype(moves.dtype)
                logits = unstack(
                    perturbed_logits(transformer, base, Target(*target), move)
                )
                loss = jnp.asarray(machine.loss) @ every_loss(
                    readout, logits, block.goal
                )
                other = _other(readout, tie, logits, clean)
                return loss, (other & (block.goal.live > 0)).any(axis=1)

            return jax.lax.map(of_place, jnp.arange(count))

        return jax.lax.map(of_edge, edges)

    blocks = split_into_blocks(transformer, batch)
    rows = split_into_blocks(transformer, batch._replace(goal=place)).goal
    found = jax.lax.map(of_block, (blocks, rows))  # [block, edge, place, pair]
    each = jax.vmap(jax.vmap(join_blocks, (1, None)), (1, None))
    return each(found[0], batch), each(found[1], batch)


def _other(
    readout: Readout, tie: float, logits: Array, clean: Array
) -> Bool[Array, "pair ctx"]:
    """Return where outputs are not the same, whatever rounding does."""
    if readout.kind == "classes":
        codes = [decide(jnp.moveaxis(a, -1, 0), tie) for a in (logits, clean)]
        verdict = other_class(*codes)
    else:
        verdict = other_number(readout, logits, clean)
    return verdict.hit & ~verdict.close


def item_name(edge: str, place: str) -> str:
    """Return the name of an edge at a place: `tokens->m0@2`."""
    return f"{edge}{AT}{place}"


def split_item(item: str) -> tuple[str, str] | None:
    """Return the edge and the place of an item; None if it is no such name."""
    edge, at, place = item.rpartition(AT)
    return (edge, place) if at and ARROW in edge else None
