"""
What an Avro schema says of a changefeed's message: its envelope, its table, and which part of the event each field is.

Field names as in CockroachDB's ``changefeedccl/avro``: ``before``, ``after``, ``record`` (bare), ``resolved``, ``updated``,
``mvcc_timestamp``, ``source``, ``ts_ns``, ``op``. Since an envelope is a type of its own, no column's name can be taken for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from auditor.decoders.messages.avro_schema import Field, Node, Record, Union
from auditor.names import table_from_topic

_SUFFIX = "_envelope"
_PARTS = {"after": "after", "record": "after", "before": "before", "key": "key"}


class Envelope(NamedTuple):
    """
    The shape of messages of one schema, and their table ('' if it names none).

    ``shape`` is ``wrapped`` (enriched, too), ``bare``, ``resolved``, or ``columns`` where there is no envelope.
    """

    shape: str
    table: str


def envelope_of(node: Node) -> Envelope:
    """Return what a value's schema says."""
    if not isinstance(node, Record):
        return Envelope("columns", "")
    fields = {field.name: field.node for field in node.fields}
    if "after" in fields and _holds_record(fields["after"]):
        shape = "wrapped"
    elif "record" in fields and _holds_record(fields["record"]):
        shape = "bare"
    elif node.name.endswith(_SUFFIX) and fields.keys() == {"resolved"}:
        shape = "resolved"
    else:
        return Envelope("columns", table_of(node))
    return Envelope(shape, table_of(node, _SUFFIX))


def table_of(node: Node, suffix: str = "") -> str:
    """Return the table that a record is named after, without ``avro_schema_prefix``, which is its namespace, too."""
    if not isinstance(node, Record):
        return ""
    name = node.name.removesuffix(suffix)
    shorter = name.removeprefix(node.namespace)
    return table_from_topic(shorter or name)


def parts_of(node: Record, shape: str) -> Iterator[tuple[Field, str]]:
    """Yield the fields of a message's record with their part of the event; '' is a column of its own."""
    for field in node.fields:
        part = "topic" if field.name == "topic" else _PARTS.get(field.name, "header")
        if part in ("after", "before", "key") and not _holds_record(field.node):
            part = "header"
        yield field, "" if shape == "columns" else part


def _holds_record(node: Node) -> bool:
    """Tell whether a value may be a record."""
    return isinstance(node, Record) or (isinstance(node, Union) and any(isinstance(branch, Record) for branch in node.branches))
