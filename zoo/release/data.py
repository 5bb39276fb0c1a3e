"""The data of a release: pairs of inputs that differ a little, with their answers.

One Parquet file a split, one row a pair, made with the interpreter (or the causal
model, where that was written by hand), so the answers
are the program's and not the model's:

    clean, corrupt                  the tokens of two inputs of one length
    clean_ids, corrupt_ids          their token ids, BOS and PAD included
    clean_outputs, corrupt_outputs  the program's output at every token
    position                        a token at which the outputs differ, from 0
    clean_answer, corrupt_answer    the outputs there
    variables                       what differs anywhere, in order of computation

Tokens and outputs are strings: themselves, or as JSON where they are no strings. An
output that the program gives no meaning is missing.
No input of one split is in the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Int

from compiler.ir.interpret import Trace, interpret
from compiler.model import Model
from zoo.auditing.subject import causal_of
from zoo.causal.by_hand import trace as trace_by_hand
from zoo.causal.model import CausalModel, Task
from zoo.causal.pairs import MOST_INPUTS
from zoo.causal.tabular import TabularModel
from zoo.release.fields import data_file
from zoo.release.tables import from_parquet, spell, to_parquet

SPLITS = {"train": 1024, "test": 256}
"""Rows of each split; a program with few inputs has fewer."""


def data_files(
    model: Model, seed: int = 0, causal: Task | None = None
) -> dict[str, bytes]:
    """Return the Parquet files of a release, by name; see `draw_rows`."""
    rows = draw_rows(model, seed, causal)
    return {data_file(split): to_parquet(rows[split]) for split in SPLITS}


def published_pairs(
    files: Mapping[str, bytes],
) -> tuple[Int[np.ndarray, "pair ctx"], Int[np.ndarray, "pair ctx"]] | None:
    """Return the token ids of the clean and of the corrupt inputs of all splits.

    Args:
        files: those of `data_files`, and maybe others.

    Returns:
        None if there is no pair.
    """
    rows = [
        row
        for split in SPLITS
        for row in from_parquet(files[data_file(split)], data_file(split)).to_pylist()
    ]
    if not rows:
        return None
    clean, corrupt = (
        np.array([row[f"{side}_ids"] for row in rows], np.int32)
        for side in ("clean", "corrupt")
    )
    return clean, corrupt


def draw_rows(
    model: Model, seed: int = 0, causal: CausalModel | None = None
) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of every split, as SCHEMA has them.

    Args:
        model: gives the program, the vocabulary and the token ids.
        seed: of the pairs.
        causal: the model's task, where that is none of the zoo; or its causal model
            over some of the inputs.
    """
    rng = np.random.default_rng(seed)
    held_to = causal_of(model) if causal is None else causal
    inputs, _ = held_to.inputs(MOST_INPUTS, seed)
    inputs = inputs[rng.permutation(len(inputs))]
    share = SPLITS["train"] / sum(SPLITS.values())
    cut = max(1, int(len(inputs) * share))
    parts = {"train": inputs[:cut], "test": inputs[cut:] if cut < len(inputs) else ()}
    return {
        split: _rows(model, parts[split], count, rng, causal)
        for split, count in SPLITS.items()
    }


def _rows(
    model: Model,
    ids: Any,
    count: int,
    rng: np.random.Generator,
    causal: CausalModel | None,
) -> list[dict[str, Any]]:
    """Return up to `count` pairs of these inputs whose outputs differ."""
    if len(ids) < 2:
        return []
    pairs = _near_pairs(np.asarray(ids), 4 * count, model.config.pad_id, rng)
    trace = trace_of(model, np.asarray(ids), causal)
    rows: list[dict[str, Any]] = []
    for clean, corrupt in pairs:
        row = _row(model, trace, ids, int(clean), int(corrupt), rng)
        if row is not None:
            rows.append(row)
        if len(rows) == count:
            break
    return rows


def trace_of(
    model: Model, ids: Int[np.ndarray, "input ctx"], causal: CausalModel | None = None
) -> Trace:
    """Return what every variable holds: by the interpreter, or by the task's own code.

    Args:
        model: gives the program or the task.
        ids: token ids of inputs, BOS and PAD included.
        causal: the model's task, where that is none of the zoo.
    """
    held_to = causal_of(model) if causal is None else causal
    if not isinstance(held_to, TabularModel):
        assert isinstance(held_to, Task)
        return trace_by_hand(held_to, ids)
    tokens = np.where(ids >= len(model.typed.vocab), 0, ids)[:, 1:].astype(np.int32)
    lengths = (ids != model.config.pad_id).sum(axis=1) - 1
    return interpret(model.typed, tokens, lengths)


def _near_pairs(
    ids: Int[np.ndarray, "input ctx"],
    count: int,
    pad: int | None,
    rng: np.random.Generator,
) -> Int[np.ndarray, "pair 2"]:
    """Return pairs of inputs of one length: of some candidates the nearest."""
    lengths = (ids != pad).sum(axis=1)
    order = np.argsort(lengths, kind="stable")
    starts = np.searchsorted(lengths[order], np.arange(ids.shape[1] + 2))
    clean = rng.integers(0, len(ids), size=count)
    low, high = starts[lengths[clean]], starts[lengths[clean] + 1]
    drawn = rng.random((count, _CANDIDATES)) * (high - low)[:, None]
    other = order[low[:, None] + drawn.astype(np.int64)]
    distance = (ids[other] != ids[clean][:, None]).sum(axis=2)
    distance[distance == 0] = ids.shape[1] + 1
    best = distance.argmin(axis=1)
    return np.stack([clean, other[np.arange(count), best]], axis=1)


_CANDIDATES = 64


def _row(
    model: Model,
    trace: Trace,
    ids: Int[np.ndarray, "input ctx"],
    clean: int,
    corrupt: int,
    rng: np.random.Generator,
) -> dict[str, Any] | None:
    """Return one row; None where the outputs are the same or have no meaning."""
    length = int(trace.lengths[clean])
    output = model.typed.output
    outputs = [trace.decoded(output, row)[:length] for row in (clean, corrupt)]
    here = trace.output[[clean, corrupt], :length]
    places = np.flatnonzero((here[0] != here[1]) & (here >= 0).all(axis=0))
    if len(places) == 0:
        return None
    position = int(rng.choice(places))
    vocab = model.typed.vocab
    words = [
        [spell(vocab[i]) for i in ids[row, 1 : length + 1]] for row in (clean, corrupt)
    ]
    answers = [spell(o[position]) for o in outputs]
    return {
        "clean": words[0],
        "corrupt": words[1],
        "clean_ids": ids[clean].tolist(),
        "corrupt_ids": ids[corrupt].tolist(),
        "clean_outputs": [spell(v) for v in outputs[0]],
        "corrupt_outputs": [spell(v) for v in outputs[1]],
        "position": position,
        "clean_answer": answers[0],
        "corrupt_answer": answers[1],
        "variables": _differing(model, trace, clean, corrupt, length),
    }


def _differing(
    model: Model, trace: Trace, clean: int, corrupt: int, length: int
) -> list[str]:
    values: Mapping[int, Any] = dict(enumerate(trace.values))
    return [
        variable.name
        for index, variable in enumerate(model.typed.variables)
        if (values[index][clean, :length] != values[index][corrupt, :length]).any()
    ]
