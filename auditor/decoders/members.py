"""From a decoded JSON message of a changefeed, in any envelope, to the columns of its parts: what policies look at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from auditor.decoders.envelope import bytea_json, columns_of_key, key_pairs, shape_of, table_named, without_schema
from auditor.model import Members
from auditor.names import table_from_topic

_EMPTY: Mapping[str, object] = {}


def members_of(message: object, shape: str = "", key: object = None) -> list[Members]:
    """
    Return the parts of one message, of several rows if it is a webhook body; ``key`` stood beside it.

    ``shape`` is its envelope as in `envelope.row_of`. What is no message of a changefeed has no columns.
    """
    if type(message) is not dict:
        return _of_key(None, key, _EMPTY)
    known = shape_of(message)
    if shape in ("bare", "row") and known != "webhook":
        known = "bare"
    if known == "webhook":
        return [each for one in message["payload"] for each in members_of(one, shape)]
    return _READERS[known](message, key)


def _wrapped(message: Mapping[str, Any], key: object) -> list[Members]:
    """Read wrapped and enriched; a topic or source in it names the table."""
    after, before = message.get("after"), message.get("before")
    table = table_named(message.get("topic"), message.get("source"))
    found = [Members(table, part, one) for part, one in (("after", after), ("before", before)) if type(one) is dict]
    own = message.get("key")
    return found + _of_key(table, key if own is None else own, after if type(after) is dict else before)


def _enriched(message: Mapping[str, Any], key: object) -> list[Members]:
    """Read enriched, with or without its schema."""
    return _wrapped(without_schema(message.get("payload", message)), key)


def _bare(message: Mapping[str, Any], key: object) -> list[Members]:
    """Read bare and row."""
    metadata = message.get("__crdb__")
    if type(metadata) is not dict:
        return [Members(None, "after", message), *_of_key(None, key, message)]
    columns = {name: value for name, value in message.items() if name != "__crdb__"}
    table = table_named(metadata.get("topic"), None)
    own = metadata.get("key")
    there = {name: value for name, value in columns.items() if value is not None}
    if type(own) is list and len(there) <= len(own) < len(columns):
        return [Members(table, "key", there)]  # a deletion: all but its key is NULL
    return [Members(table, "after", columns), *_of_key(table, key if own is None else own, columns)]


def _pubsub(message: Mapping[str, Any], key: object) -> list[Members]:
    """Read what Pub/Sub and Pulsar wrap around a message."""
    del key
    inner = members_of(message.get("Value", message.get("value")), key=message.get("Key", message.get("key")))
    return _named(table_named(message.get("Topic", message.get("topic")), None), inner)


def _capture(message: Mapping[str, Any], key: object) -> list[Members]:
    """Read a row of the CLI's sinkless output."""
    del key
    return captured_members(message["table"], message["key"], message["value"])


def captured_members(table: str, key: str, value: str) -> list[Members]:
    """Return the parts of one ``table, key, value`` line of a sinkless changefeed; see `envelope.captured`."""
    printed = None if key in ("", "NULL") else bytea_json(key)
    inner = members_of(bytea_json(value), key=printed)
    return _named(table_from_topic(table) if table not in ("", "NULL") else None, inner)


def _named(table: str | None, members: list[Members]) -> list[Members]:
    """Let a wrapper name the table."""
    return members if table is None else [each._replace(table=table) for each in members]


def _of_key(table: str | None, key: object, columns: object) -> list[Members]:
    """Return the part of a key, in its order; what has no name in it is called ''."""
    if type(key) is dict and key.keys() <= {"payload", "schema"} and "payload" in key:
        key = key["payload"]  # enriched with schema
    pairs = key_pairs(key, columns)
    return [Members(table, "key", columns_of_key(pairs))] if pairs else []


def _resolved(message: Mapping[str, Any], key: object) -> list[Members]:
    """Have no columns."""
    del message, key
    return []


_READERS = {
    "enriched": _enriched,
    "pubsub": _pubsub,
    "sinkless": _capture,
    "resolved": _resolved,
    "wrapped": _wrapped,
    "bare": _bare,
}
