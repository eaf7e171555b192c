"""
One unit of work: an input, or a range of one, from bytes to a `Partial`, or to several, one a piece.

`scan_unit` is a pure function of the unit and the rules: it can run in any process, in any order, and its results merge. So do
those of `scan_pieces`, which a running feed reads large files by, so that it can go on inside them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, BinaryIO, NamedTuple

from auditor.blocks import BLOCK, HEAD, Chunks, Peeked, Readable, ReadAhead
from auditor.columns.profiles import Profiles
from auditor.columns.sampling import Source
from auditor.decoders import compression, layout_of
from auditor.decoders.batch import TextBatch
from auditor.decoders.delimited import Delimited
from auditor.decoders.export_manifest import export_manifest
from auditor.decoders.names_batch import NamesBatch
from auditor.decoders.options import ReadOptions
from auditor.decoders.resolved import read_resolved
from auditor.errors import DecodeError, SourceUnavailable
from auditor.hlc import Timestamp
from auditor.leaves import SHORTEST_NAME
from auditor.model import Cell, Gap, Note, Receipt, Row, Sighting
from auditor.names import is_changefeed_file, resolved_of_name, table_of_name
from auditor.pipeline import Partial, run
from auditor.policing import ANY, Outlet
from auditor.profiling import Profiling
from auditor.protocols import Input, Inspector, Layout, RowBatch
from auditor.redaction import shown_uri
from auditor.tally import Bounds, Tally
from auditor.toolkit import Toolkit

#: The result of an EXPORT is read whole up to here: over 100,000 files.
LARGEST_MANIFEST = 16 << 20
PARQUET_MAGIC = b"PAR1"
_NO_NAMES = "its columns have no names, so no policy was applied: --columns, --ddl or --header give a csv its names"
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


@dataclass(slots=True)
class Known:
    """
    What earlier units have found, so that later ones need neither describe nor decode what cannot matter any more.

    ``bounds`` are those of full columns (see `auditor.tally`), ``horizons`` those of samples of rows (see `auditor.columns`).
    Where units are ``kept`` for runs that may leave others out, each has a sample of its own.
    """

    bounds: Bounds = field(default_factory=dict)
    horizons: dict[Source, int] = field(default_factory=dict)
    kept: bool = False

    def begin(self, *, kept: bool) -> None:
        """Forget what another audit found."""
        self.bounds.clear()
        self.horizons.clear()
        self.kept = kept

    def learn(self, partial: Partial, profiles: Profiles) -> None:
        """Take what a unit, or a piece of one, found."""
        self.bounds.update(partial.tally.bounds())
        for source, horizon in () if self.kept else profiles.bounds().items():
            self.horizons[source] = min(horizon, self.horizons.get(source, horizon))


class Place(NamedTuple):
    """
    Where reading stands: at a record end, counted in uncompressed bytes, or before a row group of a Parquet file.

    ``row`` is the number of the record (in some formats, the line) before it.
    """

    offset: int = 0
    row: int = 0


class Piece(NamedTuple):
    """
    What was found up to a place, since the piece before.

    ``done`` says that nothing comes after it. ``broken`` says why the input could not be read on: the place is then that of the
    piece before, and what ``partial`` holds will be found again.
    """

    partial: Partial
    offset: int
    row: int
    done: bool
    broken: SourceUnavailable | None = None


def scan_unit(unit: Unit, tools: Toolkit, progress: Callable[[int], None], known: Known | None = None) -> Partial:
    """
    Read and inspect one unit.

    ``progress`` is told the bytes as they are read from the input; ``known`` is what earlier units of this process found, and
    takes what this one finds. Whatever goes wrong with the input becomes a gap in the result; only errors of our
    own are raised.
    """
    (piece,) = scan_pieces(unit, tools, progress, known=known)
    if piece.broken is not None:
        piece.partial.gap(Gap(piece.partial.receipt.uri, piece.broken.what))
    return piece.partial


def learn_unit(unit: Unit, tools: Toolkit, progress: Callable[[int], None]) -> None:
    """Take in the fingerprints that one unit holds. What is wrong with it is told by whoever scans it."""
    scan = _UnitScan(unit, tools, progress, None, start=Place(unit.start), known=None, counts=None, outlet=ANY)
    scan.inspector = scan.of_names = tools.learning()
    try:
        with unit.source.open() as file:
            for _ in scan.pieces(file):
                pass
    except (DecodeError, SourceUnavailable, OSError):
        return


def scan_pieces(
    unit: Unit,
    tools: Toolkit,
    progress: Callable[[int], None],
    *,
    every: int | None = None,
    start: Place | None = None,
    known: Known | None = None,
    counts: Callable[[Partial, Sighting], bool] | None = None,
    outlet: Outlet = ANY,
) -> Iterator[Piece]:
    """
    Read and inspect one unit piece by piece, each of ``every`` bytes or a little more; at least one, the last of them ``done``.

    ``start`` is the place after an earlier piece of the same version of the input; rows are counted on from there, and what is
    said once for an input (its name, its header) is not inspected again. To come back to it, a compressed text is decompressed
    from its beginning, and one that cannot be cut into ranges is framed from there too; only what lies behind it is inspected.
    ``counts`` is shown each sighting with the result of its piece, and tells whether it is to be counted there. ``outlet`` is
    what policies are to know of the feed.

    What is wrong with the input's data is a gap of the piece that it lies in; an input that cannot be reached (any more) makes a
    last piece that is ``broken``.
    """
    scan = _UnitScan(unit, tools, progress, every, start=start or Place(unit.start), known=known, counts=counts, outlet=outlet)
    try:
        with unit.source.open() as file:
            yield from scan.pieces(file)
    except DecodeError as error:
        yield scan.unreadable(error)
    except SourceUnavailable as error:
        yield scan.unreachable(error)
    except OSError as error:
        yield scan.unreachable(SourceUnavailable(f"cannot be read: {error.strerror}"))


class _UnitScan:
    """The reading of one unit, step by step. Takes the problems of its batches, for the piece that is under way."""

    def __init__(
        self,
        unit: Unit,
        tools: Toolkit,
        progress: Callable[[int], None],
        every: int | None,
        *,
        start: Place,
        known: Known | None,
        counts: Callable[[Partial, Sighting], bool] | None,
        outlet: Outlet,
    ) -> None:
        self.outlet = outlet
        self.unit, self.tools, self.progress, self.every, self.known = unit, tools, progress, every, known or Known()
        self.place, self.counts = start, counts
        self.uri = tools.scrub(shown_uri(unit.source.uri))
        self._begin()

    def _begin(self) -> None:
        """Start a piece."""
        receipt = Receipt(self.uri, self.unit.ordinal, self.unit.source.kind, "", "", "", 0, 0)
        self.partial = Partial(receipt, Tally(self.known.bounds))
        self.profiles = self.partial.profiles = self.tools.profiles(self.known.horizons)
        self.detector = self.tools.detector(self.uri, self.partial, self.partial.tally.tells)
        outlet = self._outlet()
        inspector = self.tools.inspector(self.detector, tells=self.partial.tally.tells, outlet=outlet)
        self.inspector: Inspector = Profiling(inspector, self.profiles, outlet.canonical)
        self.of_names = self.tools.confirming(self.detector, self.detector, self.partial.tally.tells)

    def _end(self, place: Place, *, done: bool = True, **receipt: Any) -> Piece:
        """Finish the piece under way at a place, fill in its receipt, and start the next."""
        self.partial.receipt = replace(self.partial.receipt, table=self._scrub(self._table()), **receipt)
        self.place = place
        piece = self._piece(done=done)
        if not done:
            self._begin()
        return piece

    def _piece(self, *, done: bool, broken: SourceUnavailable | None = None) -> Piece:
        """Hand over what was found."""
        self.known.learn(self.partial, self.profiles)
        return Piece(self.partial, *self.place, done, broken)

    def unreadable(self, error: DecodeError) -> Piece:
        """End where nothing more can be read, whenever it is tried."""
        self.gap(Gap(self.uri, self._scrub(error.what)))
        return self._piece(done=True)

    def unreachable(self, error: SourceUnavailable) -> Piece:
        """End where the input could not be read on for now."""
        what = self._scrub(error.what)
        return self._piece(done=False, broken=SourceUnavailable(what, where=self.uri, fix=error.fix))

    def gap(self, gap: Gap) -> None:
        """Record what could not be scanned; see `auditor.protocols.Problems`."""
        self.partial.gap(gap)

    def note(self, note: Note) -> None:
        """Record what is worth saying."""
        self.partial.note(note)

    def pieces(self, file: BinaryIO) -> Iterator[Piece]:
        """Find out what the input is, and read it."""
        source = self.unit.source
        stream = Peeked(file)
        magic = stream.peek(8)
        stamp = resolved_of_name(source.name)
        if stamp is not None:
            yield self._resolved(stream, stamp)
        elif magic.startswith(PARQUET_MAGIC):
            yield from self._parquet(stream if source.size is None else file)
        else:
            yield from self._text(file, stream, compression.recognise(magic))

    def _resolved(self, stream: Peeked, named: Timestamp) -> Piece:
        """Take a resolved timestamp into the receipt: from the body, or the name if the body says nothing."""
        body = stream.peek(HEAD)
        self.progress(len(body))
        try:
            stamp = read_resolved(body)
        except DecodeError as error:
            stamp = named
            self.note(Note(self.uri, f"{error.what}; the file name's timestamp was taken"))
        return self._end(Place(len(body)), format="resolved", bytes=len(body), resolved=stamp)

    def _parquet(self, file: BinaryIO | Readable, packing: str = "") -> Iterator[Piece]:
        """Inspect row groups; pages are read and decompressed beside the scan."""
        from auditor.decoders.parquet import open_parquet

        unit = self.unit
        blob = open_parquet(file, self.uri, self._table(), self)
        groups = len(blob.groups)
        last = groups if unit.end is None else unit.end
        first, row = self.place
        if not first:
            self._inspect_names(tuple(blob.columns), "")
        done = False
        while not done:
            end = self._group_after(blob.groups, first, last)
            rows = self._inspect(ReadAhead(blob.batches(first, end, row + 1)))
            share = _share(unit.source.size, end, groups) - _share(unit.source.size, first, groups)
            self.progress(share)
            columns = {self._scrub(name): why for name, why in blob.columns.items()}
            feed = any(name.startswith(_FEED_COLUMNS) for name in columns)
            first, row, done = end, row + rows, end >= last
            counts = {"rows": rows, "bytes": share, "columns": columns, "feed": feed}
            yield self._end(Place(first, row), done=done, format=blob.format, compression=packing, **counts)

    def _group_after(self, rows: Sequence[int], first: int, last: int) -> int:
        """Return the row group before which a piece ends, by the share of the file's bytes that its rows have."""
        if self.every is None or not self.unit.source.size:
            return last
        wanted = self.every * sum(rows) // self.unit.source.size
        end = first
        while end < last and (end == first or sum(rows[first:end]) < wanted):
            end += 1
        return end

    def _text(self, file: BinaryIO, stream: Peeked, packing: str) -> Iterator[Piece]:
        """Inspect a text, decompressing it beside the scan."""
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
            self.gap(Gap(self.uri, error.what))
            yield self._end(self.place, format="unreadable", compression=packing)
            return
        if not head:
            self.note(Note(self.uri, "empty"))
            yield self._end(self.place, format="empty", compression=packing)
            return
        if head.startswith(PARQUET_MAGIC):
            yield from self._parquet(text, packing)
            return
        layout = layout_of(head, unit.source.name, unit.options)
        offset = self.place.offset
        if not offset:
            self._read_beginning(text, head, layout)
        readable: Readable = text
        if offset and layout.splittable and not packing and unit.source.size is not None:
            file.seek(offset)
            readable = file
        elif offset and layout.splittable:
            _skip(text, offset)
        else:
            offset = len(text.read(layout.preamble))
        chunks = Chunks(readable, layout, limit=None if unit.end is None else unit.end - offset)
        chunks.bytes = offset  # so that gaps say where in the input they are
        with closing(_chunks(chunks, ahead=bool(packing) or unit.source.kind != "file")) as stream_:
            yield from self._chunk_pieces(stream_, chunks, layout, offset, packing)

    def _chunk_pieces(
        self, stream: Iterator[_Chunk], chunks: Chunks, layout: Layout, offset: int, packing: str
    ) -> Iterator[Piece]:
        """Inspect chunks, the first of which begins at ``offset``: those that lie before the start are only framed."""
        columns = {self._scrub(name): "" for name in layout.columns} or {"*": ""}
        feed = layout.format.startswith(_MESSAGES) or is_changefeed_file(self.unit.source.name)
        self._at = Place(offset, self.place.row if offset == self.place.offset else 0)
        chunk = next(stream, None)
        while chunk is not None and self._at.offset + len(chunk.data) <= self.place.offset:
            self._at = Place(self._at.offset + len(chunk.data), self._at.row + layout.frame(chunk.data).total)
            chunk = next(stream, None)
        done = False
        while not done:
            rows = self._inspect(self._batches(() if chunk is None else chain((chunk,), stream), layout))
            chunk = next(stream, None)
            done = chunk is None
            if done and chunks.error is not None:
                self.gap(Gap(self.uri, f"{chunks.error.what}; what came before was scanned"))
            counts = {"rows": rows, "bytes": self._at.offset - self.place.offset, "columns": columns, "feed": feed}
            yield self._end(self._at, done=done, format=layout.format, compression=packing, **counts)

    def _batches(self, chunks: Iterable[_Chunk], layout: Layout) -> Iterator[RowBatch]:
        """Frame chunks until the piece is full; number their rows on."""
        table = self._table()
        full = None if self.every is None else self._at.offset + self.every
        for data, gaps in chunks:
            number = self._at.row + 1
            for gap in gaps:
                self.gap(gap._replace(uri=self.uri))
            framed = layout.frame(data)
            for index, reason in framed.bad:
                row = number + (index if framed.numbers is None else int(framed.numbers[index]) - 1)
                self.gap(Gap(self.uri, reason, row=row))
            yield TextBatch(framed, layout, uri=self.uri, table=table, first_row=number, problems=self.partial)
            self._at = Place(self._at.offset + len(data), self._at.row + framed.total)
            self.progress(len(data))
            if full is not None and self._at.offset >= full:
                return

    def _read_beginning(self, text: Peeked, head: bytes, layout: Layout) -> None:
        """Note what is to be known about an input, and inspect what stands before its first record."""
        manifest = export_manifest(head)
        if manifest and len(head) >= HEAD:
            manifest = export_manifest(text.peek(LARGEST_MANIFEST))
        if manifest:
            self.partial.stated.extend((self._scrub(name), rows) for name, rows, _ in manifest)
        for note in () if manifest else layout.notes:
            self.note(Note(self.uri, note))
        if isinstance(layout, Delimited) and layout.unnamed and self.tools.has_policy(self._table(), self._outlet()):
            self.gap(Gap(self.uri, _NO_NAMES))
        self._inspect_names(layout.columns, head[: layout.preamble].decode("utf-8", "replace"))

    def _inspect(self, batches: Iterable[RowBatch]) -> int:
        """Run batches through the detector and return how many rows there were."""
        rows = 0

        def counted(count: int) -> None:
            nonlocal rows
            rows += count

        run(batches, (self._counting(self.inspector),), self.partial, counted)
        return rows

    def _inspect_names(self, columns: Sequence[str], remarks: str) -> None:
        """Inspect what is said once for the whole input: its file name, remarks, the names of its columns."""
        cells = [Cell("topic", "", "", self.unit.source.name), Cell("header", "", "", remarks)]
        cells += [Cell("after", name, "$.{name}", name) for name in columns if len(name) >= SHORTEST_NAME]
        names = NamesBatch(Row(cells), self._table())
        run((names,), (self._counting(self.of_names),), self.partial, lambda _rows: None)

    def _counting(self, inspector: Inspector) -> Inspector:
        """Return an inspector whose sightings are those that count in the piece under way."""
        return inspector if self.counts is None else _Sifting(inspector, self.partial, self.counts)

    def _outlet(self) -> Outlet:
        """Return where the input's rows have left to."""
        return self.outlet if self.outlet.destinations else Outlet((shown_uri(self.unit.source.uri),), self.outlet.canonical)

    def _scrub(self, text: str) -> str:
        """Return a text without the secrets in it."""
        return self.tools.hidden(self.detector.scrub(text))

    def _table(self) -> str:
        """Return the table that the user, or else the file's name, gives the input."""
        return self.unit.options.table or table_of_name(self.unit.source.name)


class _Sifting:
    """An inspector that yields what is to be counted."""

    def __init__(self, inner: Inspector, partial: Partial, counts: Callable[[Partial, Sighting], bool]) -> None:
        self._inner, self._partial, self._counts = inner, partial, counts

    def inspect(self, batch: RowBatch) -> Iterator[Sighting]:
        return (sighting for sighting in self._inner.inspect(batch) if self._counts(self._partial, sighting))


class _Chunk(NamedTuple):
    """A chunk, and the gaps in it."""

    data: bytes
    gaps: Sequence[Gap]


def _chunks(chunks: Chunks, *, ahead: bool) -> Generator[_Chunk]:
    """Yield chunks, read on a thread of their own if they are to be read ahead."""

    def told() -> Iterator[_Chunk]:
        known = 0
        for data in chunks:
            yield _Chunk(data, chunks.gaps[known:])
            known = len(chunks.gaps)

    yield from ReadAhead(told()) if ahead else told()


def _share(size: int | None, group: int, groups: int) -> int:
    """Return about how many bytes of a file lie before a row group."""
    return (size or 0) * group // max(1, groups)


def _skip(text: Readable, size: int) -> None:
    """Read so many bytes and drop them."""
    while size and (block := text.read(min(size, BLOCK))):
        size -= len(block)
