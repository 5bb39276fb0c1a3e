"""The least lead that an output keeps while one source outside the circuit is patched.

    of_edge     the reader sees a box of donors' writes at every place
    of_node     all readers of a node see a donor's write, the same one
    of_logits   an edge into the logits, for which no bound is needed

`followed.Followed` has what comes behind the first node that moves.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from zoo.auditing.proof.donors import Reach, WriteBox
from zoo.auditing.proof.followed import Followed, Leads
from zoo.auditing.proof.zonotope import Generators, Zonotope


def of_edge(plain: Followed, reach: Reach, reader: int, source: int) -> Leads:
    """Return the least leads while one reader sees any write of the donors' boxes."""
    part = list(plain.network.names.reader_parts.values())[reader]
    if part.layer is None:
        return of_logits(plain, reach, source)
    move = move_of(reach.axes, reach.places, plain.runs.writes[source], source)
    return of_move(plain, reader, move)


def of_node(plain: Followed, reach: Reach, source: int) -> Leads:
    """Return the least leads while all readers of a node see a donor's write."""
    part = list(plain.network.names.source_parts.values())[source]
    assert part.layer is not None
    if source == len(plain.network.names.sources) - 1:
        return of_logits(plain, reach, source)
    move = move_of(reach.axes, reach.places, plain.runs.writes[source], source)
    moved = plain.at({source: move})
    return moved.after(part.layer) if part.kind == "mlp" else moved.behind(part.layer)


def of_move(plain: Followed, reader: int, move: Zonotope) -> Leads:
    """Return the least leads while a node's reader sees a stream that moved."""
    runs, part = plain.runs, list(plain.network.names.reader_parts.values())[reader]
    assert part.layer is not None
    if part.kind == "mlp":
        return plain.behind(part.layer, Zonotope(runs.middles[part.layer]).plus(move))
    assert part.head is not None
    front = Zonotope(runs.fronts[part.layer])
    q, k, v = (front.plus(move) if part.slot == slot else front for slot in "qkv")
    return plain.with_head(part.layer, part.head, (q, k, v)).behind(part.layer)


def move_of(
    axes: Float[np.ndarray, "axis d_model"],
    box: WriteBox,
    own: Float[np.ndarray, "row place d_model"],
    source: int,
) -> Zonotope:
    """Return by how much donors' writes in a box differ from a run's own."""
    places = min(own.shape[1], len(box.low))
    units = box.middle[:places] - own[:, :places] @ axes.T
    centre = np.zeros(own.shape, own.dtype)
    radius = np.zeros((1, own.shape[1], len(axes)), own.dtype)
    centre[:, :places] = units @ axes
    radius[:, :places] = box.radius[:places]
    return Zonotope(centre, {("donor", source): Generators(radius, axes)})


def of_logits(plain: Followed, reach: Reach, source: int) -> Leads:
    """Return the least leads while the logits see any donor's write; it is exact."""
    logits, labels = plain.runs.logits, plain.labels
    own = plain.runs.writes[source] @ plain.network.weights.W_U
    least = np.take_along_axis(logits, labels[..., None], -1) - logits
    moved = least - (np.take_along_axis(own, labels[..., None], -1) - own)
    places = min(labels.shape[1], len(reach.pairs))
    donors = reach.pairs[np.arange(places), labels[:, :places]]
    least[:, :places] = np.minimum(least[:, :places], moved[:, :places] + donors)
    winner = np.arange(logits.shape[-1]) == labels[..., None]
    return np.where(winner, np.inf, least).min(-1)
