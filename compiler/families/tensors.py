"""One tensor of a weights file: which of our arrays it holds, and in which layout.

Our arrays are stacked over layers, and a head's over heads; see `Weights`. A linear
layer of torch holds [out, in], where we hold [in, out].
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

Arrays = Float[np.ndarray, "..."]
Order = tuple[int, ...] | None
"""Coordinates of a head in the order of the file; None for ours."""


@dataclass(frozen=True, eq=False)
class Tensor:
    """A tensor of a file.

    Attributes:
        name: its name there.
        fields: the arrays of `Weights` that it holds; none if it is zeros.
        layer: the layer of these arrays, None for arrays that have no layers.
        pack: given the arrays, what the tensor holds.
        unpack: given what it holds and the shapes of the arrays, the arrays.
    """

    name: str
    fields: tuple[str, ...]
    layer: int | None
    pack: Callable[..., Arrays]
    unpack: Callable[[Arrays, list[tuple[int, ...]]], tuple[Arrays, ...]]

    def take(self, arrays: Mapping[str, Arrays]) -> list[Arrays]:
        """Return the arrays that it holds."""
        at = Ellipsis if self.layer is None else self.layer
        return [np.asarray(arrays[field])[at] for field in self.fields]

    def put(self, arrays: dict[str, Arrays], found: Arrays) -> None:
        """Write what the tensor holds into arrays."""
        at: Any = Ellipsis if self.layer is None else self.layer
        shapes = [arrays[field][at].shape for field in self.fields]
        for field, array in zip(self.fields, self.unpack(found, shapes), strict=True):
            arrays[field][at] = array

    def shape(self, arrays: Mapping[str, Arrays]) -> tuple[int, ...]:
        """Return the shape of the tensor for arrays of some shapes."""
        return self.pack(*self.take(arrays)).shape


def same(name: str, field: str, layer: int | None = None) -> Tensor:
    """Return a tensor that is one of our arrays."""
    return Tensor(name, (field,), layer, lambda a: a, lambda found, _: (found,))


def transposed(name: str, field: str, layer: int | None = None) -> Tensor:
    """Return a tensor that is one of our matrices, transposed."""
    return Tensor(name, (field,), layer, lambda a: a.T, lambda found, _: (found.T,))


def zeros(name: str, shape: tuple[int, ...]) -> Tensor:
    """Return a tensor of zeros, which holds none of our arrays."""
    made = np.zeros(shape, np.float32)
    return Tensor(name, (), None, lambda: made, lambda found, shapes: ())


def heads_in(name: str, field: str, layer: int, order: Order = None) -> Tensor:
    """Return a linear layer [head * d_head, d_model] of queries, keys or values.

    Args:
        name: of the tensor.
        field: `W_Q`, `W_K` or `W_V`, [head, d_model, d_head].
        layer: the layer.
        order: the order of a head's coordinates.
    """
    at, back = _orders(order)

    def pack(W: Arrays) -> Arrays:
        return W[..., at].swapaxes(1, 2).reshape(-1, W.shape[1])

    def unpack(found: Arrays, shapes: list[tuple[int, ...]]) -> tuple[Arrays, ...]:
        heads, d_model, d_head = shapes[0]
        return (found.reshape(heads, d_head, d_model).swapaxes(1, 2)[..., back],)

    return Tensor(name, (field,), layer, pack, unpack)


def heads_bias(name: str, field: str, layer: int, order: Order = None) -> Tensor:
    """Return the bias [head * d_head] of a linear layer; see `heads_in`."""
    at, back = _orders(order)
    return Tensor(
        name,
        (field,),
        layer,
        lambda b: b[..., at].ravel(),
        lambda found, shapes: (found.reshape(shapes[0])[..., back],),
    )


def heads_out(name: str, layer: int) -> Tensor:
    """Return the linear layer [d_model, head * d_head] of what heads write."""
    return Tensor(
        name,
        ("W_O",),
        layer,
        lambda W: W.reshape(-1, W.shape[-1]).T,
        lambda found, shapes: (found.T.reshape(shapes[0]),),
    )


def _orders(order: Order) -> tuple[Any, Any]:
    """Return the index that puts coordinates in an order, and its inverse."""
    if order is None:
        return slice(None), slice(None)
    return list(order), np.argsort(order).tolist()
