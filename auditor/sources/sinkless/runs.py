"""From the rows that came together to messages, a run for each table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from auditor.delivery import Messages, Position
from auditor.hlc import Timestamp
from auditor.sources.sinkless.connection import Rows

# The two forms of a resolved message (CockroachDB docs, changefeed-message-envelopes).
_RESOLVED = re.compile(rb'\{"(?:resolved":"(\d{1,19}\.\d{10})"|__crdb__":\{"resolved":"(\d{1,19}\.\d{10})"\})\}')


def resolved_of(value: bytes | None) -> Timestamp | None:
    """Return the timestamp of a resolved row, None if its form is not known."""
    match = _RESOLVED.fullmatch(value or b"")
    return Timestamp.parse((match[1] or match[2]).decode()) if match else None


def runs(rows: Rows, first: int, origin: str, before: Position, after: Position) -> Iterator[Messages]:
    """
    Yield the rows by table, and a resolved row last, by itself and without a topic.

    ``first`` is the number of the first row. Only with the last messages is everything read, so only they have the position
    ``after``; those before have ``before``.
    """
    closing = bool(rows.tables) and rows.tables[-1] is None
    count = len(rows.tables) - closing
    groups = list(_grouped(rows, count, first))
    for index, (table, keys, values, numbers) in enumerate(groups, 1):
        position = after if index == len(groups) and not closing else before
        yield Messages(origin, table, keys, values, numbers, format="json", position=position)
    if closing:
        yield Messages(origin, "", [None], [rows.values[-1]], [first + count], format="json", position=after)


_Group = tuple[str, Sequence[bytes | None], Sequence[bytes | None], Sequence[int]]


def _grouped(rows: Rows, count: int, first: int) -> Iterator[_Group]:
    """Yield table, keys, values and numbers; nothing is copied where all rows are of one table."""
    tables = rows.tables
    if count == 0:
        return
    name = tables[0]
    if tables.count(name) == count:
        whole = count == len(tables)
        keys, values = (rows.keys, rows.values) if whole else (rows.keys[:count], rows.values[:count])
        yield _named(name), keys, values, range(first, first + count)
        return
    places: dict[bytes | None, list[int]] = {}
    for place in range(count):
        places.setdefault(tables[place], []).append(place)
    for name, found in places.items():
        yield (
            _named(name),
            [rows.keys[place] for place in found],
            [rows.values[place] for place in found],
            [first + place for place in found],
        )


def _named(table: bytes | None) -> str:
    """Return a table's name as a topic."""
    return (table or b"").decode("utf-8", "replace")
