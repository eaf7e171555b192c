"""Protobuf messages as CockroachDB writes them, by the library: its types are built at run time from the fields' numbers."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2

_PACKAGE = "cockroach.ccl.changefeedccl"
#: Message -> its fields: "name type number", a map as "name map number"; "=" begins those of the oneof.
_MESSAGES: Mapping[str, Sequence[str]] = {
    "MessageBatch": ["payload *Message 1"],
    "Message": [
        "=wrapped WrappedEnvelope 1",
        "=bare BareEnvelope 2",
        "=enriched EnrichedEnvelope 3",
        "=resolved Resolved 4",
        "=bareResolved BareResolved 5",
    ],
    "WrappedEnvelope": [
        "after Record 1",
        "before Record 2",
        "updated string 4",
        "mvcc_timestamp string 5",
        "key Key 6",
        "topic string 7",
    ],
    "BareEnvelope": ["values map 1", "__crdb__ Metadata 2"],
    "BareResolved": ["__crdb__ Resolved 1"],
    "EnrichedEnvelope": ["after Record 1", "before Record 2", "op int32 3", "ts_ns int64 4", "source EnrichedSource 5"],
    "Resolved": ["resolved string 1"],
    "EnrichedSource": [
        "job_id string 1",
        "mvcc_timestamp string 9",
        "ts_ns int64 10",
        "ts_hlc string 11",
        "database_name string 13",
        "schema_name string 14",
        "table_name string 15",
        "primary_keys *string 16",
    ],
    "Metadata": ["updated string 1", "mvcc_timestamp string 2", "key Key 3", "topic string 4"],
    "Value": [
        "=string_value string 1",
        "=bytes_value bytes 2",
        "=int32_value int32 3",
        "=int64_value int64 4",
        "=float_value float 5",
        "=double_value double 6",
        "=bool_value bool 7",
        "=timestamp_value .google.protobuf.Timestamp 8",
        "=array_value Array 9",
        "=tuple_value Record 10",
        "=decimal_value Decimal 11",
        "=date_value string 12",
        "=interval_value string 13",
        "=time_value string 14",
        "=uuid_value string 15",
    ],
    "Key": ["key map 1"],
    "Array": ["values *Value 1"],
    "Decimal": ["value string 1"],
    "Record": ["values map 1"],
}
_F = descriptor_pb2.FieldDescriptorProto
_PRIMITIVES = {
    "string": _F.TYPE_STRING,
    "bytes": _F.TYPE_BYTES,
    "int32": _F.TYPE_INT32,
    "int64": _F.TYPE_INT64,
    "float": _F.TYPE_FLOAT,
    "double": _F.TYPE_DOUBLE,
    "bool": _F.TYPE_BOOL,
}


@functools.cache
def types() -> Mapping[str, Any]:
    """Return the classes of all messages."""
    file = descriptor_pb2.FileDescriptorProto(name="changefeed.proto", package=_PACKAGE, syntax="proto3")
    file.dependency.append(timestamp_pb2.DESCRIPTOR.name)
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for text in fields:
            _add(message, text)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}")) for name in _MESSAGES}


def _add(message: descriptor_pb2.DescriptorProto, text: str) -> None:
    """Add a field to a message."""
    name, kind, number = text.removeprefix("=").split()
    field = message.field.add(name=name, number=int(number), label=_F.LABEL_OPTIONAL)
    if text.startswith("="):
        if not message.oneof_decl:
            message.oneof_decl.add(name="of")
        field.oneof_index = 0
    if kind == "map":
        entry = message.nested_type.add(name=f"{name.title().replace('_', '')}Entry")
        entry.options.map_entry = True
        entry.field.add(name="key", number=1, label=_F.LABEL_OPTIONAL, type=_F.TYPE_STRING)
        entry.field.add(name="value", number=2, label=_F.LABEL_OPTIONAL, type=_F.TYPE_MESSAGE, type_name=f".{_PACKAGE}.Value")
        field.label, field.type = _F.LABEL_REPEATED, _F.TYPE_MESSAGE
        field.type_name = f".{_PACKAGE}.{message.name}.{entry.name}"
        return
    if kind.startswith("*"):
        kind, field.label = kind[1:], _F.LABEL_REPEATED
    if kind in _PRIMITIVES:
        field.type = _PRIMITIVES[kind]
    else:
        field.type, field.type_name = _F.TYPE_MESSAGE, kind if kind.startswith(".") else f".{_PACKAGE}.{kind}"


_PLAIN = {bool: "bool_value", str: "string_value", bytes: "bytes_value", int: "int64_value", float: "double_value"}


def value(of: object) -> Any:
    """Return a `Value`: NULL is an empty one."""
    made = types()["Value"]()
    if type(of) in _PLAIN:
        setattr(made, _PLAIN[type(of)], of)
    elif isinstance(of, Decimal):
        made.decimal_value.value = str(of)
    elif isinstance(of, datetime):
        made.timestamp_value.FromDatetime(of.astimezone(UTC))
    elif isinstance(of, UUID):
        made.uuid_value = str(of)
    elif isinstance(of, list):
        made.array_value.SetInParent()
        made.array_value.values.extend(map(value, of))
    elif isinstance(of, dict):
        made.tuple_value.SetInParent()
        fill(made.tuple_value.values, of)
    return made


def fill(columns: Any, row: Mapping[str, object]) -> None:
    """Put a row into a map of columns."""
    for name, of in row.items():
        columns[name].CopyFrom(value(of))


def key(row: Mapping[str, object]) -> bytes:
    """Return a `Key`."""
    made = types()["Key"]()
    fill(made.key, row)
    return bytes(made.SerializeToString())


def wrapped(after: Mapping[str, object] | None, before: Mapping[str, object] | None = None, **texts: str) -> bytes:
    """Return a wrapped message."""
    return bytes(_wrapped(after, before, **texts).SerializeToString())


def _wrapped(after: Mapping[str, object] | None, before: Mapping[str, object] | None, **texts: str) -> Any:
    made = types()["Message"]()
    made.wrapped.SetInParent()
    for part, row in ((made.wrapped.after, after), (made.wrapped.before, before)):
        if row is not None:
            part.SetInParent()
            fill(part.values, row)
    for name, text in texts.items():
        setattr(made.wrapped, name, text)
    return made


def bare(row: Mapping[str, object], **texts: str) -> bytes:
    """Return a bare message."""
    made = types()["Message"]()
    made.bare.SetInParent()
    fill(made.bare.values, row)
    for name, text in texts.items():
        setattr(getattr(made.bare, "__crdb__"), name, text)  # noqa: B009 - inside a class the name would be mangled, and looks so here
    return bytes(made.SerializeToString())


def enriched(
    after: Mapping[str, object] | None, before: Mapping[str, object] | None, op: int, source: Mapping[str, Any]
) -> bytes:
    """Return an enriched message."""
    made = types()["Message"]()
    made.enriched.op, made.enriched.ts_ns = op, 1
    for part, row in ((made.enriched.after, after), (made.enriched.before, before)):
        if row is not None:
            part.SetInParent()
            fill(part.values, row)
    for name, of in source.items():
        if isinstance(of, list):
            getattr(made.enriched.source, name).extend(of)
        else:
            setattr(made.enriched.source, name, of)
    return bytes(made.SerializeToString())


def resolved(text: str, *, is_bare: bool = False) -> bytes:
    """Return a resolved message."""
    made = types()["Message"]()
    holder = getattr(made.bareResolved, "__crdb__") if is_bare else made.resolved  # noqa: B009 - as above
    holder.resolved = text
    return bytes(made.SerializeToString())


def batch(rows: Sequence[Mapping[str, object]]) -> bytes:
    """Return a batch of wrapped messages."""
    made = types()["MessageBatch"]()
    made.payload.extend(_wrapped(row, None) for row in rows)
    return bytes(made.SerializeToString())
