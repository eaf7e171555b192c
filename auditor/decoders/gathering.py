"""The ways in which records give their columns: JSON messages a chunk at a time, and any format by its decoded cells."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import orjson

from auditor.decoders.envelope import columns_of_key, key_pairs
from auditor.decoders.members import members_of
from auditor.errors import DecodeError
from auditor.model import Members, Row
from auditor.names import NAMELESS
from auditor.protocols import Framed, Gathering

#: Members of a wrapped message that do not tell its table: all rows of a chunk of such messages are of the input's table.
_PLAIN = frozenset(("after", "before", "key", "updated", "mvcc_timestamp", "op", "ts_ns"))
_NOTHING: Mapping[str, object] = {}
_FEED, _COMMA = b"\n", b","


def records_of(framed: Framed, rows: Sequence[int] | None) -> Iterator[tuple[int, bytes]]:
    """Yield records with their indexes, all of them if ``rows`` is None."""
    data, ends = framed.data, framed.ends.tolist()
    for index in range(len(ends)) if rows is None else rows:
        yield index, data[ends[index - 1] if index else 0 : ends[index]]


def gather_json(framed: Framed, rows: Sequence[int] | None, into: Gathering) -> Iterator[tuple[int, str]]:
    """Gather JSON lines; see `auditor.protocols.Layout`."""
    if rows is None and _gathered_at_once(framed, into):
        return
    for index, record in records_of(framed, rows):
        text = record.strip()
        if not text:
            continue
        try:
            message = orjson.loads(text)
        except orjson.JSONDecodeError:
            try:
                message = orjson.loads(text.decode("utf-8", "replace"))
            except orjson.JSONDecodeError as error:
                yield index, f"invalid JSON at character {error.pos}"
                continue
        into.add(index, members_of(message))


def _gathered_at_once(framed: Framed, into: Gathering) -> bool:
    """
    Gather plain wrapped messages with one call of the parser, and return whether all were such.

    Message by message this takes three times as long.
    """
    body = framed.data.strip()
    try:
        # No raw line feed stands inside a JSON string (RFC 8259, section 7).
        messages = orjson.loads(b"[" + body.replace(_FEED, _COMMA) + b"]")
    except orjson.JSONDecodeError:
        return False
    if len(messages) != len(framed.ends) or set(map(type, messages)) != {dict}:
        return False
    kinds = set(map(tuple, messages))
    if not all("after" in kind and _PLAIN.issuperset(kind) for kind in kinds):
        return False
    found: list[tuple[str, Sequence[int], list[dict[str, object]]]] = []
    parts = {part: [message.get(part) for message in messages] for part in ("after", "before")}
    for part, columns in parts.items():
        types = set(map(type, columns))
        if types == {dict}:
            found.append((part, range(len(columns)), columns))
        elif types <= {dict, type(None)}:
            there = [index for index, one in enumerate(columns) if one is not None]
            found.append((part, there, [columns[index] for index in there]))
        else:
            return False
    for part, indexes, columns in found:
        if indexes:
            into.add_all(indexes, part, columns)
    if any("key" in kind for kind in kinds):
        keys = [message.get("key") for message in messages]
        rows = [after or before or _NOTHING for after, before in zip(parts["after"], parts["before"], strict=True)]
        _gather_keys(keys, rows, into)
    return True


def _gather_keys(keys: Sequence[object], rows: Sequence[Mapping[str, object]], into: Gathering) -> None:
    """Gather the keys of rows. A key has no names: they are found once, and then need only be right for the others."""
    if set(map(type, keys)) == {list} and len(set(map(len, keys))) == 1:  # type: ignore[arg-type]
        columns: dict[str, Sequence[object]] = {}
        names = columns_of_key(key_pairs(keys[0], rows[0]))
        for name, values in zip(names, zip(*keys, strict=True), strict=True):
            # A part that is no text has no name in any row.
            if str in set(map(type, values)) if NAMELESS.fullmatch(name) else list(values) != [row.get(name) for row in rows]:
                break
            columns[name] = values
        else:
            if columns:
                into.add_columns(range(len(keys)), "key", columns)
            return
    for index, (key, row) in enumerate(zip(keys, rows, strict=True)):
        if pairs := key_pairs(key, row):
            into.add(index, [Members(None, "key", columns_of_key(pairs))])


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
