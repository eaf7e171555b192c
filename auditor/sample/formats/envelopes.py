"""
The JSON envelopes of changefeeds, byte for byte: wrapped, bare, row and enriched.

Facts: CockroachDB docs, changefeed-message-envelopes; encoder_json.go and its tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from auditor.sample.changes import Change
from auditor.sample.encode.json_text import RowEncoder, jsonb
from auditor.sample.encode.moments import hlc
from auditor.sample.sql_types import Column, SqlType

#: A change -> its message, or None where the envelope has an empty value.
Envelope = Callable[[Change], str | None]

_CLUSTER = "585e6512-ea54-490a-8f1d-50c8d182a2e6"


@cache
def encoder(table_name: str, columns: tuple[str, ...] = ()) -> RowEncoder:
    """Return the encoder of a table, or of some of its columns."""
    from auditor.sample.tables import TABLES

    table = next(table for table in TABLES if table.name == table_name)
    return RowEncoder(table, columns)


def resolved(wall: int) -> str:
    """Return a resolved message of the wrapped and enriched envelopes; Go's encoder writes no space there."""
    return f'{{"resolved":"{hlc(wall)}"}}'


def wrapped(columns: Mapping[str, tuple[str, ...]] | None = None, *, topic: bool = False) -> Envelope:
    """Return the wrapped envelope with diff, key_in_value, mvcc_timestamp and updated; ``columns`` limits those of each table."""

    def message(change: Change) -> str:
        name = change.table.name
        rows = encoder(name, (columns or {}).get(name, ()))
        after = "null" if change.op == "d" else rows.object(change.row)
        moment = hlc(change.wall)
        named = f'"topic": "{name}", ' if topic else ""
        return (
            f'{{"after": {after}, "before": {rows.object(change.before)}, "key": {rows.key(change.row)}, '
            f'"mvcc_timestamp": "{moment}", {named}"updated": "{moment}"}}'
        )

    return message


def _columns_alone(change: Change) -> str:
    """Return the members of a row; of a deleted one, its key and NULL for the rest."""
    rows = encoder(change.table.name)
    if change.op != "d":
        return rows.members(change.row)
    return rows.members({name: change.row[name] if name in change.table.key else None for name in change.row})


def bare(change: Change) -> str:
    """Return the bare envelope: columns at the top, metadata in ``__crdb__``, which sorts before every lower-case name."""
    moment = hlc(change.wall)
    key = encoder(change.table.name).key(change.row)
    return f'{{"__crdb__": {{"key": {key}, "mvcc_timestamp": "{moment}", "updated": "{moment}"}}, {_columns_alone(change)}}}'


def row(change: Change) -> str | None:
    """Return the row envelope; a deletion's value is empty."""
    if change.op == "d":
        return None
    return f'{{"__crdb__": {{"updated": "{hlc(change.wall)}"}}, {_columns_alone(change)}}}'


def enriched(sink: str) -> Envelope:
    """Return the enriched envelope with its source."""
    return lambda change: _enriched(change, sink)


def enriched_with_schema(sink: str) -> Envelope:
    """Return the enriched envelope with source and schema, in the form of Kafka Connect."""
    return lambda change: f'{{"payload": {_enriched(change, sink)}, "schema": {_schema(change.table.name)}}}'


def _enriched(change: Change, sink: str) -> str:
    rows = encoder(change.table.name)
    moment = hlc(change.wall)
    source = {
        "changefeed_sink": sink,
        "cluster_id": _CLUSTER,
        "cluster_name": "northwind",
        "database_name": "defaultdb",
        "db_version": "v26.2.1",
        "job_id": "0" if sink == "sinkless buffer" else "1072079179268751361",
        "mvcc_timestamp": moment,
        "node_id": "1",
        "node_name": "crdb-1",
        "origin": "cockroachdb",
        "primary_keys": list(change.table.key),
        "schema_name": "public",
        "source_node_locality": "",
        "table_name": change.table.name,
        "ts_hlc": moment,
        "ts_ns": change.wall,
    }
    after = "null" if change.op == "d" else rows.object(change.row)
    return (
        f'{{"after": {after}, "before": {rows.object(change.before)}, "key": {rows.key_object(change.row)}, "op": "{change.op}", '
        f'"source": {jsonb(source)}, "ts_ns": {change.wall + 41_000_000}}}'
    )


_SOURCE_TEXTS = (
    *(
        "changefeed_sink",
        "cluster_id",
        "cluster_name",
        "database_name",
        "db_version",
        "job_id",
        "mvcc_timestamp",
        "node_id",
        "node_name",
    ),
    *("origin", "schema_name", "source_node_locality", "table_name", "ts_hlc"),
)
_CONNECT: Mapping[SqlType, dict[str, object]] = {
    SqlType.INT8: {"type": "int64"},
    SqlType.FLOAT8: {"type": "float64"},
    SqlType.BOOL: {"type": "boolean"},
    SqlType.BYTES: {"type": "bytes"},
    SqlType.JSONB: {"type": "json"},
    SqlType.TIMESTAMPTZ: {"type": "string", "name": "timestamp"},
    SqlType.STRING_ARRAY: {"type": "array", "items": {"optional": False, "type": "string"}},
}


def _field(column: Column) -> dict[str, object]:
    form = {"field": column.name, "optional": column.nullable, **_CONNECT.get(column.type, {"type": "string"})}
    if column.type is SqlType.DECIMAL:
        precision, _, scale = column.declared.strip("DECIMAL()").partition(",")
        form |= {"type": "float64", "name": "decimal", "parameters": {"precision": precision or "0", "scale": scale or "0"}}
    return form


@cache
def _schema(table_name: str) -> str:
    """Return the schema part of a table's messages."""
    from auditor.sample.tables import TABLES

    table = next(table for table in TABLES if table.name == table_name)
    fields: list[dict[str, object]] = [
        _struct(f"{table.name}.before.value", table.columns, field="before", optional=True),
        _struct(f"{table.name}.after.value", table.columns, field="after", optional=False),
        {
            "field": "source",
            "fields": [{"field": name, "optional": True, "type": "string"} for name in _SOURCE_TEXTS],
            "name": "cockroachdb.source",
            "optional": True,
            "type": "struct",
        },
        _struct(f"{table.name}.key", tuple(map(table.column, table.key)), field="key", optional=False),
        {"field": "ts_ns", "optional": False, "type": "int64"},
        {"field": "op", "optional": False, "type": "string"},
    ]
    return jsonb({"fields": fields, "name": "cockroachdb.envelope", "optional": False, "type": "struct"})


def _struct(name: str, columns: tuple[Column, ...], *, field: str, optional: bool) -> dict[str, object]:
    return {
        "field": field,
        "fields": [_field(column) for column in columns],
        "name": name,
        "optional": optional,
        "type": "struct",
    }
