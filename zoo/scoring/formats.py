"""Scores in the formats of other tools, which are recognised or named.

    dict       {item: number}, in any spelling of `spellings.py`
    array      [reader, source], or [edge] in the order of `names.edges`
    eap        {"cfg", "nodes", "edges": {edge: {"score": ..}}}: EAP-IG, MIB; scores
               of edges, scores of nodes or a circuit, see `eap_files.py`
    matrix     edges_scores[source, reader] of MIB's PT files (`input` first)
    graph      a networkx graph with the attribute `score` on edges, or on nodes
    prune      auto-circuit's {module: array}, see `prune_scores.py`
    file       .json, .csv (edge, score), .npy, .pt

The names of other tools are accepted as formats too: `eap-ig`, `mib`, `auto-circuit`.
An unknown name is refused, with the nearest ones. For missing items, `missing=` must be
given. Signs are never changed. Truth values (True, False) mean a circuit. Torch tensors
are accepted wherever numbers are.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import networkx as nx
import numpy as np
from jaxtyping import Float

from compiler.errors import (
    FormatError,
    InputError,
    NameLookupError,
    count,
    nearest,
    unknown_name,
)
from compiler.interchange.graphs import eap_ig_json
from compiler.machine.names import ARROW, INPUT, Edge, Names
from compiler.notation import each_key_once
from compiler.torch_values import plain
from zoo.cases.levels import Level
from zoo.cases.scores import FORMAT, Scores
from zoo.scoring.eap_files import Held, columns_of, parse_json, parse_tensors
from zoo.scoring.endings import check_file
from zoo.scoring.prune_scores import are_prune_scores, scores_by_edge
from zoo.scoring.spellings import dialects

Missing = float | Literal["lowest"] | None
_TENSORS = {"edges_scores", "edges_in_graph", "nodes_scores", "nodes_in_graph"}
FORMATS = ("dict", "array", "eap", "matrix", "graph", "prune", "circuitzoo")
_ALSO = {
    "eap-ig": "eap",
    "mib": "eap",
    "auto-circuit": "prune",
    "networkx": "graph",
}


def read_scores(
    names: Names, given: Any, format: str | None = None, missing: Missing = None
) -> Scores:
    """Return scores from any format.

    Args:
        names: the names of the model's parts.
        given: Scores, a dict, an array, a graph, or the path of a file.
        format: one of FORMATS where it is not to be recognised.
        missing: the score of items that are not named: a number, or `lowest` for the
            lowest that is given. None refuses scores in which some are missing.

    Raises:
        NameLookupError: an edge is unknown; the nearest are offered.
        InputError: a score is NaN or no number, some are missing, or they are for
            another architecture.
        FormatError: a file cannot be read.
    """
    if isinstance(given, str | Path):
        given = _open(Path(given))
    given = plain(given)
    if isinstance(given, Scores):
        _check_architecture(
            names, given.level.names.n_layers, given.level.names.n_heads
        )
        return given
    found = format or _recognise(names, given)
    found = _ALSO.get(found, found)
    if found not in FORMATS:
        raise unknown_name("format", found, FORMATS)
    _check_kind(found, given)
    if found == "array":
        return _from_array(names, given)
    if found == "matrix":
        return _from_matrix(names, given, missing)
    if found == "eap":
        _check_cfg(names, given)
        return _from_graph_file(names, parse_json(given), missing)
    if found == "graph":
        return _from_names(names, _graph_entries(given), missing, "networkx")
    if found == "prune":
        return _from_names(names, scores_by_edge(names, given), missing, "auto-circuit")
    if found == "circuitzoo":
        _check_architecture(names, given.get("n_layers"), given.get("n_heads"))
        entries = given.get("scores", {})
        read = _from_names(names, entries, missing, "circuitzoo")
        return replace(read, is_circuit=given.get("is_circuit") is True)
    return _from_names(names, given, missing, "")


def to_eap(scores: Scores, n: int | None = None, d_model: int = 0) -> dict[str, Any]:
    """Return scores as EAP-IG and MIB write them; the first n are in the graph.

    Args:
        scores: at the granularity `qkv`; both embeddings are joined in `input`.
        n: how many edges are `in_graph`; none by default.
        d_model: of the model, for `cfg`.
    """
    names = scores.level.names
    joined = scores.at_level(Level(names, "qkv", merged=True))
    order = np.argsort(-joined.values, kind="stable")[: n or 0]
    inside = {joined.level.items[i] for i in order}
    return eap_ig_json(names, d_model, joined.to_dict(), inside)


def _recognise(names: Names, given: Any) -> str:
    if isinstance(given, nx.Graph):
        return "graph"
    if isinstance(given, Mapping):
        if given.get("format") == FORMAT:
            return "circuitzoo"
        if isinstance(given.get("edges"), Mapping) or {"cfg", "nodes"} <= set(given):
            return "eap"
        if are_prune_scores(names, given):
            return "prune"
        return "matrix" if _TENSORS & set(given) else "dict"
    try:
        shape = np.shape(given)
    except ValueError:  # rows of different lengths
        return "dict"
    if len(shape) == 2 and shape == _matrix_shape(names):
        return "matrix"
    return "array" if len(shape) in (1, 2) else "dict"


def _check_kind(format: str, given: Any) -> None:
    """Refuse what cannot be of a format."""
    is_dict = isinstance(given, Mapping)
    fits, expected = {
        "dict": (is_dict, "a dict from the names of edges to numbers"),
        "circuitzoo": (is_dict, "what Scores.to_json() returns"),
        "prune": (is_dict, "a dict from modules to arrays"),
        "graph": (isinstance(given, nx.Graph), "a networkx graph"),
        "eap": (
            is_dict and ("edges" in given or "nodes" in given),
            "an object with 'edges' or 'nodes'",
        ),
        "matrix": (
            not is_dict or bool(_TENSORS & set(given)),
            "a matrix, or a dict that has it as 'edges_scores'",
        ),
        "array": (not is_dict, "an array of numbers"),
    }[format]
    if not fits:
        raise InputError(
            f"scores: found a {type(given).__name__}, expected {expected} (read as "
            f"'{format}')"
        )


def _numbers(given: Any) -> Float[np.ndarray, "*shape"]:
    """Return an array of numbers."""
    try:
        return np.asarray(given, np.float64)
    except (TypeError, ValueError):
        raise InputError(
            f"scores: found a {type(given).__name__} that is no array of numbers. "
            'With names, write an object: {"tokens->m0": 0.5, ..}'
        ) from None


def _check_architecture(names: Names, n_layers: Any, n_heads: Any) -> None:
    if (n_layers, n_heads) != (names.n_layers, names.n_heads):
        raise InputError(
            f"these scores are for {n_layers} layers of {n_heads} heads, and the model "
            f"has {names.n_layers} of {names.n_heads}. Score the model they were made "
            "for"
        )


# Names -----------------------------------------------------------------------------


def _from_names(
    names: Names, entries: Mapping[Any, Any], missing: Missing, source: str
) -> Scores:
    """Return the scores of named items, in whichever spelling knows most of them."""
    keys = [_key(key) for key in entries]
    if not keys:
        raise InputError("scores: there is not one. Give a number for every edge")
    tool, level, table = max(
        dialects(names), key=lambda d: sum(key in d[2] for key in keys)
    )
    if unknown := [key for key in keys if key not in table]:
        hint = nearest(str(unknown[0]), [str(k) for k in table])
        more = f", and {len(unknown) - 1} more are unknown" if unknown[1:] else ""
        raise NameLookupError(
            f"scores: {unknown[0]!r} is no edge of this model{more}.{hint} It has "
            f"{names.n_layers} layers of {names.n_heads} heads; names are like "
            f"{str(next(iter(table)))!r}"
        )
    place = {item: i for i, item in enumerate(level.items)}
    values = np.full(len(place), np.nan)
    for key, value in zip(keys, entries.values(), strict=True):
        values[place[table[key]]] = _number(table[key], value)
    absent = np.isin(
        np.arange(len(place)), [place[table[k]] for k in keys], invert=True
    )
    if absent.any():
        values[absent] = _fill(level, values, absent, missing)
    is_circuit = all(isinstance(value, bool | np.bool_) for value in entries.values())
    return Scores(level, values, int(absent.sum()), source or tool, is_circuit)


def _from_graph_file(names: Names, held: Held, missing: Missing) -> Scores:
    """Return the scores, or the circuit, that a graph of EAP-IG or MIB holds."""
    read = _from_names(names, held.entries, missing, f"EAP-IG, {held.what}")
    return replace(read, is_circuit=held.is_circuit)


def _key(key: Any) -> Hashable:
    """Return a key as the tables have it: pairs of (hook, index) are tuples."""
    if isinstance(key, Edge):
        return str(key)
    if isinstance(key, tuple | list):
        return tuple(_key(part) for part in key)
    return key


def _number(item: str, value: Any) -> float:
    found = value.get("score") if isinstance(value, Mapping) else value
    try:
        number = float(found)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise InputError(f"scores: {item} has {value!r}, expected a number") from None
    if number != number:
        raise InputError(
            f"scores: {item} is NaN. Give a number; of what you did not measure, leave "
            "the name out and say what it counts as (missing=0.0, --missing 0)"
        )
    return number


def _fill(
    level: Level, values: np.ndarray, absent: np.ndarray, missing: Missing
) -> float:
    """Return the score of what is missing.

    Raises:
        InputError: there is no policy for it.
    """
    if isinstance(missing, int | float):
        return float(missing)
    if missing == "lowest":
        return float(np.nanmin(values))
    given = "" if missing is None else f"; found missing={missing!r}"
    first = [level.items[i] for i in np.flatnonzero(absent)[:3]]
    raise InputError(
        f"scores: {int(absent.sum())} of {len(level.items)} items at '{level}' have "
        f"none, {', '.join(first)} among them. Say what they count as: a number "
        "or 'lowest', as missing=0.0 or --missing 0" + given
    )


def _check_cfg(names: Names, given: Mapping[str, Any]) -> None:
    cfg = given.get("cfg")
    if isinstance(cfg, Mapping) and ("n_layers" in cfg or "n_heads" in cfg):
        _check_architecture(names, cfg.get("n_layers"), cfg.get("n_heads"))


def _graph_entries(given: Any) -> dict[str, Any]:
    entries = {}
    keyed = given.is_multigraph()
    if not any("score" in data for *_, data in given.edges(data=True)):
        nodes = given.nodes(data="score")
        if scored := {name: score for name, score in nodes if score is not None}:
            return scored
    for source, target, *key in given.edges(keys=True) if keyed else given.edges():
        data = given.edges[(source, target, *key)]
        if "score" not in data:
            raise InputError(
                f"scores: the graph's edge {source}->{target} has no attribute "
                "'score'. Give every edge its number there: graph.edges[..]['score']"
            )
        reader = key[0] if key and isinstance(key[0], str) else target
        entries[f"{source}{ARROW}{reader}"] = data["score"]
    return entries


# Arrays ----------------------------------------------------------------------------


def _from_array(names: Names, given: Any) -> Scores:
    array, chosen = _numbers(given), np.asarray(given).dtype == bool
    if array.ndim == 1:
        for merged in (False, True):
            level = Level(names, "qkv", merged)
            if len(array) == len(level.items):
                return Scores(level, array, 0, "array", chosen)
        raise InputError(
            f"scores: {len(array)} numbers, and this model has {len(names.edges)} "
            "edges. Is the array for another architecture?"
        )
    return replace(Scores.from_edges(names, array, "array"), is_circuit=chosen)


def _matrix_shape(names: Names) -> tuple[int, int]:
    return len(names.sources) - 1, len(names.readers)


def _from_matrix(names: Names, given: Any, missing: Missing) -> Scores:
    """Return the scores of a matrix of MIB, whose rows are input, then the nodes."""
    if isinstance(given, Mapping):
        _check_cfg(names, given)
        return _from_graph_file(names, parse_tensors(names, given), missing)
    array: Float[np.ndarray, "source reader"] = _numbers(given)
    if array.shape != _matrix_shape(names):
        raise InputError(
            f"scores: a matrix of shape {array.shape}, expected [source, reader] = "
            f"{_matrix_shape(names)}, with one row for the input. Is it for another "
            "architecture?"
        )
    level = Level(names, "qkv", merged=True)
    chosen = np.asarray(given).dtype == bool
    return Scores(level, array[_matrix_places(level)], 0, "MIB", chosen)


def to_matrix(scores: Scores) -> Float[np.ndarray, "source reader"]:
    """Return scores as MIB's `edges_scores`; 0 where there is no edge."""
    names = scores.level.names
    joined = scores.at_level(Level(names, "qkv", merged=True))
    array = np.zeros(_matrix_shape(names))
    array[_matrix_places(joined.level)] = joined.values
    return array


def _matrix_places(level: Level) -> tuple[list[int], list[int]]:
    """Return the rows and the columns of the items in MIB's matrix."""
    names = level.names
    rows = {name: i for i, name in enumerate((INPUT, *names.sources[2:]))}
    columns = {name: i for i, name in enumerate(columns_of(names))}
    ends = [item.split(ARROW) for item in level.items]
    return [rows[source] for source, _ in ends], [columns[end] for _, end in ends]


# Files -----------------------------------------------------------------------------


def _open(path: Path) -> Any:
    """Return what a file holds."""
    check_file(path)
    try:
        if path.suffix == ".npy":
            return np.load(path, allow_pickle=False)
        if path.suffix == ".pt":
            return _open_torch(path)
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".csv":
            return _rows(text)
        return json.loads(text, object_pairs_hook=each_key_once)
    except (ValueError, RecursionError, FormatError) as error:
        raise FormatError(f"{path}: cannot be read as {path.suffix}: {error}") from None


def _rows(text: str) -> dict[str, str]:
    """Return the scores of a CSV file: an edge and a number a row."""
    rows: list[Sequence[str]] = [row for row in csv.reader(text.splitlines()) if row]
    if rows and [cell.strip().lower() for cell in rows[0]][1:2] == ["score"]:
        rows = rows[1:]
    for place, row in enumerate(rows, start=1):
        if len(row) != 2:
            raise FormatError(
                f"row {place} has {count(len(row), 'cell')}, expected an edge, a score"
            )
    entries = {row[0].strip(): row[1].strip() for row in rows}
    if len(entries) < len(rows):
        raise FormatError("an edge is scored twice")
    return entries


def _open_torch(path: Path) -> Any:
    try:
        import torch  # type: ignore[import-not-found]
    except ImportError:
        raise FormatError(
            "it needs PyTorch. Install circuitzoo[torch], or save the scores as JSON"
        ) from None
    return torch.load(path, map_location="cpu", weights_only=True)
