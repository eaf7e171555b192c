"""The fields of csv and tsv records, found without splitting them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from auditor.decoders import quoted
from auditor.decoders.excerpt import Excerpt
from auditor.decoders.framing import bytes_of, starts_of
from auditor.model import Cell, Row
from auditor.protocols import Framed

_QUOTE, _FEED, _RETURN = b'"'[0], b"\n"[0], b"\r"[0]


class DelimitedValues:
    """Finds fields in a chunk of records with these columns, for one search; see `auditor.protocols.Values`."""

    def __init__(self, framed: Framed, delimiter: int, columns: Sequence[str], nullas: str | None) -> None:
        """Take the chunk."""
        self._framed, self._delimiter, self._columns, self._nullas = framed, delimiter, columns, nullas
        self._fields: dict[int, tuple[int, int]] = {}

    def starts(self, positions: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return where the field around each position begins, -1 in records that are few, or not as CockroachDB writes them."""
        excerpt = Excerpt.of(self._framed, positions, rows)
        delimiters = quoted.delimiters(excerpt.data, self._delimiter, excerpt.bounds[1:]) if excerpt else None
        if excerpt is None or delimiters is None:
            return np.full(len(positions), -1)
        first = np.searchsorted(delimiters, excerpt.bounds)
        behind = np.searchsorted(delimiters, excerpt.positions)
        columns = behind - first[excerpt.records]
        walls = np.concatenate((delimiters, excerpt.bounds[-1:]))  # so that a number beyond the last delimiter is one, too
        begins = np.where(columns > 0, walls[behind - 1] + 1, excerpt.bounds[excerpt.records])
        ends = np.minimum(walls[behind], excerpt.bounds[excerpt.records + 1])
        known = np.diff(first)[excerpt.records] == len(self._columns) - 1
        starts: NDArray[np.int64] = np.where(known, begins + excerpt.shifts, -1)
        ends += excerpt.shifts
        self._fields = dict(zip(starts.tolist(), zip(ends.tolist(), columns.tolist(), strict=True), strict=True))
        return starts

    def row(self, index: int, starts: Sequence[int]) -> Row | None:
        """Return the cells of the fields that begin at ``starts``, None if only splitting the record can tell."""
        del index
        cells: list[Cell] = []
        for start in starts:
            end, column = self._fields[start]
            text = _plain(self._framed.data[start:end])
            if text is None or text == self._nullas:
                return None
            cells.append(Cell("after", self._columns[column], "", text))
        return Row(cells)


class FieldColumns(Mapping[str, Sequence[str | None]]):
    """The columns of records that are written as CockroachDB writes them, cut out by their delimiters when they are asked for."""

    def __init__(self, framed: Framed, delimiters: NDArray[np.int64], columns: Sequence[str], nullas: str | None) -> None:
        """Take a chunk of records that all have these columns, and all delimiters in it."""
        self._columns, self._nullas = columns, nullas
        self._framed, self._marks = framed, delimiters.reshape(len(framed.ends), len(columns) - 1)
        self._data = framed.data
        #: Characters are bytes where all are ASCII, and cutting text is cheaper than decoding each piece.
        self._text = framed.data.decode("ascii") if framed.data.isascii() else None

    def __getitem__(self, name: str) -> Sequence[str | None]:
        """Return the values of a column; nothing and ``nullas`` are NULL."""
        if name not in self._columns:
            raise KeyError(name)
        column = len(self._columns) - 1 - self._columns[::-1].index(name)  # of several of one name, the last, as in a `dict`
        starts = self._marks[:, column - 1] + 1 if column else starts_of(self._framed.ends)
        ends = self._marks[:, column] if column < len(self._columns) - 1 else self._line_ends()
        pieces = zip(starts.tolist(), ends.tolist(), strict=True)
        text, data = self._text, self._data
        if text is not None:
            values = [text[start:end] for start, end in pieces]
        else:
            values = [data[start:end].decode("utf-8", "replace") for start, end in pieces]
        quotes = bytes_of(data)[np.minimum(starts, len(data) - 1)] == _QUOTE
        if quotes.any():
            for index in np.flatnonzero(quotes & (starts < ends)).tolist():
                values[index] = values[index][1:-1].replace('""', '"')
        nulls = {"", self._nullas}
        return [None if value in nulls else value for value in values] if nulls.intersection(values) else values

    def _line_ends(self) -> NDArray[np.int64]:
        """Return where the last fields end: before the line end, as far as there is one."""
        array, ends = bytes_of(self._data), self._framed.ends
        ends = ends - (array[ends - 1] == _FEED)
        behind: NDArray[np.int64] = ends - (array[np.maximum(ends - 1, 0)] == _RETURN)
        return behind

    def __iter__(self) -> Iterator[str]:
        """Yield the names."""
        return iter(dict.fromkeys(self._columns))

    def __len__(self) -> int:
        """Return how many names there are."""
        return len(set(self._columns))

    def __contains__(self, name: object) -> bool:
        """Tell whether there is such a column."""
        return name in self._columns


def _plain(field: bytes) -> str | None:
    """Return what a field says, its line end left out; None if it is not written as CockroachDB writes fields."""
    field = field.removesuffix(b"\n").removesuffix(b"\r")
    if field[:1] == b'"':
        if len(field) < 2 or not field.endswith(b'"'):
            return None
        return field[1:-1].decode("utf-8", "replace").replace('""', '"')
    return None if b'"' in field else field.decode("utf-8", "replace")
