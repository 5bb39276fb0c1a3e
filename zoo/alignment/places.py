"""The sites of a transformer at which a variable can be looked for.

m0, a1.h2, tokens    what one source writes
stream.1             all that is written before layer 1; of a model of n layers
`stream.n` is what the logits read
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from compiler.errors import unknown_name
from compiler.machine.config import Config
from compiler.machine.rerun.rerun import Target, target_of_node, target_of_stream
from compiler.model import Model

STREAM = "stream."


@dataclass(frozen=True)
class Place:
    """A site: some sources, of which a subspace is patched for all their readers.

    Attributes:
        name: `m0`, or `stream.1`.
        sources: indices of the sources whose writes it holds.
        layer: the first layer that reads it.
        target: its readers, as `compiler.machine.rerun` has them.
    """

    name: str
    sources: tuple[int, ...]
    layer: int
    target: Target

    @property
    def in_stream(self) -> bool:
        """Whether it is the stream and not one node."""
        return self.name.startswith(STREAM)

    def held(
        self, writes: Float[Any, "*n source ctx d_model"]
    ) -> Float[np.ndarray, "*n ctx d_model"]:
        """Return the vectors at the site in a run with these writes."""
        return np.asarray(writes)[..., list(self.sources), :, :].sum(axis=-3)


def all_places(config: Config) -> tuple[Place, ...]:
    """Return every site of a transformer: its sources, then the stream."""
    names = config.names
    first = {
        name: 0 if part.layer is None else part.layer + int(part.kind == "mlp")
        for name, part in names.source_parts.items()
    }
    nodes = [
        Place(name, (index,), first[name], target_of_node(names, name))
        for index, name in enumerate(names.sources)
    ]
    streams = []
    for layer in range(config.n_layers + 1):
        sources = tuple(range(names.sources_before(layer)))
        place = Place(f"{STREAM}{layer}", sources, layer, target_of_stream(layer))
        streams.append(place)
    return (*nodes, *streams)


def find_place(config: Config, name: str) -> Place:
    """Return the site of that name.

    Raises:
        NameLookupError: there is none; the nearest are offered.
    """
    known = {place.name: place for place in all_places(config)}
    if name not in known:
        raise unknown_name("site", name, known)
    return known[name]


def holds(model: Model, variable: str, place: Place) -> bool:
    """Return whether a site is one at which interchanging the variable is right.

    That is its node; or the stream, once the node has written and before any reader
    that uses the variable has read.
    """
    node = model.sites[variable].node
    source = model.config.names.source_index(node)
    if not place.in_stream:
        return place.sources == (source,)
    return source in place.sources and _first_use(model, variable) >= place.layer


def _first_use(model: Model, variable: str) -> int:
    """Return the layer that reads a variable first; that of the logits is n_layers."""
    parts, last = model.config.names.reader_parts, model.config.n_layers
    circuits = [c for c in (model.circuit, model.beside) if c is not None]
    layers = [
        parts[edge.reader].layer
        for circuit in circuits
        for edge, carried in circuit.carries.items()
        if variable in carried
    ]
    return min((last if layer is None else layer for layer in layers), default=last)
