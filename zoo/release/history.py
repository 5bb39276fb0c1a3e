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

EARLIER_SCHEMA = pa.schema(
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
"""The columns of releases whose checks had neither structured inputs nor ablations."""

SCHEMA = pa.schema(
    [
        *EARLIER_SCHEMA,
        ("structured", pa.string()),
        ("ablations", pa.string()),
        ("wrong", pa.int64()),
        ("searched", pa.int64()),
        ("adversary", pa.float64()),
    ]
)
_BY_NAME = ("interchange", "nodes", "structured", "ablations")


def schema_of(history: Sequence[Mapping[str, Any]]) -> pa.Schema:
    """Return the columns that some checks need."""
    complete = all("structured" in check for check in history)
    return SCHEMA if complete else EARLIER_SCHEMA


def history_to_parquet(history: Sequence[Mapping[str, Any]]) -> bytes:
    """Return history.parquet; figures by name are JSON in one column."""
    schema, rows = schema_of(history), []
    for check in history:
        row = {k: v for k, v in check.items() if not isinstance(v, Mapping)}
        for key in _BY_NAME:
            if key in schema.names:
                row[key] = json.dumps(check[key])
        rows.append(row)
    file = io.BytesIO()
    table = pa.Table.from_pylist(rows, schema=schema)
    pq.write_table(table, file, compression="zstd", store_schema=False)
    return file.getvalue()


def history_from_parquet(data: bytes) -> list[dict[str, Any]]:
    """Return the checks that `history_to_parquet` wrote.

    Raises:
        FormatError: it is no such table.
    """
    rows = from_parquet(data, HISTORY, _schema_in(data)).to_pylist()
    for number, row in enumerate(rows):
        for key in [name for name in _BY_NAME if name in row]:
            where = f"{HISTORY}, row {number}, {key}"
            figures = parse((row[key] or "").encode(), where)
            row[key] = {k: v.json for k, v in figures.entries().items()}
    return rows


def _schema_in(data: bytes) -> pa.Schema:
    """Return the columns that a file should have: the earlier ones if it has those."""
    try:
        names = pq.read_schema(io.BytesIO(data)).names
    except (pa.ArrowException, OSError, ValueError):
        return SCHEMA  # reading it says what is wrong
    return EARLIER_SCHEMA if names == EARLIER_SCHEMA.names else SCHEMA
