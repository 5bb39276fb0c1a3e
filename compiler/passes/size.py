"""How many parameters the model of some steps has at least, while they are coded.

Every figure here is a lower bound, so that no program is refused whose model would have
been small enough. Tables are counted as they are solved, so that a model that is much
too large is refused before its weights take all memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from compiler.errors import ProgramError, count
from compiler.ir import typed as t
from compiler.passes.needs import Needs
from compiler.passes.steps import Step


@dataclass(frozen=True)
class LeastSize:
    """What a model has at least.

    Attributes:
        rows: of the embeddings and columns of the unembedding, together.
        d_model: width of the stream.
        layers: how many there are.
        heads: how many heads compute something, in all layers together.
        abreast: heads that are in one layer, if there are no more layers than these.
        d_head: the widest of them.
        units: hidden units that compute something, in all layers together.
        layer_units: the most of one step, which are in one layer.
        widest: the step that needs most of `d_model`, and how many dimensions.
        largest: the step that has `layer_units`; empty while no table is solved.
        waiting: by table that is not solved, the units that it takes at least.
    """

    rows: int
    d_model: int
    layers: int
    heads: int
    d_head: int
    units: int = 0
    layer_units: int = 0
    widest: tuple[str, int] = ("", 0)
    largest: str = ""
    abreast: int = 1
    waiting: Mapping[str, int] = field(default_factory=dict)

    @property
    def parameters(self) -> int:
        """Weights at least; every layer is as large as the largest one.

        The model may have a layer more than its longest chain of steps, where copies
        are inserted, and fewer heads a layer then. More layers than that are larger.
        """
        units = self.units + sum(self.waiting.values())
        widest = max(self.layer_units, *self.waiting.values(), 0)
        sizes = [
            4 * self.d_head * heads + 2 * max(units, widest * layers)
            for layers, heads in self._shapes
        ]
        return self.d_model * (self.rows + min(sizes))

    @property
    def _shapes(self) -> list[tuple[int, int]]:
        """The layers that there may be, and the heads of all layers together."""
        layers = self.layers
        least = max(self.heads, layers * min(self.abreast, self.heads))
        return [
            (layers, max(least, layers)),
            (layers + 1, max(self.heads, layers + 1)),
        ]

    def with_units(self, name: str, number: int) -> LeastSize:
        """Return the size with the table of one more step."""
        waiting = {n: units for n, units in self.waiting.items() if n != name}
        size = replace(self, units=self.units + number, waiting=waiting)
        if number <= self.layer_units:
            return size
        return replace(size, layer_units=number, largest=name)

    def units_within(self, parameters: int) -> int:
        """Return how many units one table may have at most, for so many parameters."""
        left = parameters // max(self.d_model, 1) - self.rows
        fitting = [
            max(left - 4 * self.d_head * heads, 0) // (2 * max(layers, 1))
            for layers, heads in self._shapes
        ]
        return max(fitting)


def least_size(typed: t.Typed, steps: Sequence[Step], needs: Needs) -> LeastSize:
    """Return what a model has at least, before its steps are coded.

    Args:
        typed: the program.
        steps: all steps; those that its output does not need are not counted.
        needs: which of them stand one-hot.
    """
    needed = sorted(t.needed(steps, [needs.output]))
    dims = {i: _dims(steps[i]) if i in needs.free else 0 for i in needed}
    heads = [i for i in needed if steps[i].is_head]
    widest = max(needed, key=dims.__getitem__)
    outputs = 1 if typed.numerical else steps[needs.output].domain.size
    slots = _slots(steps, needed)
    layers = 1 + max((slot // 2 for slot in slots.values()), default=0)
    return LeastSize(
        rows=len(typed.vocab) + typed.max_len + outputs,
        d_model=max(sum(dims.values()), 1),
        layers=layers,
        heads=len(heads),
        d_head=max((max(dims[i], _compared(steps[i])) for i in heads), default=0),
        widest=(steps[widest].name, dims[widest]),
        abreast=_abreast(steps, needed, slots, layers),
        waiting={steps[i].name: n for i in needed if (n := _units(steps[i], dims[i]))},
    )


def refuse_large(typed: t.Typed, size: LeastSize, most: int | None) -> None:
    """Refuse a model that would have too many parameters.

    Raises:
        ProgramError: it has more than `most` at least; says how large it would be, why,
            and what helps.
    """
    if most is None or size.parameters <= most:
        return
    name, dims = size.widest
    reasons = [f"the values of {name!r} take {dims} of its {size.d_model} dimensions"]
    tables = {**size.waiting, size.largest: size.layer_units}
    largest = max(tables, key=tables.__getitem__)
    if largest:
        units = count(tables[largest], "hidden unit")
        more = " or more" * (largest in size.waiting)
        reasons.insert(0, f"the table of {largest!r} takes {units}{more}")
    raise ProgramError(
        [
            f"with {count(len(typed.vocab), 'token')} and max_len {typed.max_len} its "
            f"model would have {size.parameters:,} parameters or more, above the limit "
            f"of {most:,}: {', and '.join(reasons)}. Lower max_len, take a smaller "
            "vocabulary, compute that step in smaller ones, or raise max_parameters."
        ],
        typed.name,
    )


def _dims(step: Step) -> int:
    """Return the dimensions of a one-hot step; what heads count or average has one."""
    if step.is_head and not isinstance(step.operation, t.Pick):
        return 0
    return step.domain.size if step.domain.size > 2 else step.domain.size - 1


def _units(step: Step, dims: int) -> int:
    """Return the hidden units that a table takes at least.

    Rows of a one-hot code span one dimension less than there are, and a unit adds one.
    """
    if not isinstance(step.operation, t.Table) or dims < 2:
        return 0
    table = step.operation.table
    # np.unique imports NumPy's masked arrays: half of the time of a small program.
    return int(np.count_nonzero(np.bincount(table[table >= 0]))) - 1


def _compared(step: Step) -> int:
    """Return how many dimensions the scores of a head take at least.

    Keys that are selected alike share one, or queries that select alike do, and one
    kind of either may need none.
    """
    kinds = [
        min(len({row.tobytes() for row in side}) for side in (a, a.T)) - 1
        for a in (match.allowed for match in step.matches)
    ]
    return sum(kinds)


def _slots(steps: Sequence[Step], needed: Sequence[int]) -> dict[int, int]:
    """Return the first slot of each step: 2 * layer of a head, and one more of an MLP.

    Embeddings have -1.
    """
    slots: dict[int, int] = {}
    for index in needed:
        step = steps[index]
        ready = max((slots[r] for r in step.reads), default=-1)
        if step.is_head:
            slots[index] = ready + 1 if ready % 2 else ready + 2
        elif isinstance(step.operation, t.Table):
            slots[index] = ready + 2 if ready % 2 else ready + 1
        else:
            slots[index] = -1
    return slots


def _abreast(
    steps: Sequence[Step], needed: Sequence[int], first: dict[int, int], layers: int
) -> int:
    """Return the most heads of one layer that can be in no other one.

    That is if there are only `layers` layers, the longest chain: then a step that is on
    a chain of that length has one place.
    """
    last = {i: 2 * layers - (2 if steps[i].is_head else 1) for i in needed}
    for index in reversed(needed):
        for source in steps[index].reads:
            if source in last and first[source] >= 0:
                before = last[index] - 1
                before -= (before - (not steps[source].is_head)) % 2
                last[source] = min(last[source], before)
    fixed = [first[i] for i in needed if steps[i].is_head and first[i] == last[i]]
    return max(map(fixed.count, fixed), default=1)
