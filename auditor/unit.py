"""
One unit of work: an input, or a range of one, from bytes to a `Partial`.

`scan_unit` is a pure function of the unit and the rules: it can run in any process, in any order, and its results merge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

import numpy as np

from auditor.blocks import HEAD, Chunks, Peeked, Readable, ReadAhead
from auditor.decoders import compression, layout_of
from auditor.decoders.batch import TextBatch
from auditor.decoders.export_manifest import export_manifest
from auditor.decoders.names import is_changefeed_file, resolved_of_name, table_of_name
from auditor.decoders.options import ReadOptions
from auditor.decoders.resolved import read_resolved
from auditor.detect.detector import Detector
from auditor.detect.toolkit import Toolkit
from auditor.errors import DecodeError, SourceUnavailable
from auditor.hlc import Timestamp
from auditor.leaves import SHORTEST_NAME
from auditor.model import Cell, Gap, Note, Receipt, Row
from auditor.pipeline import Partial, run
from auditor.protocols import Blob, Haystack, Input, Layout, RowBatch
from auditor.redaction import shown_uri
from auditor.tally import Bounds, Tally

#: The result of an EXPORT is read whole up to here: over 100,000 files.
LARGEST_MANIFEST = 16 << 20
PARQUET_MAGIC = b"PAR1"
#: How a changefeed's own columns in Parquet are called (changefeed docs, "Parquet"), and the formats of its messages.
_FEED_COLUMNS = "__crdb_"
_MESSAGES = "ndjson ("


@dataclass(frozen=True, slots=True)
class Unit:
    """
    A piece of an input: bytes ``start`` to ``end`` of an uncompressed text, cut at record ends, or row groups of a Parquet file.

    ``end`` None means to the end. Units of an input are numbered in order; the whole input is unit 0 from 0 to None.
    """

    source: Input
    options: ReadOptions
    ordinal: int = 0
    start: int = 0
    end: int | None = None


def scan_unit(unit: Unit, tools: Toolkit, progress: Callable[[int], None], bounds: Bounds | None = None) -> Partial:
    """
    Read and inspect one unit.

    ``progress`` is told the bytes as they are read from the input; ``bounds`` is what earlier units of this process found (see
    `Tally`), and takes what this one finds. Whatever goes wrong with the input becomes a gap in the result; only errors of our
    own are raised.
    """
    source = unit.source
    partial = Partial(Receipt(shown_uri(source.uri), unit.ordinal, source.kind, "", "", "", 0, 0), Tally(bounds))
    detector = tools.detector(partial.receipt.uri, partial, partial.tally.tells)
    partial.receipt = replace(partial.receipt, uri=detector.scrub(partial.receipt.uri))
    try:
        with source.open() as file:
            _UnitScan(unit, partial, detector, progress).read(file)
    except (SourceUnavailable, DecodeError) as error:
        partial.gap(Gap(partial.receipt.uri, detector.scrub(error.what)))
    except OSError as error:
        partial.gap(Gap(partial.receipt.uri, f"cannot be read: {error.strerror}"))
    if bounds is not None:
        bounds.update(partial.tally.bounds())
    return partial


class _Names:
    """A batch of one row, numbered 0: the names that an input carries once."""

    first_row = 0

    def __init__(self, row: Row, table: str) -> None:
        self._row, self._table = row, table

    def __len__(self) -> int:
        return 1

    def row_number(self, index: int) -> int:
        return index

    def haystacks(self) -> Iterable[Haystack]:
        text = "\n".join(cell.text for cell in self._row.cells).encode("utf-8", "replace")
        return (Haystack(text, lambda positions: (np.arange(len(positions)), positions * 0)),)

    def decode(self, index: int) -> Row:
        del index
        return self._row

    def table_of(self, row: Row) -> str:
        del row
        return self._table


class _UnitScan:
    """The reading of one unit, step by step."""

    def __init__(self, unit: Unit, partial: Partial, detector: Detector, progress: Callable[[int], None]) -> None:
        self.unit, self.partial, self.detector, self.progress = unit, partial, detector, progress
        self.uri = partial.receipt.uri

    def read(self, file: BinaryIO) -> None:
        """Find out what the input is, and read it."""
        source = self.unit.source
        stream = Peeked(file)
        magic = stream.peek(8)
        stamp = resolved_of_name(source.name)
        if stamp is not None:
            self._read_resolved(stream, stamp)
        elif magic.startswith(PARQUET_MAGIC):
            self._read_parquet(stream if source.size is None else file)
        else:
            self._read_text(file, stream, compression.recognise(magic))

    def _read_resolved(self, stream: Peeked, named: Timestamp) -> None:
        """Take a resolved timestamp into the receipt: from the body, or the name if the body says nothing."""
        body = stream.peek(HEAD)
        self.progress(len(body))
        try:
            stamp = read_resolved(body)
        except DecodeError as error:
            stamp = named
            self.partial.note(Note(self.uri, f"{error.what}; the file name's timestamp was taken"))
        self._receipt(format="resolved", bytes=len(body), resolved=stamp)

    def _read_parquet(self, file: BinaryIO | Readable, packing: str = "") -> None:
        """Inspect row groups ``start`` to ``end``; pages are read and decompressed beside the scan."""
        from auditor.decoders.parquet import open_parquet

        unit = self.unit
        table = self._table()
        blob: Blob = open_parquet(file, self.uri, table, self.partial)
        last = len(blob.groups) if unit.end is None else unit.end
        share = (unit.source.size or 0) * (last - unit.start) // max(1, len(blob.groups))
        if unit.ordinal == 0:
            self._inspect_names(tuple(blob.columns), "")
        rows = self._inspect(ReadAhead(blob.batches(unit.start, last)))
        self.progress(share)
        columns = {self.detector.scrub(name): why for name, why in blob.columns.items()}
        feed = any(name.startswith(_FEED_COLUMNS) for name in columns)
        self._receipt(format=blob.format, compression=packing, rows=rows, bytes=share, columns=columns, feed=feed)

    def _read_text(self, file: BinaryIO, stream: Peeked, packing: str) -> None:
        """Inspect a text in chunks, decompressing it beside the scan."""
        unit = self.unit
        text = stream
        if packing and unit.source.size is not None:
            file.seek(0)
            text = Peeked(compression.open_decompressed(file, packing))
        elif packing:
            text = Peeked(compression.open_decompressed(stream, packing))
        try:
            head = text.head()
        except DecodeError as error:
            self.partial.gap(Gap(self.uri, error.what))
            self._receipt(format="unreadable", compression=packing)
            return
        if not head:
            self.partial.note(Note(self.uri, "empty"))
            self._receipt(format="empty", compression=packing)
            return
        if head.startswith(PARQUET_MAGIC):
            self._read_parquet(text, packing)
            return
        layout = layout_of(head, unit.source.name, unit.options)
        if not unit.ordinal:
            self._read_beginning(text, head, layout)
        readable: Readable = text
        skipped = 0
        if not unit.ordinal:
            skipped = len(text.read(layout.preamble))
        else:
            file.seek(unit.start)
            readable = file
        chunks = Chunks(readable, layout, limit=None if unit.end is None else unit.end - unit.start - skipped)
        ahead: Iterable[bytes] = ReadAhead(chunks) if packing or unit.source.kind != "file" else chunks
        rows = self._inspect(self._batches(ahead, layout))
        if chunks.error is not None:
            self.partial.gap(Gap(self.uri, f"{chunks.error.what}; what came before was scanned"))
        for gap in chunks.gaps:
            self.partial.gap(gap._replace(uri=self.uri))
        columns = {self.detector.scrub(name): "" for name in layout.columns} or {"*": ""}
        read = chunks.bytes + skipped
        feed = layout.format.startswith(_MESSAGES) or is_changefeed_file(self.unit.source.name)
        self._receipt(format=layout.format, compression=packing, rows=rows, bytes=read, columns=columns, feed=feed)

    def _read_beginning(self, text: Peeked, head: bytes, layout: Layout) -> None:
        """Note what is to be known about an input, and inspect what stands before its first record."""
        manifest = export_manifest(head)
        if manifest and len(head) >= HEAD:
            manifest = export_manifest(text.peek(LARGEST_MANIFEST))
        if manifest:
            self.partial.stated.extend((self.detector.scrub(name), rows) for name, rows, _ in manifest)
        for note in () if manifest else layout.notes:
            self.partial.note(Note(self.uri, note))
        self._inspect_names(layout.columns, head[: layout.preamble].decode("utf-8", "replace"))

    def _batches(self, chunks: Iterable[bytes], layout: Layout) -> Iterator[RowBatch]:
        """Frame each chunk; number its rows on from the last."""
        number = 1
        table = self._table()
        for chunk in chunks:
            framed = layout.frame(chunk)
            for index, reason in framed.bad:
                row = number + (index if framed.numbers is None else int(framed.numbers[index]) - 1)
                self.partial.gap(Gap(self.uri, reason, row=row))
            yield TextBatch(framed, layout, uri=self.uri, table=table, first_row=number, problems=self.partial)
            number += framed.total
            self.progress(len(chunk))

    def _inspect(self, batches: Iterable[RowBatch]) -> int:
        """Run batches through the detector and return how many rows there were."""
        rows = 0

        def counted(count: int) -> None:
            nonlocal rows
            rows += count

        run(batches, (self.detector,), self.partial, counted)
        return rows

    def _inspect_names(self, columns: Sequence[str], remarks: str) -> None:
        """Inspect what is said once for the whole input: its file name, remarks, the names of its columns."""
        cells = [Cell("topic", "", "", self.unit.source.name), Cell("header", "", "", remarks)]
        cells += [Cell("after", name, "$.{name}", name) for name in columns if len(name) >= SHORTEST_NAME]
        run((_Names(Row(cells), self._table()),), (self.detector,), self.partial, lambda _rows: None)

    def _table(self) -> str:
        """Return the table that the user, or else the file's name, gives the input."""
        return self.unit.options.table or table_of_name(self.unit.source.name)

    def _receipt(self, **changes: Any) -> None:
        """Fill in the receipt."""
        self.partial.receipt = replace(self.partial.receipt, table=self.detector.scrub(self._table()), **changes)
