"""Streams to chunks."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor import blocks
from auditor.blocks import Chunks, Peeked, ReadAhead
from auditor.decoders.json_lines import JsonLines
from auditor.errors import DecodeError

LINES = JsonLines("bare")


@given(
    data=st.lists(st.binary(max_size=20), max_size=30).map(b"\n".join),
    size=st.integers(1, 50),
    limit=st.none() | st.integers(0, 300),
)
def test_chunks_end_at_record_ends_and_lose_nothing(data: bytes, size: int, limit: int | None) -> None:
    """Whatever the size of a read, chunks together are the input up to the limit, and all but the last end a line."""
    saved, blocks.BLOCK = blocks.BLOCK, size
    try:
        chunks = Chunks(io.BytesIO(data), LINES, limit=limit)
        parts = list(chunks)
    finally:
        blocks.BLOCK = saved
    assert b"".join(parts) == data[:limit]
    assert all(part.endswith(b"\n") for part in parts[:-1])
    assert chunks.bytes == len(data[:limit])


def test_an_endless_record_is_cut_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record beyond the bound is passed on in pieces, and is a gap."""
    monkeypatch.setattr(blocks, "BLOCK", 10)
    monkeypatch.setattr(blocks, "MOST_RECORD", 25)
    chunks = Chunks(io.BytesIO(b"x" * 70 + b"\nrest"), LINES, limit=None)
    assert b"".join(chunks) == b"x" * 70 + b"\nrest"
    assert len(chunks.gaps) == 2
    assert "MiB at byte 0" in chunks.gaps[0].reason


class _Breaking:
    """A stream that breaks after a few bytes."""

    def __init__(self) -> None:
        self.reads = 0

    def read(self, size: int = -1, /) -> bytes:
        self.reads += 1
        if self.reads > 1:
            raise DecodeError("cut short")
        return b"one\ntwo"


def test_a_broken_stream_gives_what_came_before() -> None:
    """The error is kept, and everything before it is yielded."""
    chunks = Chunks(_Breaking(), LINES, limit=None)
    assert list(chunks) == [b"one\n", b"two"]
    assert chunks.error is not None


def test_read_ahead_yields_the_same_and_ends_its_thread() -> None:
    """Reading ahead changes nothing, also when the reader stops early."""
    data = b"line\n" * 1000
    assert b"".join(ReadAhead(Chunks(io.BytesIO(data), LINES, limit=None))) == data
    before = threading.active_count()
    stream = iter(ReadAhead(Chunks(io.BytesIO(data * 2000), LINES, limit=None)))
    next(stream)
    assert isinstance(stream, Iterator)
    stream.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


def test_read_ahead_raises_what_the_source_raised() -> None:
    """An unexpected error of the reading thread is raised where the chunks are read."""

    class Failing:
        def read(self, size: int = -1, /) -> bytes:
            raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        list(ReadAhead(Chunks(Failing(), LINES, limit=None)))


def test_peeking_takes_nothing() -> None:
    """What was looked at is read first."""
    peeked = Peeked(io.BytesIO(b"abcdef"))
    assert peeked.peek(3) == b"abc"
    assert peeked.read(2) == b"ab"
    assert peeked.peek(9) == b"cdef"
    assert peeked.read() == b"cdef"
    assert peeked.read(1) == b""


@pytest.mark.parametrize("size", [10, blocks.HEAD, 5 * blocks.HEAD, blocks.LONGEST_HEAD + 1])
def test_a_head_holds_the_first_line(size: int) -> None:
    """A long first line is looked at whole, up to a bound, and nothing of it is taken."""
    data = b"x" * size + b"\n" + b"y" * 2 * blocks.LONGEST_HEAD
    stream = Peeked(io.BytesIO(data))
    head = stream.head()
    assert data.startswith(head)
    assert (b"\n" in head) is (size < blocks.LONGEST_HEAD)
    assert blocks.HEAD <= len(head) <= blocks.LONGEST_HEAD
    assert b"".join(iter(lambda: stream.read(1 << 20), b"")) == data


def test_reading_ahead_hands_over_none_like_anything_else():
    """None is an item: only the end of the source is the end."""
    assert list(ReadAhead([1, None, 2, None])) == [1, None, 2, None]
