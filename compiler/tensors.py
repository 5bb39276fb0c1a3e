"""The weights as a safetensors file.

The file's reader is safetensors' own: it refuses a header that leads out of the file,
tensors that overlap or leave holes, and sizes that overflow. What the file may have in
all is said by the configuration, so it is bounded before the reader sees it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from compiler.errors import InputError
from compiler.escapes import escape
from compiler.families import Family
from compiler.machine.config import Config
from compiler.machine.weights import (
    Weights,
    expected_tensors,
    freeze,
    from_tensors,
    to_tensors,
)
from compiler.notation import refuse

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


def shaped_to_bytes(
    family: Family, weights: Weights, config: Config, language: bool
) -> bytes:
    """Return the weights as a safetensors file of an architecture.

    Args:
        family: the architecture.
        weights: arrays of the shapes that `config` says.
        config: the transformer's shape.
        language: whether its logits stand for its tokens.

    Raises:
        InputError: the weights are not float32.
    """
    if weights.W_E.dtype != np.float32:
        raise InputError(
            f"W_E is {weights.W_E.dtype}, and a saved model holds float32; cast the "
            "weights first"
        )
    return save(family.pack(weights, config, language), {"format": "pt"})


def file_sizes(config: Config, shaped: bool = False) -> tuple[int, int]:
    """Return the least and the greatest size of the file of such weights, in bytes.

    Args:
        config: the transformer's shape.
        shaped: whether it is the file of an architecture, which may hold rows of zeros
            beside the parameters: positions before the first, types of tokens.
    """
    data = _LENGTH + _FLOAT * config.n_params
    zeros = (config.d_vocab + 2) * config.d_model + config.d_vocab_out
    # Each layer has the same tensors, and no layer has more than thirty.
    header = _REST + _ENTRY * 30 * (config.n_layers + 1)
    return data, data + header + _FLOAT * zeros * shaped


def tensors_from_bytes(data: bytes, config: Config, file: str) -> Weights:
    """Return the weights that `tensors_to_bytes` wrote, read-only.

    Raises:
        FormatError: a tensor is missing, unknown, of another shape or type, or not
            where it must be.
    """
    found = _read(data, file_sizes(config), file)
    _check(found, expected_tensors(config), file)
    return freeze(from_tensors(found, config))


def shaped_from_bytes(
    data: bytes, family: Family, config: Config, language: bool, file: str
) -> Weights:
    """Return the weights that `shaped_to_bytes` wrote, read-only.

    Raises:
        FormatError: a tensor is missing, unknown, of another shape or type, or not
            where it must be.
    """
    found = _read(data, file_sizes(config, shaped=True), file)
    _check(found, family.shapes(config, language), file)
    return freeze(family.unpack(found, config, language))


def _read(data: bytes, sizes: tuple[int, int], file: str) -> dict[str, np.ndarray]:
    """Return the tensors of a file of a size that was expected."""
    least, most = sizes
    if not least <= len(data) <= most:
        raise refuse(file, f"{len(data)} bytes", f"{least} to {most} bytes")
    try:
        return load(data)
    except (SafetensorError, ValueError, TypeError, KeyError) as error:
        wording = ascii(str(error))[1:121]
        raise refuse(file, f"no safetensors ({wording})", "tensors of F32") from None


def _check(
    found: Mapping[str, np.ndarray], shapes: Mapping[str, tuple[int, ...]], file: str
) -> None:
    """Raise FormatError unless the tensors are those that are expected."""
    problems = [f"{name} is missing" for name in shapes if name not in found]
    unknown = sorted(set(found) - set(shapes))
    problems += [f"{escape(name[:60])} is unknown" for name in unknown]
    problems += [
        f"{name} has {found[name].dtype}{list(found[name].shape)}, not "
        f"float32{list(shape)}"
        for name, shape in shapes.items()
        if name in found and not _fits(found[name], shape)
    ]
    if problems:
        raise refuse(
            file, "; ".join(problems[:8]), f"the {len(shapes)} tensors of config.json"
        )


def _fits(found: np.ndarray, shape: tuple[int, ...]) -> bool:
    return found.dtype == np.float32 and found.shape == shape
