"""What the formats of CockroachDB's logs have in common: redaction markers, and structured events."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from auditor.leaves import leaves
from auditor.model import Cell

# U+2039 and U+203A; the second form as a tool that writes only ASCII passes them on in JSON.
_MARKERS = re.compile(rb"\xe2\x80[\xb9\xba]")
_ESCAPED_MARKERS = re.compile(rb"\\u203[9aA]")


def without_markers(data: bytes) -> bytes:
    """Take out the markers around sensitive values: one can stand in the midst of a token where a long entry was broken."""
    if b"\xe2" in data:
        data = _MARKERS.sub(b"", data)
    return _ESCAPED_MARKERS.sub(b"", data) if b"\\u203" in data else data


def event_cells(event: Mapping[str, object]) -> Iterator[Cell]:
    """Yield the cells of a structured event, each member a column: ``Statement``, ``User``, ``TableName``, ..."""
    for name, value in event.items():
        yield from leaves("after", name, value)


def event_table(event: Mapping[str, object]) -> str | None:
    """Return the table that an event is about (``sensitive_table_access`` and changes of the schema), if it names one."""
    table = event.get("TableName")
    return table if isinstance(table, str) and table else None
