"""Tables of data are read within bounds, whatever a small file stands for."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from compiler.errors import FormatError, InputError
from zoo.release import pages
from zoo.release.fields import SPLITS
from zoo.release.pages import MOST_CELLS, check_pages
from zoo.release.tables import SCHEMA, data_file, from_parquet, to_parquet

ROOT = Path(__file__).parents[3]
MOST_GROWTH = 160 * 2**20  # bytes that reading a hostile file may take
ROW = {
    "clean": ["a"],
    "corrupt": ["b"],
    "clean_ids": [2, 0],
    "corrupt_ids": [2, 1],
    "clean_outputs": ["a"],
    "corrupt_outputs": ["b"],
    "position": 0,
    "clean_answer": "a",
    "corrupt_answer": "b",
    "variables": ["output"],
}


def packed(table: pa.Table, **options) -> bytes:
    file = io.BytesIO()
    options = {"compression": "zstd", "store_schema": False, **options}
    pq.write_table(table, file, **options)
    return file.getvalue()


def with_column(name: str, column: pa.Array) -> pa.Table:
    """Return a table of pairs, one column of it as given."""
    rows = len(column)
    columns = {n: pa.array([ROW[n]], SCHEMA.field(n).type).take(
        pa.array([0] * rows, pa.int32())
    ) for n in SCHEMA.names}  # fmt: skip
    return pa.table({**columns, name: column}, schema=SCHEMA)


def repeated(text: str, count: int) -> pa.Array:
    """Return a column that has one text many times: one entry of a dictionary."""
    return pa.DictionaryArray.from_arrays(
        pa.array([0], pa.int32()).take(pa.array([0] * count, pa.int32())), [text]
    ).cast(pa.string())


def one_list(values: pa.Array) -> pa.Array:
    return pa.ListArray.from_arrays(pa.array([0, len(values)], pa.int32()), values)


def bombs() -> dict[str, bytes]:
    """Return small files that stand for much."""
    half = MOST_CELLS // 2 + 1
    ones = pa.array([7], pa.int32()).take(pa.array([0] * half, pa.int32()))
    long = packed(with_column("clean_answer", repeated("x" * 2**15, 2**12)))
    wide = packed(with_column("clean_ids", one_list(pa.concat_arrays([ones, ones]))))
    nulls = packed(with_column("clean", one_list(pa.nulls(2 * half, pa.string()))))
    text = packed(with_column("clean", one_list(repeated("y" * 2**10, 2**17))))
    return {"long": long, "wide": wide, "nulls": nulls, "text": text}


READ = """
import resource, sys
from pathlib import Path
from compiler.errors import FormatError
from zoo.release.tables import from_parquet
from_parquet(Path(sys.argv[1], "good").read_bytes(), "good").to_pylist()
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
before = peak()
for path in sorted(Path(sys.argv[1]).glob("bomb-*")):
    try:
        from_parquet(path.read_bytes(), path.name)
        print("read", path.name)
    except FormatError as error:
        print("refused", error)
print(peak() - before)
"""


def test_small_files_that_stand_for_much_are_refused_within_bounds(tmp_path):
    (tmp_path / "good").write_bytes(to_parquet([ROW]))
    for name, data in {**bombs(), **liars()}.items():
        assert len(data) < 2**16, name
        (tmp_path / f"bomb-{name}").write_bytes(data)
    command = [sys.executable, "-c", READ, str(tmp_path)]
    out = subprocess.run(
        command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=60
    ).stdout.splitlines()
    assert [line.split()[0] for line in out[:-1]] == ["refused"] * 6, out
    assert int(out[-1]) < MOST_GROWTH


def _number(value: int) -> bytes:
    """Return an unsigned number in Thrift's compact protocol."""
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


def liars() -> dict[str, bytes]:
    """Return files whose end says less than their pages."""
    count = MOST_CELLS + 2**10
    ones = pa.array([7], pa.int32()).take(pa.array([0] * count, pa.int32()))
    data = packed(with_column("clean_ids", one_list(ones)))
    size = int.from_bytes(data[-8:-4], "little")
    begin = len(data) - 8 - size
    end = data[begin:-8]
    true, lie = _number(2 * count), _number(2 * 1)
    assert end.count(true) >= 1
    end = end.replace(true, lie)
    lying = data[:begin] + end + len(end).to_bytes(4, "little") + b"PAR1"
    assert pq.read_metadata(io.BytesIO(lying)).row_group(0).column(2).num_values == 1
    # The page itself says fewer bytes unpacked than it has: the reader refuses that.
    small = packed(with_column("clean_answer", repeated("z" * 2**20, 4)))
    return {"liar": lying, "cut": small[: len(small) // 2]}


def test_pages_add_up_to_what_the_end_of_every_release_says():
    for path in sorted((ROOT / "releases").glob("*/data/*.parquet"))[::5]:
        data = path.read_bytes()
        metadata = pq.read_metadata(io.BytesIO(data))
        found = check_pages(data, metadata, path.name)
        parts = [
            metadata.row_group(g).column(c)
            for g in range(metadata.num_row_groups)
            for c in range(metadata.num_columns)
        ]
        assert sum(p.num_values for p in parts) <= found.cells < 2**20
        # The end counts the headers of pages too.
        assert 0 < found.bytes < sum(p.total_uncompressed_size for p in parts)


def test_many_groups_of_rows_and_old_pages_are_read(tmp_path):
    rows = [{**ROW, "clean": [str(n)] * (n % 5)} for n in range(1000)]
    expected = pa.Table.from_pylist(rows, schema=SCHEMA)
    for options in (
        {"row_group_size": 100, "data_page_size": 64},
        {"data_page_version": "2.0", "compression": "none"},
        {"use_dictionary": False, "write_statistics": False, "compression": "gzip"},
    ):
        assert from_parquet(packed(expected, **options), "x").equals(expected), options


def test_columns_of_other_names_types_and_encodings_are_refused():
    good = pa.Table.from_pylist([ROW], schema=SCHEMA)
    fixed = pa.array([b"x" * 2**16], pa.binary(2**16))
    cases = {
        "other columns": packed(good.drop_columns(["clean"])),
        "fixed_size_binary": packed(
            good.set_column(7, "clean_answer", fixed), use_dictionary=False
        ),
        "a page": packed(
            good,
            use_dictionary=False,
            column_encoding={"clean_answer": "DELTA_BYTE_ARRAY"},
        ),
        "dictionary": packed(
            good.set_column(7, "clean_answer", good.column(7).dictionary_encode()),
            store_schema=True,
        ),
    }  # fmt: skip
    for told, data in cases.items():
        with pytest.raises(FormatError, match=told):
            from_parquet(data, "x")


def test_what_is_not_read_is_not_written(monkeypatch):
    monkeypatch.setattr(pages, "MOST_CELLS", 100)
    assert to_parquet([ROW])
    with pytest.raises(InputError, match=r"cells or more.*Give fewer rows"):
        to_parquet([ROW] * 50)


def test_every_byte_of_a_table_can_be_wrong_without_another_error(small):
    from random import Random

    rng = Random(0)
    data = (small / data_file(SPLITS[1])).read_bytes()
    refused = 0
    for _ in range(100):
        changed = bytearray(data)
        for _ in range(rng.choice([1, 1, 3])):
            changed[rng.randrange(len(data))] = rng.randrange(256)
        try:
            found = from_parquet(bytes(changed), "x")
            assert found.nbytes < 2**20
        except FormatError:
            refused += 1
    assert refused > 30
