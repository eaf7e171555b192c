"""
Rows of a Parquet file: scanned column by column as they lie, decoded one by one where something was found.

CockroachDB's metadata columns are told by their names (changefeed docs, "Parquet"); ``__crdb__before`` holds the previous row as
JSON text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import orjson

from auditor.decoders.frames import FrameGroups
from auditor.decoders.hashes import mixed
from auditor.decoders.json_values import JsonValues
from auditor.decoders.parquet_text import TextLeaf
from auditor.leaves import leaves
from auditor.model import Cell, Gap, Members, Row
from auditor.protocols import Frame, Framed, Haystack, Problems, Values, Wanted

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BEFORE = "__crdb__before"
# The second name is that of v22.2.
_EVENT_TYPE = ("__crdb__event_type", "__crdb_event_type__")
_UPDATED = ("__crdb__updated", "__crdb__mvcc_timestamp")
_DELETED = frozenset(("d", "delete", "deleted"))
_METADATA = frozenset((*_EVENT_TYPE, *_UPDATED))
#: Reads a column's values, of some rows of the batch or (None) of all.
_Read = Callable[[Sequence[int] | None], Sequence[object]]


class ParquetBatch:
    """Rows of a Parquet file; see `auditor.protocols.RowBatch`."""

    def __init__(
        self,
        leaves: Sequence[tuple[str, TextLeaf]],
        rows: int,
        columns: Mapping[str, _Read],
        *,
        uri: str,
        table: str,
        first_row: int,
        problems: Problems,
    ) -> None:
        """Take the text leaves of the batch with their columns' names, and what reads a column's values."""
        self._columns = columns
        self._leaves = [(_part(column), column, leaf) for column, leaf in leaves]
        self._metadata = [(column, leaf) for part, column, leaf in self._leaves if part == "header"]
        self._rows, self._uri, self._table, self._problems = rows, uri, table, problems
        self.first_row = first_row

    def __len__(self) -> int:
        """Return the number of rows."""
        return self._rows

    def row_number(self, index: int) -> int:
        """Return a row's 1-based number within the unit."""
        return self.first_row + index

    def haystacks(self) -> Iterable[Haystack]:
        """Return the values of each leaf, back to back."""
        for part, column, leaf in self._leaves:
            data = leaf.joined()
            values: Values | None = LeafValues(part, column, leaf, data)
            if part == "before":
                plain = leaf.codes is None and not leaf.levels
                values = JsonValues(Framed(data, leaf.ends(), len(self)), part) if plain else None
            yield Haystack(data, leaf.rows, values, adjacent=True, cuts=leaf.ends)

    def decode(self, index: int) -> Row:
        """Return the text of one row. A previous row that is no JSON is one text cell, and a gap."""
        cells: list[Cell] = []
        for part, column, leaf in self._leaves:
            for value in leaf.texts(index):
                if part == "before":
                    cells.extend(self._before(value, index))
                else:
                    cells.append(Cell(part, column, leaf.path, value))
        metadata = {column: value for column, leaf in self._metadata for value in leaf.texts(index)}
        updated, written = (
            next((metadata[name] for name in names if name in metadata), None) for names in (_UPDATED, reversed(_UPDATED))
        )
        op = next((metadata[name] for name in _EVENT_TYPE if name in metadata), None)
        return Row(cells, updated=updated, op=op, written=written)

    def table_of(self, row: Row) -> str:
        """Return the file's table: its rows do not name one."""
        return row.table or self._table

    @property
    def table(self) -> str:
        """Return the file's table."""
        return self._table

    def names_tables(self) -> bool:
        """Tell that no row does."""
        return False

    def frames(self, rows: Sequence[int] | None = None, wanted: Wanted = frozenset) -> Iterable[Sequence[Frame]]:
        """Return the columns of rows. Those of a deletion are its key: all else is NULL there."""
        del wanted  # columns are read when they are asked for
        chosen = range(len(self)) if rows is None else rows
        names = [name for name in self._columns if name not in _METADATA and name != _BEFORE]
        columns = _Columns({name: self._columns[name] for name in names}, rows)
        groups = FrameGroups(self._table)
        event_type = next((name for name in _EVENT_TYPE if name in self._columns), "")
        ops = self._columns[event_type](rows) if event_type else ()
        deleted = [place for place, op in enumerate(ops) if op in _DELETED]
        if not deleted:
            groups.add_columns(chosen, "after", columns)
        else:
            gone = set(deleted)
            kept = [place for place in range(len(chosen)) if place not in gone]
            left = _Columns({name: self._columns[name] for name in names}, [chosen[place] for place in kept])
            groups.add_columns([chosen[place] for place in kept], "after", left)
            for place in deleted:
                key = {name: columns[name][place] for name in names}
                groups.add(chosen[place], [Members(None, "key", {name: one for name, one in key.items() if one is not None})])
        if _BEFORE in self._columns:
            for row, text in zip(chosen, self._columns[_BEFORE](rows), strict=True):
                before = _parsed(text)
                if type(before) is dict:
                    groups.add(row, [Members(None, "before", before)])
        return (groups.frames(),)

    def hashes(self) -> NDArray[np.uint64]:
        """Hash each row by the lengths, first and last bytes of its texts."""
        hashes = np.zeros(len(self), dtype=np.uint64)
        for _, column, leaf in self._leaves:
            if column not in _METADATA and not leaf.levels:
                hashes = mixed(hashes + leaf.marks())
        return mixed(hashes)

    def _before(self, text: str, index: int) -> Iterator[Cell]:
        """Yield the text leaves of the previous row."""
        try:
            columns = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            reason = f"invalid JSON at character {error.pos} of the previous row; scanned as text"
            self._problems.gap(Gap(self._uri, reason, self.row_number(index), _BEFORE))
            columns = text
        if type(columns) is not dict:
            yield from leaves("before", "", columns)
            return
        for name, value in columns.items():
            yield from leaves("before", name, value)


class _Columns(Mapping[str, Sequence[object]]):
    """Columns of some rows of a batch, read and turned into values when they are asked for."""

    def __init__(self, columns: Mapping[str, _Read], rows: Sequence[int] | None) -> None:
        self._columns, self._rows = columns, rows
        self._read: dict[str, Sequence[object]] = {}

    def __getitem__(self, name: str) -> Sequence[object]:
        if name not in self._read:
            self._read[name] = self._columns[name](self._rows)
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def __contains__(self, name: object) -> bool:
        return name in self._columns


def _parsed(text: object) -> object:
    """Parse the previous row; None if it is none."""
    try:
        return orjson.loads(text) if type(text) is str else None
    except orjson.JSONDecodeError:
        return None


class LeafValues:
    """The values of one leaf, for one search; see `auditor.protocols.Values`."""

    def __init__(self, part: str, column: str, leaf: TextLeaf, data: bytes) -> None:
        """Take a leaf, where it belongs, and its values as they were searched."""
        self._part, self._column, self._leaf, self._data = part, column, leaf, data
        self._ends: dict[int, int] = {}

    def starts(self, positions: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return where the value around each position begins."""
        del rows
        begins, ends = self._leaf.spans(positions)
        self._ends = dict(zip(begins.tolist(), ends.tolist(), strict=True))
        return begins

    def row(self, index: int, starts: Sequence[int]) -> Row:
        """Return the values that begin at ``starts``, without a table."""
        del index
        texts = [self._data[start : self._ends[start]].decode("utf-8", "replace") for start in starts]
        return Row([Cell(self._part, self._column, self._leaf.path, text) for text in texts])


def _part(column: str) -> str:
    """Return the part of the event that a column belongs to."""
    return "before" if column == _BEFORE else "header" if column in _METADATA else "after"
