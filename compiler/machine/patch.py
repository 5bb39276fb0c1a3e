"""Interventions on the residual stream, as data handed to the forward pass.

With a patch, reader r sees

    sum_s write[s] + mask[r, s] * (donor[s] - write[s])

where `donor` holds what the sources write in the donor run, which is usually a run on
another input. A *node* mask has no reader axis: it replaces the write for every reader.
An *edge* mask may differ from reader to reader. Entries of an edge mask whose
source the reader cannot see (`Names.visible`) are ignored.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from compiler.errors import InputError
from compiler.machine.names import Edge, Names


class Patch(NamedTuple):
    """An intervention, a pytree: exactly one of the two masks is set.

    Make one with `Patch.nodes` or `Patch.edges`. The entries of a mask are booleans,
    numbers in [0, 1] for an interpolation, or any real numbers.

    Args:
        node_mask: [source], [source, seq] or [source, seq, d_model]; or None.
        edge_mask: [reader, source], [reader, source, seq] or [reader, source, seq,
            d_model]; or None.
        donor: [source, seq, d_model], what the sources write in the donor run.
        basis: orthogonal [d_model, d_model], whose rows are directions; or None.
        where: [seq] factor of the mask at each position, 0 for no patch; or None. It
            excludes positions that only one of two inputs has.
    """

    node_mask: Any | None
    edge_mask: Any | None
    donor: Any
    basis: Any | None = None
    where: Any | None = None

    @classmethod
    def nodes(
        cls, mask: Any, donor: Any, basis: Any | None = None, where: Any | None = None
    ) -> "Patch":
        """Return the patch that replaces writes for all of their readers.

        Args:
            mask: [source], [source, seq] or [source, seq, d_model]; axes of
                length 1 stretch, so [source, 1, d_model] is one subspace for
                all positions.
            donor: [source, seq, d_model], the writes of the donor run.
            basis: the directions that the d_model axis of the mask refers to; the
                stream's own axes if None.
            where: [seq] factor of the mask by position, 1 everywhere if None.

        Raises:
            InputError: the mask holds names; `node_mask` makes a mask of them.
        """
        _refuse_names(mask, "nodes", "node_mask")
        return cls(mask, None, donor, basis, where)

    @classmethod
    def edges(
        cls, mask: Any, donor: Any, basis: Any | None = None, where: Any | None = None
    ) -> "Patch":
        """Return the patch that replaces what single readers see of a write.

        Args:
            mask: [reader, source], [reader, source, seq] or
                [reader, source, seq, d_model]; axes of length 1 stretch.
            donor: [source, seq, d_model], the writes of the donor run.
            basis: the directions that the d_model axis of the mask refers to; the
                stream's own axes if None.
            where: [seq] factor of the mask by position, 1 everywhere if None.

        Raises:
            InputError: the mask holds names; `edge_mask` makes a mask of them.
        """
        _refuse_names(mask, "edges", "edge_mask")
        return cls(None, mask, donor, basis, where)

    def expanded(
        self, n_readers: int, shape: tuple[int, int, int], dtype: Any
    ) -> "Patch":
        """Return the same patch with masks of full rank, all of one dtype.

        Args:
            n_readers: number of readers.
            shape: (source, seq, d_model) of the run to be patched.
            dtype: dtype of that run; masks may come as booleans, for instance.

        Returns:
            a patch whose mask is [source, seq or 1, d_model or 1], after a reader
            axis if it is an edge mask.

        Raises:
            InputError: there is not exactly one mask, or a shape does not fit.
        """
        masks = [mask for mask in (self.node_mask, self.edge_mask) if mask is not None]
        if len(masks) != 1:
            raise InputError(
                f"patch: {len(masks)} masks, expected one. Make patches with "
                "Patch.nodes or Patch.edges."
            )
        if self.donor.shape != shape:
            raise InputError(
                f"patch: the donor has shape {self.donor.shape}, expected "
                f"[source, seq, d_model] = {shape}, the writes of a run of that length."
            )
        if self.where is not None and self.where.shape != shape[1:2]:
            raise InputError(
                f"patch: where has shape {self.where.shape}, expected [seq] = "
                f"{shape[1:2]}, one factor a position."
            )
        full = self._replace(
            node_mask=_expand(self.node_mask, shape, "node"),
            edge_mask=_expand(self.edge_mask, (n_readers, *shape), "edge"),
        )
        return Patch(*(None if part is None else part.astype(dtype) for part in full))


def node_mask(
    names: Names, nodes: Mapping[str, float] | Iterable[str]
) -> Float[np.ndarray, " source"]:
    """Return the node mask of the named sources, 0 elsewhere.

    Args:
        names: the names of the transformer's parts.
        nodes: the value at each source; or the sources alone, for 1 at each.
    """
    if isinstance(nodes, str):
        nodes = [nodes]
    values = nodes if isinstance(nodes, Mapping) else dict.fromkeys(nodes, 1.0)
    mask = np.zeros(len(names.sources), np.float32)
    for name, value in values.items():
        mask[names.source_index(name)] = value
    return mask


def edge_mask(
    names: Names, edges: Iterable[Edge | str], value: float = 1.0
) -> Float[np.ndarray, "reader source"]:
    """Return the edge mask with `value` at the given edges, 0 elsewhere.

    Args:
        names: the names of the transformer's parts.
        edges: each is an Edge, or its text: `m0->a1.h0<q>`.
        value: the value of the mask at these edges.
    """
    mask = np.zeros((len(names.readers), len(names.sources)), np.float32)
    for edge in [edges] if isinstance(edges, str | Edge) else edges:
        known = names.parse_edge(edge) if isinstance(edge, str) else edge
        mask[names.edge_index(known)] = value
    return mask


def _refuse_names(mask: Any, kind: str, maker: str) -> None:
    """Raise where names stand in place of a mask; an array would fail much later."""
    if not isinstance(mask, str | Mapping | list | tuple | set | frozenset):
        return
    parts = [mask] if isinstance(mask, str) else list(mask)
    if parts and all(isinstance(part, str | Edge) for part in parts):
        shown = ", ".join(repr(str(part)) for part in parts[:3])
        raise InputError(
            f"Patch.{kind} takes a mask, and was given names ({shown}). Make the mask "
            f"with {maker}: Patch.{kind}({maker}(model.config.names, [{shown}]), donor)"
        )


def _expand(mask: Any | None, full: tuple[int, ...], kind: str) -> Any | None:
    """Return a mask with the axes of `full`, of length 1 where it had none."""
    if mask is None:
        return None
    expanded = mask.reshape(mask.shape + (1,) * (len(full) - mask.ndim))
    names = full[:-2]  # sources and readers have names, and never stretch
    fits = expanded.ndim == len(full) and expanded.shape[: len(names)] == names
    tail = zip(expanded.shape[-2:], full[-2:], strict=True)
    if mask.ndim < len(names) or not fits or any(n not in (1, m) for n, m in tail):
        raise InputError(
            f"patch: the {kind} mask has shape {mask.shape}, expected {full} or a "
            "mask without the last axis, or without the last two. Batched masks go "
            "through forward_batch or jax.vmap."
        )
    return expanded
