"""Several circuits by pruning again and again, in other orders: a baseline.

Edges are removed in random order as long as the outputs stay: first many at once, then
fewer, down to single edges (delta debugging, Zeller and Hildebrandt 2002). Another
order ends at another circuit where several are enough. Nothing says that all are found.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from compiler.errors import InputError
from compiler.model import Model
from zoo.cases.case import Case, open_case
from zoo.cases.pairs import PAIRS, SHIFTED
from zoo.scoring.sufficient import Judge

SEEDS = 8


def prune_circuits(
    source: str | Path | Model | Case,
    *,
    seeds: int = SEEDS,
    ablation: str = "resample",
    at_least: float = 1.0,
    split: str = "train",
    pairs: int = PAIRS,
    shifted: float = SHIFTED,
    within: str | None = None,
) -> tuple[tuple[str, ...], ...]:
    """Return the circuits at which pruning ends, each once, the smallest first.

    Args:
        source: a release's name, a folder, a model, a program's name, or a case.
        seeds: how many orders of the edges are tried: 0, 1, ...
        ablation: what stands in the place of a patched write.
        at_least: share of pairs whose outputs all have to stay.
        split: of the data.
        pairs: how many of its pairs, at most.
        shifted: share of the pairs whose corrupt run has shifted positions.
        within: the class of inputs, in place of `:CLASS` behind the name.

    Raises:
        NameLookupError: nothing has that name, or there is no such ablation.
        InputError: there is no order to try.
    """
    if seeds < 1:
        raise InputError(f"seeds={seeds}: expected 1 or more orders of the edges")
    case = open_case(
        source,
        split=split,
        pairs=pairs,
        shifted=shifted,
        ablation=ablation,
        within=within,
    )
    judge = Judge(case, at_least)
    found = {_pruned(judge, np.random.default_rng(seed)) for seed in range(seeds)}
    return tuple(sorted(found, key=lambda edges: (len(edges), edges)))


def _pruned(judge: Judge, rng: np.random.Generator) -> tuple[str, ...]:
    """Return a circuit of which no edge can be left out, in the transformer's order."""
    every = judge.case.edges
    kept = [every[i] for i in rng.permutation(len(every))]
    size = len(kept)
    while size:
        before, place = len(kept), 0
        while place < len(kept):
            rest = kept[:place] + kept[place + size :]
            if judge.keeps(rest):
                kept = rest
            else:
                place += size
        if size == 1 and len(kept) == before:
            break
        size = max(size // 2, 1)
    chosen = set(kept)
    return tuple(edge for edge in every if edge in chosen)
