"""
From a decoded JSON message of a changefeed, in any envelope and around any sink's wrapper, to a row.

Shapes as CockroachDB's docs give them (changefeed-message-envelopes, changefeed-messages, changefeed-sinks): wrapped and
enriched (``after`` ...), enriched with schema (``payload``/``schema``), bare and row (columns at the top, perhaps
``__crdb__``), webhook bodies (``payload`` list), Pub/Sub and Pulsar (``Key``/``Value``/``Topic``), the CLI's sinkless capture
(``table``/``key``/``value`` as text), and resolved messages of each. Told apart by shape: a table with a column called
``after`` that holds an object reads as wrapped.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from auditor.hlc import Timestamp
from auditor.leaves import SHORTEST_NAME, leaves
from auditor.model import Cell, Row
from auditor.names import table_from_topic

_WRAPPED = frozenset(
    ("after", "before", "key", "topic", "updated", "mvcc_timestamp", "resolved", "op", "ts_ns", "source", "crdb_region")
)
DATA = frozenset(("after", "before", "key", "topic"))
_PUBSUB = (frozenset(("Key", "Value", "Topic")), frozenset(("key", "value", "topic")))
_ESCAPED = re.compile(rb"\\(\\|[0-7]{3})")
_HLC = re.compile(r"[0-9]{1,19}(?:\.[0-9]{1,10})?")
_CAPTURE = frozenset(("table", "key", "value"))


def shape_of(message: object) -> str:
    """Name the envelope of one decoded message, for reports and for recognising a file's format."""
    if type(message) is not dict:
        return "json"
    names = message.keys()
    if "after" in message and names <= _WRAPPED and (message["after"] is None or type(message["after"]) is dict):
        return "enriched" if "op" in message and "ts_ns" in message else "wrapped"
    payload = message.get("payload")
    if type(payload) is list and names <= {"payload", "length"}:
        return "webhook"
    if type(payload) is dict and names <= {"payload", "schema"}:
        return "enriched"
    if names in _PUBSUB:
        return "pubsub"
    if names == _CAPTURE and all(type(value) is str for value in message.values()):
        return "sinkless"
    if names == {"resolved"} and type(message["resolved"]) is str:
        return "resolved"
    metadata = message.get("__crdb__")
    if type(metadata) is dict:
        return "resolved" if names == {"__crdb__"} and "resolved" in metadata else "bare"
    return "bare"


def row(message: object) -> Row:
    """Return the row of one decoded message; further rows of a webhook body are in `Row.also`. Total: any JSON is a row."""
    if type(message) is not dict:
        return Row(list(leaves("after", "", message)))
    return _READERS.get(shape_of(message), _bare)(message)


def row_of(message: object, shape: str) -> Row:
    """
    Return the row of a message whose envelope is known, '' if it is not.

    It matters only where columns stand at the top (``bare``, ``row``): a table may have columns called ``after`` or ``payload``.
    """
    if shape not in ("bare", "row") or type(message) is not dict:
        return row(message)
    return _webhook(message, shape) if shape_of(message) == "webhook" else _bare(message)


def topic_of(message: object) -> str:
    """Return the topic that one message of a webhook body names, '' if none."""
    if type(message) is not dict:
        return ""
    payload, metadata = message.get("payload"), message.get("__crdb__")
    for holder in (message, payload, metadata):
        if type(holder) is dict and type(topic := holder.get("topic")) is str:
            return topic
    return ""


def keyed(inner: Row, key: object) -> Row:
    """Return a row with the key that stood beside its message; a part that equals the text of a column takes its name."""
    if type(key) is dict and key.keys() <= {"payload", "schema"} and "payload" in key:
        key = key["payload"]  # enriched with schema
    columns = {cell.text: cell.column for cell in inner.cells if cell.part == "after" and not cell.path}
    pairs = [(name or (columns.get(part, "") if type(part) is str else ""), part) for name, part in key_pairs(key, None)]
    return inner._replace(cells=[*inner.cells, *_key_cells(pairs)], key=pairs) if pairs else inner


def _wrapped(message: Mapping[str, Any]) -> Row:
    """Read wrapped and enriched: after and before by column, all other members as metadata."""
    after, before = message.get("after"), message.get("before")
    cells: list[Cell] = []
    for part, columns in (("after", after), ("before", before)):
        if type(columns) is dict:
            cells.extend(_columns(part, columns))
        elif columns is not None:
            cells.extend(leaves(part, "", columns))
    key = key_pairs(message.get("key"), after if type(after) is dict else before)
    cells.extend(_key_cells(key))
    source, topic = message.get("source"), message.get("topic")
    cells.extend(_topic_cells(topic))
    cells.extend(_metadata_cells(message, DATA))
    updated, written = _updated(message, source), _written(message, source)
    return Row(cells, table_named(topic, source), key, updated, _text(message.get("op")), written=written)


def _with_schema(message: Mapping[str, Any]) -> Row:
    """Read the Kafka-Connect form: the payload is an envelope, the schema is scanned as metadata."""
    payload = message.get("payload", message)
    inner = _wrapped(without_schema(payload))
    schema = message.get("schema") if payload is not message else None
    return inner if schema is None else inner._replace(cells=[*inner.cells, *leaves("header", "schema", schema)])


def without_schema(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Undo the payload/schema wrapper that an enriched key carries too."""
    key = payload.get("key")
    if type(key) is dict and key.keys() <= {"payload", "schema"} and "payload" in key:
        return {**payload, "key": key["payload"]}
    return payload


def _bare(message: Mapping[str, Any]) -> Row:
    """Read bare and row: the columns are at the top, metadata (if any) in ``__crdb__``."""
    metadata = message.get("__crdb__")
    if type(metadata) is not dict:
        return Row(_columns("after", message), updated=None)
    columns = {name: value for name, value in message.items() if name != "__crdb__"}
    key = key_pairs(metadata.get("key"), columns)
    topic = metadata.get("topic")
    cells = [*_columns("after", columns), *_key_cells(key), *_topic_cells(topic), *_metadata_cells(metadata, DATA)]
    return Row(cells, table_named(topic, None), key, _updated(metadata, None), written=_written(metadata, None))


def _webhook(message: Mapping[str, Any], shape: str = "") -> Row:
    """Read a POST body: its first message is the row, the others are in ``also``."""
    rows = [row_of(entry, shape) for entry in message["payload"]]
    length = list(leaves("header", "length", message.get("length")))
    if not rows:
        return Row(length)
    return rows[0]._replace(cells=[*rows[0].cells, *length], also=rows[1:])


def _pubsub(message: Mapping[str, Any]) -> Row:
    """Read Pub/Sub and Pulsar; both letter cases (the sink before v23.2 wrote them small)."""
    value = message.get("Value", message.get("value"))
    topic = message.get("Topic", message.get("topic"))
    inner = keyed(row(value), message.get("Key", message.get("key")))
    return inner._replace(cells=[*inner.cells, *_topic_cells(topic)], table=table_named(topic, None) or inner.table)


def _capture(message: Mapping[str, Any]) -> Row:
    """Read a row of the CLI's sinkless output, all of whose values are text."""
    return captured(message["table"], message["key"], message["value"])


def captured(table: str, key: str, value: str) -> Row:
    r"""
    Return the row of one ``table, key, value`` line of a sinkless changefeed printed by the CLI.

    Key and value are JSON text, or bytea in hex (``\x5b31...``) or escape form, as ``bytea_output`` says
    (cockroach-sql docs). ``NULL`` in table and key marks a resolved message. What is no JSON stays one text cell.
    """
    message = bytea_json(value)
    named = "" if table == "NULL" else table
    printed = None if key == "NULL" else bytea_json(key)
    if printed is None and key not in ("", "NULL"):
        printed = [key]
    if type(message) is dict:
        inner = row(message)
    elif not value:
        inner = Row(())  # key_only, and a deletion in the row envelope
    else:
        inner = Row([Cell("after", "", "", value)])
    inner = keyed(inner, printed)
    return inner._replace(
        cells=[*inner.cells, *_topic_cells(named or None)], table=table_from_topic(named) if named else inner.table
    )


def _resolved(message: Mapping[str, Any]) -> Row:
    """Read a resolved message: it moves the coverage and holds no data."""
    text = message.get("resolved") or message["__crdb__"]["resolved"]
    try:
        return Row([Cell("header", "resolved", "", str(text))], resolved=Timestamp.parse(str(text)))
    except ValueError:
        return Row([Cell("header", "resolved", "", str(text))])


def _columns(part: str, columns: Mapping[str, Any]) -> list[Cell]:
    """Return the text cells of every column, and of a column's name where it is long enough to hide a secret."""
    cells: list[Cell] = []
    for name, value in columns.items():
        if len(name) >= SHORTEST_NAME:
            cells.append(_new(Cell, (part, name, "$.{name}", name)))
        kind = type(value)
        if kind is str:
            cells.append(_new(Cell, (part, name, "", value)))
        elif kind is dict or kind is list:
            cells.extend(leaves(part, name, value))
    return cells


def key_pairs(key: object, columns: object) -> list[tuple[str, object]]:
    """
    Return the primary key as (column, value) pairs.

    A key that is an array has no names; a part that equals the text of exactly one column takes that column's name.
    """
    if type(key) is dict:
        return list(key.items())
    if type(key) is not list:
        return [] if key is None else [("", key)]
    return [(_column_of(part, columns), part) for part in key]


def columns_of_key(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    """Return the parts of a key by their names, in its order; a name that was had before is ``[index]`` (`names.NAMELESS`)."""
    columns: dict[str, object] = {}
    for index, (name, part) in enumerate(pairs):
        columns[name if name not in columns else f"[{index}]"] = part
    return columns


def _column_of(part: object, columns: object) -> str:
    """Return the one column whose text is this part of the key, '' if there is none or more than one."""
    if type(part) is not str or type(columns) is not dict:
        return ""
    names = [name for name, value in columns.items() if value == part]
    return names[0] if len(names) == 1 else ""


def _key_cells(key: Sequence[tuple[str, object]]) -> Iterator[Cell]:
    """Yield the text cells of a key."""
    for name, value in key:
        if len(name) >= SHORTEST_NAME:
            yield Cell("key", name, "$.{name}", name)
        yield from leaves("key", name, value)


def _metadata_cells(message: Mapping[str, Any], data: frozenset[str]) -> Iterator[Cell]:
    """Yield the text of all members but those that hold data: nothing of a message goes unscanned."""
    for name, value in message.items():
        if name not in data:
            yield from leaves("header", name, value)


def _topic_cells(topic: object) -> list[Cell]:
    """Return the cell of a message's topic, if it names one."""
    return list(leaves("topic", "", topic))


def table_named(topic: object, source: object) -> str | None:
    """Return the table a message names itself: enriched's source first, else its topic."""
    if type(source) is dict and type(source.get("table_name")) is str:
        parts = (source.get("database_name"), source.get("schema_name"), source["table_name"])
        return ".".join(part for part in parts if type(part) is str and part)
    return table_from_topic(topic) if type(topic) is str and topic else None


def _updated(metadata: Mapping[str, Any], source: object) -> str | None:
    """Return the commit time of a row as HLC text, if the feed says it."""
    return _hlc((metadata, "updated"), (metadata, "mvcc_timestamp"), (source, "ts_hlc"), (source, "mvcc_timestamp"))


def _written(metadata: Mapping[str, Any], source: object) -> str | None:
    """Return when the row's version was written, if the feed says it: in a scan of a whole table ``updated`` is later."""
    return _hlc((metadata, "mvcc_timestamp"), (source, "mvcc_timestamp"), (metadata, "updated"), (source, "ts_hlc"))


def _hlc(*places: tuple[object, str]) -> str | None:
    """Return the first of these members that is an HLC timestamp."""
    for holder, name in places:
        if type(holder) is dict and type(holder.get(name)) is str and _HLC.fullmatch(holder[name]):
            return str(holder[name])
    return None


def _text(value: object) -> str | None:
    """Return a value only if it is text."""
    return value if type(value) is str else None


def bytea_json(text: str) -> object:
    r"""
    Parse the JSON inside printed bytea; None for anything that is none.

    Hex form is ``\x7b22...``. Escape form doubles backslashes and prints other bytes as ``\ooo``: it is tried before plain
    JSON, since most escape-form text is valid JSON with a different meaning, and hardly any the other way round.
    """
    if text.startswith("\\x"):
        try:
            return _json(binascii.unhexlify(text[2:]))
        except ValueError:
            return None
    raw = text.encode("utf-8", "surrogatepass")
    if b"\\" in raw:
        unescaped = _json(_ESCAPED.sub(_unescaped, raw))
        if unescaped is not None:
            return unescaped
    return _json(raw)


def _unescaped(match: re.Match[bytes]) -> bytes:
    """Return the byte that one escape of bytea's escape form stands for."""
    digits = match[1]
    return b"\\" if digits == b"\\" else bytes((int(digits, 8) & 0xFF,))


def _json(text: bytes) -> object:
    """Parse JSON; None for anything that is none."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


_new = tuple.__new__  # a named tuple's own constructor takes three times as long, and this runs for every column of a hit row
_READERS = {
    "webhook": _webhook,
    "enriched": _with_schema,
    "pubsub": _pubsub,
    "sinkless": _capture,
    "resolved": _resolved,
    "wrapped": _wrapped,
    "bare": _bare,
}
