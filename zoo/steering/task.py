"""What a steering method is given: inputs in which one variable is to get one value.

In each example the variable is set to the value at one position (or at all at which it
has a value), and the program says what every output is then. Only values are set that
the variable has at that position in some other input.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from compiler.errors import InputError
from compiler.machine.forward import forward_batch
from compiler.machine.transformer import Transformer
from compiler.model import Model
from compiler.rasp.values import Value, canonical, show, show_many
from zoo.alignment.patching import stack_base_runs
from zoo.alignment.places import Place, find_place
from zoo.auditing.subject import causal_of
from zoo.causal.model import COMPUTED
from zoo.causal.population import Population, populate, run_all
from zoo.lookup import open_named

EXAMPLES, INPUTS, CHUNK = 192, 2_048, 128
"""Examples of each half; inputs that they are drawn from; inputs run at a time."""
POSITIONS = ("one", "all")


@dataclass(frozen=True, eq=False)
class SteeringExamples:
    """Base inputs in which a variable is set to a value.

    Attributes:
        rows: of the base inputs in the task's inputs.
        ids: [example, ctx] token ids.
        steered: [example, ctx] where the variable is set.
        before: [example, ctx] index of the output as it is, -1 for none.
        after: the same with the variable set.
        other: the same with the variable set to a third value, where it can have one.
        base: the runs, as `compiler.machine.rerun` has them; None if not run yet.
    """

    rows: Int[np.ndarray, " example"]
    ids: Int[np.ndarray, "example ctx"]
    steered: Bool[np.ndarray, "example ctx"]
    before: Int[np.ndarray, "example ctx"]
    after: Int[np.ndarray, "example ctx"]
    other: Int[np.ndarray, "example ctx"]
    base: Any = None

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def changed(self) -> Bool[np.ndarray, "example ctx"]:
        """Outputs that change when the variable is set."""
        return (self.before >= 0) & (self.after >= 0) & (self.before != self.after)

    @property
    def telling(self) -> Bool[np.ndarray, "example ctx"]:
        """Outputs that change so only for this value: a third one gives another.

        Where a value is only erased, such outputs are not right. If there are none of
        them, these are all outputs that change.
        """
        found = self.changed & (self.after != self.other)
        return found if found.any() else self.changed

    @property
    def kept(self) -> Bool[np.ndarray, "example ctx"]:
        """Outputs that stay."""
        return (self.before >= 0) & (self.before == self.after)


@dataclass(frozen=True, eq=False)
class SteeringTask:
    """A variable, the value that it is to get, and inputs to steer.

    Attributes:
        name: of the model, as reports call it.
        model: the model.
        variable: by name.
        value: index of the value in the variable's domain.
        place: the site at which a method acts.
        positions: `one` position of an example is steered, or `all`.
        inputs: the inputs that examples are drawn from, with all variables' values.
        held: [input, ctx, d_model] what the site holds in each of them.
        known: [input] whether a method may fit on this input.
        fit: examples to fit on.
        test: examples to measure on, of other inputs unless there are few.
        seed: of the draws.
        transformer: what is steered: the model's, except in controls.
    """

    name: str
    model: Model
    variable: str
    value: int
    place: Place
    positions: str
    inputs: Population
    held: Float[np.ndarray, "input ctx d_model"]
    known: Bool[np.ndarray, " input"]
    fit: SteeringExamples
    test: SteeringExamples
    seed: int
    transformer: Transformer

    @property
    def labels(self) -> Int[np.ndarray, "input ctx"]:
        """The index of the variable's value at each token, -1 for none."""
        return self.inputs.held(self.variable)

    @property
    def shown(self) -> str:
        """The value as text."""
        return show(self.inputs.domains[self.variable][self.value])

    @property
    def tokens(
        self,
    ) -> tuple[Float[np.ndarray, "token d_model"], Int[np.ndarray, " token"]]:
        """What the site holds at tokens to fit on, and the variable's values there."""
        which = (self.labels >= 0) & self.known[:, None]
        return self.held[which], self.labels[which]


def open_steering(
    source: str | Path | Model | SteeringTask,
    variable: str,
    value: Value,
    site: str | None = None,
    *,
    positions: str = "one",
    examples: int = EXAMPLES,
    seed: int = 0,
) -> SteeringTask:
    """Return inputs in which a variable is to be set to a value, with the outputs then.

    Args:
        source: a release's name, a folder, a program's name, or a model.
        variable: of the program, computed by a head or an MLP.
        value: one of its values.
        site: where a method acts: a source (`m0`, `a1.h2`), or the stream before a
            layer (`stream.1`); the variable's own node if None.
        positions: whether `one` position of an example is steered, or `all`.
        examples: how many examples are drawn to fit on, and as many to measure on.
        seed: of the draws.

    Raises:
        NameLookupError: the model, the variable or the site is unknown.
        InputError: the variable does not have that value, or no input has another
            value where it could be set.
    """
    if isinstance(source, SteeringTask):
        return source
    if examples < 1 or positions not in POSITIONS:
        raise InputError(
            f"steering: examples is {examples} and positions {positions!r}; give at "
            f"least 1 example, and one of {', '.join(POSITIONS)}"
        )
    model, name = open_named(source)
    inputs = populate(causal_of(model), INPUTS, seed)
    index = _value_index(inputs, name, variable, value)
    if variable not in model.sites:
        raise InputError(f"{name}: nothing in the model computes {variable!r}")
    place = find_place(model.config, site or model.sites[variable].node)
    rng = np.random.default_rng([*b"steering", seed])
    known, other = inputs.halves(rng)
    parts = [
        draw_examples(name, inputs, variable, index, rows, positions, examples, rng)
        for rows in (known, other)
    ]
    fit, test = (
        replace(part, base=stack_base_runs(model.transformer, part.ids))
        for part in parts
    )
    held = hold_of(model.transformer, place, inputs.ids)
    return SteeringTask(
        name=name,
        model=model,
        variable=variable,
        value=index,
        place=place,
        positions=positions,
        inputs=inputs,
        held=held,
        known=known,
        fit=fit,
        test=test,
        seed=seed,
        transformer=model.transformer,
    )


def hold_of(
    transformer: Transformer, place: Place, ids: Int[np.ndarray, "input ctx"]
) -> Float[np.ndarray, "input ctx d_model"]:
    """Return what a site holds in each input, computed some inputs at a time."""
    found = []
    for start in range(0, len(ids), CHUNK):
        rows = ids[start : start + CHUNK]
        room = ((0, CHUNK - len(rows)), (0, 0))
        run = forward_batch(transformer, np.pad(rows, room, mode="edge"))
        found.append(place.held(run.writes)[: len(rows)])
    return np.concatenate(found).astype(np.float32)


def _value_index(inputs: Population, name: str, variable: str, value: Value) -> int:
    inputs.index(variable)  # an unknown name is refused
    domain = inputs.domains[variable]
    try:
        given = canonical(value)
    except TypeError:
        given = None
    for index, known in enumerate(domain):
        if given is not None and type(known) is type(given) and known == given:
            return index
    as_text = [i for i, known in enumerate(domain) if show(known) == str(value)]
    if len(as_text) == 1:
        return as_text[0]
    raise InputError(
        f"{name}: {variable!r} never has the value {value!r}. Its values are "
        f"{show_many(domain)}"
    )


def draw_examples(
    name: str,
    inputs: Population,
    variable: str,
    value: int,
    among: Bool[np.ndarray, " input"],
    positions: str,
    count: int,
    rng: np.random.Generator,
) -> SteeringExamples:
    """Return examples that are not run yet; half change an output if so many do.

    Args:
        name: of the model.
        inputs: its inputs.
        variable: by name.
        value: index of the value that it is set to.
        among: [input] which inputs may be base inputs.
        positions: `one` or `all`.
        count: how many examples.
        rng: draws them.

    Raises:
        InputError: there is no input in which the variable could be set to the value.
    """
    held = inputs.held(variable)
    possible = (held == value).any(axis=0)[None] & (held >= 0) & among[:, None]
    apart = possible & (held != value)
    if not apart.any():
        shown = show(inputs.domains[variable][value])
        raise InputError(
            f"{name}: {variable!r} cannot be set to {shown}: in these inputs there is "
            "no position at which it has that value in one and another in the next. "
            "Give another value"
        )
    rows, where = _places(apart, possible, positions, 8 * count, rng)

    def outputs(values: Any) -> Int[np.ndarray, "example ctx"]:
        overrides = np.full((len(rows), *inputs.values.shape[1:]), COMPUTED, np.int32)
        overrides[:, inputs.index(variable)] = np.where(where, values, COMPUTED)
        return run_all(inputs.causal, inputs.ids[rows], overrides)[:, inputs.output]

    before, after = inputs.values[rows, inputs.output], outputs(value)
    moved = ((before != after) & (before >= 0) & (after >= 0)).any(axis=1)
    order = np.concatenate([np.flatnonzero(moved), np.flatnonzero(~moved)])
    first = np.flatnonzero(moved)[: max((count + 1) // 2, count - int((~moved).sum()))]
    chosen = np.concatenate([first, order[int(moved.sum()) :]])[:count]
    return SteeringExamples(
        rows=rows[chosen],
        ids=inputs.ids[rows[chosen]],
        steered=where[chosen],
        before=before[chosen],
        after=np.where(before >= 0, after, -1)[chosen],
        other=outputs(_third(held, value, rows, rng))[chosen],
    )


def _places(
    apart: Bool[np.ndarray, "input ctx"],
    possible: Bool[np.ndarray, "input ctx"],
    positions: str,
    most: int,
    rng: np.random.Generator,
) -> tuple[Int[np.ndarray, " example"], Bool[np.ndarray, "example ctx"]]:
    """Return inputs, and where the variable is set in each of them."""
    if positions == "all":
        rows = rng.permutation(np.flatnonzero(apart.any(axis=1)))[:most]
        return rows, possible[rows]
    places = np.argwhere(apart)
    places = places[rng.permutation(len(places))[:most]]
    where = np.zeros((len(places), apart.shape[1]), bool)
    where[np.arange(len(places)), places[:, 1]] = True
    return places[:, 0], where


def _third(
    held: Int[np.ndarray, "input ctx"],
    value: int,
    rows: Int[np.ndarray, " example"],
    rng: np.random.Generator,
) -> Int[np.ndarray, "example ctx"]:
    """Return a value that is neither the given one nor that of the input, or -2."""
    sizes = np.arange(int(held.max()) + 1)
    occurs = (held[:, :, None] == sizes).any(axis=0)  # [ctx, value]
    free = occurs[None] & (sizes != value) & (held[rows][:, :, None] != sizes)
    drawn = (rng.random(free.shape) * free).argmax(axis=-1)
    return np.where(free.any(axis=-1), drawn, COMPUTED).astype(np.int32)
