"""A RASP program as a causal model, computed by table look-ups and masked sums.

Its variables are what single components compute: the steps that a saved model holds,
or else the variables of the program itself. Everything that is needed is in the model.
No pass of the compiler is called, and no function that the program's author wrote.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import reduce
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Int

from compiler.errors import InputError
from compiler.ir import typed as t
from compiler.ir.interpret import interpret
from compiler.lower.readout import Readout
from compiler.passes.check import Accepts, sample_inputs
from zoo.causal.model import (
    COMPUTED,
    UNDEFINED,
    CausalVariable,
    Parent,
    ParentSlot,
)

# Outputs of up to this many values are learnt as classes, numbers or not.
_CLASSES = 64
_SAMPLE = 1000  # inputs on which steps are compared with their program
_GIVEN = ("tokens", "indices")


class TabularModel:
    """The causal model of a program; see `CausalModel`.

    Args:
        program: the typed program.
        steps: the same program with one variable for each component; None if each
            variable of the program has a component of its own.
        accepts: which inputs the program is for.
        facts: further facts about the program: family, meaning, source text.
        layers: by step, the first layer that can compute it; found from what each step
            reads if not given.
    """

    def __init__(
        self,
        program: t.Typed,
        steps: t.Typed | None = None,
        accepts: Accepts | None = None,
        facts: Mapping[str, Any] | None = None,
        layers: Mapping[str, int] | None = None,
    ) -> None:
        self.facts = facts or {}
        self.typed, self.own_steps = program, steps
        self.steps = program if steps is None else steps
        self.accepts = accepts
        self.name, self.causal, self.vocab = program.name, program.causal, program.vocab
        size = len(self.vocab)
        self.n_ctx, self.d_vocab = program.max_len + 1, size + 2
        self.bos_id, self.pad_id = size, size + 1
        kept = t.needed(self.steps.variables, [self.steps.output, *self.steps.extra])
        self.learnt = [
            i
            for i, v in enumerate(self.steps.variables)
            if i in kept and not _is_given(v)
        ]
        first = _earliest(self.steps)
        self.variables = tuple(
            CausalVariable(
                name=v.name,
                size=v.domain.size,
                kind=self._kind(i),
                layer=first[i] // 2 if layers is None else layers.get(v.name, 0),
                parents=tuple(dict.fromkeys(self._parents(v.operation))),
            )
            for i in self.learnt
            for v in [self.steps.variables[i]]
        )
        output = self.steps.variables[self.steps.output]
        self.output, values = output.name, output.domain.values
        kind: Literal["classes", "number", "nullable"] = "classes"
        if program.numerical and len(values) > _CLASSES:
            kind = "nullable" if any(v is None for v in values) else "number"
        self.readout = Readout(kind, values)

    @property
    def task_sizes(self) -> tuple[int, ...]:
        """How many outputs each task has, where the output is a tuple of several."""
        output = self.steps.variables[self.steps.output].operation
        if not self.facts.get("tasks") or not isinstance(output, t.Table):
            return ()
        return tuple(self.steps.variables[i].domain.size for i in output.args)

    def _kind(self, index: int) -> Literal["head", "mlp", "logits"]:
        """Return what computes a step; the tuple of several outputs, the logits."""
        if self.facts.get("tasks") and index == self.steps.output:
            return "logits"
        is_table = isinstance(self.steps.variables[index].operation, t.Table)
        return "mlp" if is_table else "head"

    def _read(self, index: int, slot: ParentSlot) -> Iterator[Parent]:
        variable = self.steps.variables[index]
        if variable.domain.size == 1:  # the same in every input
            return
        name = variable.name
        if isinstance(variable.operation, t.Input) and _is_given(variable):
            name = "tokens" if variable.operation.kind == "tokens" else "positions"
        yield Parent(name, slot)

    def _parents(self, operation: t.Operation) -> Iterator[Parent]:
        """Yield what an operation reads: keys and queries, the order, the value."""
        if isinstance(operation, t.Table):
            for index in operation.args:
                yield from self._read(index, "in")
        if isinstance(operation, t.Input) and self.steps.max_len > 1:
            yield Parent("positions", "v")
        if not isinstance(operation, t.Width | t.Mean | t.Pick):
            return
        for atom in t.atoms(operation.selector):
            yield from self._read(atom.key, "k")
            yield from self._read(atom.query, "q")
        if isinstance(operation, t.Width):
            return
        if isinstance(operation, t.Pick) and self.steps.max_len > 1:
            if operation.rule in ("first", "last"):
                yield Parent("positions", "k")
            elif operation.rule in ("min", "max"):
                yield from self._read(operation.value, "k")
        yield from self._read(operation.value, "v")

    def inputs(
        self, limit: int, seed: int
    ) -> tuple[Int[np.ndarray, "input ctx"], bool]:
        """Return (distinct inputs, whether these are all that there are).

        All inputs if there are at most `limit`, else a sample of at most `limit`.
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
        """Return the values of all variables of one input; jax can trace it."""
        _, values = self._run(ids, overrides)
        learnt = jnp.stack([values[i] for i in self.learnt])
        return jnp.pad(learnt, ((0, 0), (1, 0)), constant_values=UNDEFINED)

    def selected(self, ids: Int[Any, " ctx"]) -> Bool[Any, "variable ctx key"]:
        """Return which keys compute each variable; see `Selecting`."""
        clean = jnp.full((len(self.learnt), self.n_ctx), COMPUTED)
        view, values = self._run(ids, clean)
        rows = []
        for index in self.learnt:
            operation = self.steps.variables[index].operation
            if isinstance(operation, t.Table):
                rows.append(jnp.zeros((self.n_ctx - 1, self.n_ctx), bool))
            else:
                rows.append(view.selected(operation, values, values[index] >= 0))
        return jnp.pad(jnp.stack(rows), ((0, 0), (1, 0), (0, 0)))

    def _run(
        self, ids: Int[Any, " ctx"], overrides: Int[Any, "variable ctx"]
    ) -> tuple[_View, list[Any]]:
        """Return what sees what, and the values of all steps, over the tokens."""
        tokens = ids[1:]
        exists = tokens != self.pad_id
        view = _View(exists, self.causal)
        values: list[Any] = []
        place = {step: row for row, step in enumerate(self.learnt)}
        for index, step in enumerate(self.steps.variables):
            value = view.compute(step.operation, tokens, values)
            value = jnp.where(exists, value, UNDEFINED)
            if index in place:
                given = overrides[place[index], 1:]
                value = jnp.where(given == COMPUTED, value, given)
            values.append(value)
        return view, values


def check_steps(
    program: t.Typed, steps: t.Typed, accepts: Accepts | None = None
) -> None:
    """Check that steps compute the program that they are said to be the steps of.

    Every variable of that name, and the output, is compared on a sample of inputs: who
    made a model may not choose what it is held to.

    Raises:
        InputError: one differs.
    """
    tokens, lengths, _ = sample_inputs(program, _SAMPLE, 0, accepts)
    live = np.arange(tokens.shape[1])[None, :] < lengths[:, None]
    expected, found = (interpret(p, tokens, lengths) for p in (program, steps))
    pairs = {v.name: (i, steps.index(v.name)) for i, v in enumerate(program.variables)}
    pairs = {"the output": (program.output, steps.output), **pairs}
    for name, (own, other) in pairs.items():
        if other >= 0 and (expected.values[own] != found.values[other])[live].any():
            raise InputError(
                f"{program.name}: its steps compute other values of {name} than the "
                "program does. The two do not belong together: fetch the model again, "
                "or compile it anew"
            )


def _is_given(variable: t.Variable) -> bool:
    """Return whether no head and no MLP computes a variable."""
    operation = variable.operation
    if isinstance(operation, t.Input):
        return operation.kind in _GIVEN
    return isinstance(operation, t.Fixed)


def _earliest(steps: t.Typed) -> list[int]:
    """Return the first slot of each step: 2 * layer for a head, 1 more for an MLP."""
    slots: list[int] = []
    for variable in steps.variables:
        operation = variable.operation
        ready = max((slots[i] for i in t.reads(operation)), default=-1)
        if _is_given(variable):
            slots.append(-1)
        elif isinstance(operation, t.Table):
            slots.append(ready + 2 if ready % 2 else ready + 1)
        else:
            slots.append(ready + 1 if ready % 2 else ready + 2)
    return slots


class _View:
    """Which positions see which, for one input of [seq] tokens."""

    def __init__(self, exists: Any, causal: bool) -> None:
        self.exists = exists
        size = exists.shape[0]
        sight = np.tri(size, dtype=bool) if causal else np.ones((size, size), bool)
        self.visible = exists[None, :] & sight  # [query, key]
        self.place = jnp.arange(size)

    def compute(self, operation: t.Operation, tokens: Any, values: list[Any]) -> Any:
        match operation:
            case t.Input(kind="tokens"):
                return tokens
            case t.Input(kind="indices"):
                return self.place
            case t.Input():
                return jnp.broadcast_to(self.exists.sum() - 1, self.place.shape)
            case t.Fixed():
                return jnp.zeros_like(self.place)
            case t.Table(args=args, table=table):
                return _look_up(table, [values[a] for a in args])
            case t.Width(selector=selector, lookup=lookup):
                chosen, clear = self.choose(selector, values)
                result = jnp.asarray(lookup)[chosen.sum(axis=1)]
            case t.Mean():
                result, clear = self.mean(operation, values)
            case t.Pick():
                result, clear = self.pick(operation, values)
        return jnp.where(clear, result, UNDEFINED)

    def choose(self, selector: t.Formula, values: list[Any]) -> tuple[Any, Any]:
        """Return (which keys match each query, whether all that it takes is known)."""
        chosen = self.visible & _truth(selector, values)
        clear = jnp.ones_like(self.exists)
        for atom in t.atoms(selector):
            keys, queries = values[atom.key], values[atom.query]
            clear = clear & (queries >= 0)
            clear = clear & ~(self.visible & (keys < 0)[None, :]).any(axis=1)
        return chosen, clear

    def selected(
        self, operation: t.Operation, values: list[Any], known: Bool[Any, " seq"]
    ) -> Bool[Any, "seq ctx"]:
        """Return which keys, BOS in front, make up a result, where it is known."""
        counts = isinstance(operation, t.Width | t.Input)
        chosen = self.visible
        if isinstance(operation, t.Width | t.Mean | t.Pick):
            chosen, _ = self.choose(operation.selector, values)
        if isinstance(operation, t.Pick):
            held = _recoded(operation, values)
            picked, _ = self.picked(operation, chosen, held)
            chosen = chosen & (held[None, :] == picked[:, None])
        first = jnp.full(len(chosen), counts) | ~chosen.any(axis=1)
        return jnp.concatenate([first[:, None], chosen], axis=1) & known[:, None]

    def mean(self, mean: t.Mean, values: list[Any]) -> tuple[Any, Any]:
        """Return (the mean of the selected values, where it is known).

        Sums are of whole numbers, so that no rounding decides on a mean.
        """
        chosen, clear = self.choose(mean.selector, values)
        held = values[mean.value]
        bad = (held < 0) | ~jnp.asarray(mean.numeric)[held]
        clear = clear & ~(chosen & bad[None, :]).any(axis=1)
        numbers = jnp.asarray(mean.numerators.astype(np.int32))[held]
        total = jnp.where(chosen, numbers[None, :], 0).sum(axis=1) - mean.lowest
        total = jnp.clip(total, 0, mean.lookup.shape[1] - 1)
        count = chosen.sum(axis=1)
        found = jnp.asarray(mean.lookup)[count, total]
        return jnp.where(count == 0, mean.default, found), clear

    def pick(self, pick: t.Pick, values: list[Any]) -> tuple[Any, Any]:
        """Return (the chosen value of each query, where it is known)."""
        chosen, clear = self.choose(pick.selector, values)
        held = _recoded(pick, values)
        clear = clear & ~(chosen & (held < 0)[None, :]).any(axis=1)
        picked, sure = self.picked(pick, chosen, held)
        return jnp.where(chosen.any(axis=1), picked, pick.default), clear & sure

    def picked(self, pick: t.Pick, chosen: Any, held: Any) -> tuple[Any, Any]:
        """Return (the value that a rule takes, whether there is just one)."""
        size = max(1, int(pick.recode.max()) + 1)
        spread = jnp.broadcast_to(held[None, :], chosen.shape)
        low = jnp.where(chosen, spread, size).min(axis=1)
        high = jnp.where(chosen, spread, -1).max(axis=1)
        sure = jnp.ones_like(self.exists)
        match pick.rule:
            case "unique":
                return low, ~chosen.any(axis=1) | (low == high)
            case "max":
                return high, sure
            case "first":
                return held[chosen.argmax(axis=1)], sure
            case "last":
                last = chosen.shape[1] - 1 - chosen[:, ::-1].argmax(axis=1)
                return held[last], sure
            case "mode":
                equal = spread[..., None] == jnp.arange(size)
                counts = (chosen[..., None] & equal).sum(axis=1)
                return counts.argmax(axis=1), sure
        return low, sure


def _truth(formula: t.Formula, values: list[Any]) -> Any:
    """Return [query, key] where a selector holds."""
    match formula:
        case t.Truth(value=value):
            return jnp.asarray(value)
        case t.Atom(key=key, query=query, allowed=allowed):
            return jnp.asarray(allowed)[values[key][None, :], values[query][:, None]]
        case t.Junction(kind="not", parts=parts):
            return ~_truth(parts[0], values)
    join = jnp.logical_and if formula.kind == "and" else jnp.logical_or
    return reduce(join, [_truth(part, values) for part in formula.parts])


def _recoded(pick: t.Pick, values: list[Any]) -> Any:
    """Return the values that a pick reads, as values of its own domain."""
    held = values[pick.value]
    return jnp.where(held < 0, UNDEFINED, jnp.asarray(pick.recode)[held])


def _look_up(table: Any, args: list[Any]) -> Any:
    result = jnp.asarray(table)[tuple(args)]
    bad = jnp.stack([a < 0 for a in args]).any(axis=0)
    return jnp.where(bad, UNDEFINED, result)
