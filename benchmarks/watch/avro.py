"""The rows as Avro: CockroachDB's schemas, in Confluent's wire format."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import fastavro

from auditor.sample.encode.json_text import jsonb
from auditor.sample.encode.moments import hlc
from auditor.sample.sql_types import SqlType, Table, Value
from benchmarks.watch import rows
from tests.decoders.avro_examples import envelope_schema, table_schema
from tests.sources.registry_stand_in import StandIn

_TYPES = {SqlType.DECIMAL: "DECIMAL(12,2)", SqlType.STRING_ARRAY: "STRING[]"}
_VALUES: dict[SqlType, Callable[[Any], object]] = {
    SqlType.JSONB: jsonb,
    SqlType.TIMESTAMPTZ: lambda micros: datetime.fromtimestamp(micros / 1e6, UTC),
}


def avro_rows(registry: StandIn) -> list[tuple[bytes, bytes]]:
    """Return the keys and values of all rows that differ; their schemas are registered."""
    table = rows.different()[0].change.table
    columns = {column.name: _TYPES.get(column.type, column.type.value) for column in rows.columns(table)}
    in_key = {name: columns[name] for name in table.key}
    key = _writer(registry, f"{table.name}-key", table_schema(table.name, in_key))
    value = _writer(registry, f"{table.name}-value", envelope_schema(table.name, columns, ("after", "updated")))
    encoded = []
    for change, _, _ in rows.different():
        row = _row(table, change.row)
        message = {"after": None if change.op == "d" else row, "updated": hlc(change.wall)}
        encoded.append((key({name: row[name] for name in table.key}), value(message)))
    return encoded


def _row(table: Table, row: dict[str, Value]) -> dict[str, object]:
    """Return a row as the library takes it."""
    return {
        column.name: None if (value := row[column.name]) is None else _VALUES.get(column.type, _same)(value)
        for column in rows.columns(table)
    }


def _same(value: object) -> object:
    return value


def _writer(registry: StandIn, subject: str, schema: dict[str, Any]) -> Callable[[object], bytes]:
    """Register a schema, and return what writes by it."""
    _, answer = registry.register(f"/subjects/{subject}/versions", {"schema": json.dumps(schema)})
    head = b"\0" + int(json.loads(answer)["id"]).to_bytes(4, "big")
    parsed = fastavro.parse_schema(schema)

    def write(value: object) -> bytes:
        body = io.BytesIO()
        fastavro.schemaless_writer(body, parsed, value)
        return head + body.getvalue()

    return write
