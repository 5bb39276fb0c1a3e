"""Sharper bounds of some edges: one case of the donor after the other.

of_shifts  edges from the position embeddings: every donor there is, run by run
of_cells   edges into the last MLP and into queries and values of the last heads,
and nodes of the last heads: the write that counts most lies in one of
many small cells
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Int

from compiler.machine.names import Part
from zoo.auditing.proof.donors import Reach, WriteBox
from zoo.auditing.proof.edges import of_move
from zoo.auditing.proof.followed import Followed, Leads
from zoo.auditing.proof.network import PlainRuns, lengths_of, softmax
from zoo.auditing.proof.zonotope import Generators, Zonotope

SPOTS = 32
"""Positions at a time that are tried on all cells."""


def of_shifts(plain: Followed, reader: int, lengths: Int[np.ndarray, " n"]) -> Leads:
    """Return the least leads while one reader sees shifted position embeddings.

    What the position embeddings write depends on the shift alone, and the donor's
    length says at how many places it is patched. So these are all cases.

    Args:
        plain: plain runs.
        reader: the edge's reader.
        lengths: the lengths of donors, BOS included.
    """
    network, runs = plain.network, plain.runs
    own = network.positions(0)
    least = np.full(plain.labels.shape, np.inf)
    places = np.arange(len(own))
    own_lengths = lengths_of(network, runs.ids)
    for shift in range(1, len(own) - 1):
        move = network.positions(shift) - own
        for length in lengths:
            # A donor that is longer than the base is patched at all its places, as one
            # of the base's own length is.
            rows = own_lengths >= length
            if not rows.any():
                continue
            some = pick(plain, np.flatnonzero(rows))
            moved = np.where(places[:, None] < length, move, 0.0)[None]
            found = of_move(some, reader, Zonotope(moved))
            least[rows] = np.minimum(least[rows], found)
    return least


def pick(plain: Followed, rows: Int[np.ndarray, " row"]) -> Followed:
    """Return some of the rows."""
    runs = plain.runs
    chosen = _each(runs, lambda array: array[rows])
    return replace(plain, runs=chosen, labels=plain.labels[rows])


def _each(runs: PlainRuns, function: Callable[[np.ndarray], np.ndarray]) -> PlainRuns:
    """Return runs with a function applied to every array."""
    return PlainRuns(
        ids=function(runs.ids),
        writes=tuple(map(function, runs.writes)),
        fronts=tuple(map(function, runs.fronts)),
        middles=tuple(map(function, runs.middles)),
        logits=function(runs.logits),
    )


def has_cells(plain: Followed, part: Part) -> bool:
    """Return whether `of_cells` says anything of a reader, or of a node's write."""
    last = plain.network.config.n_layers - 1
    return part.layer == last and (part.kind, part.slot) != ("head", "k")


def of_cells(
    plain: Followed,
    reach: Reach,
    part: Part,
    source: int,
    at: Bool[np.ndarray, "row place"],
) -> Leads:
    """Return the least leads at some positions, cell by cell; -inf elsewhere.

    Args:
        plain: plain runs.
        reach: what the source writes.
        part: the reader that is patched; a head without a slot stands for a node of
            which all readers are patched.
        source: index of the source.
        at: for which positions, of which none is that of BOS.
    """
    found = np.full(plain.labels.shape, -np.inf)
    rows, places = np.nonzero(at)
    for start in range(0, len(rows), SPOTS):
        here = rows[start : start + SPOTS], places[start : start + SPOTS]
        spots = _Spots(plain, *here, len(reach.cells.low))
        if part.slot == "v":
            found[here] = spots.of_values(part, reach, source).min(1)
        elif part.slot == "q":
            found[here] = spots.of_queries(part, reach, source).min(1)
        else:
            move = spots.moves(reach, source)
            state = spots.state
            if part.kind == "mlp":
                middle = Zonotope(state.runs.middles[-1])
                leads = state.behind(spots.layer, middle.plus(move))
            else:
                leads = state.at({source: move}).behind(spots.layer)
            found[here] = leads.min(1)
    return found


class _Spots:
    """Some positions of runs, each standing in as many places as there are cells."""

    def __init__(
        self, plain: Followed, rows: np.ndarray, places: np.ndarray, cells: int
    ) -> None:
        self.whole, self.places = pick(plain, rows), places
        self.layer = plain.network.config.n_layers - 1
        few = _each(self.whole.runs, self.cut)
        labels = np.repeat(self.cut(self.whole.labels), cells, axis=1)
        self.state = replace(plain, runs=few, labels=labels)

    def cut(self, array: np.ndarray) -> np.ndarray:
        """Return an array at the position of each spot, [spot, 1, ..]."""
        return array[np.arange(len(array)), self.places][:, None]

    def moves(self, reach: Reach, source: int) -> Zonotope:
        """Return by how much writes in each cell differ from the run's own."""
        own = self.state.runs.writes[source] @ reach.axes.T
        centre = (reach.cells.middle - own) @ reach.axes
        return Zonotope(
            centre, {source: Generators(reach.cells.radius[None], reach.axes)}
        )

    def of_queries(self, part: Part, reach: Reach, source: int) -> Leads:
        """Return leads [spot, cell] while a head's query sees a donor's write."""
        assert part.head is not None
        keys = Zonotope(self.whole.runs.fronts[-1])
        query = Zonotope(self.state.runs.fronts[-1]).plus(self.moves(reach, source))
        allowed = self.cut(self.state.network.allowed(self.whole.runs.ids))
        allowed = np.repeat(allowed, self.state.labels.shape[1], axis=1)
        seen = query, keys, keys
        moved = self.state.with_head(self.layer, part.head, seen, allowed)
        return moved.behind(self.layer)

    def of_values(self, part: Part, reach: Reach, source: int) -> Leads:
        """Return leads [spot, cell] while a head's values see donors' writes.

        The pattern stays, and what the head writes is linear in the values. The write
        at the key with the largest weight lies in a cell, the others in their boxes.
        Where that key is BOS, which has no cells, its box stands for them.
        """
        head, network = part.head, self.state.network
        assert head is not None
        fronts = self.whole.runs.fronts[-1]
        q, k, _ = network.project(self.layer, head, fronts)
        allowed = network.allowed(self.whole.runs.ids)
        weights = self.cut(softmax(network.scores(q, k, allowed)))[:, 0]  # [spot, key]
        own = self.whole.runs.writes[source] @ reach.axes.T
        keys = min(len(reach.places.low), own.shape[1])
        weights, own = weights[:, :keys], own[:, :keys]
        spots, top = np.arange(len(own)), weights.argmax(1)
        largest = weights[spots, top, None]
        others = weights.copy()
        others[spots, top] = 0.0
        box = WriteBox(reach.places.low[:keys], reach.places.high[:keys])
        centre = (others[..., None] * (box.middle - own)).sum(1)
        radius = others @ box.radius
        bos = (top == 0)[:, None, None]
        middle = np.where(bos, box.middle[0], reach.cells.middle)
        side = np.where(bos, box.radius[0], reach.cells.radius)
        centre = centre[:, None] + largest[..., None] * (middle - own[spots, top, None])
        radius = radius[:, None] + largest[..., None] * side
        W = network.weights
        through = reach.axes @ W.W_V[self.layer, head] @ W.W_O[self.layer, head]
        move = Zonotope(centre @ through, {source: Generators(radius, through)})
        node = network.names.source_index(part.node)
        return self.state.at({node: move}).behind(self.layer)
