"""Avro messages as CockroachDB writes them: schemas with ``__crdb__`` hints, every field nullable, in Confluent's wire format."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import fastavro

from auditor.errors import DecodeError

#: SQL type -> Avro type, as in CockroachDB's docs (changefeed-messages, "Avro types").
TYPES: Mapping[str, Any] = {
    "BOOL": "boolean",
    "INT8": "long",
    "FLOAT8": "double",
    "STRING": "string",
    "UUID": "string",
    "INET": "string",
    "ENUM": "string",
    "JSONB": "string",
    "BYTES": "bytes",
    "DATE": {"type": "int", "logicalType": "date"},
    "TIME": {"type": "long", "logicalType": "time-micros"},
    "TIMESTAMP": {"type": "long", "logicalType": "timestamp-micros"},
    "TIMESTAMPTZ": {"type": "long", "logicalType": "timestamp-micros"},
    "BIT": {"type": "array", "items": "long"},
    "STRING[]": {"type": "array", "items": ["null", "string"]},
    "BYTES[]": {"type": "array", "items": ["null", "bytes"]},
}


def avro_name(name: str) -> str:
    """Escape a SQL name as CockroachDB does for Avro."""
    escaped = re.sub(r"[^A-Za-z0-9_]", lambda match: f"_u{ord(match[0]):04x}_", name)
    return f"_u{ord(escaped[0]):04x}_{escaped[1:]}" if escaped[:1].isdigit() else escaped


def nullable(sql: str) -> list[Any]:
    """Return the union that a column of an SQL type has; DECIMAL(p,s) has a text branch for NaN and infinities."""
    if match := re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", sql):
        return [
            "null",
            {"type": "bytes", "logicalType": "decimal", "precision": int(match[1]), "scale": int(match[2])},
            "string",
        ]
    return ["null", TYPES[sql]]


def table_schema(name: str, columns: Mapping[str, str], namespace: str = "") -> dict[str, Any]:
    """Return the record of a table's columns (name -> SQL type)."""
    fields = [
        {"type": nullable(sql), "name": avro_name(column), "default": None, "__crdb__": f"{json.dumps(column)} {sql} NULL"}
        for column, sql in columns.items()
    ]
    return {"type": "record", "name": avro_name(name), "fields": fields} | ({"namespace": namespace} if namespace else {})


SOURCE = {
    "type": "record",
    "name": "source",
    "fields": [
        {"name": name, "type": ["null", "string"], "default": None}
        for name in ("job_id", "changefeed_sink", "database_name", "schema_name", "table_name", "ts_hlc", "mvcc_timestamp")
    ],
}
_TEXTS = ("updated", "mvcc_timestamp", "resolved", "op")


def envelope_schema(
    name: str, columns: Mapping[str, str], fields: Sequence[str], namespace: str = "", old: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return a value's schema with these fields of an envelope; ``old`` are the columns of ``before``."""
    kinds: dict[str, Any] = dict.fromkeys(_TEXTS, "string") | {"source": SOURCE, "ts_ns": "long"}
    table = name.rpartition(".")[2]
    kinds["after"] = kinds["record"] = table_schema(table, columns, namespace)
    kinds["before"] = table_schema(f"{table}_before", old or columns, namespace)
    schema = {
        "type": "record",
        "name": avro_name(namespace + name) + "_envelope",
        "fields": [{"name": one, "type": ["null", kinds[one]], "default": None} for one in fields],
    }
    return schema | ({"namespace": namespace} if namespace else {})


@dataclass
class Registry:
    """Numbers schemas from 1, and counts how often each is asked for."""

    texts: list[str] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    down: Exception | None = None

    def register(self, schema: Any) -> int:
        """Return a schema's number, the same for the same schema."""
        text = json.dumps(schema)
        if text not in self.texts:
            self.texts.append(text)
        return self.texts.index(text) + 1

    def schema(self, schema_id: int) -> str:
        """Return a schema's text; see `auditor.delivery.Schemas`."""
        self.asked.append(schema_id)
        if self.down is not None:
            raise self.down
        if not 1 <= schema_id <= len(self.texts):
            raise DecodeError(f"there is no schema {schema_id}")
        return self.texts[schema_id - 1]

    def encode(self, schema: Any, value: Any) -> bytes:
        """Return a value in the wire format. Columns are given by their SQL names."""
        body = io.BytesIO()
        fastavro.schemaless_writer(body, fastavro.parse_schema(schema), value)
        return b"\0" + self.register(schema).to_bytes(4, "big") + body.getvalue()


def escaped_row(row: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return a row with Avro's names."""
    return None if row is None else {avro_name(name): value for name, value in row.items()}
