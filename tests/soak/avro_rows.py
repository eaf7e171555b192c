"""The rows of a soak in Avro, with a schema that changes on the way."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import fastavro
import orjson

from tests.soak.rows import Rows

Schema = Mapping[str, Any]


class AvroRows:
    """See `tests.soak.kafka_origin.Encoded`. ``register`` takes a subject and a schema and returns its number."""

    def __init__(
        self, rows: Rows, *, key: Schema, values: Sequence[Schema], ended: Schema, register: Callable[[str, Schema], int]
    ) -> None:
        self._rows = rows
        self._key, self._ended = _Encoder(register("users-key", key), key), _Encoder(register("users-resolved", ended), ended)
        self._values = [_Encoder(register("users-value", value), value) for value in values]

    def change_schema(self) -> None:
        """Write with the next schema from now on."""
        del self._values[0]

    def key(self, number: int) -> bytes:
        """Return a row's key."""
        return self._key({"id": number})

    def value(self, number: int) -> bytes:
        """Return a row."""
        row = orjson.loads(self._rows.value(number))
        return self._values[0]({name: row[name] for name in ("after", "updated", "mvcc_timestamp")})

    def resolved(self, number: int) -> bytes:
        """Return the resolved message that stands after a row."""
        return self._ended(orjson.loads(self._rows.resolved(number)))


class _Encoder:
    """Writes Confluent's wire format."""

    def __init__(self, number: int, schema: Schema) -> None:
        self._head = b"\0" + number.to_bytes(4, "big")
        self._schema = fastavro.parse_schema(dict(schema))

    def __call__(self, value: Any) -> bytes:
        body = io.BytesIO()
        fastavro.schemaless_writer(body, self._schema, value)
        return self._head + body.getvalue()
