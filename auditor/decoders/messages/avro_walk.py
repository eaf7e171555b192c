"""
Where the texts of an Avro message lie: its binary form (specification, "Binary Encoding") walked by the schema.

It only skips and notes places, so that `avro.py` stays the one reader of values; a property test holds one against the other.
"""

from __future__ import annotations

from collections.abc import Callable

from auditor.decoders.messages.avro_envelope import Envelope, parts_of
from auditor.decoders.messages.avro_schema import JSON_TYPES, Array, Enum, Fixed, Leaf, Map, Node, Record, Union
from auditor.decoders.messages.located import Json, Place, Span
from auditor.leaves import member

#: Takes a message, a place in it, and where to note texts; returns the place behind. Raises `IndexError` or `ValueError`.
Walk = Callable[[bytes, int, list[Span]], int]
_LONGEST_NUMBER = 10
_new = tuple.__new__  # a third of the time that a named tuple's own constructor takes
_SIZES = {"null": 0, "boolean": 1, "float": 4, "double": 8}


def walk_of(node: Node, envelope: Envelope) -> Walk:
    """Return what walks messages of a schema."""
    if not isinstance(node, Record):
        return _walk(node, Place("after", "", ""))
    walks: list[Walk] = []
    for field, part in parts_of(node, envelope.shape):
        if part in ("after", "before", "key"):
            walks.append(_columns(field.node, part))
        else:
            place = Place("topic", "", "") if part == "topic" else Place(part or "after", field.name, "")
            walks.append(_walk(field.node, place))
    return _sequence(walks)


def spans_of(walk: Walk, message: bytes, start: int) -> list[Span] | None:
    """Return the texts of a message from its ``start`` on; None if it does not fit the schema to its last byte."""
    spans: list[Span] = []
    try:
        end = walk(message, start, spans)
    except (IndexError, ValueError):
        return None
    return spans if end == len(message) else None


def _columns(node: Node, part: str) -> Walk:
    """Return what walks a record of columns, or a union with one."""
    if isinstance(node, Union):
        return _union([_columns(branch, part) for branch in node.branches])
    if isinstance(node, Record):
        return _sequence([_walk(field.node, Place(part, field.name, "")) for field in node.fields])
    return _walk(node, Place(part, "", ""))


def _walk(node: Node, place: Place) -> Walk:
    """Return what walks values of a type that belong to a place."""
    match node:
        case Leaf():
            return _leaf(node, place)
        case Fixed(size):
            return _fixed(size, place)
        case Enum():
            return _skip_number
        case Array(items):
            return _blocks(_walk(items, place._replace(path=f"{place.path or '$'}[*]")))
        case Map():
            return _refuse  # its names are in the message, and each its own path
        case Record(fields=fields):
            inner = [_walk(field.node, place._replace(path=member(place.path or "$", field.name))) for field in fields]
            return _sequence(inner)
        case Union(branches):
            return _union([_walk(branch, place) for branch in branches])


def _leaf(node: Leaf, place: Place) -> Walk:
    """Return what walks values of a primitive type."""
    if node.kind in _SIZES:
        return _skip(_SIZES[node.kind])
    if node.kind in ("int", "long"):
        return _skip_number
    if node.logical == "decimal":
        return _skip_sized
    return _text(place._replace(json=Json.YES) if node.kind == "string" and node.sql in JSON_TYPES else place)


def _number(data: bytes, at: int) -> tuple[int, int]:
    """Read a number; return it and the place behind it."""
    byte = data[at]
    at += 1
    if byte < 0x80:
        return (byte >> 1) ^ -(byte & 1), at
    value = byte & 0x7F
    shift = 7
    while byte & 0x80:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if shift > 7 * _LONGEST_NUMBER:
            raise ValueError
    return (value >> 1) ^ -(value & 1), at


def _skip_number(data: bytes, at: int, _spans: list[Span]) -> int:
    while data[at] & 0x80:
        at += 1
    return at + 1


def _skip_sized(data: bytes, at: int, _spans: list[Span]) -> int:
    size, at = _number(data, at)
    if size < 0:
        raise ValueError
    return at + size


def _refuse(_data: bytes, _at: int, _spans: list[Span]) -> int:
    raise ValueError


def _skip(size: int) -> Walk:
    return lambda _data, at, _spans: at + size


def _fixed(size: int, place: Place) -> Walk:
    def walk(_data: bytes, at: int, spans: list[Span]) -> int:
        spans.append(_new(Span, (at, at + size, place)))
        return at + size

    return walk


def _text(place: Place) -> Walk:
    def walk(data: bytes, at: int, spans: list[Span]) -> int:
        size, at = _number(data, at)
        if size < 0:
            raise ValueError
        spans.append(_new(Span, (at, at + size, place)))
        return at + size

    return walk


def _sequence(walks: list[Walk]) -> Walk:
    def walk(data: bytes, at: int, spans: list[Span]) -> int:
        for inner in walks:
            at = inner(data, at, spans)
        return at

    return walk


def _union(branches: list[Walk]) -> Walk:
    if len(branches) > 63:
        return _refuse  # their numbers take more than a byte

    def walk(data: bytes, at: int, spans: list[Span]) -> int:
        number = data[at]
        if number & 0x81:
            raise ValueError
        return branches[number >> 1](data, at + 1, spans)

    return walk


def _blocks(item: Walk) -> Walk:
    """Walk an array: a count and so many items, until a count of 0; behind a negative count stands the size of its items."""

    def walk(data: bytes, at: int, spans: list[Span]) -> int:
        while True:
            count, at = _number(data, at)
            if not count:
                return at
            if count < 0:
                count = -count
                _, at = _number(data, at)
            for _ in range(count):
                at = item(data, at, spans)
                if at > len(data):
                    raise ValueError

    return walk
