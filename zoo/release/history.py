"""history.parquet of a trained release: the checks of its training, a row each."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from compiler.notation import parse
from zoo.release.fields import HISTORY
from zoo.release.tables import from_parquet

SCHEMA = pa.schema(
    [
        ("step", pa.int64()),
        ("loss", pa.float64()),
        ("behaviour", pa.float64()),
        ("interchange", pa.string()),
        ("nodes", pa.string()),
        ("worst_edge", pa.string()),
        ("edges", pa.float64()),
        ("all_edges", pa.float64()),
    ]
)
_BY_NODE = ("interchange", "nodes")


def history_to_parquet(history: Sequence[Mapping[str, Any]]) -> bytes:
    """Return history.parquet; figures by node are JSON in one column."""
    rows = []
    for check in history:
        row = {k: v for k, v in check.items() if not isinstance(v, Mapping)}
        for key in _BY_NODE:
            row[key] = json.dumps(check[key])
        rows.append(row)
    file = io.BytesIO()
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    pq.write_table(table, file, compression="zstd", store_schema=False)
    return file.getvalue()


def history_from_parquet(data: bytes) -> list[dict[str, Any]]:
    """Return the checks that `history_to_parquet` wrote.

    Raises:
        FormatError: it is no such table.
    """
    rows = from_parquet(data, HISTORY, SCHEMA).to_pylist()
    for number, row in enumerate(rows):
        for key in _BY_NODE:
            where = f"{HISTORY}, row {number}, {key}"
            figures = parse((row[key] or "").encode(), where)
            row[key] = {k: v.json for k, v in figures.entries().items()}
    return rows
