"""The ways in which records give their columns: JSON messages by their members, and any format by its decoded cells."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import orjson

from auditor.decoders.envelope import columns_of_key
from auditor.decoders.json_at_once import gathered_at_once
from auditor.decoders.json_kinds import parsed
from auditor.decoders.members import members_of
from auditor.errors import DecodeError
from auditor.model import Members, Row
from auditor.protocols import Framed, Gathering


def records_of(framed: Framed, rows: Sequence[int] | None) -> Iterator[tuple[int, bytes]]:
    """Yield records with their indexes, all of them if ``rows`` is None."""
    data, ends = framed.data, framed.ends.tolist()
    for index in range(len(ends)) if rows is None else rows:
        yield index, data[ends[index - 1] if index else 0 : ends[index]]


def gather_json(framed: Framed, rows: Sequence[int] | None, into: Gathering) -> Iterator[tuple[int, str]]:
    """Gather JSON lines; see `auditor.protocols.Layout`."""
    if rows is None and gathered_at_once(framed, None, into):
        return
    for index, record in records_of(framed, rows):
        text = record.strip()
        if not text:
            continue
        try:
            message = parsed(text)
        except orjson.JSONDecodeError as error:
            yield index, f"invalid JSON at character {error.pos}"
            continue
        into.add(index, members_of(message))


def gather_cells(
    decode: Callable[[bytes], Row], framed: Framed, rows: Sequence[int] | None, into: Gathering
) -> Iterator[tuple[int, str]]:
    """Gather by decoding into cells: their texts are all that such a format has."""
    for index, record in records_of(framed, rows):
        try:
            row = decode(record)
        except DecodeError as error:
            yield index, error.what
            continue
        for one in (row, *row.also):
            into.add(index, cell_members(one))


def cell_members(row: Row) -> Iterable[Members]:
    """Return the parts of a row by its cells: what has a column and is its own value."""
    parts: dict[str, dict[str, object]] = {}
    for part, column, path, text in row.cells:
        if column and not path and part in ("after", "before"):
            parts.setdefault(part, {})[column] = text
    found = [Members(row.table, part, columns) for part, columns in parts.items()]
    return [*found, Members(row.table, "key", columns_of_key(row.key))] if row.key else found
