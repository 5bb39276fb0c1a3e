"""A description of a component, run: `zoo.score_description` is here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from compiler.errors import InputError, unknown_name
from compiler.model import Model
from zoo.auditing.subject import causal_of
from zoo.causal.population import Population, populate
from zoo.claims.claimed import ClaimedValues, claim_values
from zoo.claims.renaming import ValueAgreement, compare_values, rename
from zoo.claims.reports import ClaimCounterexample, DescriptionReport
from zoo.claims.substitution import (
    Effects,
    Exchanges,
    draw_exchanges,
    effect_in_model,
    effects_in_program,
)
from zoo.lookup import open_named

PAIRS, RUNS, SECONDS = 2_000, 256, 60.0
"""Pairs of a substitution in the program; inputs that the transformer is run on; the
time of a claim."""


def score_description(
    source: str | Path | Model,
    node: str,
    claim: Any,
    *,
    inputs: int | None = None,
    pairs: int = PAIRS,
    seconds: float = SECONDS,
    seed: int = 0,
) -> DescriptionReport:
    """Return what a description of a component is worth, by running it.

    Args:
        source: a release's name, a folder, a program's name, or a model.
        node: the head or MLP that is described; of a node that computes several
            variables, the name of one of them.
        claim: what its variable holds at each token: a function of the tokens that
            returns a list, a dictionary (token to value, or tuple of tokens to list
            of values), a RASP expression, or RASP text.
        inputs: how many inputs values are compared on; all, up to 100,000, if None.
        pairs: how many pairs of a base and a donor input the claimed values are
            substituted in.
        seconds: the time that the claim may take.
        seed: of pairs and controls.

    Raises:
        NameLookupError: the model or the node is unknown; the nearest are offered.
        InputError: the claim is of no such kind, fails, takes too long, or returns
            another number of values than there are tokens; or the node computes
            several variables, or none.
        ProgramError: the claim is a program that cannot be typed.
    """
    if pairs < 1:
        raise InputError(f"pairs is {pairs}; give at least 1")
    model, label = open_named(source)
    found = populate(causal_of(model), inputs, seed)
    name = variable_at(model, found, node)
    claimed = claim_values(found, claim, seconds)
    return score_claimed_values(model, label, found, name, claimed, pairs, seed=seed)


def variable_at(model: Model, found: Population, node: str) -> str:
    """Return the variable of a node, or the variable of that name.

    Raises:
        NameLookupError: there is neither.
        InputError: the node computes several variables, or none.
    """
    here = [n for n in found.names if n in model.sites and model.sites[n].node == node]
    if node in found.names and node in model.sites:
        return node
    if node not in model.config.names.sources[2:]:
        known = [*model.config.names.sources[2:], *found.names]
        raise unknown_name("node or variable", node, known)
    if len(here) == 1:
        return here[0]
    if not here:
        used = sorted({model.sites[n].node for n in found.names if n in model.sites})
        raise InputError(
            f"{node} computes no variable, so no description of it can be right. "
            f"Variables are at {', '.join(used)}"
        )
    raise InputError(
        f"{node} computes {', '.join(here)}. Name one of these in the place of the node"
    )


def score_claimed_values(
    model: Model,
    label: str,
    found: Population,
    name: str,
    claimed: ClaimedValues,
    pairs: int = PAIRS,
    *,
    seed: int = 0,
) -> DescriptionReport:
    """Return what values are worth that a variable is said to hold.

    Args:
        model: the transformer.
        label: what the report calls it.
        found: the inputs that values are compared on.
        name: of the variable.
        claimed: its claimed values on these inputs.
        pairs: of `score_description`.
        seed: of `score_description`.
    """
    rng = np.random.default_rng(seed)
    drawn, donors = draw_exchanges(found, found.index(name), pairs, rng)
    runs = rng.permutation(len(found))[:RUNS]
    true, domain = found.held(name), found.domains[name]
    rows = {
        "claimed": (claimed.held, claimed.values),
        "oracle": (true, domain),
        "constant": (np.where(found.live, 0, -1).astype(np.int32), ("constant",)),
        "shuffled": (_shuffled(found, claimed.held, rng), claimed.values),
    }
    values: dict[str, ValueAgreement] = {}
    effects: dict[str, Effects] = {}
    wrong: list[ClaimCounterexample] = []
    for row, (held, names) in rows.items():
        agreed = compare_values(true, domain, held, names, seed)
        renamed = rename(held, agreed.names).astype(np.int32)
        program, cause, misses = effects_in_program(drawn, renamed[donors])
        part = found.part(runs)
        kept = effect_in_model(
            model, name, part, held[runs], np.random.default_rng(seed)
        )
        values[row], effects[row] = agreed, Effects(program, cause, kept)
        if row == "claimed":
            wrong = [
                *wrong_values(found, name, held, names, agreed),
                *wrong_outputs(drawn, renamed[donors], misses),
            ]
    return DescriptionReport(
        model=label,
        node=model.sites[name].node,
        variable=name,
        kind=claimed.kind,
        inputs=len(found),
        complete=found.complete,
        values=values,
        effects=effects,
        counterexamples=tuple(wrong),
        seed=seed,
    )


def _shuffled(
    found: Population, held: Int[np.ndarray, "input ctx"], rng: np.random.Generator
) -> Int[np.ndarray, "input ctx"]:
    """Return the claimed values of all tokens, permuted."""
    mixed = held.copy()
    mixed[found.live] = rng.permutation(held[found.live])
    return mixed


def wrong_values(
    found: Population,
    name: str,
    held: Int[np.ndarray, "input ctx"],
    names: tuple,
    agreed: ValueAgreement,
) -> list[ClaimCounterexample]:
    """Return the first token at which the renamed claim is wrong, if there is one."""
    true, domain = found.held(name), found.domains[name]
    misses = np.argwhere((true >= 0) & (rename(held, agreed.names) != true))
    if not len(misses):
        return []
    row, place = (int(i) for i in misses[0])
    said = held[row, place]
    return [
        ClaimCounterexample(
            what="values",
            tokens=tuple(found.words(row)),
            position=place - 1,
            claimed=None if said < 0 else names[said],
            true=domain[true[row, place]],
        )
    ]


def wrong_outputs(
    pairs: Exchanges, held: Int[np.ndarray, "pair ctx"], misses: np.ndarray
) -> list[ClaimCounterexample]:
    """Return the first substitution that gives another output, if there is one."""
    if not misses.any():
        return []
    row, place = (int(i) for i in np.argwhere(misses)[0])
    got = pairs.outputs(held)[row, place]
    domain = pairs.found.domains[pairs.found.causal.output]
    return [
        ClaimCounterexample(
            what="substitution",
            tokens=tuple(pairs.found.words(row)),
            position=place - 1,
            claimed=None if got < 0 else domain[got],
            true=domain[pairs.after[row, place]],
            donor=tuple(pairs.donors.words(row)),
        )
    ]
