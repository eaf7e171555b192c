"""From a stream of bytes to chunks that end at record ends, read ahead on a second thread where reading is work."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Generic, Protocol, TypeVar

from auditor.errors import DecodeError
from auditor.model import Gap
from auditor.protocols import Layout

#: Bytes of one read. Half as many take 5 to 9 % more time, for the calls of each block; with twice as many nothing is gained.
BLOCK = 1 << 20
#: A record that is longer is cut, which is a gap.
MOST_RECORD = 32 << 20
#: What is looked at to recognise a format: so much, or up to so much of a first line that is longer.
HEAD, LONGEST_HEAD = 64 << 10, 16 << 20
_AHEAD = 4


ItemT = TypeVar("ItemT")


class Readable(Protocol):
    """The part of a binary file that chunks need."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes, b'' at the end."""


class Peeked:
    """A stream whose beginning can be looked at without taking it."""

    def __init__(self, file: Readable) -> None:
        """Take a stream at its first byte."""
        self._file = file
        self._head = b""

    def peek(self, size: int) -> bytes:
        """Return the next ``size`` bytes (fewer at the end) and leave them to be read."""
        while len(self._head) < size:
            more = self._file.read(size - len(self._head))
            if not more:
                break
            self._head += more
        return self._head[:size]

    def head(self) -> bytes:
        """Return the bytes that a format is recognised by, 64 KiB or as far as the first line goes; they are left to be read."""
        size = HEAD
        while b"\n" not in (head := self.peek(size)) and len(head) == size < LONGEST_HEAD:
            size *= 4
        return head

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes: what was looked at first."""
        if not self._head:
            return self._file.read(size)
        if size < 0:
            taken, self._head = self._head, b""
            return taken + self._file.read()
        taken, self._head = self._head[:size], self._head[size:]
        return taken


class Chunks:
    """
    The chunks of a text input. After iteration, ``bytes`` is what was read, ``gaps`` and ``error`` what went wrong.

    An error of the stream (a truncated gzip) ends the iteration after everything before it was yielded.
    """

    def __init__(self, file: Readable, layout: Layout, *, limit: int | None) -> None:
        """Read at most ``limit`` bytes from the file's present place."""
        self._file, self._layout, self._left = file, layout, limit
        self.bytes = 0
        self.gaps: list[Gap] = []
        self.error: DecodeError | None = None

    def __iter__(self) -> Iterator[bytes]:
        """Yield chunks that end at a record end, the last one at the end of the input."""
        carry = b""
        while block := self._block():
            data = carry + block if carry else block
            cut = self._layout.cut(data, final=False)
            if not cut and len(data) > MOST_RECORD:
                reason = f"a record of over {MOST_RECORD >> 20} MiB at byte {self.bytes - len(data)}; it was scanned in pieces"
                self.gaps.append(Gap("", reason, bytes=len(data)))
                cut = len(data)
            carry = data[cut:]
            if cut:
                yield data[:cut] if cut < len(data) else data
        if carry:
            yield carry

    def _block(self) -> bytes:
        """Read the next block; b'' at the end, at the limit, or where the stream broke."""
        if self.error is not None:
            return b""
        size = BLOCK if self._left is None else min(BLOCK, self._left)
        if not size:
            return b""
        try:
            block = self._file.read(size)
        except DecodeError as error:
            self.error = error
            return b""
        self.bytes += len(block)
        if self._left is not None:
            self._left -= len(block)
        return block


class _End:
    """Stands after the last item."""


class ReadAhead(Generic[ItemT]):
    """
    Run an iterator of chunks on a thread of its own, a few chunks ahead.

    Inflating (isal) and scanning (Hyperscan) both let go of the GIL, so on two cores the slower one sets the pace. An exception
    of the source is raised where the chunks are read.
    """

    def __init__(self, source: Iterable[ItemT]) -> None:
        """Take the chunks or batches; the thread starts with the iteration and ends with it."""
        self._source = source
        self._changed = threading.Condition()
        self._items: deque[ItemT | BaseException | _End] = deque()
        self._stopped = False

    def ready(self, within: float) -> bool:
        """Tell whether the next item, or the end, is there already or comes within so many seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._items) > 0, within)

    def __iter__(self) -> Iterator[ItemT]:
        """Yield the items in their order."""
        thread = threading.Thread(target=self._fill, name="read-ahead", daemon=True)
        thread.start()
        try:
            while not isinstance(item := self._next(), _End):
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            with self._changed:
                self._stopped = True
                self._changed.notify_all()
            thread.join()

    def _next(self) -> ItemT | BaseException | _End:
        """Wait for the next item and take it."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._items) > 0)
            self._changed.notify_all()
            return self._items.popleft()

    def _fill(self) -> None:
        """Put every chunk, then the end; an exception instead of what would follow it."""
        last: BaseException | _End = _End()
        try:
            for chunk in self._source:
                if not self._put(chunk):
                    return
        except BaseException as error:  # noqa: BLE001 - handed to the reading thread, whatever it is
            last = error
        self._put(last)

    def _put(self, item: ItemT | BaseException | _End) -> bool:
        """Put an item once there is room; return whether the reader still wants any."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or len(self._items) < _AHEAD)
            if not self._stopped:
                self._items.append(item)
                self._changed.notify_all()
            return not self._stopped
