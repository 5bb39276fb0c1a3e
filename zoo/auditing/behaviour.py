"""Whether a model is right on every input, and where it is not.

A share of right outputs over a random sample says little of inputs that the sample
hardly meets. So every input of the model is run where there are at most a million of
them, and the share is taken in each stratum by itself (`zoo.causal.strata`): inputs of
one length, inputs of one structure, and positions at which a variable has one value.
The claim is on the worst stratum.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from compiler.lower.readout import Readout, plain
from compiler.machine.forward import logits_batch
from compiler.rasp.values import Value
from zoo.auditing.decisions import (
    Verdict,
    decide,
    same_class,
    same_number,
    settled,
    tie_of,
)
from zoo.auditing.rates import Rate, rate
from zoo.auditing.subject import Subject
from zoo.causal.pool import Pool
from zoo.causal.strata import STRUCTURES, Space

ROWS = 2048
"""Inputs that are run at a time."""

LogitsOf = Callable[[Int[np.ndarray, "input ctx"]], Float[Array, "input ctx class"]]


@dataclass(frozen=True)
class WrongInput:
    """An input for which some output is wrong.

    Attributes:
        tokens: the input.
        expected: the outputs of the causal model.
        found: those of the transformer.
    """

    tokens: tuple[Value, ...]
    expected: tuple[Value, ...]
    found: tuple[Value, ...]


@dataclass(frozen=True)
class Behaviour:
    """The share of right outputs, over all inputs and stratum by stratum.

    Attributes:
        inputs: how many inputs were run.
        all_inputs: whether these are all inputs of the model.
        right: share of right outputs over all positions of these inputs.
        wrong_inputs: number of inputs for which some output is wrong.
        strata: by stratum, the share of right outputs in it.
        missing: by variable, the values that it has at no position of any input.
        example: an input of the worst stratum for which some output is wrong, or None.
    """

    inputs: int
    all_inputs: bool
    right: Rate
    wrong_inputs: int
    strata: Mapping[str, Rate]
    missing: Mapping[str, tuple[Value, ...]]
    example: WrongInput | None

    @property
    def worst(self) -> tuple[str, Rate]:
        """The name of the worst stratum, and its share."""
        name = min(self.strata, key=lambda n: (self.strata[n].share, n))
        return name, self.strata[name]


def behaviour_of(subject: Subject, space: Space) -> Behaviour:
    """Return how often a model is right, over every input of a space.

    Args:
        subject: the model and its causal model.
        space: the inputs, with their strata.
    """
    pool = space.pool
    verdict = verdicts(subject, pool)
    valid = labels_of(subject, pool) >= 0
    wrong = valid & ~verdict.hit & ~verdict.tie
    strata = dict(_strata(subject, space, verdict, valid))
    found = Behaviour(
        inputs=len(valid),
        all_inputs=space.complete,
        right=share_of(verdict, valid),
        wrong_inputs=int(wrong.any(1).sum()),
        strata={name: share_of(verdict, at) for name, at in strata.items()},
        missing={
            name: tuple(_value(subject, name, v) for v in values)
            for name, values in space.missing.items()
        },
        example=None,
    )
    rows = np.flatnonzero((wrong & strata[found.worst[0]]).any(1))
    if not len(rows):
        return found
    example = _example(subject, pool, int(rows[0]))
    return Behaviour(**{**vars(found), "example": example})


def _strata(
    subject: Subject,
    space: Space,
    verdict: Verdict,
    valid: Bool[np.ndarray, "input ctx"],
) -> Iterator[tuple[str, Bool[np.ndarray, "input ctx"]]]:
    """Yield (name, positions) of every stratum that has any position."""
    pool = space.pool
    lengths = np.asarray(pool.lengths)
    for length in np.unique(lengths):
        yield f"length {length - 1}", valid & (lengths == length)[:, None]
    for index, name in enumerate(STRUCTURES):
        at = valid & space.structures[:, index, None]
        if at.any():
            yield name, at
    for index, variable in enumerate(subject.causal.variables):
        values = np.asarray(pool.values[:, index])
        for value in range(variable.size):
            at = valid & (values == value)
            if at.any():
                shown = _value(subject, variable.name, value)
                yield f"{variable.name} = {shown}", at


def _value(subject: Subject, name: str, index: int) -> Value:
    """Return a value of a variable by its index, or the index where it has no name."""
    causal = subject.causal
    known = getattr(causal, "values", {}).get(name)
    if known is None and (steps := getattr(causal, "steps", None)) is not None:
        known = steps.variables[steps.index(name)].domain.values
    return index if known is None else plain(known[index])


def _example(subject: Subject, pool: Pool, row: int) -> WrongInput:
    ids = np.asarray(pool.ids)[row]
    live = slice(1, int(pool.lengths[row]))
    logits = np.asarray(logits_batch(subject.transformer, ids[None]))[0, live]
    found = settled(subject.readout, logits, tie_of(subject.config))
    expected = np.asarray(labels_of(subject, pool)[row, live])
    values = subject.readout.values
    return WrongInput(
        tokens=tokens_of(subject, ids),
        expected=tuple(plain(values[i]) if i >= 0 else None for i in expected),
        found=tuple(plain(values[i]) for i in found),
    )


def tokens_of(subject: Subject, ids: Int[np.ndarray, " ctx"]) -> tuple[Value, ...]:
    """Return an input as its tokens, without BOS and PAD."""
    causal = subject.causal
    vocab = getattr(causal, "vocab", None)
    kept = [int(i) for i in ids[1:] if i != causal.pad_id]
    return tuple(kept if vocab is None else [vocab[i] for i in kept])


# Outputs of many inputs -----------------------------------------------------------


def labels_of(subject: Subject, pool: Pool) -> Int[np.ndarray, "input ctx"]:
    """Return the index of the right output at each position, -1 for none."""
    output = [v.name for v in subject.causal.variables].index(subject.causal.output)
    return np.asarray(pool.values[:, output])


def verdicts(
    subject: Subject,
    pool: Pool,
    rows: Int[np.ndarray, " row"] | None = None,
    logits_of: LogitsOf | None = None,
    at_once: int = ROWS,
) -> Verdict:
    """Return where outputs are right, and where rounding would decide it.

    Args:
        subject: the model.
        pool: its inputs.
        rows: indices of the inputs that are run; all by default.
        logits_of: gives the logits of some inputs, with a patch; plain runs by default.
        at_once: how many inputs are run at a time.

    Returns:
        arrays [row, ctx]; what stands where an input has no output means nothing.
    """
    run = logits_of or (lambda ids: logits_batch(subject.transformer, ids))
    ids, labels = np.asarray(pool.ids), labels_of(subject, pool)
    rows = np.arange(len(ids)) if rows is None else rows
    parts = []
    size = min(at_once, len(rows))
    for start in range(0, len(rows), size):
        # The last piece is filled up, so that one compiled function runs all of them.
        piece = rows[np.arange(start, start + size) % len(rows)]
        verdict = verdict_of(subject, run(ids[piece]), labels[piece])
        kept = min(size, len(rows) - start)
        parts.append([np.asarray(part)[:kept] for part in verdict])
    return Verdict(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def verdict_of(
    subject: Subject,
    logits: Float[Array, "*n class"],
    labels: Int[np.ndarray, "*n"],
) -> Verdict:
    """Return where logits stand for their labels."""
    return judged(subject.readout, tie_of(subject.config), logits, labels)


def judged(
    readout: Readout,
    tie: float,
    logits: Float[Array, "*n class"],
    labels: Int[Any, "*n"],
) -> Verdict:
    """Return where logits stand for their labels; for compiled functions too.

    Args:
        readout: how logits stand for values.
        tie: the largest margin of a tie; see `decisions.tie_of`.
        logits: of any runs.
        labels: index of the right value at each position; where it is negative, what is
            returned means nothing.
    """
    if readout.kind == "classes":
        return same_class(decide(jnp.moveaxis(logits, -1, 0), tie), labels)
    return same_number(readout, logits, jnp.maximum(labels, 0))


def share_of(verdict: Verdict, at: Bool[np.ndarray, "*n"]) -> Rate:
    """Return the share of positions at which a verdict holds, of those in `at`."""
    hits, ties, close = (int((np.asarray(part) & at).sum()) for part in verdict)
    return rate(hits, int(at.sum()), ties, close)
