"""The batch of every text format: one chunk, its record ends, and a layout that decodes single records on demand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from auditor.decoders.frames import AT_ONCE, TABLE_NAMES, FrameGroups
from auditor.decoders.hashes import record_hashes
from auditor.errors import DecodeError
from auditor.model import Cell, Gap, Row
from auditor.protocols import Frame, Framed, Haystack, Layout, Problems, Wanted

#: Formats whose records never name their table, and how those are called whose records may.
_ONE_TABLE = frozenset(("csv", "tsv", "text", "binary"))
_JSON = ("ndjson (wrapped", "ndjson (bare", "ndjson (row", "ndjson (enriched", "ndjson (long", "json")


class TextBatch:
    """Rows of a text input; see `auditor.protocols.RowBatch`."""

    def __init__(self, framed: Framed, layout: Layout, *, uri: str, table: str, first_row: int, problems: Problems) -> None:
        """Take a framed chunk whose first record has the number ``first_row`` within the unit."""
        self._framed, self._layout, self._uri, self._table, self._problems = framed, layout, uri, table, problems
        self.first_row = first_row

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self._framed.ends)

    def row_number(self, index: int) -> int:
        """Return a record's 1-based number within the unit."""
        numbers = self._framed.numbers
        return self.first_row + (index if numbers is None else int(numbers[index]) - 1)

    def haystacks(self) -> Iterable[Haystack]:
        """Return the chunk as it lies."""
        return (Haystack(self._framed.data, self._rows, self._layout.values(self._framed)),)

    def _rows(self, positions: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Pair byte positions with record indexes, by binary search."""
        return np.arange(len(positions)), np.searchsorted(self._framed.ends, positions, side="right")

    def decode(self, index: int) -> Row:
        """Decode one record; a bad one becomes one text cell and a gap."""
        start = int(self._framed.ends[index - 1]) if index else 0
        record = self._framed.data[start : int(self._framed.ends[index])]
        try:
            return self._layout.decode(record)
        except DecodeError as error:
            text = record.decode("utf-8", "replace").rstrip("\r\n")
            gap = Gap(self._uri, f"{error.what}; scanned as text", row=self.row_number(index), bytes=len(record))
            self._problems.gap(gap)
            return Row([Cell("after", "", "", text)])

    def table_of(self, row: Row) -> str:
        """Return the row's own table, else the input's."""
        return row.table or self._table

    @property
    def table(self) -> str:
        """Return the input's table."""
        return self._table

    def names_tables(self) -> bool:
        """Tell whether the format always names tables, or something in the chunk may be such a name."""
        form = self._layout.format
        if form in _ONE_TABLE:
            return False
        return not form.startswith(_JSON) or any(name in self._framed.data for name in TABLE_NAMES)

    def frames(self, rows: Sequence[int] | None = None, wanted: Wanted = frozenset) -> Iterable[Sequence[Frame]]:
        """Decode records column by column, some at a time."""
        if rows is not None:
            yield self._frames(self._framed, rows, FrameGroups(self._table, 0, wanted), 0)
            return
        # Where columns are fixed they are cut out of the chunk one by one: there is nothing between to be kept small.
        step = len(self) if self._layout.columns else AT_ONCE
        for first in range(0, len(self), step or 1):
            part = _part(self._framed, first, first + step)
            yield self._frames(part, None, FrameGroups(self._table, first, wanted), first)

    def _frames(self, framed: Framed, rows: Sequence[int] | None, groups: FrameGroups, first: int) -> Sequence[Frame]:
        """Decode records, the first of which is the batch's ``first``."""
        for index, reason in self._layout.gather(framed, rows, groups):
            self._problems.gap(Gap(self._uri, f"{reason}; scanned as text", row=self.row_number(first + index)))
        return groups.frames()

    def hashes(self) -> NDArray[np.uint64]:
        """Hash each record."""
        return record_hashes(self._framed.data, self._framed.ends)


def _part(framed: Framed, first: int, last: int) -> Framed:
    """Return some of the records."""
    if first == 0 and last >= len(framed.ends):
        return framed
    begin = int(framed.ends[first - 1]) if first else 0
    ends = framed.ends[first:last]
    bad = [(index - first, reason) for index, reason in framed.bad if first <= index < last]
    return Framed(framed.data[begin : int(ends[-1])], ends - begin, len(ends), None, bad)
