"""A trained model that computes the same, and looks like another one.

Heads change their places within each layer, hidden units theirs within each MLP, and
the stream is turned. Who has the files of the pool cannot find the model in them by a
name, an order or a vector.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from compiler.lower.options import generator, random_basis, turn, turn_heads
from compiler.machine.circuit import Circuit, Site
from compiler.machine.names import Edge, Names
from compiler.machine.weights import ATTENTION, MLP, Weights, freeze
from compiler.model import Model

Orders = Sequence[Sequence[int]]
"""By layer, the new place of each head."""


def disguise(model: Model, seed: int) -> tuple[Model, Orders]:
    """Return a model that computes the same, and the new places of its heads.

    Args:
        model: without norms, with learned positions.
        seed: of the orders and of the basis.
    """
    config, rng = model.config, generator("disguise", seed)
    shape = config.n_layers, config.n_heads
    orders = [rng.permutation(shape[1]).tolist() for _ in range(shape[0])]
    arrays = {n: np.asarray(a, np.float64) for n, a in model.weights._asdict().items()}
    for layer, order in enumerate(orders):
        for name in ATTENTION[:-1]:  # b_O belongs to the layer
            arrays[name][layer, order] = arrays[name][layer].copy()
        units = rng.permutation(config.d_mlp)
        for name in MLP[1:4]:
            axis = 0 if name == "W_out" else -1
            moved = np.take(arrays[name][layer], units, axis)
            arrays[name][layer] = moved
    basis = random_basis(config.d_model, seed)
    turned = turn(Weights(**arrays), basis, np.ones(config.d_model))
    weights = freeze(turn_heads(turned, seed), np.float32)
    made = Model(
        name=model.name,
        typed=model.typed,
        config=config,
        weights=weights,
        readout=model.readout,
        circuit=_moved(model.circuit, orders),
        rows=MappingProxyType({}),
        facts=model.facts,
        steps=model.steps,
    )
    return made, orders


def _moved(circuit: Circuit, orders: Orders) -> Circuit:
    """Return a circuit with its heads at their new places; sites are whole nodes."""
    names = circuit.names
    return replace(
        circuit,
        edges=tuple(disguised_edge(edge, names, orders) for edge in circuit.edges),
        sites={v: Site(_part(s.node, names, orders)) for v, s in circuit.sites.items()},
        carries={
            disguised_edge(edge, names, orders): carried
            for edge, carried in circuit.carries.items()
        },
    )


def disguised_edge(edge: Edge, names: Names, orders: Orders) -> Edge:
    """Return the edge that has taken the place of an edge."""
    return Edge(_part(edge.source, names, orders), _part(edge.reader, names, orders))


def _part(name: str, names: Names, orders: Orders) -> str:
    part = {**names.source_parts, **names.reader_parts}[name]
    if part.kind != "head" or part.layer is None or part.head is None:
        return name
    return part._replace(head=int(orders[part.layer][part.head])).name
