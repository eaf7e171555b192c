"""
Which columns of which tables leave through an exit, and in which part of a message.

Facts: CockroachDB docs "Changefeed Message Envelopes", "Change Data Capture Queries" (``before`` is the whole previous row,
whatever is selected), "Changefeeds on Tables with Column Families", "CREATE CHANGEFEED" (``virtual_columns``, ``key_column``,
``headers_json_column_name``), "EXPORT" (hidden columns stay out).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from auditor.egress.connectors import matches
from auditor.egress.exits import Connector, Exit
from auditor.egress.schema import Schema, Table


class Going(NamedTuple):
    """A table that goes out through an exit: its name, what is known of it, and the family that alone does, if one."""

    name: str
    table: Table | None
    family: str = ""


class Leaving(NamedTuple):
    """
    A column in a part of the messages (``after before key header``); ``*`` if the columns of the table are not known.

    ``one_way`` says that only a digest or mask of it leaves; ``item`` is the expression that it leaves by, '' if as it is.
    """

    column: str
    part: str
    one_way: bool = False
    item: str = ""


def tables_of(way: Exit, schema: Schema) -> list[Going]:
    """Return the tables that leave through an exit; those of a whole database are the ones that the schema knows."""
    if way.connector is not None:
        return [Going(table.name, table) for table in _connected(way.connector, schema.of_database(way.database))] or [
            _going(target.table, "", schema) for target in way.targets
        ]
    if way.database and not way.targets:
        named = [f"{way.database}.{each}" if each.count(".") < 2 and "." in each else each for each in way.excluded]
        out = {table.name for each in named for table in [schema.table(each)] if table is not None}
        return [Going(table.name, table) for table in schema.of_database(way.database) if table.name not in out]
    return [_going(target.table, target.family, schema) for target in way.targets]


def _going(name: str, family: str, schema: Schema) -> Going:
    """Look a table up."""
    table = schema.table(name)
    return Going(table.name if table else name, table, family)


def _connected(connector: Connector, tables: Iterable[Table]) -> Iterator[Table]:
    """Yield the tables that a connector reads: its patterns are of ``schema.table``, or of the whole name."""
    for table in tables:
        names = endings(table.name)
        if connector.tables and not any(matches(pattern, name) for pattern in connector.tables for name in names):
            continue
        if not any(matches(pattern, name) for pattern in connector.tables_excluded for name in names):
            yield table


def endings(name: str) -> list[str]:
    """Return a name and its ends of two parts or more."""
    parts = name.split(".")
    return [".".join(parts[-length:]) for length in range(min(2, len(parts)), len(parts) + 1)]


def leaving(way: Exit, going: Going) -> list[Leaving]:
    """Return what leaves of a table, each column once for a part."""
    if way.kind == "export":
        found = _exported(way, going)
    elif way.connector is not None:
        found = _sent_by(way.connector, going)
    else:
        found = _fed(way, going)
    return list(dict.fromkeys(found))


def _exported(way: Exit, going: Going) -> Iterator[Leaving]:
    """Yield what an EXPORT writes."""
    visible = tuple(column.name for column in going.table.columns if not column.hidden) if going.table else ()
    assert way.query is not None
    for item, reading in way.query.reading(visible):
        yield Leaving(reading.column, "after", reading.one_way, "" if item.is_star or item.sql == item.name else item.sql)


def _fed(way: Exit, going: Going) -> Iterator[Leaving]:
    """Yield what a changefeed sends."""
    table = going.table
    watched = watched_columns(going)
    row = tuple(name for name in watched if table is None or not _is_virtual(table, name))
    header = str(way.options.get("headers_json_column_name") or "")
    if header:
        yield Leaving(header, "header")
    keys_only = way.option("envelope") == "key_only"
    if way.query is not None:
        for item, reading in way.query.reading(row):
            part = "before" if reading.previous else "after"
            yield Leaving(reading.column, part, reading.one_way, "" if item.is_star or item.sql == item.name else item.sql)
    elif not keys_only:
        yield from (Leaving(name, "after") for name in row if name != header)
    if not keys_only and has_before(way):
        yield from (Leaving(name, "before") for name in row if name != header)
    if sends_key(way):
        chosen = str(way.options.get("key_column") or "")
        keys = table.primary_key if table else ()
        yield from (Leaving(name, "key") for name in dict.fromkeys((*keys, *((chosen,) if chosen else ()))))


def watched_columns(going: Going) -> tuple[str, ...]:
    """Return the columns that a feed of a table, or of one family of it, watches; ``*`` if they are not known."""
    if going.table is None:
        return ("*",)
    return going.table.families.get(going.family, going.table.names) if going.family else going.table.names


def _is_virtual(table: Table, name: str) -> bool:
    """Tell whether a column is virtual: its value is never sent."""
    column = table.column(name)
    return column is not None and column.computed == "virtual"


def has_before(way: Exit) -> bool:
    """Tell whether messages hold the previous row. Bare ones, of a CDC query unless told otherwise, have no place for it."""
    envelope = way.option("envelope", "bare" if way.query is not None else "wrapped")
    return way.has("diff") and envelope in ("wrapped", "enriched")


def sends_key(way: Exit) -> bool:
    """Tell whether the primary key leaves beside the row: in the record's key, or in the value where there is none."""
    if way.destination.family != "storage":
        return True
    envelope = way.option("envelope", "bare" if way.query is not None else "wrapped")
    return way.option("format", "json") == "json" and (envelope == "wrapped" or way.has("key_in_value"))


def _sent_by(connector: Connector, going: Going) -> Iterator[Leaving]:
    """Yield what a Kafka Connect connector sends."""
    if going.table is None:
        yield Leaving("*", "after")
        if connector.before:
            yield Leaving("*", "before")
        return
    names = endings(going.name)
    for column in going.table.columns:
        if column.computed == "virtual":
            continue  # replication has no value of it
        places = [f"{name}.{column.name}" for name in names]
        covered = any(matches(pattern, place) for pattern in (*connector.masked, *connector.hashed) for place in places)
        kept = connector.included is None or any(matches(pattern, place) for pattern in connector.included for place in places)
        kept = kept and not any(matches(pattern, place) for pattern in connector.excluded for place in places)
        if column.name in going.table.primary_key:
            # Debezium's docs: primary key columns are in the event's key, also where they are excluded from the value.
            yield Leaving(column.name, "key", covered)
        if not kept:
            continue
        if column.name in connector.headed:
            yield Leaving(column.name, "header", covered)
        if column.name not in connector.dropped:
            yield Leaving(column.name, "after", covered)
        if connector.before:
            yield Leaving(column.name, "before", covered)
