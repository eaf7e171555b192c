"""Reading an object in ranges: the same bytes as a file, few requests, bounded memory."""

from __future__ import annotations

import io
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.errors import SourceUnavailable
from auditor.sources.bucket.reading import FIRST, MOST, RangedFile, StreamedFile

BODY = random.Random(5).randbytes(3_000_000)


class Fetched:
    """Serves ranges of a body, and keeps which."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.ranges: list[tuple[int, int]] = []

    def __call__(self, start: int, end: int) -> memoryview:
        """Serve a range."""
        assert 0 <= start < end <= len(self.body)
        self.ranges.append((start, end))
        return memoryview(self.body)[start:end]


STEPS = st.lists(
    st.tuples(st.sampled_from(["read", "set", "cur", "end"]), st.integers(0, len(BODY) + 1000)),
    max_size=30,
)


@given(STEPS, st.sampled_from([len(BODY), FIRST, FIRST + 1, 1, 0]))
def test_any_walk_reads_what_a_file_would(steps: list[tuple[str, int]], size: int):
    """However a reader jumps about, it gets the bytes that it would from a local file."""
    fetch = Fetched(BODY[:size])
    local = io.BytesIO(BODY[:size])
    with io.BufferedReader(RangedFile(size, fetch), 64 << 10) as file:
        for step, amount in steps:
            if step == "read":
                assert file.read(amount // 10) == local.read(amount // 10)
            elif step == "set":
                file.seek(amount)
                local.seek(amount)
            elif step == "cur":
                file.seek(amount // 7, io.SEEK_CUR)
                local.seek(amount // 7, io.SEEK_CUR)
            else:
                file.seek(-min(amount, size), io.SEEK_END)
                local.seek(-min(amount, size), io.SEEK_END)
            assert file.tell() == local.tell()


def test_a_text_is_fetched_once_in_growing_parts():
    """From one end to the other, every byte is fetched once, in parts that grow to megabytes."""
    body = bytes(200 << 20)
    fetch = Fetched(body)
    total = 0
    with io.BufferedReader(RangedFile(len(body), fetch), 256 << 10) as file:
        while part := file.read(1 << 20):
            total += len(part)
    assert total == len(body)
    assert sum(end - start for start, end in fetch.ranges) == len(body)
    assert len(fetch.ranges) < 40


@pytest.mark.parametrize("columns", [3, 12, 30])
def test_many_columns_are_fetched_side_by_side(columns: int):
    """A Parquet reader goes on at as many places as there are columns: of each some is fetched beyond its end, but no more."""
    share = 120_000_000 // columns
    fetch = Fetched(bytes(share * columns))
    step = 1 << 20
    raw = RangedFile(share * columns, fetch)
    with io.BufferedReader(raw, 256 << 10) as file:
        for offset in range(0, share, step):
            for column in range(columns):
                file.seek(column * share + offset)
                wanted = min(step, share - offset)
                assert len(file.read(wanted)) == wanted
                assert sum(part.end - part.start for part in raw._parts.values()) <= MOST
    fetched = sum(end - start for start, end in fetch.ranges)
    assert fetched < 1.5 * share * columns


def test_an_error_is_raised_where_it_is_read():
    """What a fetch ahead raises reaches the reader when it comes there, not before."""

    def fetch(start: int, end: int) -> memoryview:
        if end > 2_000_000:
            raise SourceUnavailable("gone")
        return memoryview(BODY)[start:end]

    with io.BufferedReader(RangedFile(len(BODY), fetch), 1000) as file:
        assert len(file.read(700_000)) == 700_000
        with pytest.raises(SourceUnavailable, match="gone"):
            file.read()


@given(st.lists(st.binary(max_size=50), max_size=10), st.integers(1, 60))
def test_a_stream_is_its_pieces(pieces: list[bytes], size: int):
    """A streamed file is its pieces one after another, however they are cut."""
    with io.BufferedReader(StreamedFile(memoryview(piece) for piece in pieces), 16) as file:
        out = bytearray()
        while part := file.read(size):
            out += part
    assert bytes(out) == b"".join(pieces)
