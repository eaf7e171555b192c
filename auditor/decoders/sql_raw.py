"""
Values with their lengths, as ``cockroach sql --format=raw`` prints rows.

A row is ``# row 1``, then ``## <bytes>`` and the value for each column. The lengths make this exact: a value may hold anything,
such as ``# row 2``. Facts: ``pkg/cli/clisqlexec/format_table.go`` and its tests.
"""

from __future__ import annotations

import re

import numpy as np

from auditor.decoders.options import ReadOptions
from auditor.decoders.sequential import Sequential
from auditor.errors import DecodeError
from auditor.model import Cell, Row
from auditor.protocols import Framed, Layout

_HEADER = re.compile(rb"# (\d+) columns?\r?\n")
_ROW = re.compile(rb"# row \d+\r?\n")
_VALUE = re.compile(rb"## (\d+)\r?\n")
_ROW_LINE = re.compile(rb"^# row \d+\r?\n(?=## )", re.MULTILINE)


class SqlRaw(Sequential):
    """The layout of raw values. Columns have no names."""

    format = "raw"

    def __init__(self, width: int, preamble: int) -> None:
        """Take the number of columns and where the first row begins."""
        self.columns = tuple(f"col{number}" for number in range(1, width + 1))
        self.preamble = preamble

    def cut(self, block: bytes, *, final: bool) -> int:
        """Cut before the last row, since it may go on."""
        return len(block) if final else _starts(block)[0][-1]

    def frame(self, chunk: bytes) -> Framed:
        """Find the rows by the lengths of their values; after a length that does not fit, the next line that begins a row."""
        if not chunk:
            return Framed(chunk, np.zeros(0, dtype=np.int64), 0)
        starts, broken = _starts(chunk)
        ends = np.array([*starts[1:], len(chunk)], dtype=np.int64)
        return Framed(chunk, ends, len(ends), None, [(index, "a value's length does not fit") for index in broken])

    def decode(self, record: bytes) -> Row:
        """Take out the values by their lengths."""
        position = match.end() if (match := _ROW.match(record)) else 0
        texts: list[str] = []
        while match := _VALUE.match(record, position):
            end = match.end() + int(match[1])
            if end > len(record) or record[end : end + 1] not in (b"\n", b"\r", b""):
                raise DecodeError("a value's length does not fit")
            texts.append(record[match.end() : end].decode("utf-8", "replace"))
            position = record.find(b"\n", end) + 1 or len(record)
        return Row([Cell("after", f"col{number}", "", text) for number, text in enumerate(texts, 1) if text])


def _starts(data: bytes) -> tuple[list[int], list[int]]:
    """Return where the rows of some data start, and the indexes of those that a wrong length ends."""
    starts = [0]
    broken: list[int] = []
    position = match.end() if (match := _ROW.match(data)) else 0
    while position < len(data):
        if match := _VALUE.match(data, position):
            end = match.end() + int(match[1])
            if end <= len(data) and data[end : end + 1] in (b"\n", b"\r", b""):
                position = data.find(b"\n", end) + 1 or len(data)
                continue
            broken.append(len(starts) - 1)
            following = _ROW_LINE.search(data, match.end()) if end < len(data) else None
            position = following.start() if following else len(data)
        elif match := _ROW.match(data, position):
            starts.append(position)
            position = match.end()
        else:
            # The line with the number of rows, or other text: it belongs to the row before.
            position = data.find(b"\n", position) + 1 or len(data)
            if not data.endswith(b"\n", 0, position):
                broken.append(len(starts) - 1)
    return starts, broken


def recognise(head: bytes, name: str, options: ReadOptions) -> Layout | None:
    """Recognise raw values by their first line."""
    del name, options
    if not (header := _HEADER.match(head)):
        return None
    rows = _ROW.match(head, header.end())
    return SqlRaw(int(header[1]), header.end() if rows else len(head))
