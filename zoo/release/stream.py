"""Whether the rows of `circuit.json` are what stands in the stream of a compiled model.

For a model that this version of the compiler makes with other weights: its rows cannot
be made again, so they are compared with what its nodes write on inputs.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Int

from compiler.model import Model
from compiler.save import CIRCUIT
from zoo.auditing.subject import Subject
from zoo.causal.pool import make_pool
from zoo.causal.runs import compiled_runs
from zoo.release.differences import Difference, array_differences

INPUTS = 256
"""Inputs on which rows are compared."""
CLOSE = 0.01
"""Part of the largest number of a variable's rows within which a write is a row."""


def row_differences(model: Model, subject: Subject) -> Iterator[Difference]:
    """Yield rows that the nodes of a compiled model do not write.

    Args:
        model: the release's; without rows nothing is compared.
        subject: gives the values of the variables.
    """
    if not model.rows:
        return
    ids, _ = subject.causal.inputs(INPUTS, 0)
    pool = make_pool(subject.causal, ids)
    ids = np.asarray(pool.ids)
    shifts = np.zeros(len(ids), np.int32)
    writes = np.asarray(compiled_runs(model.transformer, ids, shifts).writes)
    held = dict(_values(subject, ids, np.asarray(pool.values)))
    for name, site in model.circuit.sites.items():
        place, rows = f"rows, {name}", model.rows.get(name)
        if rows is None or not np.isfinite(rows).all() or not np.abs(rows).max():
            yield Difference(CIRCUIT, place, "no row but zeros", "what is written")
            continue
        if site.basis is None or name not in held:
            continue
        cells = held[name]
        known = (cells >= 0) & (cells < len(rows))
        found = writes[:, model.config.names.source_index(site.node)][known]
        expected = np.asarray(rows)[cells[known]]
        right, said = (array @ site.basis.T for array in (expected, found))
        for one in array_differences(CIRCUIT, right, said, place, CLOSE):
            yield Difference(CIRCUIT, place, one.found, f"{one.expected}, as written")


def _values(
    subject: Subject, ids: Int[np.ndarray, "input ctx"], values: np.ndarray
) -> Iterator[tuple[str, Int[np.ndarray, "input ctx"]]]:
    """Yield (variable, the index of its value at each position, -1 for none)."""
    causal = subject.causal
    live = (ids != causal.pad_id) & (np.arange(ids.shape[1]) > 0)[None, :]
    yield "tokens", np.where(live, ids, -1)
    yield "indices", np.where(live, np.arange(ids.shape[1])[None, :] - 1, -1)
    for index, variable in enumerate(causal.variables):
        yield variable.name, np.where(live, values[:, index], -1)
