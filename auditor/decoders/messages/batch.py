"""The batch of a delivery of messages: payloads, keys and headers, each scanned as one buffer, decoded only for hits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from auditor.decoders.frames import AT_ONCE, TABLE_NAMES, FrameGroups
from auditor.decoders.hashes import mixed, record_hashes
from auditor.delivery import Messages
from auditor.errors import DecodeError
from auditor.model import Cell, Gap, Members, Row
from auditor.payloads import Joined
from auditor.protocols import Codec, Frame, Framed, Haystack, Problems, Wanted


class MessageBatch:
    """Rows of a delivery; see `auditor.protocols.RowBatch`. A row's number is its message's."""

    def __init__(self, messages: Messages, codec: Codec, *, uri: str, table: str, problems: Problems) -> None:
        """Take a delivery whose messages, unless they say it themselves, are of ``table``."""
        self._messages, self._codec, self._uri, self._table, self._problems = messages, codec, uri, table, problems
        self.first_row = messages.numbers[0] if len(messages.numbers) else 0
        self._values, self._keys = _joined(messages.values), _joined(messages.keys)

    @property
    def size(self) -> int:
        """Return the bytes of all payloads and keys."""
        return self._values.size + self._keys.size

    def __len__(self) -> int:
        """Return the number of messages."""
        return len(self._messages.values)

    def row_number(self, index: int) -> int:
        """Return what a message is called by: its offset, or its count."""
        return self._messages.numbers[index]

    def haystacks(self) -> Iterable[Haystack]:
        """Return the payloads one after another, the keys, and the headers if there are any."""
        framed = Framed(self._values.data, self._values.ends, len(self))
        yield Haystack(framed.data, _rows_of(framed.ends), self._codec.values(framed))
        if self._keys.size:
            yield Haystack(self._keys.data, _rows_of(self._keys.ends))
        if self._messages.headers is not None:
            headers = _joined([b"\n".join(_bytes_of(one)) for one in self._messages.headers])
            yield Haystack(headers.data, _rows_of(headers.ends))

    def decode(self, index: int) -> Row:
        """Decode a message with its headers; a payload that is not of its format becomes text cells and a gap."""
        messages = self._messages
        key, value = messages.keys[index], messages.values[index]
        try:
            row = self._codec.row(key, value)
        except DecodeError as error:
            size = len(key or b"") + len(value or b"")
            self._problems.gap(Gap(self._uri, f"{error.what}; scanned as text", row=self.row_number(index), bytes=size))
            parts = (("key", key), ("after", value))
            row = Row([Cell(part, "", "", payload.decode("utf-8", "replace")) for part, payload in parts if payload])
        if messages.headers is None or not messages.headers[index]:
            return row
        return row._replace(cells=[*row.cells, *_header_cells(messages.headers[index])])

    def table_of(self, row: Row) -> str:
        """Return the row's own table, else the topic's."""
        return row.table or self._table

    @property
    def table(self) -> str:
        """Return the topic's table."""
        return self._table

    def names_tables(self) -> bool:
        """Tell whether the format's messages name their tables, or something in them may be such a name."""
        return self._codec.format != "json" or any(name in self._values.data for name in TABLE_NAMES)

    def frames(self, rows: Sequence[int] | None = None, wanted: Wanted = frozenset) -> Iterable[Sequence[Frame]]:
        """Decode messages column by column, with their headers."""
        chosen = range(len(self)) if rows is None else rows
        for first in range(0, len(chosen), AT_ONCE):
            yield self._frames(chosen[first : first + AT_ONCE], FrameGroups(self._table, 0, wanted))

    def _frames(self, rows: Sequence[int], groups: FrameGroups) -> Sequence[Frame]:
        """Decode some messages."""
        messages = self._messages
        for index in rows:
            try:
                groups.add(index, self._codec.members(messages.keys[index], messages.values[index]))
            except DecodeError as error:
                self._problems.gap(Gap(self._uri, f"{error.what}; scanned as text", row=self.row_number(index)))
            if messages.headers is not None and (headers := messages.headers[index]):
                columns = {name: value.decode("utf-8", "replace") for name, value in headers}
                groups.add(index, [Members(None, "header", columns)])
        return groups.frames()

    def hashes(self) -> NDArray[np.uint64]:
        """Hash each payload and its key."""
        values = record_hashes(self._values.data, self._values.ends)
        return mixed(values ^ record_hashes(self._keys.data, self._keys.ends))


def _header_cells(headers: Sequence[tuple[str, bytes]]) -> list[Cell]:
    """Return the cells of a message's headers, their names included."""
    cells: list[Cell] = []
    for name, value in headers:
        cells += (Cell("header", name, "$.{name}", name), Cell("header", name, "", value.decode("utf-8", "replace")))
    return cells


def _bytes_of(headers: Sequence[tuple[str, bytes]]) -> Iterator[bytes]:
    """Yield the name and the value of each header."""
    for name, value in headers:
        yield name.encode("utf-8", "replace")
        yield value


def _joined(payloads: Sequence[bytes | None]) -> Joined:
    """Put payloads one after another, unless they lie so."""
    return payloads if isinstance(payloads, Joined) else Joined(payloads)


def _rows_of(ends: NDArray[np.int64]) -> Callable[[NDArray[np.int64]], tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return what pairs byte positions with the messages that they lie in."""

    def rows(positions: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        return np.arange(len(positions)), np.searchsorted(ends, positions, side="right")

    return rows
