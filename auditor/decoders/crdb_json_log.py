"""
CockroachDB's logs in the formats ``json``, ``json-compact`` and ``json-fluent``: one object a line.

Facts: CockroachDB docs "Log formats"; ``pkg/util/log/format_json.go``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import orjson

from auditor.decoders.json_lines import JsonLines
from auditor.decoders.log_entries import event_cells, event_table, without_markers
from auditor.errors import DecodeError
from auditor.leaves import leaves
from auditor.model import Cell, Row
from auditor.protocols import Framed, Gathering

# Members that every entry has, those at the front of a file included: format name -> (members, the time's).
_MEMBERS = {
    "json": (frozenset(("timestamp", "goroutine", "file", "line", "redactable")), "timestamp"),
    "json-compact": (frozenset("tgflr"), "t"),
}
_TIME = re.compile(r"\d+\.\d{9}")


class CrdbJsonLog(JsonLines):
    """The layout of a log of JSON entries: JSON lines with markers in them, each an entry and not a message."""

    def __init__(self, format_: str) -> None:
        """Take the name of the log's format."""
        super().__init__(format_)
        self.format = f"crdb log ({format_})"

    def frame(self, chunk: bytes) -> Framed:
        """Take out the markers, and each line for a record."""
        return super().frame(without_markers(chunk))

    def values(self, framed: Framed) -> None:
        """Tell that records must be decoded: an entry is no message."""
        del framed

    def gather(self, framed: Framed, rows: Sequence[int] | None, into: Gathering) -> Iterator[tuple[int, str]]:
        """Have no columns: an entry is of no table."""
        del framed, rows, into
        yield from ()

    def decode(self, record: bytes) -> Row:
        """Read one entry: the members of its event as columns, then all its other members."""
        entry = _entry(record)
        if entry is None:
            if not record.strip():
                return Row(())
            raise DecodeError("the line is no JSON object")
        event = entry.get("event")
        cells: list[Cell] = []
        for name, value in entry.items():
            cells.extend(event_cells(value) if name == "event" and isinstance(value, dict) else leaves("after", name, value))
        return Row(cells, event_table(event) if isinstance(event, dict) else None)


def log_format(line: bytes) -> str:
    """Return ``json`` or ``json-compact`` for a line that is an entry of such a log, '' for any other."""
    entry = _entry(line)
    if entry is None or not entry.keys() & {"message", "event"}:
        return ""
    for name, (members, time) in _MEMBERS.items():
        if members <= entry.keys() and isinstance(entry[time], str) and _TIME.fullmatch(str(entry[time])):
            return name
    return ""


def _entry(line: bytes) -> Mapping[str, object] | None:
    """Parse one line, invalid UTF-8 replaced; None if it is no JSON object."""
    try:
        entry = orjson.loads(line.decode("utf-8", "replace"))
    except orjson.JSONDecodeError:
        return None
    return entry if isinstance(entry, dict) else None
