"""The fields of csv and tsv records, found without splitting them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from auditor.decoders import quoted
from auditor.decoders.excerpt import Excerpt
from auditor.model import Cell, Row
from auditor.protocols import Framed


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


def _plain(field: bytes) -> str | None:
    """Return what a field says, its line end left out; None if it is not written as CockroachDB writes fields."""
    field = field.removesuffix(b"\n").removesuffix(b"\r")
    if field[:1] == b'"':
        if len(field) < 2 or not field.endswith(b'"'):
            return None
        return field[1:-1].decode("utf-8", "replace").replace('""', '"')
    return None if b'"' in field else field.decode("utf-8", "replace")
