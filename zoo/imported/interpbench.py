"""The layout of InterpBench (Gupta et al. 2024): one folder a model.

    ll_model.pth      the weights, a state dict with TransformerLens' names
    ll_model_cfg.pkl  the configuration, a dictionary
    edges.pkl         the published circuit, a list of pairs of names of nodes
    meta.json         settings of the training; not read

Edges are between nodes: q, k and v of a head are one reader. Names of nodes are taken
as TransformerLens' hooks, with [head] where there are heads, or as other tools have
them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from compiler.errors import FormatError, nearest
from compiler.machine.config import Config
from compiler.machine.names import Names
from compiler.machine.transformer import Transformer
from compiler.machine.weights import SINGLE, expected_tensors, freeze, from_tensors
from zoo.imported.opcodes import read_plain, read_tensors

WEIGHTS, CONFIG, EDGES = "ll_model.pth", "ll_model_cfg.pkl", "edges.pkl"
_SIZES = ("n_layers", "n_heads", "d_model", "d_head", "d_mlp", "d_vocab", "n_ctx")
_NORMS = {None: "none", "LN": "pre", "LNPre": "pre"}


@dataclass(frozen=True)
class PublishedEdge:
    """An edge as it was published.

    Attributes:
        source: name of the node that writes, as in the file.
        reader: name of the node that reads.
        entries: (reader, source) indices of the edges that it stands for.
    """

    source: str
    reader: str
    entries: tuple[tuple[int, int], ...]

    def __str__(self) -> str:
        return f"{self.source}->{self.reader}"


@dataclass(frozen=True, eq=False)
class Imported:
    """A model of an earlier set.

    Attributes:
        name: of its folder.
        transformer: the weights.
        edges: the published circuit.
    """

    name: str
    transformer: Transformer
    edges: tuple[PublishedEdge, ...]


def read_interpbench(folder: str | Path) -> Imported:
    """Return the model of a folder.

    Raises:
        FormatError: a file is missing, damaged or holds anything but plain values and
            tensors; the shape is one that is not run here; or an edge is between
            nodes that the model has not.
    """
    folder = Path(folder)
    config = read_config(folder / CONFIG)
    tensors = read_tensors(folder / WEIGHTS)
    wanted = expected_tensors(config)
    kept = {name: a for name, a in tensors.items() if name in wanted}
    kept = {name: a.astype(np.float32) for name, a in kept.items()}
    if missing := sorted(set(wanted) - set(kept)):
        raise FormatError(
            f"{folder / WEIGHTS}: found no {missing[0]}, expected {len(wanted)} "
            f"tensors, among them {SINGLE['W_E']}"
        )
    weights = freeze(from_tensors(kept, config))
    edges = read_edges(folder / EDGES, config.names)
    return Imported(folder.resolve().name, Transformer(config, weights), edges)


def read_config(path: Path) -> Config:
    """Return the configuration of a file.

    Raises:
        FormatError: it is no dictionary, or the shape is one that is not run here.
    """
    found = read_plain(path)
    if not isinstance(found, dict):
        raise FormatError(
            f"{path}: found {type(found).__name__}, expected a dictionary with "
            f"{', '.join(_SIZES)}"
        )
    sizes = {name: found.get(name) for name in _SIZES}
    if bad := [n for n, v in sizes.items() if type(v) is not int or v < 1]:
        raise FormatError(f"{path}: {bad[0]} is {sizes[bad[0]]!r}, expected a number")
    given: dict[str, Any] = {name: int(v) for name, v in sizes.items() if v is not None}
    norm = found.get("normalization_type")
    positions = found.get("positional_embedding_type", "standard")
    if norm not in _NORMS or positions != "standard" or found.get("attn_only"):
        raise FormatError(
            f"{path}: normalization_type is {norm!r}, positions are {positions!r}; "
            "expected None, 'LN' or 'LNPre', and 'standard', and MLPs"
        )
    return Config(
        **given,
        d_vocab_out=int(found.get("d_vocab_out") or given["d_vocab"]),
        act=str(found.get("act_fn") or "relu"),
        norm=_NORMS[norm],
        causal=found.get("attention_dir", "causal") == "causal",
    )


def read_edges(path: Path, names: Names) -> tuple[PublishedEdge, ...]:
    """Return the edges of a file.

    Raises:
        FormatError: it is no list of pairs of names, or a name is unknown.
    """
    found = read_plain(path)
    if not isinstance(found, list) or not found:
        raise FormatError(f"{path}: found no list of edges, expected pairs of names")
    sources, readers = source_spellings(names), reader_spellings(names)
    edges = []
    for pair in found:
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise FormatError(f"{path}: found {pair!r}, expected a pair of names")
        one, other = (str(part) for part in pair)
        for text, known in ((one, sources), (other, readers)):
            if text not in known:
                raise FormatError(
                    f"{path}: the model has no node {text!r}.{nearest(text, known)}"
                )
        entries = tuple(
            (r, s) for r in readers[other] for s in sources[one] if names.visible[r, s]
        )
        if not entries:
            raise FormatError(f"{path}: {other!r} does not read {one!r}, it is earlier")
        edges.append(PublishedEdge(one, other, entries))
    return tuple(edges)


def source_spellings(names: Names) -> Mapping[str, tuple[int, ...]]:
    """Return by spelling of a node the sources that it stands for."""
    found: dict[str, tuple[int, ...]] = {}
    for index, name in enumerate(names.sources):
        for text in _spell(name, names):
            found[text] = (*found.get(text, ()), index)
    return found


def reader_spellings(names: Names) -> Mapping[str, tuple[int, ...]]:
    """Return by spelling of a node the readers that it stands for."""
    found: dict[str, tuple[int, ...]] = {}
    for index, name in enumerate(names.readers):
        node = names.reader_parts[name].node
        for text in dict.fromkeys([*_spell(node, names), name]):
            found[text] = (*found.get(text, ()), index)
    return found


def _spell(node: str, names: Names) -> list[str]:
    """Return how a node is spelled: a hook, a node of EAP-IG, of auto-circuit, .."""
    part = names.source_parts.get(node)
    if part is None:  # the logits
        last = f"blocks.{names.n_layers - 1}.hook_resid_post"
        return ["logits", "output", "Resid End", last]
    layer, head = part.layer, part.head
    if part.kind == "tokens":
        return ["tokens", "embed", "hook_embed", "input", "Resid Start"]
    if part.kind == "positions":
        return ["positions", "pos_embed", "hook_pos_embed", "input", "Resid Start"]
    if part.kind == "mlp":
        hooks = ("hook_mlp_out", "mlp.hook_post", "hook_mlp_in")
        return [
            node,
            f"mlp{layer}",
            f"MLP {layer}",
            *(f"blocks.{layer}.{h}" for h in hooks),
        ]
    hook = f"blocks.{layer}.attn.hook_result"
    whole = [hook, f"blocks.{layer}.hook_attn_out"]
    return [node, f"A{layer}.{head}", f"{hook}[{head}]", *whole]
