"""LaidOut + weights -> Compiled: the circuit, and where every variable lives.

The circuit has an edge where a reader reads a variable that its source writes.
What a reader takes of constants (the BOS direction) is no variable and no edge: it
is the same in every input, so nothing can travel on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from compiler.ir import typed as t
from compiler.lower.readout import Readout
from compiler.machine.circuit import Circuit, Site
from compiler.machine.config import Config
from compiler.machine.names import Edge
from compiler.machine.weights import Weights, freeze
from compiler.passes.codes import Floats
from compiler.passes.layout import LaidOut
from compiler.passes.schedule import Place
from compiler.passes.scores import Head
from compiler.passes.steps import CodedStep
from compiler.passes.tasks import outputs_of
from compiler.passes.units import Units


@dataclass(frozen=True, eq=False)
class Compiled:
    """The last stage: a transformer whose mechanism is known.

    Attributes:
        laid_out: everything before.
        config: the shape.
        weights: float32, read-only.
        readout: how logits are turned into values.
        circuit: edges, and the site of every step (a variable's name, or a derived
            one such as `rank.onehot`).
        rows: by step, [values, d_model] what stands in the stream for each value.
        basis: [d_model, d_model] rows are the named directions; None where these are
            the axes of the stream.
        beside: edges and sites of what is computed and never read; None for nothing.
    """

    laid_out: LaidOut
    config: Config
    weights: Weights
    readout: Readout
    circuit: Circuit
    rows: Mapping[str, Floats]
    basis: Floats | None = None
    beside: Circuit | None = None


def annotate(
    laid_out: LaidOut,
    config: Config,
    weights: Weights,
    readout: Readout,
    basis: Floats | None = None,
    stretch: Floats | None = None,
) -> Compiled:
    """Return the compiled model; the weights are cast to float32 here.

    Args:
        laid_out: the steps and their dimensions.
        config: the shape.
        weights: in float64, in the basis of the stream.
        readout: how logits are turned into values.
        basis: [d_model, d_model] where each dimension of the layout points to.
        stretch: [d_model] by how much each dimension is stretched.
    """
    plan, places = laid_out.scheduled.plan, laid_out.scheduled.places
    axes = np.eye(laid_out.d_model) if basis is None else basis
    scale = np.ones(laid_out.d_model) if stretch is None else stretch
    sites, rows = {}, {}
    for step, place, dims in zip(plan.steps, places, laid_out.dims, strict=True):
        if len(dims) == 0:
            continue
        sites[step.name] = Site(writer(step, place), axes[dims])
        rows[step.name] = (step.code.rows * scale[dims]) @ axes[dims]
    outputs = outputs_of(plan)
    main = t.needed(plan.steps, outputs)
    beside = t.needed(plan.steps, plan.extra[len(outputs) - 1 :])
    return Compiled(
        laid_out,
        config,
        freeze(weights, np.float32),
        readout,
        _circuit(laid_out, config, sites, main, outputs),
        MappingProxyType(rows),
        basis,
        _circuit(laid_out, config, sites, beside, ()) if beside else None,
    )


def _circuit(
    laid_out: LaidOut,
    config: Config,
    sites: Mapping[str, Site],
    members: set[int],
    outputs: tuple[int, ...],
) -> Circuit:
    """Return the circuit of some of the steps, and of those that the logits read."""
    steps = laid_out.scheduled.plan.steps
    names = {steps[i].name for i in members}
    carries = _carries(laid_out, members, outputs)
    return Circuit(
        names=config.names,
        edges=tuple(carries),
        sites={name: site for name, site in sites.items() if name in names},
        carries={edge: tuple(names) for edge, names in carries.items()},
    )


def writer(step: CodedStep, place: Place) -> str:
    """Return the name of the source that writes a step."""
    match step.weights:
        case Head():
            return f"a{place.layer}.h{place.first}"
        case Units():
            return f"m{place.layer}"
    return "tokens" if step.operation == t.Input("tokens") else "positions"


def _carries(
    laid_out: LaidOut, members: set[int], outputs: tuple[int, ...]
) -> dict[Edge, list[str]]:
    """Return the steps that travel on each edge between some of the steps."""
    plan, places = laid_out.scheduled.plan, laid_out.scheduled.places
    found: dict[Edge, list[str]] = {}
    for source, reader in _reads_of(laid_out, members, outputs):
        if source is None or plan.steps[source].code.rank == 0:
            continue
        step = plan.steps[source]
        names = found.setdefault(Edge(writer(step, places[source]), reader), [])
        if step.name not in names:
            names.append(step.name)
    return found


def _reads_of(
    laid_out: LaidOut, members: set[int], outputs: tuple[int, ...]
) -> Iterator[tuple[int | None, str]]:
    """Yield (a step or None, its reader) for each read of some of the steps."""
    plan, places = laid_out.scheduled.plan, laid_out.scheduled.places
    for index in sorted(members):
        step = plan.steps[index]
        node = writer(step, places[index])
        if not step.is_head:
            yield from ((source, node) for source in step.reads)
            continue
        for key, query in step.compared:
            yield key, f"{node}<k>"
            yield query, f"{node}<q>"
        yield step.value, f"{node}<v>"
    yield from ((output, "logits") for output in outputs)
