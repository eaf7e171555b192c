"""One input, read in pieces and from places inside it."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from auditor import blocks
from auditor.decoders.options import ReadOptions
from auditor.errors import SourceUnavailable
from auditor.identity import AuditKey
from auditor.model import Gap, Sighting
from auditor.pipeline import Partial
from auditor.protocols import Input
from auditor.sample.writer import SampleOptions, write_sample
from auditor.sources import find_inputs
from auditor.toolkit import Toolkit
from auditor.unit import Piece, Place, Unit, scan_pieces, scan_unit


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read little at once, so that small inputs have many chunks."""
    monkeypatch.setattr(blocks, "BLOCK", 4000)


@pytest.fixture(scope="module")
def shipped() -> Toolkit:
    """Compile the shipped rules."""
    return Toolkit.load([], "", AuditKey(b"k" * 32))


class Found:
    """What several results say together, in a form that can be compared."""

    def __init__(self, partials: Iterable[Partial]) -> None:
        self.counts: Counter[object] = Counter()
        self.first: dict[object, tuple[int, str]] = {}
        self.gaps: Counter[Gap] = Counter()
        self.rows = self.bytes = 0
        self.rest: list[object] = []
        for partial in partials:
            receipt = partial.receipt
            self.rows += receipt.rows
            self.bytes += receipt.bytes
            self.gaps.update(partial.gaps)
            self.rest += [*partial.notes, *partial.stated]
            self.layout = (receipt.format, receipt.compression, receipt.table, receipt.feed, dict(receipt.columns))
            for place, found in partial.tally.places():
                for part, secrets in found.secrets.items():
                    for secret, seen in secrets.items():
                        which = (place, part, secret)
                        self.counts[which] += seen.count
                        self.first.setdefault(which, (seen.first_row, seen.row_key))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Found) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]


def pieces_of(source: Input, tools: Toolkit, every: int, start: Place | None = None) -> list[Piece]:
    return list(scan_pieces(Unit(source, ReadOptions()), tools, lambda _size: None, every=every, start=start))


def one(path: Path) -> Input:
    (source,) = find_inputs(str(path))
    return source


def assert_same_in_pieces(source: Input, tools: Toolkit, every: int, places: int) -> Sequence[Piece]:
    """Check that pieces, and what is read from some of their ends, are the whole."""
    whole = Found([scan_unit(Unit(source, ReadOptions()), tools, lambda _size: None)])
    pieces = pieces_of(source, tools, every)
    assert Found(piece.partial for piece in pieces) == whole, source.name
    assert [piece.done for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    stops = list(range(1, len(pieces)))
    for stop in random.Random(source.name).sample(stops, min(places, len(stops))):
        place = Place(pieces[stop - 1].offset, pieces[stop - 1].row)
        rest = pieces_of(source, tools, every * 3, place)
        together = Found([*(piece.partial for piece in pieces[:stop]), *(piece.partial for piece in rest)])
        assert together == whole, (source.name, place)
    return pieces


def test_every_format_in_pieces_is_the_whole(tmp_path: Path, shipped: Toolkit) -> None:
    """All files of the sample: read in pieces of any size, and from places inside, they give the same findings, rows and gaps."""
    write_sample(SampleOptions(tmp_path / "d", rows=40))
    several = set()
    for source in find_inputs(str(tmp_path / "d")):
        pieces = assert_same_in_pieces(source, shipped, random.Random(source.uri).choice((9000, 30_000)), 1)
        if len(pieces) > 1:
            receipt = pieces[0].partial.receipt
            several.add((receipt.format.split(" ")[0], receipt.compression))
    assert {name for name, _ in several} >= {"ndjson", "csv", "tsv", "crdb", "json", "sql", "table", "records"}
    assert {packing for _, packing in several} == {"", "gzip", "zstd"}


def token(number: int) -> str:
    return "ghp" + "_" + hashlib.sha256(str(number).encode()).hexdigest()[:36]


def write_parquet(path: Path, rows: int, group: int) -> None:
    texts = [token(number) if number % 50 == 0 else f"text {number}" for number in range(rows)]
    before = [f'{{"broken {texts[0]}' if number % 70 == 3 else json.dumps({"token": texts[number]}) for number in range(rows)]
    pq.write_table(pa.table({"tok": texts, "__crdb__before": before}), path, row_group_size=group)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_row_groups_in_pieces(tmp_path: Path, shipped: Toolkit, pack: Callable[[bytes], bytes]) -> None:
    """A Parquet file is cut at row groups, and its rows and their gaps are numbered through."""
    path = tmp_path / "f.parquet"
    write_parquet(path, 1000, 90)
    path.write_bytes(pack(path.read_bytes()))
    pieces = assert_same_in_pieces(one(path), shipped, path.stat().st_size // 6, 4)
    assert 4 <= len(pieces) <= 12
    assert [piece.row for piece in pieces] == [min(1000, 90 * piece.offset) for piece in pieces]
    assert (pieces[-1].offset, pieces[-1].row) == (12, 1000)
    gaps = [gap.row for piece in pieces for gap in piece.partial.gaps]
    assert gaps
    assert all(row is not None and row % 70 == 4 for row in gaps)


ROWS = st.lists(
    st.tuples(st.integers(0, 10**6), st.text(alphabet='ab",\n\r ', max_size=30), st.sampled_from(("", token(1), token(2)))),
    min_size=1,
    max_size=120,
)


def csv_of(rows: Sequence[tuple[int, str, str]]) -> bytes:
    quote = '"'
    return "".join(f"{number},{quote}{text.replace(quote, quote * 2)}{quote},{token}\n" for number, text, token in rows).encode()


def log_of(rows: Sequence[tuple[int, str, str]]) -> bytes:
    lines: list[str] = []
    for number, text, token in rows:
        stamp = f"I240501 12:00:00.{number:06} 1 sql/exec.go:{1 + number % 9}  [n1] {number} "
        first, *more = f"{text.replace(chr(13), '')} {token}".split("\n")
        lines += [f"{stamp} {first}", *(f"{stamp}+{line}" for line in more)]
    return "".join(f"{line}\n" for line in lines).encode()


def documents_of(rows: Sequence[tuple[int, str, str]]) -> bytes:
    return "".join(json.dumps({"a": list(row)}, indent=1) + "\n" for row in rows).encode()


WRITERS = {"f.csv": csv_of, "crdb.log": log_of, "f.json": documents_of}
PACKERS = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.compress}


@pytest.mark.parametrize("name", sorted(WRITERS))
@given(rows=ROWS, packing=st.sampled_from(sorted(PACKERS)), every=st.integers(1, 3000), block=st.integers(40, 700))
def test_records_of_several_lines_in_pieces(
    name: str, rows: Sequence[tuple[int, str, str]], packing: str, every: int, block: int, shipped: Toolkit, memory: Memory
) -> None:
    """Line feeds in quotes, entries that go on, documents of several lines: no piece ends within, packed or not."""
    blocks.BLOCK = block
    body = PACKERS[packing](WRITERS[name](rows))
    assert_same_in_pieces(memory(name + packing, body), shipped, every, 3)


def test_a_record_that_is_too_long_is_a_gap_of_its_piece(
    tmp_path: Path, shipped: Toolkit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gap names the place in the input, from wherever reading began."""
    monkeypatch.setattr(blocks, "MOST_RECORD", 9000)
    path = tmp_path / "f.ndjson"
    path.write_bytes(b'{"a": "x"}\n' * 3000 + b'{"a": "' + b"y" * 20_000 + b'"}\n' + b'{"a": "x"}\n' * 3000)
    whole = Found([scan_unit(Unit(one(path), ReadOptions()), shipped, lambda _size: None)])
    pieces = pieces_of(one(path), shipped, 10_000)
    assert Found(piece.partial for piece in pieces) == whole
    gapped = [number for number, piece in enumerate(pieces) if piece.partial.gaps]
    assert 0 < gapped[0] <= gapped[-1] < len(pieces) - 1
    for start in (Place(), Place(pieces[1].offset, pieces[1].row)):
        gaps = [gap for piece in pieces_of(one(path), shipped, 10_000, start) for gap in piece.partial.gaps]
        cut = [gap for gap in gaps if "at byte" in gap.reason]
        assert cut
        assert all(30_000 < int(gap.reason.partition("at byte ")[2].partition(";")[0]) < 54_000 for gap in cut)


class Memory:
    """Makes inputs that are held in memory; they break after so many reads."""

    def __call__(self, name: str, body: bytes, size: int | None = -1, breaks_after: int | None = None) -> Input:
        """Make one; a size of -1 stands for the true one."""
        return _Held(name, body, len(body) if size == -1 else size, breaks_after)


class _Held:
    """An input in memory."""

    kind, folder, version = "s3", "", "1"

    def __init__(self, name: str, body: bytes, size: int | None, breaks_after: int | None) -> None:
        self.name, self.uri, self.size = name, f"s3://b/{name}", size
        self._body, self._left = body, breaks_after

    def open(self) -> BinaryIO:
        return io.BytesIO(self._body) if self._left is None else _Breaking(self._body, self._left)


class _Breaking(io.BytesIO):
    """A file that breaks."""

    def __init__(self, body: bytes, left: int) -> None:
        super().__init__(body)
        self._left = left

    def read(self, size: int | None = -1, /) -> bytes:
        """Read, so often."""
        self._left -= 1
        if self._left < 0:
            raise SourceUnavailable("the server cannot be reached")
        return super().read(size)


@pytest.fixture(scope="session")
def memory() -> Memory:
    return Memory()


LINES = b"".join(b'{"after": {"n": %d, "t": "%s"}}\n' % (number, token(number % 500).encode()) for number in range(1500))


def test_an_input_that_breaks_is_read_on_from_its_last_piece(memory: Memory, shipped: Toolkit) -> None:
    """The last piece says why it broke, and going on from its place gives the whole."""
    whole = Found([scan_unit(Unit(memory("f.ndjson", LINES), ReadOptions()), shipped, lambda _size: None)])
    pieces = pieces_of(memory("f.ndjson", LINES, breaks_after=8), shipped, 5000)
    *good, last = pieces
    assert good
    assert last.broken is not None
    assert not last.done
    assert (last.offset, last.row) == (good[-1].offset, good[-1].row)
    rest = pieces_of(memory("f.ndjson", LINES), shipped, 5000, Place(last.offset, last.row))
    assert Found(piece.partial for piece in (*good, *rest)) == whole


def test_read_as_one_unit_what_breaks_is_a_gap(memory: Memory, shipped: Toolkit) -> None:
    """An audit that is made once keeps what it found, and says that there was more."""
    partial = scan_unit(Unit(memory("f.ndjson", LINES, breaks_after=8), ReadOptions()), shipped, lambda _size: None)
    assert [gap.reason for gap in partial.gaps] == ["the server cannot be reached"]
    assert list(partial.tally.places())


def test_a_stream_is_read_on_by_skipping(memory: Memory, shipped: Toolkit) -> None:
    """An input whose size is unknown cannot be sought in, and is read on all the same."""
    assert_same_in_pieces(memory("f.ndjson", LINES, size=None), shipped, 5000, 3)


def test_what_is_damaged_is_a_gap_of_the_last_piece(memory: Memory, shipped: Toolkit) -> None:
    """Everything before the damage was read, and nothing comes after it."""
    cut = gzip.compress(LINES, 1)[:-20]
    pieces = assert_same_in_pieces(memory("f.ndjson.gz", cut), shipped, 5000, 3)
    assert len(pieces) > 3
    assert [len(piece.partial.gaps) for piece in pieces] == [0] * (len(pieces) - 1) + [2]
    assert pieces[-1].done


@pytest.mark.parametrize("body", [b"", b'{"a": "x"}\n', b'{"a": "x"}'])
def test_there_is_always_one_piece(body: bytes, memory: Memory, shipped: Toolkit) -> None:
    """An empty or small input is one piece, the last, however small pieces are to be."""
    (piece,) = pieces_of(memory("f.ndjson", body), shipped, 1)
    assert piece.done
    assert piece.offset == len(body)


def test_pieces_that_are_not_taken_leave_nothing_open(memory: Memory, shipped: Toolkit) -> None:
    """Whoever stops in the middle lets go of the file and of the thread that reads ahead."""
    import threading

    before = threading.active_count()
    unit = Unit(memory("f.ndjson", LINES * 50), ReadOptions())
    pieces = scan_pieces(unit, shipped, lambda _size: None, every=5000)
    next(iter(pieces))
    assert threading.active_count() == before + 1
    pieces.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


def test_whoever_reads_says_what_counts(memory: Memory, shipped: Toolkit) -> None:
    """Each sighting is shown with its piece's own result, and what does not count is in no tally."""
    shown: list[tuple[int, str]] = []

    def counts(partial: Partial, sighting: Sighting) -> bool:
        shown.append((id(partial), sighting.secret_id))
        return len(shown) % 2 == 0

    unit = Unit(memory("f.ndjson", LINES), ReadOptions())
    pieces = list(scan_pieces(unit, shipped, lambda _size: None, every=9000, counts=counts))
    assert len(shown) == 1500
    assert {which for which, _ in shown} == {id(piece.partial) for piece in pieces}
    assert (
        sum(seen.count for piece in pieces for _, place in piece.partial.tally.places() for seen in place.parts.values()) == 750
    )
