"""What every source writes in donor runs: all inputs, with every shift of positions.

For each source there is an orthonormal set of axes that its writes vary along, and
bounds of the coordinates: a box for each place, and smaller boxes, the *cells*, of
which one holds each write at a token. The number of donor runs may be large, so that
they pass by once and only bounds are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from zoo.auditing.proof.network import Network, lengths_of

ROWS = 1024
"""Donor inputs that are run at a time."""
SAMPLE = 2_000
"""Donor inputs from which the axes and the borders of the cells are chosen."""
CELLS = 64
"""Cells of each source."""
RANK = 1e-12
"""Of the largest singular value, below which embeddings do not vary."""


@dataclass(frozen=True, eq=False)
class WriteBox:
    """Between which bounds the coordinates of writes lie.

    Attributes:
        low: [.., axis].
        high: [.., axis].
    """

    low: Float[np.ndarray, "*n axis"]
    high: Float[np.ndarray, "*n axis"]

    @property
    def middle(self) -> Float[np.ndarray, "*n axis"]:
        """The coordinates of its centre."""
        return (self.low + self.high) / 2

    @property
    def radius(self) -> Float[np.ndarray, "*n axis"]:
        """Half of its sides."""
        return (self.high - self.low) / 2


@dataclass(frozen=True, eq=False)
class Reach:
    """What one source writes in some donor run.

    Attributes:
        axes: [axis, d_model] orthonormal; off these axes it always writes the same.
        places: its box at each place, [place, axis].
        cells: boxes [cell, axis]; one holds its write at each place but that of BOS.
        pairs: [place, class, class] the least that a write adds to the logit of the
            first class less that of the second.
    """

    axes: Float[np.ndarray, "axis d_model"]
    places: WriteBox
    cells: WriteBox
    pairs: Float[np.ndarray, "place class class"]


def reaches_of(
    network: Network, ids: Int[np.ndarray, "input ctx"], complete: bool
) -> list[Reach]:
    """Return what each source writes in the runs of all inputs with every shift.

    Args:
        network: the transformer.
        ids: the inputs, BOS first.
        complete: whether these are all words over the tokens. Where every position
            sees every other, shifting the longest ones gives no other writes than
            those of straight runs at other places.
    """
    found = [_ReachSoFar(*some) for some in zip(*_axes(network, ids), strict=True)]
    for rows, shift, turned in _donor_runs(network, ids, complete):
        runs = network.run(rows, shift)
        live = lengths_of(network, rows[:1])[0]
        for bounds, writes in zip(found, runs.writes, strict=True):
            bounds.add(writes[:, :live], writes[:, :live] @ network.weights.W_U, turned)
    return [bounds.reach() for bounds in found]


def _donor_runs(
    network: Network, ids: Int[np.ndarray, "input ctx"], complete: bool
) -> Iterator[tuple[Int[np.ndarray, "row ctx"], int, bool]]:
    """Yield (inputs of one length, a shift, whether all other shifts are in it too)."""
    lengths, n_ctx = lengths_of(network, ids), network.config.n_ctx
    for length in np.unique(lengths):
        rows = ids[lengths == length]
        turned = complete and bool(length == n_ctx) and not network.config.causal
        for shift in range(1 if turned else max(n_ctx - 1, 1)):
            for start in range(0, len(rows), ROWS):
                yield rows[start : start + ROWS], shift, turned


def _axes(
    network: Network, ids: Int[np.ndarray, "input ctx"]
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return by source (axes, coordinates of some writes), from a few runs.

    Those of a head are in the rows of its output matrix, whatever its donors write.
    """
    weights, names = network.weights, network.names
    turns = max(network.config.n_ctx - 1, 1)
    few = ids[:: max(1, len(ids) // SAMPLE)]
    parts = [few[shift::turns] for shift in range(turns)]
    runs = [network.run(part, shift) for shift, part in enumerate(parts) if len(part)]
    lengths = np.concatenate([lengths_of(network, run.ids) for run in runs])
    places = np.arange(ids.shape[1])
    live = (places < lengths[:, None]) & (places > 0)
    axes, points = [], []
    for source, part in enumerate(names.source_parts.values()):
        writes = np.concatenate([run.writes[source] for run in runs])[live]
        if part.kind == "tokens":
            found = _spanned(weights.W_E[_tokens(network, ids)])
        elif part.kind == "positions":
            found = _spanned(weights.W_pos[1:])
        elif part.kind == "head":
            basis = np.linalg.qr(weights.W_O[part.layer, part.head].T)[0].T
            found = _principal(writes @ basis.T) @ basis
        else:
            found = _principal(writes)
        axes.append(found)
        points.append(writes @ found.T)
    return axes, points


def _tokens(
    network: Network, ids: Int[np.ndarray, "input ctx"]
) -> Int[np.ndarray, " token"]:
    """Return the tokens that stand behind BOS."""
    found = np.unique(ids[:, 1:])
    return found[found != network.config.pad_id]


def _spanned(
    vectors: Float[np.ndarray, "n d_model"],
) -> Float[np.ndarray, "axis d_model"]:
    """Return axes of all differences of some vectors."""
    _, sizes, rows = np.linalg.svd(vectors - vectors.mean(0), full_matrices=False)
    return rows[sizes > RANK * max(sizes.max(initial=0.0), RANK)]


def _principal(points: Float[np.ndarray, "n dim"]) -> Float[np.ndarray, "dim dim"]:
    """Return the principal axes of some points, all of them."""
    centred = points - points.mean(0)
    return np.linalg.eigh(centred.T @ centred)[1].T[::-1]


class _ReachSoFar:
    """What one source writes in the runs so far.

    Args:
        axes: [axis, d_model].
        points: [n, axis] coordinates of some writes, from which cells are chosen.
    """

    def __init__(self, axes: np.ndarray, points: np.ndarray) -> None:
        self.axes, self.splits = axes, _splits(points)
        size = len(self.splits) + 1, len(axes)
        self.cells = WriteBox(np.full(size, np.inf), np.full(size, -np.inf))
        self.places: WriteBox | None = None
        self.pairs: np.ndarray | None = None

    def add(self, writes: np.ndarray, logits: np.ndarray, turned: bool) -> None:
        """Widen the bounds by some writes [row, place, d_model].

        Args:
            writes: of runs of inputs with that many places.
            logits: what these add to the logits, [row, place, class].
            turned: whether each may stand at any other place but that of BOS.
        """
        units = writes @ self.axes.T
        low, high = units.min(0), units.max(0)
        classes = range(logits.shape[-1])
        pairs = np.stack(
            [(logits[..., w, None] - logits).min(0) for w in classes], axis=1
        )
        if turned:
            for bound, end in ((low, np.min), (pairs, np.min), (high, np.max)):
                bound[1:] = end(bound[1:], axis=0)
        self._widen(low, high, pairs)
        flat = units[:, 1:].reshape(-1, len(self.axes))
        cell = _cell_of(self.splits, flat)
        for number in np.unique(cell):
            some = flat[cell == number]
            np.minimum(self.cells.low[number], some.min(0), out=self.cells.low[number])
            np.maximum(
                self.cells.high[number], some.max(0), out=self.cells.high[number]
            )

    def _widen(self, low: np.ndarray, high: np.ndarray, pairs: np.ndarray) -> None:
        """Widen what is known of each place; longer inputs come later."""
        if self.places is not None and self.pairs is not None:
            known = len(self.places.low)
            np.minimum(low[:known], self.places.low, out=low[:known])
            np.maximum(high[:known], self.places.high, out=high[:known])
            np.minimum(pairs[:known], self.pairs, out=pairs[:known])
        self.places, self.pairs = WriteBox(low, high), pairs

    def reach(self) -> Reach:
        """Return the bounds, without cells that hold nothing."""
        assert self.places is not None and self.pairs is not None
        held = np.isfinite(self.cells.low).all(1)
        cells = WriteBox(self.cells.low[held], self.cells.high[held])
        return Reach(self.axes, self.places, cells, self.pairs)


def _splits(points: Float[np.ndarray, "n axis"]) -> list[tuple[int, int, float]]:
    """Return cuts (cell, axis, where): what lies above goes to a new cell.

    The cell with the longest side is cut in the middle of that side, again and again.
    """
    cells, cuts = [points], []
    sides = [_longest(points)]
    while len(cells) < CELLS:
        cell = int(np.argmax([side for side, *_ in sides]))
        side, axis, middle = sides[cell]
        if side <= 0:
            break
        above: Bool[np.ndarray, " n"] = cells[cell][:, axis] > middle
        cells.append(cells[cell][above])
        cells[cell] = cells[cell][~above]
        sides[cell] = _longest(cells[cell])
        sides.append(_longest(cells[-1]))
        cuts.append((cell, axis, middle))
    return cuts


def _longest(points: np.ndarray) -> tuple[float, int, float]:
    """Return (length, axis, middle) of the longest side of a box around points."""
    if not points.size:
        return 0.0, 0, 0.0
    low, high = points.min(0), points.max(0)
    axis = int((high - low).argmax())
    return float(high[axis] - low[axis]), axis, float(low[axis] + high[axis]) / 2


def _cell_of(
    splits: list[tuple[int, int, float]], units: Float[np.ndarray, "n axis"]
) -> Int[np.ndarray, " n"]:
    """Return the cell of each point."""
    found = np.zeros(len(units), np.int64)
    for number, (cell, axis, cut) in enumerate(splits):
        found[(found == cell) & (units[:, axis] > cut)] = number + 1
    return found
