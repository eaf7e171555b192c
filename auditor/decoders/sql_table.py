r"""
The tables that ``cockroach sql`` prints on a terminal (``--format=table``), with any ``\set border``.

Facts: CockroachDB docs "cockroach sql"; ``pkg/cli/clisqlexec/format_table.go`` and its tests. A value of several lines takes
several lines of the table, and only border styles 1 and 3 mark where a row ends: see `SqlTable._row_starts` for how it is told
without.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import orjson
from numpy.typing import NDArray

from auditor.decoders.framing import bytes_of, line_ends, starts_of
from auditor.decoders.options import ReadOptions
from auditor.decoders.sequential import Sequential
from auditor.decoders.sql_grid import RULE, Grid, find_header
from auditor.errors import DecodeError
from auditor.model import Cell, Row
from auditor.protocols import Framed, Layout

_FOOTER = re.compile(rb"\(\d+ rows?\)\s*")
# A first cell like this begins a row even where all other cells are empty.
_KEY = re.compile(rb"\s*(?:-?\d+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\s*")
_SPACE, _BAR, _PARENTHESIS = b" |("
# Lines of other output (``SET``, a prompt) that may come before the first table.
_LINES_BEFORE = 10
# Marks a row rewritten as JSON (a record separator, as in RFC 7464) because it belongs to a further table.
_REWRITTEN = b"\x1e"
_ONE_COLUMN = "a table of one column: a value of several lines cannot be told from several rows"


class SqlTable(Sequential):
    """
    The layout of one or more printed tables.

    ``cut`` and ``frame`` each take the input in its order, since each remembers the newest table that it has met.
    """

    format = "table"

    def __init__(self, grid: Grid, preamble: int, *, ruled: bool) -> None:
        """Take the first table's grid; ``ruled`` says that a rule follows every row."""
        self.columns = grid.names
        self.notes = () if len(grid.names) > 1 or ruled else (_ONE_COLUMN,)
        self.preamble = preamble
        self._first = self._cut_from = self._framed_from = grid
        self._ruled = ruled

    def cut(self, block: bytes, *, final: bool) -> int:
        """
        Cut before the last row that is not the first of its table.

        More lines of the last row may follow, and the first goes with its header.
        """
        if final:
            return len(block)
        end = 0
        for grid, rows, _ in self._tables(block[: block.rfind(b"\n") + 1], self._cut_from):
            allowed = rows[1:] if grid is not self._cut_from else rows
            if len(allowed) and allowed[-1]:
                end, self._cut_from = int(allowed[-1]), grid
        return end

    def frame(self, chunk: bytes) -> Framed:
        """Find the rows; those of a further table are rewritten so that each names its own columns."""
        tables = list(self._tables(chunk, self._framed_from)) if chunk else []
        if len(tables) == 1 and tables[0][0] is self._first:
            ends = np.append(tables[0][1][1:], len(chunk))
            return Framed(chunk, ends, len(ends))
        pieces: list[bytes] = []
        bad: list[tuple[int, str]] = []
        position = 0
        for grid, rows, end in tables:
            self._framed_from = grid
            starts = rows.tolist() or [position]
            position = end
            for start, stop in zip(starts, [*starts[1:], end], strict=True):
                try:
                    pieces.append(_REWRITTEN + orjson.dumps(_pairs(chunk[start:stop], grid)) + b"\n")
                except DecodeError as error:
                    bad.append((len(pieces), error.what))
                    pieces.append(chunk[start:stop])
        ends = np.cumsum([len(piece) for piece in pieces], dtype=np.int64)
        return Framed(b"".join(pieces), ends, len(ends), None, bad)

    def decode(self, record: bytes) -> Row:
        """Cut one row at the borders of its header. Other lines behind it become a cell without a name."""
        pairs = orjson.loads(record[1:]) if record.startswith(_REWRITTEN) else _pairs(record, self._first)
        return Row([Cell("after", name, "", text) for name, text in pairs if text])

    def _tables(self, data: bytes, grid: Grid) -> Iterator[tuple[Grid, NDArray[np.int64], int]]:
        """
        Yield each table in the data: its grid, where its rows start, and its end.

        The first is the rest of the one whose grid is given. Text between two tables belongs to the last row of the first.
        """
        array, ends = bytes_of(data), line_ends(data)
        starts = starts_of(ends)
        footers = [
            line + 1
            for line in np.flatnonzero(array[starts] == _PARENTHESIS).tolist()
            if _FOOTER.fullmatch(data[starts[line] : ends[line]])
        ]
        first, last = 0, (footers or [len(ends)])[0]
        for footer, following in pairwise([*footers, len(ends)]):
            header = find_header([data[starts[line] : ends[line]] for line in range(footer, following)])
            if header is not None:
                yield (
                    grid,
                    self._row_starts(array, starts[first:last], ends[first:last], grid),
                    int(starts[footer + header.first]),
                )
                grid, first, last = header.grid, footer + header.after, following
        yield grid, self._row_starts(array, starts[first:last], ends[first:last], grid), len(data)

    def _row_starts(
        self, array: NDArray[np.uint8], starts: NDArray[np.int64], ends: NDArray[np.int64], grid: Grid
    ) -> NDArray[np.int64]:
        """
        Find where rows start among the lines of one table.

        With rules between rows, behind each. Without, a line goes on with the row before it if its first cell is blank, or if
        all its other cells are and the first is no key: the CLI prints NULL as a word, so a blank cell is rare otherwise.
        """
        rows: NDArray[np.bool_] = array[starts] == (_BAR if grid.outside else _SPACE)
        begins = rows.copy()
        if self._ruled:
            begins[1:] &= ~rows[:-1]
        elif grid.inner:
            begins &= ~_going_on(array, starts, ends, rows, grid)
            # The first row has nothing before it to go on with.
            begins[np.flatnonzero(rows)[:1]] = True
        found: NDArray[np.int64] = starts[begins]
        return found


def _going_on(
    array: NDArray[np.uint8], starts: NDArray[np.int64], ends: NDArray[np.int64], rows: NDArray[np.bool_], grid: Grid
) -> NDArray[np.bool_]:
    """Mark the lines of rows whose first cell is blank, or all but the first, unless that is a key."""
    border = starts + grid.inner[0]
    cut = np.flatnonzero(rows & (border + 1 < ends))
    cut = cut[array[border[cut]] == _BAR]
    first_blank = _all_blank(array, starts[cut] + grid.outside, border[cut])
    others_blank = _all_blank(array, border[cut], ends[cut])
    for index in np.flatnonzero(others_blank & ~first_blank).tolist():
        first = array[starts[cut[index]] + grid.outside : border[cut[index]]].tobytes()
        others_blank[index] = not _KEY.fullmatch(first)
    marks = np.zeros(len(starts), dtype=np.bool_)
    marks[cut[first_blank | others_blank]] = True
    return marks


def _all_blank(array: NDArray[np.uint8], starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell of each span of bytes, none empty, whether it holds only spaces, borders and line ends."""
    if not len(starts):
        return np.zeros(0, dtype=np.bool_)
    ink = (array > _SPACE) & (array != _BAR)
    edges = np.stack((starts, np.minimum(ends, len(array) - 1)), axis=1).ravel()
    return ~np.logical_or.reduceat(ink, edges)[::2]


def _pairs(record: bytes, grid: Grid) -> list[tuple[str, str]]:
    """Return (column, value) of one row; lines that are no part of it come last, without a name."""
    row: list[str] = []
    others: list[str] = []
    for line in record.decode("utf-8", "replace").replace("\r\n", "\n").split("\n"):
        raw = line.encode()
        if others or not line.startswith("|" if grid.outside else " "):
            others.append("" if RULE.fullmatch(raw) or _FOOTER.fullmatch(raw) else line)
        else:
            row.append(line)
    values = grid.values(row) if row else []
    return [*zip(grid.names, values, strict=False), ("", "\n".join(filter(None, others)))]


def recognise(head: bytes, name: str, options: ReadOptions) -> Layout | None:
    """Recognise a table by its header: names over a rule, with borders where the rule has crossings."""
    del name
    ends = line_ends(head)
    lines = [head[start:end] for start, end in zip(starts_of(ends), ends, strict=True)]
    header = find_header(lines)
    if header is None or (header.first > _LINES_BEFORE and not options.input_format):
        return None
    below = lines[header.after :]
    footer = next((number for number, line in enumerate(below) if _FOOTER.fullmatch(line)), len(below))
    if not header.grid.inner and footer == len(below) and not options.input_format:
        # Names over a rule without crossings are as well a heading in any text.
        return None
    rules = [number for number, line in enumerate(below[:footer]) if RULE.fullmatch(line)]
    ruled = len(rules) > 1 or (len(rules) == 1 and not header.grid.outside)
    rows = any(line.startswith((b" ", b"|")) for line in below[:footer])
    preamble = sum(map(len, lines[: header.after])) if rows or footer == len(below) else len(head)
    return SqlTable(header.grid, preamble, ruled=ruled)
