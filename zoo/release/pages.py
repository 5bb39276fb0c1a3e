"""What the pages of a Parquet file say of themselves, before anything is unpacked.

A page of a few bytes can stand for 2^31 cells (run lengths) or for as many copies of a
long text (a dictionary), and the figures at the file's end need not be those of its
pages. So the header in front of every page is read here, a Thrift structure in the
compact protocol, and has to agree with the file's end. `tables` sets the bounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow.parquet as pq

from compiler.notation import refuse

MOST_CELLS = 2**22
"""Cells of all columns together above which a table is not unpacked."""
MOST_UNPACKED = 2**26
"""Bytes of all pages together, unpacked, above which a table is not unpacked."""
MOST_PAGES = 2**13
"""Pages above which a table is not read."""

_WRITER = "parquet-cpp-arrow version "
# Of these the unpacked size is what a page says; DELTA_BYTE_ARRAY repeats prefixes.
_ENCODINGS = {0: "PLAIN", 2: "PLAIN_DICTIONARY", 3: "RLE", 8: "RLE_DICTIONARY"}
_DATA, _DICTIONARY, _DATA_2 = 0, 2, 3


@dataclass(frozen=True)
class TableSize:
    """How large a table is once it is unpacked.

    Attributes:
        cells: of all columns.
        bytes: of all pages.
    """

    cells: int
    bytes: int


def check_pages(data: bytes, metadata: pq.FileMetaData, where: str) -> TableSize:
    """Return how large a table is, by the headers of its pages.

    Args:
        data: the file.
        metadata: what its end says.
        where: what to call it in messages.

    Raises:
        FormatError: it is larger than is unpacked, or the pages contradict the end.
    """
    if not str(metadata.created_by).startswith(_WRITER):
        told = f"the writer {ascii(str(metadata.created_by))[:60]}"
        raise refuse(where, told, "pyarrow, which writes the data of releases")
    scan = _Scan(data, where)
    for group in range(metadata.num_row_groups):
        for column in range(metadata.num_columns):
            scan.column(metadata.row_group(group).column(column))
    return TableSize(scan.cells, scan.bytes)


class _Scan:
    """Adds up the pages of a file, and refuses it once they are too many."""

    def __init__(self, data: bytes, where: str) -> None:
        self.data, self.where = data, where
        self.cells = self.bytes = self.pages = 0

    def column(self, part: pq.ColumnChunkMetaData) -> None:
        """Add the pages of one column of one group of rows."""
        if part.num_values == 0:
            return  # a table without rows has no pages
        begin, size = part.data_page_offset, part.total_compressed_size
        dictionary = part.dictionary_page_offset
        if dictionary is not None and 0 < dictionary < begin:
            begin = dictionary
        if not 4 <= begin <= begin + size <= len(self.data):
            raise refuse(self.where, f"pages at byte {begin}", "pages inside the file")
        reader, end, cells = _ThriftReader(self.data, begin), begin + size, 0
        while reader.place < end and cells < part.num_values:
            cells += self.page(reader, end)
        if cells != part.num_values:
            told = f"pages of {cells} cells in {ascii(part.path_in_schema)[1:41]}"
            raise refuse(self.where, told, f"{part.num_values}, by the file's end")

    def page(self, reader: _ThriftReader, end: int) -> int:
        """Return the cells of the page that begins here, and go on behind it."""
        try:
            header = reader.struct()
            kind, unpacked, packed = header[1], header[2], header[3]
            inner = header[{_DATA: 5, _DICTIONARY: 7, _DATA_2: 8}[kind]]
            cells, encoding = inner[1], inner[4 if kind == _DATA_2 else 2]
            good = min(unpacked, packed, cells) >= 0 and encoding in _ENCODINGS
        except (KeyError, IndexError, TypeError, ValueError):
            good = False
        if not good or reader.place + packed > end:
            told = f"a page at byte {reader.place} that cannot be read"
            raise refuse(self.where, told, f"a plain one: {', '.join(_NAMES)}")
        reader.place += packed
        self.pages, self.bytes = self.pages + 1, self.bytes + unpacked
        # The entries of a dictionary take room as cells do.
        self.cells += cells
        for what, found, most in (
            ("pages", self.pages, MOST_PAGES),
            ("cells", self.cells, MOST_CELLS),
            ("bytes unpacked", self.bytes, MOST_UNPACKED),
        ):
            if found > most:
                raise refuse(self.where, f"{found} {what} or more", f"at most {most}")
        return 0 if kind == _DICTIONARY else cells


_NAMES = tuple(_ENCODINGS.values())
_DEEPEST = 8


class _ThriftReader:
    """Reads Thrift's compact protocol; every method raises where it is none."""

    def __init__(self, data: bytes, place: int) -> None:
        self.data, self.place = data, place

    def byte(self) -> int:
        self.place += 1
        return self.data[self.place - 1]

    def number(self) -> int:
        """Return an unsigned number: seven bits a byte, the last byte below 128."""
        found = 0
        for shift in range(0, 70, 7):
            byte = self.byte()
            found |= (byte & 127) << shift
            if byte < 128:
                return found
        raise ValueError("a number without end")

    def signed(self) -> int:
        found = self.number()
        return (found >> 1) ^ -(found & 1)

    def struct(self, depth: int = 0) -> dict[int, Any]:
        """Return the fields of a structure, by their numbers."""
        if depth > _DEEPEST:
            raise ValueError("structures in structures without end")
        fields: dict[int, Any] = {}
        number = 0
        while (byte := self.byte()) != 0:
            number = number + (byte >> 4) if byte >> 4 else self.signed()
            if number in fields:
                raise ValueError("a field that occurs twice")
            fields[number] = self.value(byte & 15, depth)
        return fields

    def value(self, kind: int, depth: int) -> Any:
        if kind in (1, 2):  # true, false
            return kind == 1
        if kind == 3:
            return self.byte()
        if kind in (4, 5, 6):
            return self.signed()
        if kind in (7, 8):  # a double, or bytes with their number in front
            size = 8 if kind == 7 else self.number()
            if size > len(self.data) - self.place:
                raise ValueError("bytes behind the end")
            self.place += size
            return None
        if kind == 12:
            return self.struct(depth + 1)
        raise ValueError("a kind that no page header has")
