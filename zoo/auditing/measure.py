"""One patch after the other, over all pairs, in chunks.

Edges and nodes outside the circuit are patched from donor runs with shifted positions
(`zoo.causal.runs.shifted_runs`). Those of the circuit are patched from donor runs
without a shift, because there the outputs are compared with the causal model's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool

from compiler.machine.rerun.rerun import Target, target_of_node, target_of_reader
from zoo.auditing import chunk
from zoo.auditing.behaviour import labels_of, verdicts
from zoo.auditing.counts import Adder, OutputCounts, Tallied, Tally
from zoo.auditing.subject import Subject
from zoo.causal.pairs import AuditPairs
from zoo.causal.runs import CONSTANT_WITHIN

CHUNK = 512


@dataclass(frozen=True, eq=False)
class Measured:
    """The counts of every patch.

    Attributes:
        behaviour: without a patch, over all inputs of the pool.
        groups: by group of variables that is interchanged; the label is the output of
            the causal model.
        nodes: by node outside the circuit that is patched for all its readers.
        edges: by (reader, source) of the one edge that is patched. For an edge of the
            circuit the donor runs have shifted positions only if nothing changes
            without the shift.
        shifted: which edges of the circuit had donor runs with shifted positions.
        undetectable: which edges carry the same in every run.
        all_edges: with all edges outside the circuit patched at once.
        restored: by edge of the circuit, with it and all edges outside patched.
    """

    behaviour: OutputCounts
    groups: dict[str, OutputCounts]
    nodes: dict[int, OutputCounts]
    edges: dict[tuple[int, int], OutputCounts]
    shifted: frozenset[tuple[int, int]]
    undetectable: frozenset[tuple[int, int]]
    all_edges: OutputCounts
    restored: dict[tuple[int, int], OutputCounts]


def measure(
    subject: Subject,
    pairs: AuditPairs,
    progress: Callable[[int, int], None] | None = None,
    threads: int = 1,
) -> Measured:
    """Return the counts of every patch that a certificate needs.

    Args:
        subject: the model and the claims to audit.
        pairs: the pairs of inputs.
        progress: called with (done, total), in chunks of pairs.
        threads: how many chunks run at a time; the counts do not depend on it.
    """
    inside = _entries(subject.circuit.mask())
    outside = _entries(subject.outside)
    size = len(pairs.base)
    tally = Tally(len(subject.config.names.sources))

    curvature = chunk.curvature_of(subject.transformer, subject.readout)

    def count(number: int) -> Tally:
        patches = _Patches(subject, pairs, number * CHUNK, curvature)
        return _count_chunk(patches, inside, outside)

    for number, found in enumerate(_map_in_order(count, -(-size // CHUNK), threads)):
        tally.join(found)
        if progress is not None:
            progress(min((number + 1) * CHUNK, size), size)
    alone = tally.edges.counts
    with_shifts = frozenset(e for e in inside if not alone[e].changed.hits)
    for entry in with_shifts:
        alone[entry] = tally.shifted.counts[entry]
    return Measured(
        behaviour=_behaviour(subject, pairs),
        groups=tally.groups.counts,
        nodes=tally.nodes.counts,
        edges=alone,
        shifted=frozenset(e for e in with_shifts if alone[e].changed.hits),
        undetectable=frozenset(
            e
            for e in (*inside, *outside)
            if tally.spread[:, e[1]].max() <= CONSTANT_WITHIN
        ),
        all_edges=tally.whole.counts[None],
        restored=tally.restored.counts,
    )


def _map_in_order(
    function: Callable[[int], Tally], count: int, threads: int
) -> Iterator[Tally]:
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


class _StreamChange(NamedTuple):
    """A patch that is a single change of the stream.

    Attributes:
        key: what it is counted under.
        target: which readers see the change.
        change: which one, see `chunk.change_of`.
        labels: which labels it is held to: 0 for the base's, then one a group.
    """

    key: Any
    target: Target
    change: int
    labels: int = 0


def _count_chunk(
    patches: _Patches,
    inside: Sequence[tuple[int, int]],
    outside: Sequence[tuple[int, int]],
) -> Tally:
    """Return the counts of one chunk of pairs."""
    tally = Tally(len(patches.subject.config.names.sources))
    patches.count(
        (tally.groups, patches.groups()),
        (tally.nodes, patches.nodes()),
        (tally.edges, patches.edges(outside, "shifted")),
        (tally.edges, patches.edges(inside, "straight")),
        (tally.shifted, patches.edges(inside, "shifted")),
    )
    patches.count_under(tally, inside)
    tally.spread = np.asarray(patches.part.spread)
    return tally


class _Patches:
    """What is patched in one chunk.

    Args:
        subject: what is audited.
        pairs: over which inputs.
        start: the chunk's first pair.
        curvature: of `chunk.curvature_of`.
    """

    def __init__(
        self, subject: Subject, pairs: AuditPairs, start: int, curvature: Any
    ) -> None:
        self.subject, self.start, self._curvature = subject, start, curvature
        self.part = _part(subject, pairs, start)
        self._blocks = chunk.make_blocks(subject.config, self.part)
        self._groups = _groups(subject)
        self._labels = chunk.labels_of(subject.causal, self.part, self._groups)

    def groups(self) -> list[_StreamChange]:
        """Return the patches that interchange variables."""
        config = self.subject.config
        return [
            _StreamChange(
                group.name,
                target_of_node(config.names, config.names.sources[group.source]),
                chunk.change_of(config, "group", index),
                1 + index,
            )
            for index, group in enumerate(self.subject.groups)
        ]

    def nodes(self) -> list[_StreamChange]:
        """Return the patches of nodes outside the circuit."""
        config = self.subject.config
        return [
            _StreamChange(
                int(node),
                target_of_node(config.names, config.names.sources[node]),
                chunk.change_of(config, "shifted", int(node)),
            )
            for node in self.subject.others
        ]

    def edges(
        self, entries: Sequence[tuple[int, int]], donor: str
    ) -> list[_StreamChange]:
        """Return the patches of single edges."""
        config = self.subject.config
        return [
            _StreamChange(
                (reader, source),
                target_of_reader(config.names, config.names.readers[reader]),
                chunk.change_of(config, donor, source),
            )
            for reader, source in entries
        ]

    def count(self, *wanted: tuple[Adder, Sequence[_StreamChange]]) -> None:
        """Add what each patch does to the counts that it is wanted for."""
        items = [item for _, some in wanted for item in some]
        table = [(*i.target, i.change, i.labels) for i in items]
        subject = self.subject
        found = chunk.count_changes(
            subject.transformer,
            subject.readout,
            self.part,
            self._labels,
            self._groups,
            self._curvature,
            *self._blocks,
            np.array(table, np.int32).reshape(-1, 6),
        )
        counts = self._counts(found)
        for adder, some in wanted:
            for item in some:
                adder.add(item.key, next(counts))

    def count_under(self, tally: Tally, inside: Sequence[tuple[int, int]]) -> None:
        """Add what everything outside does at once, and each edge besides it."""
        subject = self.subject
        parts = list(subject.config.names.reader_parts.values())
        last = subject.config.n_layers
        layers = [parts[reader].layer for reader, _ in inside]
        table = [
            (*entry, last if layer is None else layer)
            for entry, layer in zip(inside, layers, strict=True)
        ]
        found = chunk.count_under(
            subject.transformer,
            subject.readout,
            self.part,
            *self._blocks,
            subject.outside.astype(np.float32),
            np.array([(0, -1, last), *table], np.int32),
        )
        counts = self._counts(found)
        tally.whole.add(None, next(counts))
        for entry in inside:
            tally.restored.add(entry, next(counts))

    def _counts(self, found: chunk.PatchResults) -> Iterator[OutputCounts]:
        arrays = (np.asarray(array) for array in found)
        for right, changed, total, first, shown in zip(*arrays, strict=True):
            count = OutputCounts(_tallied(right), _tallied(changed), int(total))
            if first < chunk.NEVER:
                pair, position = divmod(int(first), self.subject.config.n_ctx)
                place = self.start + pair, position
                count = replace(count, first=place, shown=shown.copy())
            yield count


def _tallied(sums: np.ndarray) -> Tallied:
    return Tallied(*(int(n) for n in sums))


def _entries(mask: Bool[np.ndarray, "reader source"]) -> list[tuple[int, int]]:
    return [(int(r), int(s)) for r, s in np.argwhere(mask)]


def _part(subject: Subject, pairs: AuditPairs, start: int) -> chunk.Chunk:
    """Return a chunk; the last is filled up with pairs that were done already."""
    output = [v.name for v in subject.causal.variables].index(subject.causal.output)
    count = len(pairs.base)
    places = np.arange(start, start + min(CHUNK, count))
    rows = places % count
    return chunk.prepare(
        subject.transformer,
        pairs.pool,
        pairs.base[rows],
        pairs.donor[rows],
        pairs.shifts[rows],
        places < count,
        output,
    )


def _groups(subject: Subject) -> chunk.Groups:
    groups, d_model = subject.groups, subject.config.d_model
    n_variables = len(subject.causal.variables)
    chosen = np.zeros((len(groups), n_variables), bool)
    directions = np.ones((len(groups), d_model), np.float32)
    for index, group in enumerate(groups):
        chosen[index, list(group.variables)] = True
        if group.directions is not None:
            directions[index] = group.directions
    sources = np.array([group.source for group in groups], np.int32)
    basis = None if subject.basis is None else subject.basis.astype(np.float32)
    return chunk.Groups(chosen, sources, directions, basis)


def _behaviour(subject: Subject, pairs: AuditPairs) -> OutputCounts:
    """Return the count of plain runs over every input of the pool."""
    valid = labels_of(subject, pairs.pool) >= 0
    right = (int((part & valid).sum()) for part in verdicts(subject, pairs.pool))
    return OutputCounts(Tallied(*right), Tallied(), int(valid.sum()))
