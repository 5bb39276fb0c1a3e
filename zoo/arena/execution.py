"""Runs of a hidden model under patches: one compiled function serves all calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from compiler.errors import InputError, NameLookupError
from compiler.machine.forward import forward_batch
from compiler.machine.names import ARROW, Edge
from compiler.machine.patch import Patch
from compiler.machine.transformer import Transformer
from compiler.model import Model
from zoo.causal.runs import with_shifted_positions

BATCH = 32
"""Inputs of one execution; what is missing is filled up."""

Ids = Int[np.ndarray, "batch ctx"]
Writes = Float[np.ndarray, "batch source ctx d_model"]
Masks = Float[np.ndarray, "batch reader source"]
Places = Float[np.ndarray, "batch ctx"]


@dataclass(frozen=True, eq=False)
class BatchRuns:
    """What some runs gave: logits at each position, and what each source writes."""

    logits: Float[np.ndarray, "batch ctx class"]
    writes: Writes


@dataclass(frozen=True, eq=False)
class PatchedMachine:
    """A model as something to run: clean, or with each example under its own patch.

    Every run goes through the same compiled function, of edge masks and `BATCH` inputs.
    """

    model: Model

    @cached_property
    def shape(self) -> tuple[int, int, int]:
        """Sources, positions and dimensions of what a run writes."""
        config = self.model.config
        return len(config.names.sources), config.n_ctx, config.d_model

    def clean(self, ids: Ids, shift: int = 0) -> BatchRuns:
        """Return runs without a patch, with position embeddings shifted if asked for.

        A shift is that of `zoo.causal.runs.with_shifted_positions`.
        """
        size, names = len(ids), self.model.config.names
        masks = np.zeros((size, len(names.readers), len(names.sources)), np.float32)
        donors = np.zeros((size, *self.shape), np.float32)
        return self.patched(ids, masks, donors, np.ones(ids.shape, np.float32), shift)

    def patched(
        self, ids: Ids, masks: Masks, donors: Writes, where: Places, shift: int = 0
    ) -> BatchRuns:
        """Return runs in which readers see donors' writes.

        Args:
            ids: token ids.
            masks: the share of the donor's write that each reader sees of each source.
            donors: what the sources write in the donor runs.
            where: factors of the masks by position.
            shift: of the position embeddings.
        """
        machine = self._shifted(shift)
        found = []
        for start in range(0, len(ids), BATCH):
            parts = [a[start : start + BATCH] for a in (ids, masks, donors, where)]
            size = len(parts[0])
            room = BATCH - size
            full = [
                np.pad(p, [(0, room), *[(0, 0)] * (p.ndim - 1)], mode="edge")
                for p in parts
            ]
            patch = Patch.edges(full[1], full[2], None, full[3])
            run = forward_batch(machine, full[0], patch)
            found.append((np.asarray(run.logits)[:size], np.asarray(run.writes)[:size]))
        logits, writes = (np.concatenate(part) for part in zip(*found, strict=True))
        return BatchRuns(logits, writes)

    def _shifted(self, shift: int) -> Transformer:
        config, machine = self.model.config, self.model.transformer
        shift %= config.n_ctx - 1
        if not shift or config.positions == "rotary":
            return machine
        return with_shifted_positions(machine, shift)

    def masks(self, patches: Sequence[Sequence[str]]) -> Masks:
        """Return the mask of each patch: 1 at its edges, and at all edges of a source.

        Raises:
            NameLookupError: an edge or a source has no such name.
            InputError: a patch names nothing.
        """
        names = self.model.config.names
        found = np.zeros(
            (len(patches), len(names.readers), len(names.sources)), np.float32
        )
        for mask, patch in zip(found, patches, strict=True):
            if not patch:
                raise InputError("a patch names no edge and no source; give at least 1")
            for name in patch:
                if ARROW in name:
                    mask[names.edge_index(self.edge(name))] = 1.0
                else:
                    mask[:, names.source_index(shorten_name(name))] = 1.0
        return found

    def edge(self, name: str) -> Edge:
        """Return the edge of a name.

        Raises:
            NameLookupError: there is none.
        """
        if ARROW not in name:
            raise NameLookupError(
                f"{shorten_name(name)!r} is not an edge. Write it as source->reader, "
                "for instance 'a0.h0->m0'"
            )
        return self.model.config.names.parse_edge(shorten_name(name))


def shorten_name(name: str) -> str:
    """Return a name as messages may show it; no name of a model is this long."""
    return name if len(name) <= 40 else f"{name[:37]}..."
