"""A program that is said to be a model's, run: `zoo.score_program` is here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.optimize import linear_sum_assignment

from compiler.errors import InputError, unknown_name
from compiler.ir import typed as t
from compiler.lower.readout import decode_indices
from compiler.machine.forward import forward_batch, logits_batch
from compiler.machine.patch import Patch
from compiler.model import Model, with_batch_axis
from compiler.rasp.expr import SOp
from compiler.rasp.program import Program
from zoo.auditing.certificate import Rate, rate
from zoo.auditing.subject import causal_of
from zoo.causal.population import Population, populate
from zoo.claims.bounded import time_limit
from zoo.claims.claimed import run_program, type_program
from zoo.claims.description import variable_at
from zoo.claims.renaming import own_names, rename
from zoo.claims.reports import ClaimCounterexample, ProgramReport, VariableMatch
from zoo.lookup import open_named

PAIRS, SECONDS = 256, 60.0
_CHUNK = 8_192


def score_program(
    source: str | Path | Model,
    claim: str | Program | SOp,
    alignment: Mapping[str, str] | None = None,
    *,
    inputs: int | None = None,
    pairs: int = PAIRS,
    seconds: float = SECONDS,
    seed: int = 0,
) -> ProgramReport:
    """Return what a program is worth that is said to be a model's, by running both.

    Args:
        source: a release's name, a folder, a program's name, or a model.
        claim: RASP text, a RASP expression, a `Program`, or a program's name.
        alignment: by variable of the claim, the node or the model's variable that it
            is at; it is searched if None.
        inputs: how many inputs outputs are compared on; all, up to 100,000, if None.
        pairs: how many pairs of a base and a donor input variables are interchanged in.
        seconds: the time that typing and running the program may take.
        seed: of the pairs.

    Raises:
        NameLookupError: the model, a variable or a node is unknown.
        InputError: the program has too many variables or takes too long, or its
            outputs are not those of the model's vocabulary.
        ProgramError: the program cannot be typed.
    """
    if pairs < 1:
        raise InputError(f"pairs is {pairs}; give at least 1")
    model, label = open_named(source)
    found = populate(causal_of(model), inputs, seed)
    with time_limit(seconds, "the claimed program"):
        typed = type_program(found, claim)
    return score_typed(model, label, found, typed, alignment, pairs, seconds, seed)


def score_typed(
    model: Model,
    label: str,
    found: Population,
    typed: t.Typed,
    alignment: Mapping[str, str] | None,
    pairs: int,
    seconds: float,
    seed: int,
) -> ProgramReport:
    """Return what a typed program is worth that is said to be a model's.

    Args:
        model: the transformer.
        label: what the report calls it.
        found: the inputs.
        typed: the program, over the model's tokens and lengths.
        alignment: of `score_program`.
        pairs: of `score_program`.
        seconds: the time that running the program may take.
        seed: of `score_program`.
    """
    with time_limit(seconds, "the claimed program"):
        outputs = run_program(typed, found)[typed.output]
    actual = _outputs_of(model, found)
    said = _in_readout(model, typed, outputs)
    asked = found.live & (found.values[:, found.output] >= 0)
    right = (said == actual) & asked
    counts = np.bincount(actual[asked])
    free = computed_variables(typed)
    return ProgramReport(
        model=label,
        program=typed.name,
        inputs=len(found),
        complete=found.complete,
        behaviour=rate(int(right.sum()), int(asked.sum())),
        constant=float(counts.max() / max(counts.sum(), 1)),
        matches=match_variables(model, found, typed, alignment, pairs, seed),
        size=len(free) + 1,
        shortest=len(found.names),
        counterexample=_first_wrong(model, found, said, actual, asked & ~right),
        seed=seed,
    )


def computed_variables(typed: t.Typed) -> list[int]:
    """Return the variables that take a component, the output left out."""
    needed = t.needed(typed.variables, [typed.output])
    return [
        i
        for i, v in enumerate(typed.variables)
        if i in needed
        and i != typed.output
        and v.domain.size > 1
        and not (isinstance(v.operation, t.Input) and v.operation.kind != "length")
    ]


def _outputs_of(model: Model, found: Population) -> Int[np.ndarray, "input ctx"]:
    """Return the transformer's outputs, as indices of its values."""
    parts = []
    for start in range(0, len(found), _CHUNK):
        ids = found.ids[start : start + _CHUNK]
        room = _CHUNK - len(ids) if start else 0
        padded = np.pad(ids, ((0, room), (0, 0)), mode="edge")
        logits = np.asarray(logits_batch(model.transformer, padded))[: len(ids)]
        parts.append(decode_indices(model.readout, logits))
    return np.concatenate(parts).astype(np.int32)


def _in_readout(
    model: Model, typed: t.Typed, outputs: Int[np.ndarray, "*n"]
) -> Int[np.ndarray, "*n"]:
    """Return a program's outputs as indices of the model's values, -1 for others."""
    own = own_names(typed.variables[typed.output].domain.values, model.readout.values)
    return rename(outputs, own).astype(np.int32)


def _first_wrong(
    model: Model,
    found: Population,
    said: np.ndarray,
    actual: np.ndarray,
    wrong: Bool[np.ndarray, "input ctx"],
) -> ClaimCounterexample | None:
    if not wrong.any():
        return None
    row, place = (int(i) for i in np.argwhere(wrong)[0])
    values, index = model.readout.values, said[row, place]
    return ClaimCounterexample(
        what="outputs",
        tokens=tuple(found.words(row)),
        position=place - 1,
        claimed=None if index < 0 else values[index],
        true=values[actual[row, place]],
    )


def match_variables(
    model: Model,
    found: Population,
    typed: t.Typed,
    alignment: Mapping[str, str] | None,
    pairs: int,
    seed: int,
) -> tuple[VariableMatch, ...]:
    """Return each variable of a claimed program with the site that fits it best.

    Every site of the model is patched from donor runs, once. Every variable of the
    program is set to its values in the donor inputs, once. A variable fits a site as
    well as the two have the same outputs; no two variables get one site, and the sum
    of the fits is the greatest possible (Kuhn 1955).
    """
    free = computed_variables(typed)
    places = [n for n in found.names if n in model.sites and n != found.causal.output]
    given = _given(model, found, typed, alignment)
    if not free or not places:
        return tuple(_unmatched(typed, i) for i in free)
    patched, changed = _both_sides(model, found, typed, free, places, pairs, seed)
    fits = np.array([[_fit(c, p) for p in patched] for c in changed])
    if given is None:
        rows, columns = linear_sum_assignment(fits, maximize=True)
        chosen = dict(zip(rows.tolist(), columns.tolist(), strict=True))
    else:
        chosen = {
            row: places.index(given[i])
            for row, i in enumerate(free)
            if given.get(i) in places
        }
    matches = []
    for row, i in enumerate(free):
        if row not in chosen:
            matches.append(_unmatched(typed, i))
            continue
        column = chosen[row]
        iia, cause = _rates(changed[row], patched[column])
        worst = None if cause is None else float(_causes(changed[row], patched).min())
        name = places[column]
        node = model.sites[name].node
        matches.append(
            VariableMatch(typed.variables[i].name, name, node, iia, cause, worst)
        )
    return tuple(matches)


def _unmatched(typed: t.Typed, index: int) -> VariableMatch:
    return VariableMatch(typed.variables[index].name, None, None, None, None, None)


def _given(
    model: Model,
    found: Population,
    typed: t.Typed,
    alignment: Mapping[str, str] | None,
) -> dict[int, str] | None:
    """Return by variable of the claim the model's variable that it is said to be."""
    if alignment is None:
        return None
    names = [v.name for v in typed.variables]
    for name in alignment:
        if name not in names:
            raise unknown_name("variable of the claimed program", name, names)
    return {
        names.index(name): variable_at(model, found, place)
        for name, place in alignment.items()
    }


Side = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Outputs of the claimed program with a variable set, where they count, and where the
setting changes them."""


def _both_sides(
    model: Model,
    found: Population,
    typed: t.Typed,
    free: list[int],
    places: list[str],
    pairs: int,
    seed: int,
) -> tuple[list[np.ndarray], list[Side]]:
    """Return outputs with each site patched, and with each variable set."""
    rng = np.random.default_rng(seed)
    base, donor = (found.part(rng.integers(len(found), size=pairs)) for _ in range(2))
    where = base.live & donor.live
    shared = where.copy()
    shared[:, 0] = True  # BOS, which holds no value and may be read all the same
    writes = forward_batch(model.transformer, donor.ids).writes
    basis = None if model.basis is None else model.basis.astype(np.float32)
    patched = []
    for name in places:
        mask = model.variable_mask(name)
        patch = Patch.nodes(mask, writes, basis, shared.astype(np.float32))
        own = with_batch_axis(patch, pairs)
        logits = np.asarray(logits_batch(model.transformer, base.ids, own))
        patched.append(decode_indices(model.readout, logits))
    clean, other = run_program(typed, base), run_program(typed, donor)
    before = _in_readout(model, typed, clean[typed.output])
    asked = base.live & (base.values[:, base.output] >= 0)
    changed = []
    for index in free:
        held = np.where(where & (other[index] >= 0), other[index], -2)
        after = run_program(typed, base, {index: held.astype(np.int32)})[typed.output]
        outputs = _in_readout(model, typed, after)
        # Set from outside, a program may be undefined: nothing can be held to that.
        defined = asked & (after >= 0)
        changed.append((outputs, defined, defined & (outputs != before)))
    return patched, changed


def _rates(claimed: Side, patched: np.ndarray) -> tuple[Rate, Rate | None]:
    outputs, asked, moved = claimed
    right = outputs == patched
    cause = None
    if moved.any():
        cause = rate(int((right & moved).sum()), int(moved.sum()))
    return rate(int((right & asked).sum()), int(asked.sum())), cause


def _fit(claimed: Side, patched: np.ndarray) -> float:
    iia, cause = _rates(claimed, patched)
    return iia.share + (0.0 if cause is None else cause.share)


def _causes(claimed: Side, patched: list[np.ndarray]) -> Float[np.ndarray, " site"]:
    outputs, _, moved = claimed
    return np.array([(outputs == p)[moved].mean() for p in patched])
