"""The least lead that an output keeps while one source outside the circuit is patched.

    follow     any edge or node: the reader sees a box of donors' writes at every place
    of_cells   where only the write at the place itself counts: cell by cell
    of_shifts  edges from the position embeddings: every donor there is, run by run
    of_logits  edges into the logits: every donor's write, by its effect on the logits
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from zoo.auditing.proof.donors import Box, Reach
from zoo.auditing.proof.network import Network, Runs
from zoo.auditing.proof.zonotope import Part, Zonotope, attend, leads, transform

Leads = Float[np.ndarray, "row place"]
SLOTS = 3


@dataclass(frozen=True, eq=False)
class Followed:
    """Plain runs, and the sources whose writes may differ from theirs.

    Attributes:
        network: the transformer.
        runs: plain runs.
        labels: [row, place] the class that should win.
        known: the classes that occur in them.
        moves: by source, by how much its write may differ; the last MLP's is in
            classes, all others in the stream.
    """

    network: Network
    runs: Runs
    labels: Int[np.ndarray, "row place"]
    known: tuple[int, ...]
    moves: Mapping[int, Zonotope]

    def at(self, moves: Mapping[int, Zonotope]) -> Followed:
        """Return the same with other moves."""
        return Followed(self.network, self.runs, self.labels, self.known, moves)

    def before(self, visible: int, stream: np.ndarray) -> Zonotope:
        """Return what a reader sees, of sources before the given number of them."""
        found = Zonotope(stream)
        for source, move in self.moves.items():
            if source < visible:
                found = found.plus(move)
        return found

    def leads(self) -> Leads:
        """Return the least lead of the labels, once everything is followed."""
        last = len(self.network.names.sources) - 1
        W_U, found = self.network.weights.W_U, Zonotope(self.runs.logits)
        for source, move in self.moves.items():
            found = found.plus(move if source == last else move.through(W_U))
        return leads(found, self.labels, self.known)


def followed(network: Network, runs: Runs, labels: np.ndarray) -> Followed:
    """Return plain runs of which nothing has moved."""
    known = tuple(int(label) for label in np.unique(labels))
    return Followed(network, runs, labels, known, {})


def follow_node(plain: Followed, reach: Reach, source: int) -> Leads:
    """Return the least leads while all readers of a node see a donor's write."""
    move = move_of(reach.axes, reach.places, plain.runs.writes[source], source)
    part = list(plain.network.names.source_parts.values())[source]
    assert part.layer is not None
    if source == len(plain.network.names.sources) - 1:
        return of_logits(plain, reach, source)
    if part.kind == "head":
        return _rest(_mlp(plain.at({source: move}), part.layer), part.layer + 1)
    return _rest(plain.at({source: move}), part.layer + 1)


def follow_edge(plain: Followed, reach: Reach, reader: int, source: int) -> Leads:
    """Return the least leads while one reader sees any write of the donors' boxes."""
    move = move_of(reach.axes, reach.places, plain.runs.writes[source], source)
    return _from_reader(plain, reader, move)


def move_of(
    axes: Float[np.ndarray, "axis d_model"],
    box: Box,
    own: Float[np.ndarray, "row place d_model"],
    source: int,
) -> Zonotope:
    """Return by how much donors' writes in a box differ from a run's own."""
    places = min(own.shape[1], len(box.low))
    units = box.middle[:places] - own[:, :places] @ axes.T
    centre, radius = np.zeros(own.shape), np.zeros((1, own.shape[1], len(axes)))
    centre[:, :places] = units @ axes
    radius[:, :places] = box.radius[:places]
    return Zonotope(centre, {("donor", source): Part(radius, axes)})


def _from_reader(plain: Followed, reader: int, move: Zonotope) -> Leads:
    """Return the least leads while one reader sees something else."""
    network, runs = plain.network, plain.runs
    part = list(network.names.reader_parts.values())[reader]
    if part.layer is None:
        logits = Zonotope(runs.logits).plus(move.through(network.weights.W_U))
        return leads(logits, plain.labels, plain.known)
    if part.kind == "mlp":
        seen = Zonotope(runs.middles[part.layer]).plus(move)
        return _rest(_mlp(plain, part.layer, seen), part.layer + 1)
    assert part.head is not None
    streams = [Zonotope(runs.fronts[part.layer])] * SLOTS
    slot = "qkv".index(str(part.slot))
    streams[slot] = streams[slot].plus(move)
    moved = _head(plain, part.layer, part.head, (streams[0], streams[1], streams[2]))
    return _rest(_mlp(moved, part.layer), part.layer + 1)


def _head(
    state: Followed, layer: int, head: int, seen: tuple[Zonotope, Zonotope, Zonotope]
) -> Followed:
    """Return the state with one more head that moved."""
    network = state.network
    source = network.names.source_index(f"a{layer}.h{head}")
    allowed = network.allowed(state.runs.ids)
    write = attend(network, layer, head, seen, allowed, source)
    move = write.shifted(-state.runs.writes[source])
    return state.at({**state.moves, source: move})


def _mlp(state: Followed, layer: int, seen: Zonotope | None = None) -> Followed:
    """Return the state with an MLP that moved; it sees all that moved if not told."""
    network, weights = state.network, state.network.weights
    source = network.names.source_index(f"m{layer}")
    if seen is None:
        seen = state.before(source, state.runs.middles[layer])
    own, out = state.runs.writes[source] - weights.b_out[layer], None
    if layer == network.config.n_layers - 1:
        out, own = weights.W_out[layer] @ weights.W_U, own @ weights.W_U
    write = transform(network, layer, seen, source, out)
    return state.at({**state.moves, source: write.shifted(-own)})


def _rest(state: Followed, first: int) -> Leads:
    """Return the least leads after the layers from the given one on."""
    network = state.network
    for layer in range(first, network.config.n_layers):
        seen = state.before(
            network.names.sources_before(layer), state.runs.fronts[layer]
        )
        before = state
        for head in range(network.config.n_heads):
            found = _head(before, layer, head, (seen, seen, seen))
            state = state.at({**state.moves, **found.moves})
        state = _mlp(state, layer)
    return state.leads()


def of_logits(plain: Followed, reach: Reach, source: int) -> Leads:
    """Return the least leads while the logits see any donor's write; nothing is lost."""
    logits, labels = plain.runs.logits, plain.labels
    own = plain.runs.writes[source] @ plain.network.weights.W_U
    lead = np.take_along_axis(logits, labels[..., None], -1) - logits
    moved = lead - (np.take_along_axis(own, labels[..., None], -1) - own)
    places = min(labels.shape[1], len(reach.pairs))
    least = lead.copy()
    donors = reach.pairs[np.arange(places), labels[:, :places]]
    least[:, :places] = np.minimum(lead[:, :places], moved[:, :places] + donors)
    winner = np.arange(logits.shape[-1]) == labels[..., None]
    return np.where(winner, np.inf, least).min(-1)
