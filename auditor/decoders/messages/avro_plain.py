"""
From what an Avro library reads to what a JSON changefeed would say.

So that a row gives the same cells in both formats: columns by their SQL names, BYTES as text, times as CockroachDB's JSON writes
them, DECIMALs exact.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from auditor.decoders.messages.avro_schema import JSON_TYPES, Array, Enum, Fixed, Leaf, Map, Node, Record, Union
from auditor.decoders.messages.located import as_text, json_value

#: Takes a value as the library reads it.
Plain = Callable[[Any], object]
#: Longer numbers stay bytes: to write one out takes the square of its length.
_LONGEST_DECIMAL = 4096
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def plain_of(node: Node) -> Plain | None:
    """Return what turns values of a type into those of JSON; None if they are as they should be."""
    match node:
        case Leaf():
            return _leaf(node)
        case Fixed():
            return as_text
        case Array(items):
            return _array(plain_of(items))
        case Map(values):
            return _map(plain_of(values))
        case Record():
            return _record(node)
        case Union(branches):
            return _union(branches)
    return None


def _leaf(node: Leaf) -> Plain | None:
    """Return what turns values of a primitive type into those of JSON."""
    if node.kind == "string":
        return json_value if node.sql in JSON_TYPES else None
    if node.kind == "bytes":
        return _decimal(node.scale) if node.logical == "decimal" else as_text
    if node.logical == "date":
        return _date
    if node.logical == "timestamp-micros":
        return _timestamp_utc if node.sql != "TIMESTAMP" else _timestamp
    return _time if node.logical == "time-micros" else None


def _array(plain: Plain | None) -> Plain | None:
    return None if plain is None else lambda values: [plain(value) for value in values]


def _map(plain: Plain | None) -> Plain | None:
    return None if plain is None else lambda values: {name: plain(value) for name, value in values.items()}


def _record(node: Record) -> Plain:
    fields = [(field.written, field.name, plain_of(field.node)) for field in node.fields]

    def plain(record: dict[str, object]) -> object:
        return {name: record[written] if inner is None else inner(record[written]) for written, name, inner in fields}

    return plain


def _union(branches: tuple[Node, ...]) -> Plain | None:
    """Tell branches by the types that values of them have in Python; where two share one, nothing is known of their fields."""
    by_type: dict[type, Plain | None] = {}
    for branch in branches:
        kind = _python_type(branch)
        plain = plain_of(branch)
        by_type[kind] = _unknown if kind in by_type and (plain or by_type[kind]) else plain
    if not any(by_type.values()):
        return None

    def plain_union(value: object) -> object:
        inner = by_type.get(type(value))
        return value if inner is None else inner(value)

    return plain_union


def _python_type(node: Node) -> type:
    """Return the type that values of an Avro type have in Python."""
    match node:
        case Leaf(kind):
            return _TYPES[kind]
        case Fixed():
            return bytes
        case Enum():
            return str
        case Array():
            return list
    return dict


def _unknown(value: object) -> object:
    """Turn bytes into text wherever they are."""
    if isinstance(value, bytes):
        return as_text(value)
    if isinstance(value, list):
        return [_unknown(child) for child in value]
    return {name: _unknown(child) for name, child in value.items()} if isinstance(value, dict) else value


def _decimal(scale: int) -> Plain:
    """Return what reads decimals of a scale, digit for digit: no context of Python's may round them."""

    def plain(value: bytes) -> object:
        if len(value) > _LONGEST_DECIMAL:
            return as_text(value)
        sign, digits, _ = Decimal(int.from_bytes(value, "big", signed=True)).as_tuple()
        return Decimal((sign, digits, -scale))

    return plain


def _date(days: int) -> object:
    """Return a date's text; of one that Python lacks (years beyond 9999 or before Christ) the number of days since 1970."""
    try:
        return (date(1970, 1, 1) + timedelta(days=days)).isoformat()
    except OverflowError:
        return days


def _timestamp(micros: int) -> object:
    """Return the text of a TIMESTAMP; of one that Python lacks the number of microseconds since 1970."""
    try:
        return _trimmed((_EPOCH + timedelta(microseconds=micros)).replace(tzinfo=None).isoformat())
    except OverflowError:
        return micros


def _timestamp_utc(micros: int) -> object:
    """Return the text of a TIMESTAMPTZ."""
    text = _timestamp(micros)
    return f"{text}Z" if isinstance(text, str) else text


def _time(micros: int) -> object:
    """Return the text of a time of day; the end of a day is ``24:00:00``."""
    seconds, fraction = divmod(micros, 1_000_000)
    return _trimmed(f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{fraction:06d}")


def _trimmed(text: str) -> str:
    """Cut the zeros at the end of a fraction of a second."""
    return text.rstrip("0").rstrip(".") if "." in text else text


_TYPES: dict[str, type] = {
    "null": type(None),
    "boolean": bool,
    "int": int,
    "long": int,
    "float": float,
    "double": float,
    "string": str,
    "bytes": bytes,
}
