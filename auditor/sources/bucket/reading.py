"""
An object of a bucket as a file: parts are fetched as they are asked for, and the next one before it is.

Text is read from one end to the other, in parts that grow; Parquet is read at as many places as it has columns, each going on
from where it was. Both are a set of places that are read on from, so both are fetched ahead, within one bound on memory.
"""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

#: Bytes fetched where nothing was read before: a Parquet footer, a format's first bytes.
FIRST = 256 << 10
#: Bytes held at most, over all places.
MOST = 32 << 20
_LARGEST = 8 << 20
_PLACES = 256

#: (first byte, byte after the last) -> the bytes between; raises `SourceUnavailable`
Fetch = Callable[[int, int], memoryview]


class _Part(NamedTuple):
    """Bytes on their way or here."""

    start: int
    end: int
    data: Future[memoryview]
    #: Whether it goes on from a part that was read to its end: then what follows it is worth fetching.
    goes_on: bool


class RangedFile(io.RawIOBase):
    """A file that is read in ranges. For one reader at a time; two threads of its own fetch ahead."""

    def __init__(self, size: int, fetch: Fetch) -> None:
        """Take the size of the object and what fetches a range of it."""
        self._size, self._fetch = size, fetch
        self._position = 0
        self._parts: OrderedDict[int, _Part] = OrderedDict()
        # Where parts that were read to their end left off, with their length.
        self._ends: OrderedDict[int, int] = OrderedDict()
        self._ahead = ThreadPoolExecutor(2, thread_name_prefix="bucket")

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that any place can be read from."""
        return True

    def tell(self) -> int:
        """Return the place that is read next."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move to a place; nothing is fetched yet."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def close(self) -> None:
        """Let go of what was fetched; what is on its way is not waited for."""
        self._ahead.shutdown(wait=False, cancel_futures=True)
        self._parts.clear()
        super().close()

    def readinto(self, buffer: Any) -> int:
        """Read what the part at this place has, up to the length of the buffer."""
        target = memoryview(buffer).cast("B")
        if not target or self._position >= self._size:
            return 0
        part = self._part_at(self._position) or self._start(self._position, len(target))
        offset = self._position - part.start
        if part.goes_on and part.end < self._size and part.end not in self._parts:
            self._add(part.end, self._longer(part.end - part.start), goes_on=True)
        taken = part.data.result()[offset : offset + len(target)]
        target[: len(taken)] = taken
        self._position += len(taken)
        self._used(part)
        return len(taken)

    def _part_at(self, position: int) -> _Part | None:
        """Return the part that holds a position, if there is one."""
        return next((part for part in self._parts.values() if part.start <= position < part.end), None)

    def _start(self, position: int, wanted: int) -> _Part:
        """Fetch the part at a position that was not foreseen."""
        before = self._ends.pop(position, 0)
        length = max(wanted, self._longer(before) if before else FIRST)
        return self._add(position, length, goes_on=bool(before))

    def _longer(self, length: int) -> int:
        """Return the length of the part after one of this length: twice that, within the share that each place has."""
        share = MOST // (2 * (len(self._parts) + 1))
        return max(FIRST, min(2 * length, share, _LARGEST))

    def _add(self, start: int, length: int, *, goes_on: bool) -> _Part:
        """Have a part fetched, and drop the parts that were not used for the longest, if there are too many."""
        end = min(start + length, self._size)
        part = _Part(start, end, self._ahead.submit(self._fetch, start, end), goes_on)
        self._parts[start] = part
        for old in self._oldest():
            del self._parts[old.start]
        return part

    def _oldest(self) -> Iterator[_Part]:
        """Yield the parts beyond the bound on memory, but never the newest."""
        held = sum(part.end - part.start for part in self._parts.values())
        for part in list(self._parts.values())[:-1]:
            if held <= MOST:
                return
            held -= part.end - part.start
            part.data.cancel()
            yield part

    def _used(self, part: _Part) -> None:
        """Drop a part that was read to its end, else remember that it was used just now."""
        if self._position < part.end:
            if part.start in self._parts:
                self._parts.move_to_end(part.start)
            return
        self._parts.pop(part.start, None)
        self._ends[part.end] = part.end - part.start
        if len(self._ends) > _PLACES:
            self._ends.popitem(last=False)


class StreamedFile(io.RawIOBase):
    """A file that comes in one go, from a server that knows no ranges."""

    def __init__(self, pieces: Iterator[memoryview]) -> None:
        """Take the pieces as they come; the iterator raises `SourceUnavailable`."""
        self._pieces = pieces
        self._piece = memoryview(b"")

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what has come, up to the length of the buffer."""
        target = memoryview(buffer).cast("B")
        while not self._piece:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._piece = piece
        taken = self._piece[: len(target)]
        target[: len(taken)] = taken
        self._piece = self._piece[len(taken) :]
        return len(taken)
