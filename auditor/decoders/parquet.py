"""
Parquet files of changefeeds, of EXPORT and of anybody else.

Only columns that can hold text are read: BYTE_ARRAY of any annotation, and FIXED_LEN_BYTE_ARRAY without one.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, BinaryIO, NamedTuple, cast

import pyarrow as pa
import pyarrow.parquet as pq

from auditor.blocks import Readable
from auditor.decoders.parquet_batch import ParquetBatch
from auditor.decoders.parquet_footer import read_footer
from auditor.decoders.parquet_text import SchemaLeaf, TextLeaf, text_leaves, text_schema
from auditor.decoders.parquet_values import values_of
from auditor.errors import DecodeError
from auditor.model import Gap
from auditor.protocols import Problems

#: Text bytes of a batch: with 1 MiB the calls for each column cost 15 % more, with 8 MiB nothing is gained.
BATCH_BYTES = 4 << 20
_MOST_ROWS = 65_536
#: How much of a column's pages is read at once: with whole column chunks, a row group of 1 GB would take 600 MB of memory.
_READ_LOCAL, _READ_REMOTE = 256 << 10, 1 << 20
#: A column of fewer encoded bytes a value is all dictionary: it is read as one, since a few bytes may stand for long values.
_DICTIONARY_BYTES = 8
#: Rows of a first batch whose size cannot be told.
_FEW_ROWS = 128
#: A whole file must be held in memory if it cannot be sought in (standard input, compressed as a whole).
LARGEST_UNSEEKABLE = 64 << 20


def open_parquet(file: BinaryIO | Readable, uri: str, table: str, problems: Problems) -> ParquetBlob:
    """
    Open a Parquet file; it stays the caller's to close. What cannot be sought in is held in memory, up to 64 MiB.

    ``uri`` is how gaps name it. Raise `DecodeError` if it cannot be read at all.
    """
    source = _seekable(file)
    return ParquetBlob(source, read_footer(source), uri, table, problems)


def group_sizes(file: BinaryIO) -> list[int]:
    """Return the uncompressed bytes of each row group, for those who share out the work."""
    metadata = read_footer(file)
    return [metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups)]


class ParquetBlob:
    """An open Parquet file; see `auditor.protocols.Blob`. Not for several threads at once."""

    format = "parquet"

    def __init__(self, source: BinaryIO, metadata: Any, uri: str, table: str, problems: Problems) -> None:
        """Take the file and its (edited) footer."""
        self._uri, self._table, self._problems = uri, table, problems
        self._metadata = metadata
        self.groups: Sequence[int] = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
        #: Columns without text that were asked for, of the row group that is being read.
        self._others: dict[str, Any] = {}
        native, read_bytes = _native(source)
        try:
            self._leaves, self._columns = text_schema(metadata.schema)
            self._texts = _text_columns(metadata.schema)
            self._by_dictionary = self._dictionaries()
            self._file = pq.ParquetFile(
                native,
                metadata=metadata,
                pre_buffer=False,
                buffer_size=read_bytes,
                read_dictionary=self._by_dictionary,
            )
        except (pa.ArrowException, OSError):
            raise DecodeError("the Parquet schema holds what pyarrow does not know") from None

    @property
    def columns(self) -> Mapping[str, str]:
        """Return, by column, '' or why it was not scanned; complete once its batches were read."""
        return self._columns

    def batches(self, first: int, last: int, number: int = 1) -> Iterator[ParquetBatch]:
        """
        Read row groups ``first`` to ``last - 1``; see `auditor.protocols.Blob`. ``number`` is that of their first row.

        A column that cannot be read is a gap.
        """
        for group in range(first, last):
            for batch in self._group(group, number):
                columns = {name: partial(self._column, group, name, batch) for name in self._columns}
                yield ParquetBatch(
                    batch.leaves,
                    batch.rows,
                    columns,
                    uri=self._uri,
                    table=self._table,
                    first_row=number,
                    problems=self._problems,
                )
                number += batch.rows

    def _group(self, group: int, first_row: int) -> Iterator[_Read]:
        """
        Read one row group, whose first row has this number within the unit.

        Where a column fails, the others are read on from the same row without it. A batch that turns out far larger than its
        encoded size told makes the next ones smaller.
        """
        chosen = self._leaves
        rows, done = self.groups[group], 0
        self._others = {}
        size, most = self._batch_rows(group)
        batches = self._read(group, chosen, size, done)
        while done < rows:
            if not chosen:
                yield _Read((), rows - done, {}, done)
                return
            try:
                batch = next(batches, None)
            except (pa.ArrowException, OSError, DecodeError):
                failed = self._failed(group, chosen, done + size)
                for leaf in failed:
                    self._lost(leaf.column, "it is damaged or not of its stated type", group, first_row + done)
                chosen = [leaf for leaf in chosen if leaf not in failed]
                batches = self._read(group, chosen, size, done)
                continue
            if batch is None:
                reason = f"row group {group + 1} holds fewer rows than its footer states"
                self._problems.gap(Gap(self._uri, reason, row=first_row + done))
                return
            yield batch
            done += batch.rows
            bytes_read = sum(leaf.size for _, leaf in batch.leaves)
            if bytes_read > 4 * BATCH_BYTES and batch.rows > 1:
                size = most = max(1, batch.rows * BATCH_BYTES // bytes_read)
            elif size < most and bytes_read < BATCH_BYTES // 4:
                size = min(most, 8 * size)
            else:
                continue
            batches = self._read(group, chosen, size, done)

    def _read(self, group: int, chosen: Sequence[SchemaLeaf], size: int, skip: int) -> Iterator[_Read]:
        """Read some leaves of a row group, without its first ``skip`` rows."""
        # A column called "a.b" has the path of a member of "a": asked for once, both are read.
        paths = list(dict.fromkeys(leaf.path for leaf in chosen))
        start = 0
        for batch in self._file.iter_batches(batch_size=size, row_groups=[group], columns=paths, use_threads=False):
            past = min(skip, batch.num_rows)
            skip -= past
            if past < batch.num_rows:
                yield _read(batch.slice(past) if past else batch, start + past)
            start += batch.num_rows

    def _failed(self, group: int, chosen: Sequence[SchemaLeaf], rows: int) -> Sequence[SchemaLeaf]:
        """Return the leaves that cannot be read up to this row of the group, by reading each alone; all, if each can be."""
        failed: list[SchemaLeaf] = []
        for leaf in chosen:
            left = rows
            try:
                for batch in self._read(group, [leaf], min(rows, _MOST_ROWS), 0):
                    left -= batch.rows
                    if left <= 0:
                        break
            except (pa.ArrowException, OSError, DecodeError):
                failed.append(leaf)
        return failed or chosen

    def _column(self, group: int, name: str, batch: _Read, rows: Sequence[int] | None = None) -> list[object]:
        """
        Return the values of a column in a batch, of some of its rows if these are given.

        One without text is read when it is asked for, a row group at a time.
        """
        array = batch.arrays.get(name)
        if array is None:
            if name not in self._others:
                try:
                    table = self._file.read_row_group(group, columns=[name], use_threads=False)
                    self._others[name] = table.column(name).combine_chunks() if name in table.schema.names else None
                except (pa.ArrowException, OSError):
                    self._others[name] = None
            whole = self._others[name]
            if whole is None:
                return [None] * (batch.rows if rows is None else len(rows))
            array = whole.slice(batch.start, batch.rows)
        if rows is not None:
            array = array.take(pa.array(rows, pa.int64()))
        return values_of(array, text=name in self._texts)

    def _lost(self, column: str, reason: str, group: int, row: int) -> None:
        """Record that a column was not scanned from a row on to the end of its row group."""
        self._columns[column] = f"not fully scanned: {reason}"
        self._problems.gap(Gap(self._uri, f"cannot be read from here to the end of row group {group + 1}: {reason}", row, column))

    def _batch_rows(self, group: int) -> tuple[int, int]:
        """
        Return how many rows make the first batch of a row group, and how many the next ones may have, by their encoded size.

        Long values of a dictionary may spell out to far more, so there the first batch is small.
        """
        metadata = self._metadata.row_group(group)
        chunks = [(leaf, metadata.column(leaf.number)) for leaf in self._leaves]
        size: int = sum(chunk.total_uncompressed_size for _, chunk in chunks)
        most = max(1, min(_MOST_ROWS, self.groups[group] * BATCH_BYTES // max(1, size)))
        spelled_out = [chunk for leaf, chunk in chunks if _is_dictionary(chunk) and leaf.path not in self._by_dictionary]
        # Writers leave out the smallest and largest value where one of them is long (4 kB).
        known = all(chunk.statistics and chunk.statistics.has_min_max for chunk in spelled_out)
        return (most if known else min(most, _FEW_ROWS)), most

    def _dictionaries(self) -> list[str]:
        """Return the paths of the leaves that are best read as dictionaries."""
        groups = [self._metadata.row_group(group) for group in range(self._metadata.num_row_groups)]
        found: list[str] = []
        for leaf in self._leaves:
            chunks = [group.column(leaf.number) for group in groups]
            values = sum(chunk.num_values for chunk in chunks)
            if (
                all(map(_is_dictionary, chunks))
                and sum(chunk.total_uncompressed_size for chunk in chunks) < _DICTIONARY_BYTES * values
            ):
                found.append(leaf.path)
        return found


class _Read(NamedTuple):
    """What came out of the file: text leaves and arrays by column, how many rows, and the first of them in the group."""

    leaves: Sequence[tuple[str, TextLeaf]]
    rows: int
    arrays: Mapping[str, Any]
    start: int


def _read(batch: Any, start: int) -> _Read:
    """Take the text leaves of an Arrow record batch."""
    arrays = list(zip(batch.schema.names, batch.columns, strict=True))
    found = [(name, leaf) for name, array in arrays for leaf in text_leaves(array)]
    return _Read(found, batch.num_rows, dict(arrays), start)


def _text_columns(schema: Any) -> frozenset[str]:
    """Return the columns whose bytes are text: pyarrow gives those of ENUM and JSON as plain bytes."""
    leaves = [schema.column(number) for number in range(len(schema))]
    return frozenset(leaf.path.partition(".")[0] for leaf in leaves if leaf.logical_type.type in ("ENUM", "JSON"))


def _is_dictionary(chunk: Any) -> bool:
    """Tell whether a column of a row group has a dictionary."""
    return any("DICTIONARY" in encoding for encoding in chunk.encodings)


def _seekable(file: BinaryIO | Readable) -> BinaryIO:
    """Return the file itself, or what it holds if it can only be read once."""
    if getattr(file, "seekable", lambda: False)():
        return cast("BinaryIO", file)
    body = bytearray()
    while part := file.read(LARGEST_UNSEEKABLE + 1 - len(body)):
        body += part
        if len(body) > LARGEST_UNSEEKABLE:
            fix = "save it to a file, uncompressed (Parquet compresses inside), and scan that"
            raise DecodeError(f"Parquet of over {LARGEST_UNSEEKABLE >> 20} MiB cannot be read from a stream", fix=fix)
    return io.BytesIO(body)


def _native(file: BinaryIO) -> tuple[Any, int]:
    """
    Let Arrow itself read a local file, since through Python's file object it takes 15 % longer.

    Return what to read from, and by how many bytes.
    """
    name = getattr(file, "name", None)
    try:
        if isinstance(name, str) and os.path.sameopenfile(file.fileno(), (native := pa.OSFile(name)).fileno()):
            return native, _READ_LOCAL
    except OSError:
        pass
    return file, _READ_REMOTE
