"""A model with a dormant direction beside the true one: Makelov et al. 2023, section 3.

A compiled model's stream is widened by two copies of a variable's subspace:

    null      whatever is written along the variable is written here too, and nothing
              reads it
    dormant   nothing is written here; each query that reads the variable reads it too,
              twice as strongly, in coordinates of its own

The outputs are those of the model before. The diagonal between the two copies is the
illusion: an interchange along it moves the dormant copy by half of what the null copy
says, which is read twice, so that outputs change as if the variable had been set. Yet
nothing that carries the variable in any run is in that subspace.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Float

from compiler.errors import InputError
from compiler.machine.circuit import Circuit, Site
from compiler.machine.weights import Weights
from compiler.model import Model
from zoo.alignment.subspaces import Columns

WRITERS = ("W_E", "W_pos", "W_O", "b_O", "W_out", "b_out")
"""Arrays whose last axis is the stream."""
READERS = ("W_Q", "W_K", "W_V", "W_in", "W_gate", "W_U")
"""Arrays whose last axis but one is the stream."""
GAIN = 2.0


def add_illusion(model: Model, variable: str) -> tuple[Model, Columns]:
    """Return a widened model of the same outputs, and the illusion: [d_model, k].

    Args:
        model: a compiled one, without norms and not compressed.
        variable: computed by a head or an MLP.

    Raises:
        InputError: the variable's subspace is not known, the model has norms or rotary
            positions, or something else than queries reads the variable.
        NameLookupError: the program has no such variable.
    """
    along = _check(model, variable)
    kept, size = model.config.d_model, len(along)
    config = replace(
        model.config, d_model=kept + 2 * size, d_head=2 * model.config.d_head
    )
    arrays = {name: np.asarray(v) for name, v in model.weights._asdict().items()}
    more = GAIN * (along.astype(np.float32) @ arrays["W_Q"])
    for name in WRITERS:
        if arrays[name].shape[-1] == kept:
            arrays[name] = _write_too(arrays[name], along)
    for name in READERS:
        if arrays[name].shape[-2] == kept:
            blank = np.zeros(
                (*arrays[name].shape[:-2], 2 * size, arrays[name].shape[-1])
            )
            arrays[name] = np.concatenate([arrays[name], blank], axis=-2)
    arrays = _read_too(arrays, more.astype(np.float32))
    arrays = {name: v.astype(np.float32) for name, v in arrays.items()}
    rows = {name: _widen(row, 2 * size) for name, row in model.rows.items()}
    wide = Model(
        f"{model.name}-illusion",
        model.typed,
        config,
        Weights(**arrays),
        model.readout,
        _widen_sites(model.circuit, 2 * size, config),
        rows,
        basis=None if model.basis is None else _wide_basis(model.basis, 2 * size),
        facts=model.facts,
        steps=model.steps,
    )
    claim = np.zeros((config.d_model, size))
    place = np.arange(size)
    claim[kept + place, place] = claim[kept + size + place, place] = np.sqrt(0.5)
    return wide, claim


def _write_too(array: Any, along: Float[np.ndarray, "k d_model"]) -> np.ndarray:
    """Return what writes, with a copy along the null directions."""
    array = np.asarray(array)
    copy = array @ along.T.astype(array.dtype)
    return np.concatenate([array, copy, np.zeros_like(copy)], axis=-1)


def _check(model: Model, variable: str) -> Float[np.ndarray, "k d_model"]:
    """Return the basis of the variable's subspace, where an illusion can be made."""
    site, config = model.sites[variable], model.config
    odd = config.norm != "none" or config.positions == "rotary"
    if site.basis is None or model.features is not None or odd:
        raise InputError(
            f"{model.name}: an illusion is made beside a known subspace, and "
            f"{variable!r} has none, or the model has norms or rotary positions. Give "
            "a compiled model"
        )
    for edge, carried in model.circuit.carries.items():
        if variable in carried and config.names.reader_parts[edge.reader].slot != "q":
            raise InputError(
                f"{model.name}: {edge.reader} reads {variable!r}, expected queries "
                "alone. Take a variable that only queries read, such as the "
                "opposite_index of reverse"
            )
    return np.asarray(site.basis, np.float64)


def _read_too(
    arrays: dict[str, np.ndarray], more: Float[np.ndarray, "layer head k d_head"]
) -> dict[str, np.ndarray]:
    """Return the arrays with heads twice as wide, the second half for the dormant copy.

    There the queries read the dormant directions, and the keys are those of the first
    half, so that q . k is what it was, and what the dormant copy adds.
    """
    queries = np.zeros_like(arrays["W_Q"])
    queries[..., -more.shape[-2] :, :] = more
    second = {"W_Q": queries, "W_K": arrays["W_K"], "b_K": arrays["b_K"]}
    for name in ("W_Q", "W_K", "W_V", "b_Q", "b_K", "b_V"):
        half = second.get(name, np.zeros_like(arrays[name]))
        arrays[name] = np.concatenate([arrays[name], half], axis=-1)
    rest = np.zeros_like(arrays["W_O"])
    arrays["W_O"] = np.concatenate([arrays["W_O"], rest], axis=-2)
    return arrays


def _widen(rows: Any, more: int) -> np.ndarray:
    array = np.asarray(rows)
    return np.pad(array, [(0, 0)] * (array.ndim - 1) + [(0, more)])


def _wide_basis(basis: np.ndarray, more: int) -> np.ndarray:
    whole = np.eye(len(basis) + more)
    whole[: len(basis), : len(basis)] = basis
    return whole


def _widen_sites(circuit: Circuit, more: int, config: Any) -> Circuit:
    sites = {
        name: Site(site.node, None if site.basis is None else _widen(site.basis, more))
        for name, site in circuit.sites.items()
    }
    return Circuit(config.names, circuit.edges, sites, circuit.carries)
