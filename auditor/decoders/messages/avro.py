"""
Avro messages in Confluent's wire format: a zero byte, the schema's number (4 bytes, big-endian), and the row by that schema.

Forms as in CockroachDB's docs (changefeed-messages, "Avro") and its ``encoder_avro.go``; the wire format is Confluent's (Schema
Registry docs, "Wire format"). A message is read only where something was found in its bytes: for all others, no schema is needed.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import fastavro

from auditor.decoders import envelope
from auditor.decoders.members import members_of
from auditor.decoders.messages.avro_envelope import Envelope, envelope_of, table_of
from auditor.decoders.messages.avro_plain import Plain, plain_of
from auditor.decoders.messages.avro_schema import Node, parse
from auditor.decoders.messages.avro_walk import spans_of, walk_of
from auditor.decoders.messages.located import LocatedValues, Span, Walked, as_text
from auditor.delivery import Schemas
from auditor.errors import DecodeError
from auditor.hlc import Timestamp
from auditor.leaves import leaves
from auditor.model import Members, Row
from auditor.protocols import Framed, Values

#: Zero byte and schema number.
_HEADER = 5
#: Schemas that are kept ready: as many as CockroachDB's own encoder keeps.
_MOST_SCHEMAS = 1024
#: A resolved message is shorter: its header, a few empty fields, and a timestamp of 30 characters.
_LONGEST_RESOLVED = 128
#: What `envelope` takes for parts of an envelope; any other field is scanned as metadata, too.
_KNOWN = frozenset(("after", "before", "key", "topic", "updated", "mvcc_timestamp", "resolved", "op", "ts_ns", "source"))


class _Schema(NamedTuple):
    """A schema ready for use. ``read_by`` is the library's own form of it."""

    read_by: Any
    node: Node
    plain: Plain | None
    envelope: Envelope


class AvroCodec:
    """Reads Avro keys and values; see `auditor.protocols.Codec`. One instance a thread."""

    format = "avro"

    def __init__(self, schemas: Schemas) -> None:
        """Take where schemas are had."""
        self._schemas = schemas
        self._schema = lru_cache(maxsize=_MOST_SCHEMAS)(self._load)
        self._walk_of = lru_cache(maxsize=_MOST_SCHEMAS)(self._load_walk)

    def resolved(self, value: bytes) -> Timestamp | None:
        """Return the timestamp of a resolved message, None for any other. Raise `SourceUnavailable` for want of its schema."""
        if len(value) > _LONGEST_RESOLVED:
            return None
        try:
            schema, message = self._read(value)
        except DecodeError:
            return None
        return envelope.row(message).resolved if schema.envelope.shape == "resolved" else None

    def carried(self, value: bytes) -> Mapping[str, int]:
        """Count one: Avro messages come singly."""
        del value
        return {"": 1}

    def row(self, key: bytes | None, value: bytes | None) -> Row:
        """Read a message and its key. No value is all there is in the key-only envelope; the table is then the key's."""
        row = self._value_row(value) if value else Row(())
        if not key:
            return row
        schema, columns = self._read(key)
        keyed = envelope.keyed(row, columns)
        return keyed if keyed.table else keyed._replace(table=table_of(schema.node) or None)

    def values(self, framed: Framed) -> Values:
        """Find texts by walking the messages that had a hit."""
        return LocatedValues(framed, self._walked)

    def members(self, key: bytes | None, value: bytes | None) -> Sequence[Members]:
        """Read the columns of a message's parts."""
        schema_of_key, columns = self._read(key) if key else (None, None)
        message, shape, table = self._as_json(value) if value else (None, "", "")
        if not table and schema_of_key is not None:
            table = table_of(schema_of_key.node)
        found = members_of(message, shape, columns)
        return [each if each.table else each._replace(table=table or None) for each in found]

    def _value_row(self, value: bytes) -> Row:
        """Read a message without its key."""
        message, shape, table = self._as_json(value)
        if shape == "bare":
            row = envelope.row_of(message, shape)
        else:
            row = envelope.row({name: field for name, field in message.items() if name in _KNOWN})
            more = [cell for name, field in message.items() if name not in _KNOWN for cell in leaves("header", name, field)]
            row = row._replace(cells=[*row.cells, *more])
        return row if row.table else row._replace(table=table or None)

    def _as_json(self, value: bytes) -> tuple[dict[str, Any], str, str]:
        """Read a message into what the same feed in JSON would say; return it, its envelope if that is bare, and its table."""
        schema, message = self._read(value)
        shape, table = schema.envelope
        if shape == "bare" and not isinstance(message["record"], str | list):
            columns = message.pop("record") or {}
            return {**columns, "__crdb__": message}, "bare", table
        return message, "bare" if shape in ("bare", "columns") else "", table

    def _read(self, payload: bytes) -> tuple[_Schema, Any]:
        """Read a key or a value into what JSON would say."""
        number = _number(payload)
        schema = self._schema(number)
        body = io.BytesIO(payload)
        body.seek(_HEADER)
        try:
            message = fastavro.schemaless_reader(body, schema.read_by, None, handle_unicode_errors="replace")
        except Exception:  # noqa: BLE001 - what bytes that do not fit make the library raise is nowhere said
            raise DecodeError(f"the message does not fit schema {number}") from None
        if body.tell() != len(payload):
            raise DecodeError(f"the message is longer than schema {number} says, by {len(payload) - body.tell()} bytes")
        return schema, message if schema.plain is None else schema.plain(message)

    def _load(self, number: int) -> _Schema:
        """Get a schema and make it ready."""
        text = self._schemas.schema(number)
        try:
            node, plain_json = parse(text)
            read_by = fastavro.parse_schema(plain_json)  # type: ignore[arg-type]  # JSON of any form: what is none is refused
        except DecodeError as error:
            raise DecodeError(f"schema {number} cannot be used: {error.what}") from None
        except Exception:  # noqa: BLE001 - as above, and the text of the cause may quote the schema
            raise DecodeError(f"schema {number} cannot be used: it is no Avro schema") from None
        return _Schema(read_by, node, plain_of(node), envelope_of(node))

    def _load_walk(self, number: int) -> Any:
        """Make ready what walks messages of a schema."""
        schema = self._schema(number)
        return walk_of(schema.node, schema.envelope)

    def _walked(self, message: bytes) -> Walked | None:
        """Walk a message for the places of its texts."""
        try:
            number = _number(message)
            spans = spans_of(self._walk_of(number), message, _HEADER)
        except DecodeError:
            return None
        if spans is None:
            return None
        table = self._schema(number).envelope.table or None
        row = _metadata_row(message, spans)
        return Walked(spans, row if row.table else row._replace(table=table))


def _number(payload: bytes) -> int:
    """Return the number of a payload's schema."""
    if len(payload) < _HEADER or payload[0]:
        raise DecodeError("not in the wire format of a schema registry: it must begin with a zero byte and a schema's number")
    return int.from_bytes(payload[1:_HEADER], "big")


def _metadata_row(message: bytes, spans: list[Span]) -> Row:
    """Return what a message says of its row beside the columns: table and times, no cells."""
    metadata: dict[str, Any] = {"after": None}
    source: dict[str, str] = {}
    for begin, end, (part, column, path, _) in spans:
        if part == "header" and not path:
            metadata[column] = as_text(message[begin:end])
        elif part == "header" and column == "source":
            source[path.removeprefix("$.")] = as_text(message[begin:end])
        elif part == "topic":
            metadata["topic"] = as_text(message[begin:end])
    known: Mapping[str, object] = {name: text for name, text in metadata.items() if name in _KNOWN}
    return envelope.row({**known, "source": source} if source else known)._replace(cells=())
