"""auto-circuit's `PruneScores`: an array for every reading module, as it makes them.

    blocks.1.hook_q_input     [head, source]
    blocks.1.hook_mlp_in      [source]
    blocks.1.hook_resid_post  [source], of the last layer: the logits

The sources are those that are written before: `Resid Start`, then heads and MLPs.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np

from compiler.errors import InputError
from compiler.machine.names import ARROW, INPUT, Names


def are_prune_scores(names: Names, given: Mapping[Hashable, Any]) -> bool:
    """Return whether a dict has an array for modules that read, and nothing else."""
    modules = {names.reader_hook(reader).name for reader in names.readers}
    return bool(given) and all(
        key in modules and np.ndim(value) for key, value in given.items()
    )


def scores_by_edge(names: Names, given: Mapping[str, Any]) -> dict[str, float | bool]:
    """Return the scores by the names of edges with one input node.

    Raises:
        InputError: an array has another shape: it is for another architecture, for
            joined queries, keys and values, or has a score for each position.
    """
    sources = (INPUT, *names.sources[2:])
    found: dict[str, float | bool] = {}
    for row, reader in enumerate(names.readers):
        module, head = names.reader_hook(reader)
        if module not in given:
            continue
        count = int(names.visible[row].sum()) - 1  # two embeddings are one source
        array = np.asarray(given[module])
        expected = (count,) if head is None else (names.n_heads, count)
        if array.shape != expected:
            raise InputError(
                f"scores: {module} has the shape {array.shape}, expected {expected}: "
                "[head, source] or [source]. Are they for another architecture, or by "
                "position? Then take the sum or the maximum over positions first"
            )
        values = array if head is None else array[head]
        for source, value in zip(sources, values.tolist(), strict=False):
            found[f"{source}{ARROW}{reader}"] = value
    return found
