"""The weights as a safetensors file, read with its header checked first.

The format: eight bytes with the length of a JSON header, the header with the name,
type, shape and place of every tensor, then the tensors. Here every place is checked
against what the configuration says, before anything is made from it.
"""

from __future__ import annotations

from math import prod

import numpy as np
from safetensors.numpy import save

from compiler.errors import InputError
from compiler.machine.config import Config
from compiler.machine.weights import (
    Weights,
    expected_tensors,
    freeze,
    from_tensors,
    to_tensors,
)
from compiler.notation import Found, parse, refuse

_LENGTH, _FLOAT = 8, 4
# Room in the header for the entry of one tensor, and for what is not a tensor.
_ENTRY, _REST = 256, 4096


def tensors_to_bytes(weights: Weights, config: Config) -> bytes:
    """Return the weights as a safetensors file, under TransformerLens' names.

    Raises:
        InputError: the weights are not float32.
    """
    tensors = to_tensors(weights, config)
    for name, array in tensors.items():
        if array.dtype != np.float32:
            raise InputError(
                f"{name} is {array.dtype}, and a saved model holds float32; cast the "
                "weights first"
            )
    return save({k: v.astype("<f4", copy=False) for k, v in tensors.items()})


def file_sizes(config: Config) -> tuple[int, int]:
    """Return the least and the greatest size of the file of such weights, in bytes."""
    data = _LENGTH + _FLOAT * config.n_params
    # Each layer has the same tensors, and no layer has more than thirty.
    return data, data + _REST + _ENTRY * 30 * (config.n_layers + 1)


def tensors_from_bytes(data: bytes, config: Config, file: str) -> Weights:
    """Return the weights that `tensors_to_bytes` wrote, read-only.

    Raises:
        FormatError: a tensor is missing, unknown, of another shape or type, or not
            where it must be.
    """
    header, start = _read_header(data, file)
    shapes = expected_tensors(config)
    entries = {k: v for k, v in header.entries().items() if k != "__metadata__"}
    problems = [f"{name} is missing" for name in shapes if name not in entries]
    problems += [f"{name} is unknown" for name in sorted(set(entries) - set(shapes))]
    if problems:
        raise refuse(
            file, "; ".join(problems[:8]), f"the {len(shapes)} tensors of config.json"
        )
    places = {name: _place(entries[name], shape) for name, shape in shapes.items()}
    _check_tiling(places, len(data) - start, file)
    tensors = {
        name: np.frombuffer(
            data, "<f4", count=prod(shapes[name]), offset=start + begin
        ).reshape(shapes[name])
        for name, (begin, _) in places.items()
    }
    native = {k: v.astype(np.float32, copy=False) for k, v in tensors.items()}
    return freeze(from_tensors(native, config))


def _read_header(data: bytes, file: str) -> tuple[Found, int]:
    """Return the header, and where the tensors begin."""
    if len(data) < _LENGTH:
        raise refuse(file, f"{len(data)} bytes", "a header and tensors")
    length = int.from_bytes(data[:_LENGTH], "little")
    if length > len(data) - _LENGTH:
        raise refuse(
            file,
            f"a header of {length} bytes in a file of {len(data)}",
            "a header that ends inside the file",
        )
    return parse(data[_LENGTH : _LENGTH + length], f"{file}, header"), _LENGTH + length


def _place(found: Found, shape: tuple[int, ...]) -> tuple[int, int]:
    """Return where a tensor begins and ends, counted from the first of them."""
    entries = found.fields("dtype", "shape", "data_offsets")
    if entries["dtype"].json != "F32":
        raise entries["dtype"].wrong("F32")
    if entries["shape"].json != list(shape):
        found_shape = entries["shape"].json
        raise refuse(
            entries["shape"].where,
            f"{found_shape}"[:80],
            f"{list(shape)}, by config.json",
        )
    offsets = entries["data_offsets"]
    ends = offsets.integers(0, 2**63)
    if len(ends) != 2 or ends[1] - ends[0] != _FLOAT * prod(shape):
        raise refuse(
            offsets.where, f"{list(ends)}"[:80], f"{_FLOAT * prod(shape)} bytes"
        )
    return ends[0], ends[1]


def _check_tiling(places: dict[str, tuple[int, int]], size: int, file: str) -> None:
    """Raise FormatError unless the tensors fill the file, one after another."""
    end = 0
    for name, (begin, stop) in sorted(places.items(), key=lambda item: item[1]):
        if begin != end:
            raise refuse(file, f"{name} at byte {begin}", f"it at byte {end}")
        end = stop
    if end != size:
        raise refuse(file, f"{size} bytes of tensors", f"{end}, by its header")
