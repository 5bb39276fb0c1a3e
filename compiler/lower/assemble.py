"""LaidOut -> weights: every read and every write put into its dimensions.

All arithmetic is in float64; the weights are cast once, at the end of the pipeline.
"""

from __future__ import annotations

from itertools import zip_longest

import numpy as np

from compiler.ir import typed as t
from compiler.lower.readout import Readout
from compiler.lower.tuple_logits import spread
from compiler.machine.config import Config
from compiler.machine.weights import Weights, expected_shapes
from compiler.passes.codes import Affine, Code, affine, natural_numbers
from compiler.passes.layout import LaidOut
from compiler.passes.schedule import Place
from compiler.passes.scores import Head
from compiler.passes.steps import CodedStep
from compiler.passes.tasks import outputs_of, tuples_of
from compiler.passes.units import Units

# The logit of the right class stands at least this far above the others.
MARGIN = 10.0


def make_config(laid_out: LaidOut, readout: Readout) -> Config:
    """Return the shape of the transformer: BOS and PAD come after the vocabulary."""
    typed = laid_out.scheduled.plan.typed
    size = len(typed.vocab)
    return Config(
        n_layers=max(laid_out.scheduled.n_layers, 1),
        n_heads=laid_out.n_heads,
        d_model=laid_out.d_model,
        d_head=laid_out.d_head,
        d_mlp=laid_out.d_mlp,
        d_vocab=size + 2,
        d_vocab_out=readout.size,
        n_ctx=typed.max_len + 1,
        act="relu",
        norm="none",
        positions="learned",
        causal=typed.causal,
        bos_id=size,
        pad_id=size + 1,
    )


def choose_readout(laid_out: LaidOut) -> Readout:
    """Return how the output is read: numbers where the program is numerical."""
    plan = laid_out.scheduled.plan
    if plan.typed.read_extra:
        domains = [plan.steps[i].domain for i in outputs_of(plan)]
        return Readout("classes", tuples_of(domains))
    domain = plan.steps[plan.output].domain
    if not plan.typed.numerical:
        return Readout("classes", domain.values)
    nullable = any(v is None for v in domain.values)
    return Readout("nullable" if nullable else "number", domain.values)


def assemble(laid_out: LaidOut, config: Config, readout: Readout) -> Weights:
    """Return the weights in float64."""
    assembler = _Assembler(laid_out, config)
    steps, places = laid_out.scheduled.plan.steps, laid_out.scheduled.places
    for index, (step, place) in enumerate(zip(steps, places, strict=True)):
        match step.weights:
            case Head():
                assembler.head(index, step, step.weights, place)
            case Units():
                assembler.mlp(index, step, step.weights, place)
            case None:
                assembler.embed(index, step)
    outputs = outputs_of(laid_out.scheduled.plan)
    if len(outputs) == 1:
        assembler.unembed(outputs[0], readout)
    else:
        assembler.unembed_each(outputs)
    return Weights(**assembler.arrays)


class _Assembler:
    """Arrays of zeros that fill up, one step at a time."""

    def __init__(self, laid_out: LaidOut, config: Config) -> None:
        self.dims, self.bos, self.config = laid_out.dims, laid_out.bos, config
        self.steps = laid_out.scheduled.plan.steps
        shapes = expected_shapes(config)
        self.arrays = {name: np.zeros(shape) for name, shape in shapes.items()}
        if self.bos is not None:
            assert config.bos_id is not None
            self.arrays["W_E"][config.bos_id, self.bos] = 1.0

    def embed(self, index: int, step: CodedStep) -> None:
        dims = self.dims[index]
        if step.operation == t.Input("tokens"):
            self.arrays["W_E"][: len(step.code.rows), dims] = step.code.rows
        elif step.operation == t.Input("indices"):
            # Position 0 is BOS.
            self.arrays["W_pos"][1 : len(step.code.rows) + 1, dims] = step.code.rows

    def head(self, index: int, step: CodedStep, head: Head, place: Place) -> None:
        where = (place.layer, place.first)
        scale = float(np.sqrt(self.config.d_head))
        start = 0
        for channel, sources in zip_longest(head.channels, step.compared):
            key, query = sources or (None, None)
            columns = range(start, start + channel.dims)
            self.read("K", where, columns, channel.key, key)
            self.read("Q", where, columns, channel.query, query, scale)
            start += channel.dims
        ranks = range(head.rank)
        if head.value is not None:
            self.read("V", where, ranks, head.value, step.value)
        if self.bos is not None:
            self.arrays["W_K"][where][self.bos, :start] += head.key_bos
            self.arrays["W_Q"][where][self.bos, :start] += head.query_bos * scale
            self.arrays["W_V"][where][self.bos, : head.rank] += head.value_bos
        self.arrays["W_O"][where][ranks, self.dims[index]] = 1.0

    def read(
        self,
        side: str,
        where: tuple[int, int],
        columns: range,
        read: Affine,
        source: int | None,
        scale: float = 1.0,
    ) -> None:
        """Add what a head reads of a step, or of none, to its `Q`, `K` or `V`."""
        self.arrays[f"b_{side}"][where][columns] += read.bias * scale
        if source is not None:
            cells = np.ix_(self.dims[source], columns)
            self.arrays[f"W_{side}"][where][cells] += read.matrix * scale

    def mlp(self, index: int, step: CodedStep, units: Units, place: Place) -> None:
        assert isinstance(step.operation, t.Table)
        hidden = range(place.first, place.first + units.count)
        for source, matrix in zip(step.operation.args, units.read, strict=True):
            rows = self.dims[source]
            self.arrays["W_in"][place.layer][np.ix_(rows, hidden)] += matrix
        self.arrays["b_in"][place.layer][hidden] += units.bias
        block = np.ix_(hidden, self.dims[index])
        self.arrays["W_out"][place.layer][block] += units.write
        self.arrays["b_out"][place.layer][self.dims[index]] += units.base

    def unembed(self, index: int, readout: Readout) -> None:
        step = self.steps[index]
        logits = _logits(step, readout)
        self.arrays["W_U"][self.dims[index]] = logits.matrix
        self.arrays["b_U"][:] = logits.bias

    def unembed_each(self, outputs: tuple[int, ...]) -> None:
        """Add up what each task gives to the logits of tuples."""
        steps = [self.steps[i] for i in outputs]
        sizes = [step.domain.size for step in steps]
        for task, (index, step) in enumerate(zip(outputs, steps, strict=True)):
            logits = _logits(step, Readout("classes", step.domain.values))
            self.arrays["W_U"][self.dims[index]] += spread(logits.matrix, task, sizes)
            self.arrays["b_U"] += spread(logits.bias, task, sizes)


def _logits(step: CodedStep, readout: Readout) -> Affine:
    code = step.code
    if readout.kind == "classes":
        if code.free:
            found = affine(code.rows, MARGIN * np.eye(len(code.rows)))
            assert found is not None
            return found
        return _nearest(code)
    numbers = natural_numbers(step.domain)
    columns = [numbers]
    if readout.kind == "nullable":
        # Positive for None, whose number stands one step below all others.
        low, next_low = np.sort(numbers)[:2]
        columns.append((low + next_low - 2 * numbers) / (next_low - low) * MARGIN)
    found = affine(code.rows, np.stack(columns, axis=1))
    assert found is not None
    return found


def _nearest(code: Code) -> Affine:
    """Return logits 2 v x - v^2: the class nearest to the number has the largest."""
    values = code.rows[:, 0]
    scale = MARGIN / code.gap**2
    middle = (values.max() + values.min()) / 2
    moved = values - middle
    # -(x - v)^2 without its x^2, around the middle so that logits stay small.
    bias = -scale * (moved**2 + 2 * middle * moved)
    return Affine(2 * scale * moved[None, :], bias)
