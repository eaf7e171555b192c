"""The verbs: what a format, a batch, an inspector and a report must do. No implementation is imported here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import IO, TYPE_CHECKING, BinaryIO, NamedTuple, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from auditor.hlc import Timestamp
    from auditor.model import Finding, Gap, Members, Note, Row, Sighting, Summary


class Values(Protocol):
    """Finds the values of a haystack without decoding its rows: for one search, first `starts`, then `row` for its rows."""

    def starts(self, positions: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return where the value around each position, in the row given, begins; -1 where only decoding the row can tell."""

    def row(self, index: int, starts: Sequence[int]) -> Row | None:
        """
        Return a row with its table and no more than the cells of the values that begin at ``starts``, in that order.

        None if only decoding it can tell.
        """


class Haystack(NamedTuple):
    """
    A buffer that can be scanned as it lies.

    ``rows`` takes byte positions of matches (of a match's last byte) and returns two arrays of one length: indexes into those
    positions, and the row of the batch that each lies in. A position in a dictionary's value lies in every row that refers to
    it. It is called only if something matched, so it may be costly. ``values`` is None where rows must be decoded. Where values
    lie back to back (``adjacent``), a match may begin in the value before, and then is none; ``cuts`` returns where they end,
    ascending.
    """

    data: bytes
    rows: Callable[[NDArray[np.int64]], tuple[NDArray[np.int64], NDArray[np.int64]]]
    values: Values | None = None
    adjacent: bool = False
    cuts: Callable[[], NDArray[np.int64]] | None = None


class Frame(NamedTuple):
    """
    Rows of one table that have the same columns in one part of the envelope, decoded.

    ``rows`` are indexes into the batch, ascending (repeated where a record carries several rows), one for each value of every
    column. Values are as in `model.Members`: a column that a row does not have is in none of that row's frames.
    """

    table: str
    part: str
    rows: Sequence[int]
    columns: Mapping[str, Sequence[object]]


#: Of a row's columns, which ones will be looked at.
Wanted = Callable[[tuple[str, ...]], frozenset[str]]


class RowBatch(Protocol):
    """
    The rows of one delivery: all that inspectors see. A single row is a batch of one.

    Row indexes run from 0 to ``len(batch) - 1``. ``first_row`` is the 1-based number, within the unit
    of work, of row 0.
    """

    first_row: int

    def __len__(self) -> int:
        """Return how many rows there are."""

    def row_number(self, index: int) -> int:
        """Return the 1-based record (or line) number of a row within its unit."""

    def haystacks(self) -> Iterable[Haystack]:
        """Return buffers that together hold every byte of every row that can hold text."""

    def decode(self, index: int) -> Row:
        """
        Decode one row into its leaves, member names included.

        A record that is not what its format says is returned as a single nameless cell of its raw text,
        and appended to ``gaps``: what cannot be decoded is still scanned.
        """

    def table_of(self, row: Row) -> str:
        """Return the table of a decoded row: its own word if it has one, else the input's."""

    @property
    def table(self) -> str:
        """Return the table of rows that do not name their own."""

    def names_tables(self) -> bool:
        """Tell whether rows may name their own tables: a look at all bytes, and cheaper than decoding them."""

    def frames(self, rows: Sequence[int] | None = None, wanted: Wanted = frozenset) -> Iterable[Sequence[Frame]]:
        """
        Decode rows (all of them if None) column by column, each record once; formats without columns have none.

        All columns of all rows can be asked for; that those of the batch's table which are ``wanted`` will be makes it faster.
        Yields the frames of some rows at a time, all parts of a row together. A record that is not what its format says is in
        none, and a gap.
        """

    def hashes(self) -> NDArray[np.uint64]:
        """Return a hash of each row's content, evenly spread: a sample by it is the same however rows are cut into batches."""


class Layout(Protocol):
    """
    How to read one text input, fixed after a look at its first bytes.

    The input is read in blocks; ``cut`` says how much of a block ends at a record end, ``frame`` turns
    those bytes into scannable records, ``decode`` turns one record into a row.
    """

    @property
    def format(self) -> str:
        """Return the name of the format, as reports show it."""

    @property
    def splittable(self) -> bool:
        """Tell whether the input may be read from any record start: then it can be scanned in ranges."""

    @property
    def columns(self) -> Sequence[str]:
        """Return the columns whose names the format fixes for the whole input, () if each row names its own."""

    @property
    def notes(self) -> Sequence[str]:
        """Return what the reader of a report should know about the input, such as "scanned as text lines"."""

    @property
    def preamble(self) -> int:
        """Return the length of what stands before the first record: byte order mark, remarks, a header."""

    def cut(self, block: bytes, *, final: bool) -> int:
        """Return the length of the longest prefix of whole records; with ``final``, of all there is."""

    def start(self, window: bytes) -> int:
        """Return where a record starts in a window from the middle of a splittable input, -1 if that cannot be told."""

    def frame(self, chunk: bytes) -> Framed:
        """Find the records of a chunk that ends at a record end."""

    def decode(self, record: bytes) -> Row:
        """Decode one record. Raise `DecodeError`, without the value, if it is not of this format."""

    def values(self, framed: Framed) -> Values | None:
        """Return what finds values in a framed chunk, None if records must be decoded."""

    def gather(self, framed: Framed, rows: Sequence[int] | None, into: Gathering) -> Iterator[tuple[int, str]]:
        """
        Put the columns of records (all of them if None) into ``into``; formats without columns have none.

        Yield (record index, reason) of records that are not of this format.
        """


class Gathering(Protocol):
    """Takes the columns of rows."""

    wanted: Wanted

    def add(self, row: int, members: Iterable[Members]) -> None:
        """Take the parts of one row."""

    def add_columns(self, rows: Sequence[int], part: str, columns: Mapping[str, Sequence[object]]) -> None:
        """Take one part of many rows that is there column by column."""


class Framed(NamedTuple):
    """
    Records of one chunk. ``data`` is the chunk, or a rewritten copy (log markers stripped).

    ``ends`` are ascending exclusive end offsets into ``data``, one a record. ``numbers`` gives each
    record's 1-based number relative to the chunk if that is not simply 1, 2, 3, ...; ``total`` is by how
    many numbers the chunk advances. ``bad`` lists (record index, reason) of records that are visibly not
    of the format (cheap checks only).
    """

    data: bytes
    ends: NDArray[np.int64]
    total: int
    numbers: NDArray[np.int64] | None = None
    bad: Sequence[tuple[int, str]] = ()


class Codec(Protocol):
    """How the payloads of a feed are encoded. A payload is one message, or one webhook body."""

    format: str

    def resolved(self, value: bytes) -> Timestamp | None:
        """Return the timestamp if a payload without a key is a resolved message, else None. `SourceUnavailable` as in `row`."""

    def carried(self, value: bytes) -> Mapping[str, int]:
        """
        Return how many messages a payload without a key carries, by the topic that they name, '' if none.

        A webhook body carries several, any other payload one. Raise nothing.
        """

    def row(self, key: bytes | None, value: bytes | None) -> Row:
        """
        Decode one message, its key included. Raise `DecodeError` without the value.

        Raise `SourceUnavailable` where a schema cannot be had for now: the whole delivery is then tried again.
        """

    def values(self, framed: Framed) -> Values | None:
        """Return what finds values in payloads that lie one after another, None if they must be decoded."""

    def members(self, key: bytes | None, value: bytes | None) -> Sequence[Members]:
        """Decode one message into the columns of its parts. Raise as `row` does."""


class Engine(Protocol):
    """The prefilter: says where something may be, never misses what a rule's exact pattern would match."""

    name: str

    def search(self, data: bytes) -> Sequence[tuple[int, int]]:
        """
        Return (expression number, position of the match's last byte) pairs, ascending by position.

        Repeats are allowed. ``data`` may be of any size under 4 GiB; patterns never match across a newline.
        """


class Inspector(Protocol):
    """Judges the rows of a batch."""

    def inspect(self, batch: RowBatch) -> Iterator[Sighting]:
        """Yield what was confirmed, ordered by row."""


class Problems(Protocol):
    """Takes what could not be scanned, and what is worth saying."""

    def gap(self, gap: Gap) -> None:
        """Record a gap."""

    def note(self, note: Note) -> None:
        """Record a note."""


class Report(Protocol):
    """Writes findings for one kind of reader. One file a report, named like its ``kind``."""

    kind: str

    def write(self, findings: Iterable[Finding], summary: Summary, out: IO[str]) -> None:
        """
        Write everything to ``out``.

        ``findings`` is read once, in the order most severe first, then by table, column, path and rule;
        it may hold a million of them and must not be collected. Suppressed findings (``suppressed`` is
        the reason) come too.
        """


class Input(Protocol):
    """
    One object to read: a file, standard input, an object in a bucket.

    ``uri`` is its true address (show it through `redaction.shown_uri`); ``name`` is the last part of its path;
    ``folder`` the part before, '' if none. ``version`` (etag, or mtime and size) tells whether it is still what it
    was; ``size`` is its length in bytes, None if unknown. ``kind`` is ``file stdin s3 gs az http``.
    """

    kind: str
    uri: str
    folder: str
    name: str
    size: int | None
    version: str

    def open(self) -> BinaryIO:
        """Open at the first byte; seekable unless ``size`` is None. Raise `SourceUnavailable`."""


class Blob(Protocol):
    """A binary file that is read in row groups rather than as text (Parquet)."""

    @property
    def format(self) -> str:
        """Return the name of the format, as reports show it."""

    @property
    def groups(self) -> Sequence[int]:
        """Return how many rows each row group has."""

    @property
    def columns(self) -> Mapping[str, str]:
        """Return, by column, '' if it is scanned, else why it holds no text or could not be read; complete once all was read."""

    def batches(self, first: int, last: int, number: int = 1) -> Iterator[RowBatch]:
        """Read row groups first to last - 1. ``first_row`` counts from ``number`` at the first row of ``first``."""
