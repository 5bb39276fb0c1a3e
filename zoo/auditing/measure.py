"""One patch after the other, over all pairs, in chunks that fit the cache.

Donors outside the circuit come from runs with turned positions (see
`zoo.training.loss.donor_writes`); the circuit's own from straight runs, because what
they carry has to be right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from compiler.lower.readout import Readout
from compiler.machine.config import Config
from compiler.machine.forward import forward_batch, logits_batch
from compiler.machine.patch import Patch
from compiler.machine.single import (
    by_place,
    logits_after_part,
    place_indices,
)
from compiler.machine.weights import Weights
from zoo.auditing.pairs import Pairs
from zoo.auditing.subject import Group, Subject
from zoo.training.causal import COMPUTED
from zoo.training.held_out import QUICK_TO_COMPILE
from zoo.training.loss import CLOSE, donor_writes

CHUNK = 512

_jit = partial(jax.jit, compiler_options=QUICK_TO_COMPILE)


class Part(NamedTuple):
    """A chunk of pairs, ready to be patched.

    Attributes:
        ids: [pair, ctx] of the bases.
        where: [pair, ctx] positions that both inputs have, BOS among them.
        values: [pair, variable, ctx] of the sources.
        writes: [pair, source, ctx, d_model] of the bases.
        straight: the same of the sources.
        turned: the same of the sources, their positions turned.
        clean: [pair, ctx, class] logits of the bases.
        labels: [pair, ctx] index of the output, -1 for none.
    """

    ids: Array
    where: Array
    values: Array
    writes: Array
    straight: Array
    turned: Array
    clean: Array
    labels: Array


class Count(NamedTuple):
    """What one patch did, over all positions that have a label.

    Attributes:
        right: positions at which the output is the label.
        changed: positions at which it is not what it was without the patch.
        total: positions.
        first: (pair, position) at which it changed first, or None.
    """

    right: int
    changed: int
    total: int
    first: tuple[int, int] | None


@dataclass(frozen=True, eq=False)
class Measured:
    """The counts of every patch.

    Attributes:
        behaviour: nothing patched, over all inputs of the pool.
        groups: by variables, interchanged; right is what the causal model says.
        nodes: by node outside the circuit, all its readers seeing a source's write.
        edges: by (reader, source), patched alone; a circuit's edge with straight
            donors, unless only turned positions change anything.
        turned: which of the circuit's edges had turned donors.
        silent: which edges carry the same in every run.
        all_edges: everything outside the circuit patched at once.
        restored: by edge of the circuit, patched besides everything outside.
    """

    behaviour: Count
    groups: dict[str, Count]
    nodes: dict[int, Count]
    edges: dict[tuple[int, int], Count]
    turned: frozenset[tuple[int, int]]
    silent: frozenset[tuple[int, int]]
    all_edges: Count
    restored: dict[tuple[int, int], Count]


class _Adder:
    """Adds the counts of chunks up."""

    def __init__(self) -> None:
        self.counts: dict[Any, Count] = {}

    def add(
        self,
        key: Any,
        start: int,
        wide: int,
        right: Any,
        changed: Any,
        total: Any,
        first: Any,
    ) -> None:
        place = None
        if int(changed):
            pair, position = divmod(int(first), wide)
            place = start + pair, position
        self._put(key, Count(int(right), int(changed), int(total), place))

    def join(self, later: _Adder) -> None:
        """Add what was counted in later chunks."""
        for key, count in later.counts.items():
            self._put(key, count)

    def _put(self, key: Any, more: Count) -> None:
        old = self.counts.get(key, Count(0, 0, 0, None))
        self.counts[key] = Count(
            old.right + more.right,
            old.changed + more.changed,
            old.total + more.total,
            more.first if old.first is None else old.first,
        )


class _Tally:
    """What is counted, chunk by chunk; see `Measured`.

    Attributes:
        turned: edges of the circuit, with turned donors.
        whole: everything outside the circuit patched at once.
        spread: [straight or turned donors, source] how far writes move.
    """

    def __init__(self, n_sources: int) -> None:
        self.groups, self.nodes, self.edges = _Adder(), _Adder(), _Adder()
        self.turned, self.restored, self.whole = _Adder(), _Adder(), _Adder()
        self.spread = np.zeros((2, n_sources))

    def join(self, later: _Tally) -> None:
        """Add what was counted in later chunks."""
        self.groups.join(later.groups)
        self.nodes.join(later.nodes)
        self.edges.join(later.edges)
        self.turned.join(later.turned)
        self.restored.join(later.restored)
        self.whole.join(later.whole)
        self.spread = np.maximum(self.spread, later.spread)


def measure(
    subject: Subject,
    pairs: Pairs,
    progress: Callable[[int, int], None] | None = None,
    threads: int = 1,
) -> Measured:
    """Return the counts of every patch that a certificate needs.

    Args:
        subject: what is audited.
        pairs: over which inputs.
        progress: called with (done, total), in chunks of pairs.
        threads: chunks at a time. The counts do not depend on it.
    """
    inside = _entries(subject.circuit.mask())
    outside = _entries(subject.outside)
    size = len(pairs.base)
    tally = _Tally(len(subject.config.names.sources))

    def count(number: int) -> _Tally:
        return _count_chunk(subject, pairs, number, inside, outside)

    for number, found in enumerate(_in_order(count, -(-size // CHUNK), threads)):
        tally.join(found)
        if progress is not None:
            progress(min((number + 1) * CHUNK, size), size)
    alone = tally.edges.counts
    with_turns = frozenset(e for e in inside if not alone[e].changed)
    for entry in with_turns:
        alone[entry] = tally.turned.counts[entry]
    return Measured(
        behaviour=_behaviour(subject, pairs),
        groups=tally.groups.counts,
        nodes=tally.nodes.counts,
        edges=alone,
        turned=frozenset(e for e in with_turns if alone[e].changed),
        silent=frozenset(
            e for e in (*inside, *outside) if tally.spread[:, e[1]].max() <= SILENT
        ),
        all_edges=tally.whole.counts[None],
        restored=tally.restored.counts,
    )


def _in_order(
    function: Callable[[int], _Tally], count: int, threads: int
) -> Iterator[_Tally]:
    """Yield what a function makes of 0, 1, .., some of them at a time."""
    if count:
        yield function(0)  # alone: it compiles what all the others run
    if threads == 1:
        yield from map(function, range(1, count))
        return
    pool = ThreadPoolExecutor(threads)
    try:
        yield from pool.map(function, range(1, count))
    finally:
        pool.shutdown(cancel_futures=True)


def _count_chunk(
    subject: Subject,
    pairs: Pairs,
    number: int,
    inside: Sequence[tuple[int, int]],
    outside: Sequence[tuple[int, int]],
) -> _Tally:
    """Return the counts of one chunk of pairs."""
    tally, start = _Tally(len(subject.config.names.sources)), number * CHUNK
    part = _part(subject, pairs, start)
    for group in subject.groups:
        _put(tally.groups, group.name, start, _interchange(subject, group, part))
    for node in subject.others:
        _put(tally.nodes, int(node), start, _node(subject, int(node), part))
    _single_edges(subject, outside, part, part.turned, start, tally.edges)
    _single_edges(subject, inside, part, part.straight, start, tally.edges)
    _single_edges(subject, inside, part, part.turned, start, tally.turned)
    _put(tally.whole, None, start, _edges(subject, subject.outside, part))
    for entry in inside:
        mask = subject.outside.copy()
        mask[entry] = True
        _put(tally.restored, entry, start, _edges(subject, mask, part))
    tally.spread = np.asarray(_spread(part))
    return tally


# A source whose writes differ by no more than this carries nothing.
SILENT = 1e-6


def _entries(mask: Bool[np.ndarray, "reader source"]) -> list[tuple[int, int]]:
    return [(int(r), int(s)) for r, s in np.argwhere(mask)]


def _part(subject: Subject, pairs: Pairs, start: int) -> Part:
    """Return a chunk; the last is filled up with pairs that were done already."""
    output = [v.name for v in subject.causal.variables].index(subject.causal.output)
    count = len(pairs.base)
    places = np.arange(start, start + min(CHUNK, count))
    rows = places % count
    return _prepare(
        subject.config,
        subject.weights,
        pairs.pool,
        pairs.base[rows],
        pairs.source[rows],
        pairs.turns[rows],
        places < count,
        output,
    )


@partial(_jit, static_argnames=("config", "output"))
def _prepare(
    config: Config,
    weights: Weights,
    pool: Any,
    base: Int[Any, " pair"],
    source: Int[Any, " pair"],
    turns: Int[Any, " pair"],
    fresh: Bool[Any, " pair"],
    output: int,
) -> Part:
    run = forward_batch(config, weights, pool.ids[base])
    shared = jnp.minimum(pool.lengths[base], pool.lengths[source])
    labels = jnp.where(fresh[:, None], pool.values[base, output], -1)
    straight = forward_batch(config, weights, pool.ids[source]).writes
    return Part(
        ids=pool.ids[base],
        where=jnp.arange(config.n_ctx)[None, :] < shared[:, None],
        values=pool.values[source],
        writes=run.writes,
        straight=straight,
        turned=donor_writes(config, weights, pool.ids[source], turns),
        clean=run.logits,
        labels=labels,
    )


def _put(adder: _Adder, key: Any, start: int, found: tuple[Any, ...]) -> None:
    *counts, wide = found
    adder.add(key, start, int(wide), *counts)


# What an output is ----------------------------------------------------------------


def is_correct(
    readout: Readout, logits: Float[Any, "*n class"], labels: Int[Any, "*n"]
) -> Bool[Array, "*n"]:
    """Return where logits stand for the label; numbers within CLOSE of the range."""
    if readout.kind == "classes":
        return logits.argmax(axis=-1) == labels
    numbers, span = _numbers(readout)
    goal = jnp.asarray(numbers)[labels]
    close = jnp.abs(logits[..., 0] - goal) <= CLOSE * span
    if readout.kind == "number":
        return close
    says_none = logits[..., 1] > 0
    return jnp.where(jnp.isnan(goal), says_none, close & ~says_none)


def differs(
    readout: Readout, logits: Float[Any, "*n class"], clean: Float[Any, "*n class"]
) -> Bool[Array, "*n"]:
    """Return where two outputs are not the same; numbers as in `is_correct`."""
    if readout.kind == "classes":
        return logits.argmax(axis=-1) != clean.argmax(axis=-1)
    _, span = _numbers(readout)
    moved = jnp.abs(logits[..., 0] - clean[..., 0]) > CLOSE * span
    if readout.kind == "number":
        return moved
    none, before = logits[..., 1] > 0, clean[..., 1] > 0
    return (none != before) | (moved & ~none)


def _numbers(readout: Readout) -> tuple[Float[np.ndarray, " value"], float]:
    numbers = readout.numbers.astype(np.float32)
    real = numbers[~np.isnan(numbers)]
    return numbers, float(max(np.ptp(real), 1e-6))


def _compare(
    readout: Readout, logits: Array, part: Part, labels: Array
) -> tuple[Array, Array, Array, Array]:
    """Return (right, changed, total, first changed) over positions with a label."""
    valid = labels >= 0
    right = is_correct(readout, logits, jnp.maximum(labels, 0)) & valid
    changed = differs(readout, logits, part.clean) & valid
    return right.sum(), changed.sum(), valid.sum(), changed.reshape(-1).argmax()


# Patches --------------------------------------------------------------------------


def _interchange(subject: Subject, group: Group, part: Part) -> tuple[Any, ...]:
    """Return the count of one group of variables taken from the sources."""
    found = _interchanged(
        subject.causal,
        subject.config,
        subject.readout,
        subject.weights,
        part,
        _spots(subject, group),
        None if subject.basis is None else subject.basis.astype(np.float32),
        group.variables,
    )
    return *found, part.labels.shape[1]


def _spots(subject: Subject, group: Group) -> Float[np.ndarray, "source 1 d_model"]:
    mask = np.zeros((len(subject.config.names.sources), 1, subject.config.d_model))
    mask[group.source] = 1.0 if group.directions is None else group.directions
    return mask.astype(np.float32)


@partial(_jit, static_argnames=("causal", "config", "readout", "variables"))
def _interchanged(
    causal: Any,
    config: Config,
    readout: Readout,
    weights: Weights,
    part: Part,
    mask: Float[Any, "source 1 d_model"],
    basis: Any,
    variables: tuple[int, ...],
) -> tuple[Array, ...]:
    names = [v.name for v in causal.variables]
    chosen = np.isin(np.arange(len(names)), variables)
    overrides = jnp.where(
        chosen[None, :, None] & part.where[:, None, :], part.values, COMPUTED
    )
    values = jax.vmap(causal.run)(part.ids, overrides)
    labels = jnp.where(part.labels >= 0, values[:, names.index(causal.output)], -1)
    masks = jnp.where(part.where[:, None, :, None], mask[None], 0.0)
    patch = Patch.nodes(masks, part.straight, basis)
    logits = logits_batch(config, weights, part.ids, patch)
    return _compare(readout, logits, part, labels)


def _node(subject: Subject, node: int, part: Part) -> tuple[Any, ...]:
    """Return the count of one node outside the circuit, replaced for all readers."""
    mask = np.zeros(len(subject.config.names.sources), np.float32)
    mask[node] = 1.0
    found = _patched_nodes(subject.config, subject.readout, subject.weights, part, mask)
    return *found, part.labels.shape[1]


@partial(_jit, static_argnames=("config", "readout"))
def _patched_nodes(
    config: Config,
    readout: Readout,
    weights: Weights,
    part: Part,
    mask: Float[Any, " source"],
) -> tuple[Array, ...]:
    masks = jnp.broadcast_to(mask, (len(part.ids), len(mask)))
    where = part.where.astype(jnp.float32)
    patch = Patch.nodes(masks, part.turned, where=where)
    logits = logits_batch(config, weights, part.ids, patch)
    return _compare(readout, logits, part, part.labels)


def _edges(
    subject: Subject, mask: Bool[np.ndarray, "reader source"], part: Part
) -> tuple[Any, ...]:
    """Return the count of several edges at once."""
    found = _patched_edges(
        subject.config,
        subject.readout,
        subject.weights,
        part,
        mask.astype(np.float32),
    )
    return *found, part.labels.shape[1]


@partial(_jit, static_argnames=("config", "readout"))
def _patched_edges(
    config: Config,
    readout: Readout,
    weights: Weights,
    part: Part,
    mask: Float[Any, "reader source"],
) -> tuple[Array, ...]:
    where = part.where.astype(jnp.float32)
    patch = Patch.edges(mask, part.turned, where=where)
    logits = logits_batch(config, weights, part.ids, patch, shared_mask=True)
    return _compare(readout, logits, part, part.labels)


def _single_edges(
    subject: Subject,
    entries: Sequence[tuple[int, int]],
    part: Part,
    donor: Array,
    start: int,
    adder: _Adder,
) -> None:
    """Count single edges: those into one layer's heads, or its MLP, in one call."""
    names = subject.config.names
    for (kind, layer), group in by_place(names, entries).items():
        index = place_indices(names, group)
        found = _one_by_one(
            subject.config,
            subject.readout,
            subject.weights,
            part,
            donor,
            index,
            kind,
            layer,
        )
        wide = part.labels.shape[1]
        rows = zip(*(np.asarray(f) for f in found), strict=True)
        for entry, row in zip(group, rows, strict=True):
            adder.add(entry, start, wide, *row)


@partial(_jit, static_argnames=("config", "readout", "kind", "layer"))
def _one_by_one(
    config: Config,
    readout: Readout,
    weights: Weights,
    part: Part,
    donor: Array,
    index: Int[Any, "edge 3"],
    kind: str,
    layer: int | None,
) -> tuple[Array, ...]:
    """Return `_compare` of every edge: [edge] each."""
    weights = Weights(*(jnp.asarray(a) for a in weights))

    def one(place: Array) -> tuple[Array, ...]:
        source, head, slot = place

        def run(ids: Array, writes: Array, other: Array, where: Array) -> Array:
            change = (other[source] - writes[source]) * where[:, None].astype(
                writes.dtype
            )
            return logits_after_part(
                config, weights, ids, writes, kind, layer, (head, slot), change
            )

        logits = jax.vmap(run)(part.ids, part.writes, donor, part.where)
        return _compare(readout, logits, part, part.labels)

    return jax.lax.map(one, jnp.asarray(index))


@_jit
def _spread(part: Part) -> Float[Array, "2 source"]:
    """Return how far each source's write moves, with straight and turned donors."""
    where = part.where[:, None, :, None]
    donors = part.straight, part.turned
    moved = [jnp.where(where, jnp.abs(d - part.writes), 0.0) for d in donors]
    scale = jnp.maximum(jnp.abs(part.writes).max(axis=(0, 2, 3)), 1e-30)
    return jnp.stack([m.max(axis=(0, 2, 3)) / scale for m in moved])


def _behaviour(subject: Subject, pairs: Pairs) -> Count:
    """Return the count of plain runs over every input of the pool."""
    pool, causal = pairs.pool, subject.causal
    output = [v.name for v in causal.variables].index(causal.output)
    right = total = 0
    ids, values = np.asarray(pool.ids), np.asarray(pool.values[:, output])
    for start in range(0, len(ids), 4 * CHUNK):
        rows = np.arange(start, start + min(4 * CHUNK, len(ids))) % len(ids)
        fresh = start + np.arange(len(rows)) < len(ids)
        logits = logits_batch(subject.config, subject.weights, ids[rows])
        labels = np.where(fresh[:, None], values[rows], -1)
        good = np.asarray(is_correct(subject.readout, logits, np.maximum(labels, 0)))
        right += int((good & (labels >= 0)).sum())
        total += int((labels >= 0).sum())
    return Count(right, 0, total, None)
