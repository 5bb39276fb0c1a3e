"""What happens if claimed values take the place of true ones.

In the program: a variable of a base input is set to its values in a donor input, once
to the true ones and once to the claimed ones, renamed. The outputs should be the same.

In the transformer: what the variable's node writes at a token is replaced by what it
writes at another token, of another input, at which the claim has the same value (causal
scrubbing, Chan et al. 2022). If the claim is right, no output changes. A claim that is
too coarse changes outputs; one that is too fine does not, and fails on the input side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Int

from compiler.machine.forward import forward_batch, logits_batch
from compiler.machine.patch import Patch
from compiler.model import Model, with_batch_axis
from zoo.auditing.certificate import Rate, rate
from zoo.causal.model import COMPUTED
from zoo.causal.outputs import differs
from zoo.causal.population import Population, run_all


@dataclass(frozen=True, eq=False)
class Exchanges:
    """Base and donor inputs of a population, and the true outputs.

    Attributes:
        found: the base inputs.
        donors: the donor inputs, row by row.
        variable: index of the variable that is set.
        where: [pair, ctx] tokens that both inputs have.
        after: [pair, ctx] the output with the variable set to its true donor values.
    """

    found: Population
    donors: Population
    variable: int
    where: Bool[np.ndarray, "pair ctx"]
    after: Int[np.ndarray, "pair ctx"]

    @property
    def before(self) -> Int[np.ndarray, "pair ctx"]:
        """The outputs of the base inputs as they are."""
        return self.found.values[:, self.found.output]

    def outputs(self, held: Int[np.ndarray, "pair ctx"]) -> Int[np.ndarray, "pair ctx"]:
        """Return the outputs with the variable set to some values, -1 for none."""
        shape = self.found.values.shape
        overrides = np.full(shape, COMPUTED, np.int32)
        given = np.where(self.where & (held >= 0), held, COMPUTED)
        overrides[:, self.variable] = given
        return run_all(self.found.causal, self.found.ids, overrides)[
            :, self.found.output
        ]


def draw_exchanges(
    found: Population, variable: int, count: int, rng: np.random.Generator
) -> tuple[Exchanges, Int[np.ndarray, " pair"]]:
    """Return random pairs of inputs, and the rows of the donors in the population."""
    base = rng.integers(len(found), size=count)
    donor = rng.integers(len(found), size=count)
    one, other = found.part(base), found.part(donor)
    where = one.live & other.live
    empty = np.zeros(where.shape, np.int32)
    drawn = Exchanges(one, other, variable, where, empty)
    after = drawn.outputs(other.values[:, variable])
    return Exchanges(one, other, variable, where, after), donor


@dataclass(frozen=True)
class Effects:
    """Outputs with claimed values in the place of true ones.

    Attributes:
        program: share of outputs that are those with the true values.
        cause: the same over outputs that the true values change; None if none does.
        model: share of the transformer's outputs that stay the same when its node is
            patched from tokens with the same claimed value.
    """

    program: Rate
    cause: Rate | None
    model: Rate


def effects_in_program(
    pairs: Exchanges, held: Int[np.ndarray, "pair ctx"]
) -> tuple[Rate, Rate | None, Bool[np.ndarray, "pair ctx"]]:
    """Return (share of right outputs, the same of changed ones, wrong outputs).

    Args:
        pairs: the inputs.
        held: claimed values in the donor inputs, renamed; -1 for none.
    """
    got = pairs.outputs(held)
    asked = (pairs.after >= 0) & (pairs.before >= 0)
    right = (got == pairs.after) & asked
    changed = asked & (pairs.after != pairs.before)
    cause = None
    if changed.any():
        cause = rate(int((right & changed).sum()), int(changed.sum()))
    return rate(int(right.sum()), int(asked.sum())), cause, asked & ~right


def effect_in_model(
    model: Model,
    name: str,
    found: Population,
    held: Int[np.ndarray, "input ctx"],
    rng: np.random.Generator,
) -> Rate:
    """Return the share of outputs that stay when a node is patched by a claim.

    Args:
        model: the transformer.
        name: the variable whose site is patched.
        found: inputs, all of which are base inputs.
        held: claimed values at their tokens, -1 for none. Only tokens are patched at
            which the variable has a value. If the claim has none there, or one that no
            other of these inputs has, all outputs of the input count as changed.
        rng: draws the tokens that writes are taken from.
    """
    run = forward_batch(model.transformer, found.ids)
    writes = np.asarray(run.writes)
    source = model.config.names.source_index(model.sites[name].node)
    live = found.live & (found.held(name) >= 0)
    rows, places, known = choose_partners(held, live, rng)
    donor = writes.copy()
    donor[:, source] = writes[rows, source, places]
    basis = None if model.basis is None else model.basis.astype(np.float32)
    where = live.astype(np.float32)
    patch = Patch.nodes(model.variable_mask(name), donor, basis, where)
    logits = _logits(model, found.ids, patch)
    changed = np.asarray(differs(model.readout, logits, run.logits))
    asked = found.live & (found.values[:, found.output] >= 0)
    lost = np.any(live & ~known, axis=1, keepdims=True)
    kept = ~changed & ~lost & asked
    return rate(int(kept.sum()), int(asked.sum()))


def _logits(model: Model, ids: np.ndarray, patch: Patch) -> Any:
    return logits_batch(model.transformer, ids, with_batch_axis(patch, len(ids)))


def choose_partners(
    held: Int[np.ndarray, "input ctx"],
    live: Bool[np.ndarray, "input ctx"],
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, Bool[np.ndarray, "input ctx"]]:
    """Return (row, position, whether there is one) of a token like each token.

    It is drawn among the tokens of other inputs with the same value; a few draws are
    tried, and the token itself stands where all of them meet its own input.
    """
    grid = np.indices(held.shape)
    rows, places = np.array(grid[0]), np.array(grid[1])
    known = np.zeros(held.shape, bool)
    for value in np.unique(held[live]):
        if value < 0:
            continue
        members = np.argwhere(live & (held == value))
        if len(np.unique(members[:, 0])) < 2:
            continue
        chosen = rng.integers(len(members), size=len(members))
        for _ in range(20):
            own = members[chosen, 0] == members[:, 0]
            if not own.any():
                break
            chosen[own] = rng.integers(len(members), size=int(own.sum()))
        fits = members[chosen, 0] != members[:, 0]
        at = tuple(members[fits].T)
        rows[at], places[at] = members[chosen[fits], 0], members[chosen[fits], 1]
        known[at] = True
    return rows, places, known
