"""Which published edges are used: `zoo.audit_import` is here.

An edge is *used* if patching it alone, from another input, changes some output;
*unused* if it changes none; *undetectable* if its source writes the same in all runs
that are compared. Half of the donor runs have shifted positions, without which no edge
from the position embeddings could show an effect. The set comes without inputs, so
tokens are drawn at random.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from compiler.errors import InputError, unknown_name
from compiler.grid import align
from compiler.machine.forward import forward_batch, logits_batch
from compiler.machine.patch import Patch
from zoo.auditing.certificate import Rate, rate
from zoo.causal.runs import shifted_runs, writes_alike
from zoo.imported.interpbench import Imported, PublishedEdge, read_interpbench

LAYOUTS = {"interpbench": read_interpbench}
"""Name -> reader of a folder."""
PAIRS, CLOSE, VERSION = 512, 0.05, 1
"""Pairs of runs; numbers within so much count as one, as InterpBench has it."""


@dataclass(frozen=True)
class EdgeAudit:
    """A published edge, measured.

    Attributes:
        edge: as it was published.
        status: `used`, `unused` or `undetectable`.
        changed: share of outputs that change when it alone is patched.
    """

    edge: str
    status: str
    changed: Rate


@dataclass(frozen=True)
class ImportReport:
    """What an audit of a published circuit found.

    Attributes:
        model: its name.
        edges: the published edges.
        outside: how many other edges change some output when patched alone.
        others: how many other edges there are.
        kept: share of outputs that stay when all other edges are patched at once.
        pairs: number of pairs of runs.
        seed: of the draw.
    """

    model: str
    edges: tuple[EdgeAudit, ...]
    outside: int
    others: int
    kept: Rate
    pairs: int
    seed: int

    def __str__(self) -> str:
        return self.text

    @property
    def used(self) -> int:
        """How many published edges are used."""
        return sum(edge.status == "used" for edge in self.edges)

    @property
    def text(self) -> str:
        """The report as a table of text."""
        rows = [(e.status, f"{e.changed.share:.4f}", e.edge) for e in self.edges]
        return "\n".join(
            [
                f"{self.model}: {self.used} of {len(self.edges)} published edges are "
                "used",
                "",
                *align([("status", "changed", "edge"), *rows]),
                "",
                f"{self.outside} of {self.others} other edges change some output",
                f"with all others patched, {self.kept.share:.4f} of outputs stay",
                f"{self.pairs} pairs of random inputs, seed {self.seed}",
            ]
        )

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        edges = [
            {"edge": e.edge, "status": e.status, "changed": e.changed.share}
            for e in self.edges
        ]
        plain = ("model", "outside", "others", "pairs", "seed")
        return {
            "format": "circuitzoo.import",
            "format_version": VERSION,
            **{name: getattr(self, name) for name in plain},
            "kept": self.kept.share,
            "edges": edges,
        }


def audit_import(
    folder: str | Path,
    layout: str = "interpbench",
    *,
    bos: int | None = None,
    pad: int | None = None,
    pairs: int = PAIRS,
    seed: int = 0,
) -> ImportReport:
    """Return which edges of a published circuit are used.

    Args:
        folder: the folder of one model.
        layout: of its files: `interpbench`.
        bos: id of the token that opens every input; without it all tokens are drawn.
        pad: id of a token that is never drawn.
        pairs: how many pairs of runs.
        seed: of the inputs.

    Raises:
        NameLookupError: the layout is unknown; the nearest are offered.
        FormatError: a file is missing, damaged, or holds what is not read.
        InputError: bos or pad is no token, or pairs is below 1.
    """
    if layout not in LAYOUTS:
        raise unknown_name("layout", layout, LAYOUTS)
    if pairs < 1:
        raise InputError(f"pairs is {pairs}; give at least 1")
    found = LAYOUTS[layout](folder)
    size = found.transformer.config.d_vocab
    for name, token in (("bos", bos), ("pad", pad)):
        if token is not None and not 0 <= token < size:
            raise InputError(f"{name} is {token}, expected a token of 0..{size - 1}")
    rng = np.random.default_rng([*b"import", seed])
    base, donor = (_draw(found, bos, pad, pairs, rng) for _ in range(2))
    shifts = np.where(rng.random(pairs) < 0.5, 0, rng.integers(1, base.shape[1], pairs))
    return _audited(found, base, donor, shifts.astype(np.int32), seed)


def _draw(
    found: Imported,
    bos: int | None,
    pad: int | None,
    count: int,
    rng: np.random.Generator,
) -> Int[np.ndarray, "pair ctx"]:
    config = found.transformer.config
    free = [token for token in range(config.d_vocab) if token not in (bos, pad)]
    ids = rng.choice(free, size=(count, config.n_ctx))
    if bos is not None:
        ids[:, 0] = bos
    return ids.astype(np.int32)


def _audited(
    found: Imported, base: np.ndarray, donor: np.ndarray, shifts: np.ndarray, seed: int
) -> ImportReport:
    transformer, names = found.transformer, found.transformer.config.names
    run = forward_batch(transformer, base)
    clean, own = np.asarray(run.logits), np.asarray(run.writes)
    writes = np.asarray(shifted_runs(transformer, donor, shifts).writes)
    moving = ~writes_alike(own, writes)

    def patched(entries: Sequence[tuple[int, int]]) -> Bool[np.ndarray, "pair ctx"]:
        mask = np.zeros((len(names.readers), len(names.sources)), np.float32)
        mask[tuple(np.array(entries).T)] = 1.0
        patch = Patch.edges(mask, writes)
        logits = logits_batch(transformer, base, patch, shared_mask=True)
        return _changed(np.asarray(logits), clean)[:, 1:]

    inside = {entry for edge in found.edges for entry in edge.entries}
    visible = [(r, s) for r, s in np.argwhere(names.visible).tolist()]
    others = [entry for entry in visible if entry not in inside]
    outside = sum(bool(patched([e]).any()) for e in others if moving[e[1]])
    kept = ~patched(others) if others else np.ones((len(base), 1), bool)
    return ImportReport(
        model=found.name,
        edges=tuple(_measured(e, patched(e.entries), moving) for e in found.edges),
        outside=outside,
        others=len(others),
        kept=rate(int(kept.sum()), kept.size),
        pairs=len(base),
        seed=seed,
    )


def _changed(
    logits: Float[np.ndarray, "pair ctx class"],
    clean: Float[np.ndarray, "pair ctx class"],
) -> Bool[np.ndarray, "pair ctx"]:
    """Return which outputs differ: the greatest logit, or one number."""
    if logits.shape[-1] == 1:
        return np.abs(logits - clean)[..., 0] > CLOSE
    return logits.argmax(axis=-1) != clean.argmax(axis=-1)


def _measured(
    edge: PublishedEdge, changed: Bool[np.ndarray, "pair ctx"], moving: np.ndarray
) -> EdgeAudit:
    status = "used" if changed.any() else "unused"
    if not any(moving[source] for _, source in edge.entries):
        status = "undetectable"
    return EdgeAudit(str(edge), status, rate(int(changed.sum()), changed.size))
