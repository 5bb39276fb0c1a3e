"""The Parquet files of a release: their columns, how values are spelled, reading.

What comes from elsewhere is read within bounds; whatever is wrong is a FormatError.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from compiler.errors import FormatError, InputError
from compiler.notation import refuse, value_to_json
from compiler.rasp.values import UNDEFINED, Value
from zoo.release.fields import data_file
from zoo.release.pages import MOST_UNPACKED, check_pages

__all__ = ["SCHEMA", "data_file", "from_parquet", "spell", "to_parquet"]

MOST_ROWS = 2**17
"""Rows of a table above which it is not read."""
_MOST_END = 2**18  # bytes of the figures at a file's end; ours have 3,000

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


def to_parquet(rows: Sequence[dict[str, Any]], schema: pa.Schema = SCHEMA) -> bytes:
    """Return rows as a Parquet file; those of pairs, where no schema is given.

    Raises:
        InputError: it would be larger than `from_parquet` reads.
    """
    file = io.BytesIO()
    table = pa.Table.from_pylist(list(rows), schema=schema)
    pq.write_table(table, file, compression="zstd", store_schema=False)
    data = file.getvalue()
    try:
        _check_texts(_read_bounded(data, "the table", schema), "the table")
    except FormatError as error:
        raise InputError(
            f"{error.args[0].rpartition('. ')[0]}. Give fewer rows"
        ) from None
    return data


def from_parquet(data: bytes, where: str, schema: pa.Schema = SCHEMA) -> pa.Table:
    """Return the table that `to_parquet` wrote.

    At most `pages.MOST_CELLS` cells and MOST_UNPACKED bytes of text are made of it,
    whatever it says and however small it is.

    Args:
        data: the file.
        where: what to call it in messages.
        schema: the columns that it must have; those of pairs by default.

    Raises:
        FormatError: it is no such table, or a larger one than is read.
    """
    try:
        table = _read_bounded(data, where, schema)
        _check_texts(table, where)
        table = table.cast(schema)
        table.validate(full=True)
    except (pa.ArrowException, OSError, MemoryError, ValueError) as error:
        if isinstance(error, FormatError):
            raise
        wording = ascii(str(error).partition("\n")[0][:120])
        raise refuse(where, f"no readable table ({wording})", "Parquet") from None
    return table


def _read_bounded(data: bytes, where: str, schema: pa.Schema) -> pa.Table:
    """Return the table with its texts as places in dictionaries."""
    end = int.from_bytes(data[-8:-4], "little")
    if end > _MOST_END:
        raise refuse(where, f"an end of {end} bytes", f"at most {_MOST_END}")
    file = pq.ParquetFile(io.BytesIO(data))
    metadata = file.metadata
    if not 0 <= metadata.num_rows <= MOST_ROWS:
        raise refuse(where, f"{metadata.num_rows} rows", f"at most {MOST_ROWS}")
    found = file.schema_arrow
    if found.names != schema.names:
        raise refuse(where, "other columns", ", ".join(schema.names))
    for name, given, expected in zip(
        schema.names, found.types, schema.types, strict=True
    ):
        if not _is_same(given, expected):
            wording = ascii(str(given))[1:61]
            raise refuse(f"{where}, {name}", wording, f"{expected}")
    check_pages(data, metadata, where)
    columns = (file.schema.column(number) for number in range(len(file.schema)))
    texts = [c.path for c in columns if c.physical_type == "BYTE_ARRAY"]
    file = pq.ParquetFile(io.BytesIO(data), read_dictionary=texts)
    # One group at a time: pyarrow joins no lists of texts of several dictionaries.
    groups = [
        file.read_row_group(number, use_threads=False)
        for number in range(metadata.num_row_groups)
    ]
    return pa.concat_tables(groups) if groups else file.read()


def _is_same(given: pa.DataType, expected: pa.DataType) -> bool:
    """Return whether two types are the same, whatever items of lists are called."""
    if pa.types.is_list(given) and pa.types.is_list(expected):
        return _is_same(given.value_type, expected.value_type)
    return given == expected


def _check_texts(table: pa.Table, where: str) -> None:
    """Raise FormatError where a table's texts take too much, each as often as used."""
    total = 0
    for column in table.columns:
        for chunk in column.chunks:
            while pa.types.is_list(chunk.type):
                chunk = chunk.flatten()
            if pa.types.is_dictionary(chunk.type) and len(chunk.dictionary):
                sizes = pc.call_function("binary_length", [chunk.dictionary])
                used = sizes.cast(pa.int64()).take(chunk.indices)
                total += pc.call_function("sum", [used]).as_py() or 0
    if total > MOST_UNPACKED:
        raise refuse(where, f"{total} bytes of text", f"{MOST_UNPACKED} at most")
