"""The residual stream during one forward pass: what is written, what readers see.

All of an intervention happens here. The layers write and read without knowing whether
there is a patch. There are three cases:

    no patch    all readers see the same sum of the writes
    node mask   all readers see the same sum, of writes that are already replaced
    edge mask   each reader sees the sum of the writes plus a correction of its own,
                the masked sum of donor - write over the sources before it

In each case a perturbation can be added: one vector for each reader and position.

Used by `layers.py` and `forward.py` only.
"""

from collections.abc import Callable
from functools import reduce

import jax.numpy as jnp
from jaxtyping import Array, Float

from compiler.machine.names import SLOTS, Names
from compiler.machine.patch import Patch


class Stream:
    """The residual stream while the sources write to it, in their order.

    Args:
        names: the transformer's sources and readers.
        patch: an intervention whose masks have full rank (`Patch.expanded`).
        empty: zeros [seq, d_model].
        perturbation: [reader, seq, d_model] what is added to what each reader sees, or
            None.

    Attributes:
        total: [seq, d_model] what a reader sees that has no correction of its own.
        writes: blocks [source, seq, d_model] of computed writes, before a node mask
            replaces them.
    """

    def __init__(
        self,
        names: Names,
        patch: Patch | None,
        empty: Float[Array, "seq d_model"],
        perturbation: Float[Array, "reader seq d_model"] | None = None,
    ) -> None:
        self.names = names
        self._perturbation = perturbation
        self.total = empty
        self.writes: list[Array] = []
        patch = patch or Patch(None, None, None)
        self._node_mask, self._edge_mask, self._donor, self._basis, where = patch
        # [seq, 1], so that it multiplies masks and differences alike.
        self._where = None if where is None else where[:, None].astype(empty.dtype)
        # Blocks of donor - write, in the patch's basis; for an edge patch only.
        self._differences: list[Array] = []

    def write(
        self,
        block: Float[Array, "source seq d_model"],
        mix: Callable[[Array | float], Array] | None = None,
    ) -> None:
        """Add what the next few sources write.

        Args:
            block: their writes.
            mix: a cheaper function for the sum of gate * write over the block, if
                there is one; its argument is the gate, [source, seq or 1, 1] or a
                number.
        """
        start = sum(len(earlier) for earlier in self.writes)
        here = slice(start, start + len(block))
        self.writes.append(block)
        mix = mix or (lambda gate: _add_up(gate * block))
        if self._node_mask is not None:
            mask, donor = self._node_mask[here], self._donor[here]
            mask = mask if self._where is None else mask * self._where
            self.total = self.total + self._replace(block, mask, donor, mix)
        else:
            self.total = self.total + mix(1.0)
        if self._edge_mask is not None:
            difference = self._donor[here] - block
            if self._where is not None:
                difference = difference * self._where
            self._differences.append(self._turn(difference))

    def _replace(
        self,
        block: Float[Array, "source seq d_model"],
        mask: Float[Array, "source _ _"],
        donor: Float[Array, "source seq d_model"],
        mix: Callable[[Array | float], Array],
    ) -> Float[Array, "seq d_model"]:
        """Return the sum over a block of writes that a node mask has replaced."""
        if mask.shape[-1] == 1:  # the same for all coordinates, so in any basis
            return mix(1 - mask) + _weigh(mask, donor)
        return _add_up(block + self._turn_back(mask * self._turn(donor - block)))

    def shift(self, bias: Float[Array, " d_model"]) -> None:
        """Add a bias, which belongs to no source and which no patch changes."""
        self.total = self.total + bias

    def read(self, reader: str) -> Float[Array, "seq d_model"]:
        """Return what one reader sees of the writes so far."""
        row = self.names.reader_index(reader)
        seen = self.total
        if self._differences and self._edge_mask is not None:
            seen = self._correct(self._edge_mask[row])
        if self._perturbation is None:
            return seen
        return seen + self._perturbation[row]

    def read_heads(self, layer: int) -> Float[Array, "*readers seq d_model"]:
        """Return what the heads of a layer see.

        Returns:
            [seq, d_model] if all of them see the same, and otherwise
            [slot, head, seq, d_model], slots being q, k and v.
        """
        seen = self.total
        if self._differences and self._edge_mask is not None:
            seen = self._correct(self._head_rows(self._edge_mask, layer))
        if self._perturbation is not None:
            seen = seen + self._head_rows(self._perturbation, layer)
        return seen

    def _head_rows(
        self, rows: Float[Array, "reader ..."], layer: int
    ) -> Float[Array, "slot head ..."]:
        """Return the rows of a layer's heads."""
        n_heads, first = self.names.n_heads, self.names.reader_index(f"a{layer}.h0<q>")
        rows = rows[first : first + n_heads * len(SLOTS)]
        return rows.reshape(n_heads, len(SLOTS), *rows.shape[1:]).swapaxes(0, 1)

    def _correct(
        self, rows: Float[Array, "*readers source _ _"]
    ) -> Float[Array, "*readers seq d_model"]:
        """Return the stream as readers with the given rows of the mask see it.

        What a reader sees is a prefix of the sources: entries of the mask for
        sources that are not written yet are never looked at.
        """
        terms, start = [], 0
        if rows.ndim > 3:
            # One matrix product for all heads needs one array. It is kept, so that
            # later layers do not copy the differences block by block again.
            self._differences = [jnp.concatenate(self._differences)]
        for block in self._differences:
            stop = start + len(block)
            terms.append(_weigh(rows[..., start:stop, :, :], block))
            start = stop
        return self.total + self._turn_back(reduce(jnp.add, terms))

    def _turn(self, vectors: Float[Array, "*n d_model"]) -> Float[Array, "*n d_model"]:
        """Return vectors in the coordinates that the mask's d_model axis counts."""
        return vectors if self._basis is None else vectors @ self._basis.T

    def _turn_back(
        self, turned: Float[Array, "*n d_model"]
    ) -> Float[Array, "*n d_model"]:
        """Return the vectors that have the given coordinates."""
        return turned if self._basis is None else turned @ self._basis


def _weigh(
    mask: Float[Array, "*readers source _ _"], block: Float[Array, "source seq d_model"]
) -> Float[Array, "*readers seq d_model"]:
    """Return sum_s mask[.., s] * block[s], as a matrix product where it is one."""
    if mask.shape[-2:] == (1, 1):
        return jnp.einsum("...s,spd->...pd", mask[..., 0, 0], block)
    if mask.shape[-1] == 1:
        return jnp.einsum("...sp,spd->...pd", mask[..., 0], block)
    return (mask * block).sum(-3)


def _add_up(block: Float[Array, "source seq d_model"]) -> Float[Array, "seq d_model"]:
    """Return the sum over sources.

    Term by term: XLA fuses additions into what comes next, but runs a reduction
    over a leading axis on its own, at half of the speed on a CPU.
    """
    return reduce(jnp.add, block)
