"""Shards of a dataset: some rows as two Parquet files and two safetensors files.

    shards/00000/train.parquet       a row a model, `COLUMNS`
    shards/00000/test.parquet
    shards/00000/train.safetensors   the weights alone, one vector a model, by its name
    shards/00000/test.safetensors
    shards/00000/shard.json          which draws are in it

Where a split has no row in a shard, its two files are not there.
A program is in `test` if the first 32 bits of the hash of its behaviour, divided by
2^32, are below the share that was asked for. So a function is on one side only, in all
datasets over the same inputs that have the same share.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors.numpy import save

from zoo.sampling.records import ModelRecord

SPLITS = ("train", "test")
ABOUT = "shard.json"
ROWS_AT_ONCE = 250
"""Rows of a group in a Parquet file: so many a reader holds at least."""

_TEXTS = pa.list_(pa.string())
_VARIABLE = pa.struct(
    [
        ("name", pa.string()),
        ("node", pa.string()),
        ("operation", pa.string()),
        ("reads", _TEXTS),
        ("dims", pa.list_(pa.int32())),
    ]
)
# name -> (type, what it holds); the card of a dataset says it too.
COLUMNS: dict[str, tuple[pa.DataType, str]] = {
    "name": (pa.string(), "`sampled_SEED_DRAW`"),
    "seed": (pa.int64(), "with `draw` and the goal it gives the program again"),
    "draw": (pa.int64(), "which of the seed's draws it is"),
    "text": (pa.string(), "the program as RASP text"),
    "tokens": (_TEXTS, "the words of the text; the program's own name is `program`"),
    "vocab": (_TEXTS, "the tokens of the inputs, in the order of their ids"),
    "max_len": (pa.int32(), "the greatest number of tokens of an input"),
    "causal": (pa.bool_(), "whether positions see only themselves and earlier ones"),
    "output": (pa.string(), "`categorical`, `numerical` or `boolean`"),
    "readout": (pa.string(), "how logits are read: see above"),
    "values": (_TEXTS, "the outputs that there can be, in the order of the logits"),
    "n_layers": (pa.int32(), "layers, each of attention heads and an MLP"),
    "n_heads": (pa.int32(), "attention heads a layer"),
    "d_model": (pa.int32(), "width of the residual stream"),
    "d_head": (pa.int32(), "width of a head"),
    "d_mlp": (pa.int32(), "hidden units of an MLP"),
    "d_vocab": (pa.int32(), "token ids, BOS and PAD included"),
    "d_vocab_out": (pa.int32(), "logits at a position"),
    "n_ctx": (pa.int32(), "positions, BOS included"),
    "bos_id": (pa.int32(), "the token id in front of every input"),
    "pad_id": (pa.int32(), "the token id that no position attends to"),
    "n_params": (pa.int64(), "length of `weights`"),
    "weights": (pa.list_(pa.float32()), "all weights, in the order above"),
    "variables": (
        pa.list_(_VARIABLE),
        "what the model computes: each variable with the `node` that writes it, its "
        "`operation`, the variables that it `reads`, and its `dims` of the stream",
    ),
    "edges": (_TEXTS, "the circuit, as `a0.h0->m0` (source, reader)"),
    "nodes": (pa.int32(), "heads and MLPs that hold a variable"),
    "families": (_TEXTS, "what its heads compute"),
    "hash": (pa.string(), "of the behaviour, up to the names of outputs"),
    "most_common": (pa.float64(), "share of the commonest output"),
    "local": (
        pa.float64(),
        "share of outputs that the best function of one token and its position gives",
    ),
    "changed": (
        pa.float64(),
        "least share of outputs that the interchange of one head or table changes",
    ),
    "compared": (
        pa.int32(),
        "inputs on which the model was run, with the outputs of the program on all",
    ),
}
SCHEMA = pa.schema([(name, kind) for name, (kind, _) in COLUMNS.items()])


def in_test(hash: str, share: float) -> bool:
    """Return whether a function is in the test split, by the hash of its behaviour."""
    return int(hash[:8], 16) < share * 2**32


def shard_files(
    records: Sequence[ModelRecord], test: float, about: Mapping[str, Any]
) -> dict[str, bytes]:
    """Return the files of a shard, by name.

    Args:
        records: its rows, in order.
        test: share of functions that are in the test split.
        about: what `shard.json` says.
    """
    files = {ABOUT: (json.dumps(about, allow_nan=False) + "\n").encode()}
    for split in SPLITS:
        rows = [r for r in records if in_test(r.row["hash"], test) == (split == "test")]
        if not rows:  # `datasets` reads no Parquet file without rows
            continue
        files[f"{split}.parquet"] = _to_parquet(rows)
        vectors = {r.row["name"]: r.weights.astype("<f4") for r in rows}
        files[f"{split}.safetensors"] = save(vectors)
    return files


def _to_parquet(records: Sequence[ModelRecord]) -> bytes:
    columns = [
        _weights(records)
        if name == "weights"
        else pa.array([record.row[name] for record in records], kind)
        for name, (kind, _) in COLUMNS.items()
    ]
    file = io.BytesIO()
    pq.write_table(
        pa.Table.from_arrays(columns, schema=SCHEMA),
        file,
        compression="zstd",
        row_group_size=ROWS_AT_ONCE,
    )
    return file.getvalue()


def _weights(records: Sequence[ModelRecord]) -> pa.Array:
    """Return the weights as one column of lists; Python floats would take seconds."""
    ends = np.cumsum([0, *(len(r.weights) for r in records)]).astype(np.int32)
    empty = np.zeros(0, np.float32)
    flat = np.concatenate([empty, *(r.weights for r in records)])
    return pa.ListArray.from_arrays(pa.array(ends), pa.array(flat))
