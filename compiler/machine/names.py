"""The names of a transformer's parts: formatted, parsed and indexed only here.

A *source* writes to the residual stream, a *reader* reads from it, an *edge*
is a pair of the two. All orders used anywhere (rows and columns of masks, the
first axis of `Run.writes`) are the orders of `Names.sources` and
`Names.readers`. Names are looked up in tables that were made by formatting; the
spelling of a string is never parsed.

This module needs only NumPy.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool

from compiler.errors import InputError, NameLookupError, unknown_name

PartKind = Literal["tokens", "positions", "head", "mlp", "logits"]
Slot = Literal["q", "k", "v"]

SLOTS: tuple[Slot, ...] = ("q", "k", "v")
ARROW = "->"
INPUT = "input"
"""Both embeddings, for tools that have one input node."""


class Edge(NamedTuple):
    """A pair of a source and a reader that sees what the source writes."""

    source: str
    reader: str

    def __str__(self) -> str:
        return f"{self.source}{ARROW}{self.reader}"


class Part(NamedTuple):
    """What a name stands for: a source, or (with `slot` for a head) a reader."""

    kind: PartKind
    layer: int | None = None
    head: int | None = None
    slot: Slot | None = None

    @property
    def node(self) -> str:
        """Name of the node that this part is, or that it feeds."""
        if self.kind == "head":
            return f"a{self.layer}.h{self.head}"
        return f"m{self.layer}" if self.kind == "mlp" else self.kind

    @property
    def name(self) -> str:
        """The one spelling of this part."""
        return f"{self.node}<{self.slot}>" if self.slot else self.node


class Hook(NamedTuple):
    """A TransformerLens activation, and the index on its head axis if it has one."""

    name: str
    head: int | None = None


@dataclass(frozen=True)
class Names:
    """All names of a transformer with `n_layers` layers of `n_heads` heads.

    There are `2 + n_layers * (n_heads + 1)` sources and
    `n_layers * (3 * n_heads + 1) + 1` readers.
    """

    n_layers: int
    n_heads: int

    def __post_init__(self) -> None:
        if self.n_layers < 1 or self.n_heads < 1:
            raise InputError(
                f"Names(n_layers={self.n_layers}, n_heads={self.n_heads}): "
                "both must be at least 1."
            )

    @cached_property
    def source_parts(self) -> Mapping[str, Part]:
        """Every source's part under its name, in order."""
        parts = [Part("tokens"), Part("positions")]
        for layer in range(self.n_layers):
            parts += [Part("head", layer, head) for head in range(self.n_heads)]
            parts.append(Part("mlp", layer))
        return {part.name: part for part in parts}

    @cached_property
    def reader_parts(self) -> Mapping[str, Part]:
        """Every reader's part under its name, in order."""
        parts = []
        for layer in range(self.n_layers):
            for head in range(self.n_heads):
                parts += [Part("head", layer, head, slot) for slot in SLOTS]
            parts.append(Part("mlp", layer))
        parts.append(Part("logits"))
        return {part.name: part for part in parts}

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """Names of the sources: `tokens`, `positions`, `a0.h0`, .., `m0`, .."""
        return tuple(self.source_parts)

    @cached_property
    def readers(self) -> tuple[str, ...]:
        """Names of the readers: `a0.h0<q>`, `a0.h0<k>`, .., `m0`, .., `logits`."""
        return tuple(self.reader_parts)

    def sources_before(self, layer: int, heads_too: bool = False) -> int:
        """Return how many sources are written before a layer, or before its MLP."""
        return 2 + layer * (self.n_heads + 1) + heads_too * self.n_heads

    @cached_property
    def visible(self) -> Bool[np.ndarray, "reader source"]:
        """Which source is written before which reader reads.

        The heads of a layer run side by side and do not see each other; the
        MLP of a layer sees its heads. What a reader sees is always a prefix of
        the sources.
        """
        written = np.array([_time(part) for part in self.source_parts.values()])
        read = np.array([_time(part) for part in self.reader_parts.values()])
        seen = written[None, :] < read[:, None]  # [reader, source]
        seen.flags.writeable = False
        return seen

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """All edges, reader by reader, in the order of the sources within each."""
        rows, columns = np.nonzero(self.visible)
        pairs = zip(rows.tolist(), columns.tolist(), strict=True)
        return tuple(Edge(self.sources[s], self.readers[r]) for r, s in pairs)

    @cached_property
    def _source_indices(self) -> dict[str, int]:
        return {name: index for index, name in enumerate(self.sources)}

    @cached_property
    def _reader_indices(self) -> dict[str, int]:
        return {name: index for index, name in enumerate(self.readers)}

    def source_index(self, name: str) -> int:
        """Return the place of a source: a column of a mask, a row of the writes."""
        if name not in self._source_indices:
            raise unknown_name("source", name, self.sources)
        return self._source_indices[name]

    def reader_index(self, name: str) -> int:
        """Return the place of a reader: a row of an edge mask."""
        if name not in self._reader_indices:
            raise unknown_name("reader", name, self.readers)
        return self._reader_indices[name]

    def edge_index(self, edge: Edge) -> tuple[int, int]:
        """Return the (reader, source) entry of an edge in a mask.

        Raises:
            NameLookupError: a name is unknown, or the reader runs before the source.
        """
        row, column = self.reader_index(edge.reader), self.source_index(edge.source)
        if not self.visible[row, column]:
            raise NameLookupError(
                f"no edge {edge}: {edge.reader!r} reads before {edge.source!r} is "
                "written. Name a source from an earlier layer or step."
            )
        return row, column

    def parse_edge(self, text: str) -> Edge:
        """Return the edge spelled `source->reader`, as `str(edge)` writes it."""
        source, arrow, reader = text.partition(ARROW)
        if not arrow:
            raise NameLookupError(
                f"{text!r} is not an edge. Write it as source->reader, "
                "for instance 'a0.h1->m0'."
            )
        edge = Edge(source, reader)
        self.edge_index(edge)
        return edge

    @cached_property
    def merged_edges(self) -> tuple[Edge, ...]:
        """All edges as tools with one input node have them, see `merge_input`."""
        return tuple(dict.fromkeys(merge_input(edge) for edge in self.edges))

    @cached_property
    def auto_circuit(self) -> Mapping[Edge, str]:
        """The name that auto-circuit gives each of `merged_edges`.

        `m0->a1.h0<q>` is `MLP 0->A1.0.Q` there; `input` is `Resid Start`, and
        `logits` are `Resid End`.
        """
        sources = {
            name: _auto_circuit(part) for name, part in self.source_parts.items()
        }
        readers = {
            name: _auto_circuit(part) for name, part in self.reader_parts.items()
        }
        sources[INPUT] = "Resid Start"
        return {
            edge: f"{sources[edge.source]}{ARROW}{readers[edge.reader]}"
            for edge in self.merged_edges
        }

    def node_of(self, reader: str) -> str:
        """Return the node that a reader feeds: `a0.h1<q>` -> `a0.h1`."""
        self.reader_index(reader)
        return self.reader_parts[reader].node

    def readers_of(self, node: str) -> tuple[str, ...]:
        """Return a node's readers: `a0.h1` -> its q, k and v; `tokens` -> none."""
        if node not in self.source_parts and node != "logits":
            raise unknown_name("node", node, (*self.sources, "logits"))
        parts = self.reader_parts.items()
        return tuple(name for name, part in parts if part.node == node)

    def source_hook(self, name: str) -> Hook:
        """Return the TransformerLens activation that holds a source's write."""
        self.source_index(name)
        part = self.source_parts[name]
        if part.kind == "tokens":
            return Hook("hook_embed")
        if part.kind == "positions":
            return Hook("hook_pos_embed")
        if part.kind == "head":
            return Hook(f"blocks.{part.layer}.attn.hook_result", part.head)
        return Hook(f"blocks.{part.layer}.hook_mlp_out")

    def reader_hook(self, name: str) -> Hook:
        """Return the TransformerLens activation that holds what a reader sees."""
        self.reader_index(name)
        part = self.reader_parts[name]
        if part.kind == "head":
            return Hook(f"blocks.{part.layer}.hook_{part.slot}_input", part.head)
        if part.kind == "mlp":
            return Hook(f"blocks.{part.layer}.hook_mlp_in")
        return Hook(f"blocks.{self.n_layers - 1}.hook_resid_post")


def merge_input(edge: Edge) -> Edge:
    """Return the edge for tools with one input node: both embeddings are `input`."""
    merged = INPUT if edge.source in ("tokens", "positions") else edge.source
    return Edge(merged, edge.reader)


def _auto_circuit(part: Part) -> str:
    """Return how auto-circuit spells a source or a reader."""
    if part.kind == "head":
        head = f"A{part.layer}.{part.head}"
        return f"{head}.{part.slot.upper()}" if part.slot else head
    if part.kind == "mlp":
        return f"MLP {part.layer}"
    return "Resid End" if part.kind == "logits" else "Resid Start"


def _time(part: Part) -> int:
    """Return when a part acts: embeddings, then heads and MLP of each layer."""
    if part.kind in ("tokens", "positions"):
        return -1
    if part.kind == "logits" or part.layer is None:
        return np.iinfo(np.int64).max
    return 2 * part.layer + (part.kind == "mlp")
