"""Inputs of a causal model, with what every variable holds in each of them.

All inputs where they are few enough, else a seeded sample. `zoo components` and the
scores of claims read the values from here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import jax
import numpy as np
from jaxtyping import Bool, Int

from compiler.errors import InputError, unknown_name
from compiler.ir.interpret import interpret
from compiler.machine.jit import QUICK_TO_COMPILE
from compiler.rasp.values import Value
from zoo.causal.model import COMPUTED, UNDEFINED, CausalModel, Task
from zoo.causal.tabular import TabularModel

TOKENS, POSITIONS = "tokens", "positions"
MOST = 100_000
"""Inputs up to which a program's inputs are all taken."""
MOST_BY_HAND = 4_096
"""Inputs that are taken of a task, which finds inputs only by drawing them."""
FEW = 40
"""With fewer inputs than this, methods are fitted and measured on the same ones."""
_SMALL, _CHUNK = 512, 8_192  # two shapes, so that there are two compilations


@dataclass(frozen=True, eq=False)
class Population:
    """Inputs, and the values of all variables.

    Attributes:
        causal: the causal model.
        ids: [input, ctx] token ids, BOS first.
        complete: whether these are all inputs of the model.
        values: [input, variable, ctx] index of each value, -1 for none.
    """

    causal: TabularModel | Task
    ids: Int[np.ndarray, "input ctx"]
    complete: bool
    values: Int[np.ndarray, "input variable ctx"]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def names(self) -> tuple[str, ...]:
        """The variables that heads and MLPs compute, each one after its parents."""
        return tuple(v.name for v in self.causal.variables)

    @property
    def output(self) -> int:
        """The index of the output variable."""
        return self.names.index(self.causal.output)

    @cached_property
    def live(self) -> Bool[np.ndarray, "input ctx"]:
        """Which positions hold a token; BOS and PAD are none."""
        found = self.ids != self.causal.pad_id
        found[:, 0] = False
        return found

    @property
    def lengths(self) -> Int[np.ndarray, " input"]:
        """How many tokens each input has."""
        return self.live.sum(axis=1)

    @cached_property
    def domains(self) -> Mapping[str, tuple[Value, ...]]:
        """The values of tokens, positions and every variable, by name."""
        given = {
            TOKENS: tuple(self.causal.vocab),
            POSITIONS: tuple(range(self.causal.n_ctx - 1)),
        }
        return {**given, **domains_of(self.causal)}

    def index(self, name: str) -> int:
        """Return the index of a variable.

        Raises:
            NameLookupError: there is none of that name; the nearest are offered.
        """
        if name not in self.names:
            raise unknown_name("variable", name, self.names)
        return self.names.index(name)

    def held(self, name: str) -> Int[np.ndarray, "input ctx"]:
        """Return what tokens, positions or a variable hold: indices, -1 for none."""
        if name == TOKENS:
            return np.where(self.live, self.ids, UNDEFINED).astype(np.int32)
        if name == POSITIONS:
            places = np.arange(self.ids.shape[1]) - 1
            return np.where(self.live, places, UNDEFINED).astype(np.int32)
        return self.values[:, self.index(name)]

    def words(self, row: int) -> list[Value]:
        """Return the tokens of one input."""
        return [self.causal.vocab[i] for i in self.ids[row][self.live[row]]]

    def decoded(self, name: str, row: int) -> list[Value]:
        """Return a variable's values at the tokens of one input; None for no value."""
        domain = self.domains[name]
        held = self.held(name)[row][self.live[row]]
        return [None if i < 0 else domain[i] for i in held]

    def halves(
        self, rng: np.random.Generator
    ) -> tuple[Bool[np.ndarray, " input"], Bool[np.ndarray, " input"]]:
        """Return which inputs to fit on, and which others to measure on.

        Where there are fewer than `FEW`, each is both.

        Args:
            rng: draws the halves.
        """
        known = np.ones(len(self), bool)
        order = rng.permutation(len(self))
        if len(self) < FEW:
            return known, known
        known[order[len(self) // 2 :]] = False
        return known, ~known

    def part(self, rows: Any) -> Population:
        """Return some of the inputs."""
        whole = self.complete and len(np.unique(rows)) == len(self)
        return Population(self.causal, self.ids[rows], whole, self.values[rows])


def domains_of(causal: TabularModel | Task) -> Mapping[str, tuple[Value, ...]]:
    """Return the values of every variable of a causal model, by name."""
    if isinstance(causal, TabularModel):
        steps = {v.name: v.domain.values for v in causal.steps.variables}
        return {v.name: tuple(steps[v.name]) for v in causal.variables}
    return {v.name: tuple(causal.values[v.name]) for v in causal.variables}


def populate(
    causal: TabularModel | Task, most: int | None = None, seed: int = 0
) -> Population:
    """Return the inputs of a causal model with the values of all variables.

    Args:
        causal: the causal model.
        most: how many inputs at most; `MOST`, or `MOST_BY_HAND` of a task, if None.
        seed: of the sample where there are more.

    Raises:
        InputError: `most` is below 1.
    """
    if most is not None and most < 1:
        raise InputError(f"inputs is {most}; give at least 1")
    tabular = isinstance(causal, TabularModel)
    limit = most or (MOST if tabular else MOST_BY_HAND)
    ids, complete = causal.inputs(limit, seed)
    ids = np.asarray(ids, np.int32)
    return Population(causal, ids, complete, run_all(causal, ids))


@lru_cache(maxsize=8)
def _compiled(causal: CausalModel) -> Callable[..., Any]:
    return jax.jit(jax.vmap(causal.run), compiler_options=QUICK_TO_COMPILE)


def run_all(
    causal: CausalModel,
    ids: Int[np.ndarray, "input ctx"],
    overrides: Int[np.ndarray, "input variable ctx"] | None = None,
) -> Int[np.ndarray, "input variable ctx"]:
    """Return the values of all variables.

    A program is interpreted in NumPy, since XLA takes longer to compile it than most
    runs take. A causal model that was written by hand is compiled and run by chunks.

    Args:
        causal: the causal model.
        ids: the inputs.
        overrides: values that are set from outside, -2 where they are computed.
    """
    if not causal.variables:  # a program whose output is the same everywhere
        return np.zeros((len(ids), 0, ids.shape[1]), np.int32)
    if type(causal) is TabularModel:
        exists = ids[:, 1:] != causal.pad_id
        if (exists[:, :-1] >= exists[:, 1:]).all():  # PAD stands at the end only
            return _interpret(causal, ids, exists, overrides)
    return _run_compiled(causal, ids, overrides)


def _interpret(
    causal: TabularModel,
    ids: Int[np.ndarray, "input ctx"],
    exists: Bool[np.ndarray, "input place"],
    overrides: Int[np.ndarray, "input variable ctx"] | None,
) -> Int[np.ndarray, "input variable ctx"]:
    """Return what `causal.run` does, in NumPy: nothing is compiled for the program."""
    tokens = np.where(exists, ids[:, 1:], 0).astype(np.int32)
    given = None if overrides is None else np.asarray(overrides)[:, :, 1:]
    changed = {
        step: np.where(exists, given[:, row], COMPUTED)
        for row, step in enumerate(causal.learnt)
        if given is not None and (given[:, row] != COMPUTED).any()
    }
    trace = interpret(causal.steps, tokens, exists.sum(axis=1), changed)
    found = np.full((len(ids), len(causal.learnt), ids.shape[1]), UNDEFINED, np.int32)
    for row, step in enumerate(causal.learnt):
        found[:, row, 1:] = np.where(exists, trace.values[step], UNDEFINED)
    if given is not None:
        found[:, :, 1:] = np.where(given == COMPUTED, found[:, :, 1:], given)
    return found


def _run_compiled(
    causal: CausalModel,
    ids: Int[np.ndarray, "input ctx"],
    overrides: Int[np.ndarray, "input variable ctx"] | None,
) -> Int[np.ndarray, "input variable ctx"]:
    """Return what `causal.run` does, compiled, chunk by chunk."""
    run = _compiled(causal)
    size = _SMALL if len(ids) <= _SMALL else _CHUNK
    shape = len(causal.variables), ids.shape[1]
    clean = np.full((size, *shape), COMPUTED, np.int32)
    found = []
    for start in range(0, len(ids), size):
        rows = ids[start : start + size]
        given = clean if overrides is None else overrides[start : start + size]
        room = size - len(rows)
        padded = np.pad(rows, ((0, room), (0, 0)), mode="edge")
        if len(given) < size:
            given = np.pad(given, ((0, room), (0, 0), (0, 0)), mode="edge")
        found.append(np.asarray(run(padded, given))[: len(rows)])
    if not found:
        return np.zeros((0, *shape), np.int32)
    return np.concatenate(found).astype(np.int32)
