"""The Parquet files of a release: their columns, how values are spelled, reading.

What comes from elsewhere is read within bounds; whatever is wrong is a FormatError.
"""

from __future__ import annotations

import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from compiler.notation import refuse, value_to_json
from compiler.rasp.values import UNDEFINED, Value

MOST_ROWS = 2**17
"""Rows of a table above which it is not read."""
MOST_CELLS = 2**24
"""Cells of a column, over all rows, above which it is not read."""
MOST_UNPACKED = 2**28
"""Bytes that a table says it takes, unpacked, above which it is not read."""

_TEXTS = pa.list_(pa.string())
SCHEMA = pa.schema(
    [
        ("clean", _TEXTS),
        ("corrupt", _TEXTS),
        ("clean_ids", pa.list_(pa.int32())),
        ("corrupt_ids", pa.list_(pa.int32())),
        ("clean_outputs", _TEXTS),
        ("corrupt_outputs", _TEXTS),
        ("position", pa.int32()),
        ("clean_answer", pa.string()),
        ("corrupt_answer", pa.string()),
        ("variables", _TEXTS),
    ]
)


def spell(value: Value) -> str | None:
    """Return a token or an output as text: a string as it is, others as JSON.

    None where the program gives no meaning to a position.
    """
    if value is UNDEFINED:
        return None
    return value if isinstance(value, str) else json.dumps(value_to_json(value))


def to_parquet(rows: list[dict[str, Any]]) -> bytes:
    """Return rows of pairs as a Parquet file."""
    file = io.BytesIO()
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    pq.write_table(table, file, compression="zstd", store_schema=False)
    return file.getvalue()


def from_parquet(data: bytes, where: str) -> pa.Table:
    """Return the table of pairs that `to_parquet` wrote.

    Raises:
        FormatError: it is no such table, or a larger one than is read.
    """
    try:
        file = pq.ParquetFile(io.BytesIO(data))
        _check_sizes(file.metadata, where)
        table = file.read(use_threads=False)
        if table.column_names != SCHEMA.names:
            raise refuse(where, "other columns", ", ".join(SCHEMA.names))
        table = table.cast(SCHEMA)
        table.validate(full=True)
    except (pa.ArrowException, OSError, MemoryError, OverflowError) as error:
        told = ascii(str(error).partition("\n")[0][:120])
        raise refuse(where, f"no readable table ({told})", "Parquet") from None
    return table


def _check_sizes(metadata: pq.FileMetaData, where: str) -> None:
    """Raise FormatError where a table says that it is larger than is read."""
    if not 0 <= metadata.num_rows <= MOST_ROWS:
        raise refuse(where, f"{metadata.num_rows} rows", f"at most {MOST_ROWS}")
    unpacked = 0
    for group in range(metadata.num_row_groups):
        for column in range(metadata.num_columns):
            part = metadata.row_group(group).column(column)
            unpacked += max(0, part.total_uncompressed_size)
            if not 0 <= part.num_values <= MOST_CELLS:
                raise refuse(where, f"{part.num_values} cells", f"{MOST_CELLS} at most")
    if unpacked > MOST_UNPACKED:
        raise refuse(where, f"{unpacked} bytes unpacked", f"{MOST_UNPACKED} at most")
