"""LaidOut + weights -> Compiled: the circuit, and where every variable lives.

The circuit has an edge where a reader reads a variable that its source writes.
What a reader takes of constants (the BOS direction) is no variable and no edge: it
is the same in every input, so nothing can travel on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from compiler.machine.circuit import Circuit, Site
from compiler.machine.config import Config
from compiler.machine.names import Edge
from compiler.machine.weights import Weights, freeze
from compiler.passes.codes import Floats
from compiler.passes.heads import Head
from compiler.passes.layout import LaidOut
from compiler.passes.plan import Embedding, Known, Mlp, PlannedStep
from compiler.passes.schedule import Place
from compiler.readout import Readout


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
    """

    laid_out: LaidOut
    config: Config
    weights: Weights
    readout: Readout
    circuit: Circuit
    rows: Mapping[str, Floats]


def annotate(
    laid_out: LaidOut, config: Config, weights: Weights, readout: Readout
) -> Compiled:
    """Return the compiled model; the weights are cast to float32 here."""
    steps, places = laid_out.scheduled.plan.steps, laid_out.scheduled.places
    sites, rows = {}, {}
    for step, place, dims in zip(steps, places, laid_out.dims, strict=True):
        if isinstance(step.part, Known) or len(dims) == 0:
            continue
        basis = np.zeros((len(dims), laid_out.d_model))
        basis[np.arange(len(dims)), dims] = 1.0
        sites[step.name] = Site(writer(step, place), basis)
        rows[step.name] = step.code.rows @ basis
    carries = _carries(laid_out)
    circuit = Circuit(
        names=config.names,
        edges=tuple(carries),
        sites=sites,
        carries={edge: tuple(names) for edge, names in carries.items()},
    )
    cast = Weights(*(np.asarray(a, dtype=np.float32) for a in weights))
    return Compiled(
        laid_out, config, freeze(cast), readout, circuit, MappingProxyType(rows)
    )


def writer(step: PlannedStep, place: Place) -> str:
    """Return the name of the source that writes a step."""
    match step.part:
        case Embedding(kind=kind):
            return "tokens" if kind == "tokens" else "positions"
        case Head():
            return f"a{place.layer}.h{place.first}"
    return f"m{place.layer}"


def _carries(laid_out: LaidOut) -> dict[Edge, list[str]]:
    """Return the steps that travel on each edge."""
    plan, places = laid_out.scheduled.plan, laid_out.scheduled.places
    found: dict[Edge, list[str]] = {}

    def add(source: int | None, reader: str) -> None:
        if source is None or plan.steps[source].code.rank == 0:
            return
        step = plan.steps[source]
        edge = Edge(writer(step, places[source]), reader)
        names = found.setdefault(edge, [])
        if step.name not in names:
            names.append(step.name)

    for step, place in zip(plan.steps, places, strict=True):
        node = writer(step, place)
        match step.part:
            case Mlp():
                for source in step.part.args:
                    add(source, node)
            case Head():
                for channel in step.part.channels:
                    add(channel.key.variable, f"{node}<k>")
                    add(channel.query.variable, f"{node}<q>")
                if step.part.value is not None:
                    add(step.part.value.variable, f"{node}<v>")
    add(plan.output, "logits")
    return found
