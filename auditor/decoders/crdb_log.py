"""
CockroachDB's logs: SQL audit logs, statement logs, and all others, in the formats ``crdb-v2`` and ``crdb-v1``.

Facts: CockroachDB docs "Log formats"; ``pkg/util/log/format_crdb_v2.go``. An entry takes several lines where its text does
(``+``, stack traces ``!``) and where it is longer than some 16,000 bytes (``|``): such a break can go through the midst of a
token.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
import orjson
from numpy.typing import NDArray

from auditor.decoders.crdb_json_log import CrdbJsonLog, log_format
from auditor.decoders.framing import bytes_of, line_ends, starts_of
from auditor.decoders.log_entries import event_cells, event_table, without_markers
from auditor.decoders.options import ReadOptions
from auditor.decoders.sequential import Sequential
from auditor.errors import DecodeError
from auditor.model import Cell, Row
from auditor.protocols import Framed, Gathering, Layout

# Level, date, time: the same in all lines of an entry, and hardly ever in two entries.
_STAMP = re.compile(rb"[IWEF]\d{6} \d\d:\d\d:\d\d\.\d{6} ")
_STAMP_LENGTH = 24
_SOURCE = _STAMP.pattern + rb"(?:\d+ )?(?:\d+@)?(?:\(gostd\) )?[^\s:]+:\d+ (?:\xe2\x8b\xae)? "
# All up to the continuation mark (1), tags (2), the mark (3).
_V2 = re.compile(rb"(" + _SOURCE + rb"\[(.*?)\] \d* )([ =!+|])")
_V1 = re.compile(_SOURCE + rb"(?:\[([^\]]*)\] )?")
_GOES_ON = b"+|!"


class CrdbLog(Sequential):
    """The layout of a log of text lines. Rows are entries, numbered by their first line."""

    preamble = 0

    def __init__(self, version: str) -> None:
        """Take the name of the log's format."""
        self.format = f"crdb log ({version})"

    def cut(self, block: bytes, *, final: bool) -> int:
        """Cut before the last entry, since more lines of it may follow."""
        if final:
            return len(block)
        start = block.rfind(b"\n", 0, max(0, block.rfind(b"\n"))) + 1
        while start:
            before = block.rfind(b"\n", 0, start - 1) + 1
            if _STAMP.match(block, start) and not _mark(block, start, before):
                return start
            start = before
        return 0

    def frame(self, chunk: bytes) -> Framed:
        """Take out the markers and join the lines of each entry."""
        data = without_markers(chunk)
        ends = line_ends(data)
        if not len(ends):
            return Framed(data, ends, 0)
        starts = starts_of(ends)
        stamped, repeated = _stamps(data, starts)
        begins = stamped.copy()
        begins[0] = True
        removed: list[tuple[int, int]] = []
        for line in np.flatnonzero(repeated).tolist():
            start = int(starts[line])
            if length := _mark(data, start, int(starts[line - 1])):
                begins[line] = False
                feed = 0
                if data[start + length - 1] == ord("|"):
                    feed = 2 if data.endswith(b"\r\n", 0, start) else 1
                removed.append((start - feed, start + length))
        first_lines = np.flatnonzero(begins)
        entry_ends = np.append(starts[first_lines[1:]], len(data))
        if removed:
            data, entry_ends = _without(data, removed, entry_ends)
        return Framed(data, entry_ends, len(ends), first_lines + 1)

    def gather(self, framed: Framed, rows: Sequence[int] | None, into: Gathering) -> Iterator[tuple[int, str]]:
        """Have no columns: an entry is of no table."""
        del framed, rows, into
        yield from ()

    def decode(self, record: bytes) -> Row:
        """Read one entry: the members of an event as columns, or its text as ``message``; its tags."""
        entry = _V2.match(record)
        if entry is None:
            older = _V1.match(record)
            text, tags = (record[older.end() :], older[1]) if older else (record, None)
            return Row(_cells(text, tags))
        payload = record[entry.end() :]
        if entry[3] != b"=":
            return Row(_cells(payload, entry[2]))
        try:
            event = orjson.loads(payload.decode("utf-8", "replace"))
        except orjson.JSONDecodeError:
            raise DecodeError("the event of the log entry is no valid JSON") from None
        if not isinstance(event, dict):
            raise DecodeError("the event of the log entry is no JSON object")
        return Row([*event_cells(event), *_cells(b"", entry[2])], event_table(event))


def _stamps(data: bytes, starts: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell of each line whether it begins with a level and a time, and whether with the same as the line before."""
    array = np.concatenate((bytes_of(data), np.zeros(_STAMP_LENGTH, dtype=np.uint8)))
    heads = array[starts[:, np.newaxis] + np.arange(_STAMP_LENGTH)]
    stamped = np.isin(heads[:, 0], bytes_of(b"IWEF"))
    for place, byte in ((7, b" "), (10, b":"), (13, b":"), (16, b"."), (23, b" ")):
        stamped &= heads[:, place] == ord(byte)
    repeated = np.zeros_like(stamped)
    repeated[1:] = stamped[1:] & (heads[1:] == heads[:-1]).all(axis=1)
    return stamped, repeated


def _mark(data: bytes, start: int, before: int) -> int:
    """Return the length of the prefix and mark of a line that goes on with the line before it, 0 if it does not."""
    line = _V2.match(data, start)
    return len(line[0]) if line and line[3] in _GOES_ON and data.startswith(line[1], before) else 0


def _without(data: bytes, removed: Sequence[tuple[int, int]], ends: NDArray[np.int64]) -> tuple[bytes, NDArray[np.int64]]:
    """Remove spans from the data, and move the ends of records accordingly."""
    pieces: list[bytes] = []
    position = 0
    for start, end in removed:
        pieces.append(data[position:start])
        position = end
    pieces.append(data[position:])
    removed_until = np.cumsum([0, *(end - start for start, end in removed)])
    before = np.searchsorted(np.array([end for _, end in removed]), ends, side="right")
    return b"".join(pieces), ends - removed_until[before]


def _cells(text: bytes, tags: bytes | None) -> list[Cell]:
    """Return the cells of an entry's text and tags, as far as it has any."""
    message = text.decode("utf-8", "replace").removesuffix("\n").removesuffix("\r")
    cells = [Cell("after", "message", "", message)] if message else []
    if tags and tags != b"-":
        cells.append(Cell("after", "tags", "", tags.decode("utf-8", "replace")))
    return cells


def recognise(head: bytes, name: str, options: ReadOptions) -> Layout | None:
    """Recognise a log by its first lines that are not blank, text or JSON."""
    del name
    lines = [line for line in head.removeprefix(b"\xef\xbb\xbf").split(b"\n", 4)[:4] if line.strip()]
    for line in lines:
        if _STAMP.match(line):
            return CrdbLog("crdb-v2" if _V2.match(line) else "crdb-v1")
        if format_ := log_format(line):
            return CrdbJsonLog(format_)
    return CrdbLog("crdb-v2") if options.input_format else None
