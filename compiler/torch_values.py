"""Torch tensors at the door: as people hold them, made NumPy arrays in one place.

A tensor may need gradients, be an nn.Parameter, stand on any device, and have a type
that NumPy lacks. torch is never imported here: without it there are no tensors.
`compiler.model.Model` and every entry of `zoo` that takes numbers call it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from compiler.errors import InputError


def plain(value: Any) -> Any:
    """Return a value with NumPy arrays in the place of its torch tensors.

    Args:
        value: anything; dicts, lists and tuples are looked into, and what holds no
            tensor comes back as it is.

    Raises:
        InputError: a tensor has no data (the device is `meta`).
    """
    torch = sys.modules.get("torch")
    return value if torch is None else _plain(torch, value)


def _plain(torch: Any, value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return _array(torch, value)
    if isinstance(value, Mapping):
        made = {key: _plain(torch, part) for key, part in value.items()}
        return made if any(made[key] is not value[key] for key in made) else value
    if type(value) in (list, tuple):
        parts = [_plain(torch, part) for part in value]
        same = all(a is b for a, b in zip(parts, value, strict=True))
        return value if same else type(value)(parts)
    return value


def _array(torch: Any, tensor: Any) -> Any:
    """Return a tensor's numbers; of types that NumPy lacks, as float32."""
    if tensor.device.type == "meta":
        raise InputError(
            "found a torch tensor on the device 'meta', which has a shape and no "
            "numbers. Give one that is on a real device"
        )
    found = tensor.detach()
    if found.is_quantized:
        found = found.dequantize()
    if found.layout is not torch.strided:
        found = found.to_dense()
    found = found.cpu()
    small = found.is_floating_point() and found.dtype not in (
        torch.float16,
        torch.float32,
        torch.float64,
    )
    return (found.float() if small else found).resolve_conj().resolve_neg().numpy()
