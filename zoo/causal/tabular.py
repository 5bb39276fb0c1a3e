"""A RASP program as a causal model: look-ups and masked sums, jitted.

Built from the compiler's plan, so that its variables are the steps that single
components compute (the cases of a selector and casts included), and the trained
model's circuit is the compiled one. All tables were made by the compiler; the
program's author is not called.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Int

from compiler.lower.readout import Readout
from compiler.passes.check import Accepts, sample_inputs
from compiler.passes.heads import Head
from compiler.passes.plan import Embedding, Known, Mlp, Plan, PlannedStep
from compiler.passes.schedule import Scheduled
from compiler.passes.steps import Attended, Constant, Embedded, Tabulated
from compiler.rasp.values import is_number
from zoo.causal.model import (
    COMPUTED,
    UNDEFINED,
    CausalVariable,
    Parent,
    Slot,
)

# Outputs of up to this many values are learnt as classes, numbers or not.
_CLASSES = 64


class TabularModel:
    """The causal model of a scheduled program; see `CausalModel`.

    Args:
        scheduled: the program, its steps on layers.
        accepts: which inputs it is for.
        facts: what is to be known beside it: family, meaning, source text.
    """

    def __init__(
        self,
        scheduled: Scheduled,
        accepts: Accepts | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        self.facts = facts or {}
        self.plan: Plan = scheduled.plan
        self.typed = self.plan.typed
        self.accepts = accepts
        self.name = self.typed.name
        self.causal = self.typed.causal
        self.vocab = self.typed.vocab
        size = len(self.vocab)
        self.n_ctx, self.d_vocab = self.typed.max_len + 1, size + 2
        self.bos_id, self.pad_id = size, size + 1
        steps = self.plan.steps
        self.learnt = [
            i for i, s in enumerate(steps) if not isinstance(s.part, Embedding | Known)
        ]
        self.variables = tuple(
            CausalVariable(
                name=steps[i].name,
                size=steps[i].domain.size,
                kind="head" if isinstance(steps[i].part, Head) else "mlp",
                layer=scheduled.places[i].layer,
                parents=tuple(self._parents(steps[i])),
            )
            for i in self.learnt
        )
        self.output = steps[self.plan.output].name
        values = steps[self.plan.output].domain.values
        kind: Literal["classes", "number", "nullable"] = "classes"
        if self.plan.typed.numerical and len(values) > _CLASSES:
            kind = "nullable" if any(v is None for v in values) else "number"
        self.readout = Readout(kind, values)

    def _parents(self, step: PlannedStep) -> list[Parent]:
        part = step.part
        if isinstance(part, Mlp):
            return self._named([(a, "in") for a in part.args])
        assert isinstance(part, Head)
        reads: list[tuple[int | None, Slot]] = []
        for channel in part.channels:
            reads.append((channel.key.variable, "k"))
            reads.append((channel.query.variable, "q"))
        if part.value is not None:
            reads.append((part.value.variable, "v"))
        return self._named(reads)

    def _named(self, reads: Any) -> list[Parent]:
        steps = self.plan.steps
        found = []
        for index, slot in reads:
            if index is None or steps[index].code.rank == 0:
                continue
            part = steps[index].part
            name = steps[index].name
            if isinstance(part, Embedding):
                name = "tokens" if part.kind == "tokens" else "positions"
            found.append(Parent(name, slot))
        return list(dict.fromkeys(found))

    def inputs(
        self, limit: int, seed: int
    ) -> tuple[Int[np.ndarray, "input ctx"], bool]:
        """Return (distinct inputs, whether these are all that there are).

        All of them if at most `limit`, else a sample of no more than that.
        """
        tokens, lengths, complete = sample_inputs(self.typed, limit, seed, self.accepts)
        ids = np.full((len(tokens), self.n_ctx), self.pad_id, np.int32)
        ids[:, 0] = self.bos_id
        live = np.arange(tokens.shape[1])[None, :] < lengths[:, None]
        ids[:, 1:] = np.where(live, tokens, self.pad_id)
        return (ids, True) if complete else (np.unique(ids, axis=0), False)

    def run(
        self, ids: Int[Any, " ctx"], overrides: Int[Any, "variable ctx"]
    ) -> Int[Any, "variable ctx"]:
        """Return the values of all variables of one input, jittable."""
        _, values = self._run(ids, overrides)
        learnt = jnp.stack([values[i] for i in self.learnt])
        return jnp.pad(learnt, ((0, 0), (1, 0)), constant_values=UNDEFINED)

    def selected(self, ids: Int[Any, " ctx"]) -> Bool[Any, "variable ctx key"]:
        """Return which keys compute each variable; see `Selecting`."""
        clean = jnp.full((len(self.learnt), self.n_ctx), COMPUTED)
        view, values = self._run(ids, clean)
        rows = []
        for index in self.learnt:
            work = self.plan.steps[index].work
            if isinstance(work, Attended):
                rows.append(view.selected(work, values, values[index] >= 0))
            else:
                rows.append(jnp.zeros((self.n_ctx - 1, self.n_ctx), bool))
        return jnp.pad(jnp.stack(rows), ((0, 0), (1, 0), (0, 0)))

    def _run(
        self, ids: Int[Any, " ctx"], overrides: Int[Any, "variable ctx"]
    ) -> tuple[_View, list[Any]]:
        """Return what sees what, and the values of all steps, over the tokens."""
        tokens = ids[1:]
        exists = tokens != self.pad_id
        view = _View(self.plan.steps, exists, self.causal)
        values: list[Any] = []
        place = {step: row for row, step in enumerate(self.learnt)}
        for index, step in enumerate(self.plan.steps):
            value = jnp.where(exists, view.compute(step, tokens, values), UNDEFINED)
            if index in place:
                given = overrides[place[index], 1:]
                value = jnp.where(given == COMPUTED, value, given)
            values.append(value)
        return view, values


class _View:
    """Which positions see which, for one input of [seq] tokens."""

    def __init__(
        self, steps: tuple[PlannedStep, ...], exists: Any, causal: bool
    ) -> None:
        self.steps, self.exists = steps, exists
        size = exists.shape[0]
        sight = np.tri(size, dtype=bool) if causal else np.ones((size, size), bool)
        self.visible = exists[None, :] & sight  # [query, key]
        self.place = jnp.arange(size)

    def compute(self, step: PlannedStep, tokens: Any, values: list[Any]) -> Any:
        match step.work:
            case Embedded(kind="tokens"):
                return jnp.where(self.exists, tokens, UNDEFINED)
            case Embedded():
                return self.place
            case Constant():
                return jnp.zeros_like(self.place)
            case Tabulated(args=args, table=table):
                return _look_up(table, [values[a] for a in args])
            case Attended() as work:
                return self.attend(step, work, values)

    def choose(self, work: Attended, values: list[Any]) -> tuple[Any, Any]:
        """Return (which keys match each query, whether all that it takes is known)."""
        chosen, clear = self.visible, jnp.ones_like(self.exists)
        for match in work.matches:
            keys, queries = values[match.key], values[match.query]
            chosen = (
                chosen & jnp.asarray(match.allowed)[keys[None, :], queries[:, None]]
            )
            clear = clear & (queries >= 0)
            clear = clear & ~(self.visible & (keys < 0)[None, :]).any(axis=1)
        return chosen, clear

    def selected(
        self, work: Attended, values: list[Any], known: Bool[Any, " seq"]
    ) -> Bool[Any, "seq ctx"]:
        """Return which keys, BOS in front, make up a result, where it is known."""
        chosen, _ = self.choose(work, values)
        if work.value is not None and work.kind == "pick":
            value = values[work.value]
            picked, _ = self.pick(work, chosen, value)
            chosen = chosen & (value[None, :] == picked[:, None])
        counts = jnp.full(len(chosen), work.kind in ("width", "length"))
        first = counts | ~chosen.any(axis=1)
        return jnp.concatenate([first[:, None], chosen], axis=1) & known[:, None]

    def attend(self, step: PlannedStep, work: Attended, values: list[Any]) -> Any:
        chosen, clear = self.choose(work, values)
        count = chosen.sum(axis=1)
        if work.kind == "length":
            count = jnp.broadcast_to(self.exists.sum(), count.shape)
        if work.kind in ("width", "length"):
            result = _counts(step, len(self.place))[count]
            return jnp.where(clear, result, UNDEFINED)
        assert work.value is not None
        value = values[work.value]
        clear = clear & ~(chosen & (value < 0)[None, :]).any(axis=1)
        if work.kind == "mean":
            result = self.mean(step, work, chosen, count, value)
        else:
            picked, sure = self.pick(work, chosen, value)
            assert work.recode is not None
            recode = jnp.asarray(work.recode)
            result = recode[jnp.clip(picked, 0, len(work.recode) - 1)]
            clear = clear & sure
        result = jnp.where(count == 0, work.default, result)
        return jnp.where(clear, result, UNDEFINED)

    def mean(
        self, step: PlannedStep, work: Attended, chosen: Any, count: Any, value: Any
    ) -> Any:
        assert work.value is not None
        held = values_as_numbers(self.steps[work.value])
        total = jnp.where(chosen, jnp.asarray(held)[value][None, :], 0.0)
        mean = total.sum(axis=1) / jnp.maximum(count, 1).astype(total.dtype)
        numbers = [
            (float(v), i) for i, v in enumerate(step.domain.values) if is_number(v)
        ]
        ordered = np.array([n for n, _ in numbers], np.float32)
        index = np.array([i for _, i in numbers])
        middles = (ordered[1:] + ordered[:-1]) / 2
        return jnp.asarray(index)[jnp.searchsorted(jnp.asarray(middles), mean)]

    def pick(self, work: Attended, chosen: Any, value: Any) -> tuple[Any, Any]:
        """Return (the chosen value of each query, whether there is just one)."""
        assert work.recode is not None
        size = len(work.recode)
        spread = jnp.broadcast_to(value[None, :], chosen.shape)
        low = jnp.where(chosen, spread, size).min(axis=1)
        high = jnp.where(chosen, spread, -1).max(axis=1)
        sure = jnp.ones_like(self.exists)
        match work.rule:
            case "max":
                picked = high
            case "first":
                picked = value[chosen.argmax(axis=1)]
            case "last":
                last = chosen.shape[1] - 1 - chosen[:, ::-1].argmax(axis=1)
                picked = value[last]
            case _:
                picked = low
                if work.rule == "unique":
                    sure = ~chosen.any(axis=1) | (low == high)
        return picked, sure


def values_as_numbers(step: PlannedStep) -> Any:
    """Return [values] the values as floats, 0 for what is no number."""
    values = step.domain.values
    return np.array([float(v) if is_number(v) else 0.0 for v in values], np.float32)


def _look_up(table: Any, args: list[Any]) -> Any:
    result = jnp.asarray(table)[tuple(args)]
    bad = jnp.stack([a < 0 for a in args]).any(axis=0)
    return jnp.where(bad, UNDEFINED, result)


def _counts(step: PlannedStep, size: int) -> Any:
    """Return [size + 1] the index of each count in the step's domain, -1 if none."""
    lookup = np.full(size + 1, UNDEFINED, np.int32)
    for index, value in enumerate(step.domain.values):
        if 0 <= value <= size:
            lookup[value] = index
    return jnp.asarray(lookup)
