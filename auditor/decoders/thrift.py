"""
Thrift's compact protocol to a generic tree and back: what a Parquet footer is written in.

Only what the editing of a footer needs: no services, no schema. Source: the Thrift project's compact protocol specification.
Reading is bounded by the input: no size that it states is believed beyond the bytes that are there.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from auditor.errors import DecodeError

#: Nesting beyond this is no Parquet footer (its own deepest is 7).
DEEPEST = 32
#: Fields and elements beyond this are refused: a schema of 50,000 columns has half as many.
MOST_VALUES = 1_000_000

TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = range(1, 13)
_LONGEST_VARINT = 10


class Items(NamedTuple):
    """A list or set: the type code of its elements, and the elements."""

    type: int
    values: Sequence[object]


class Entries(NamedTuple):
    """A map: the type codes of key and value (0 when empty), and the pairs."""

    key_type: int
    value_type: int
    pairs: Sequence[tuple[object, object]]


class Field(NamedTuple):
    """
    One field of a struct.

    ``value`` is a bool (``TRUE``, ``FALSE``), an int, a float, bytes, `Items`, `Entries`, or (``STRUCT``) a list of `Field`.
    """

    id: int
    type: int
    value: object


class Span(NamedTuple):
    """A field and where its value lies in the input."""

    field: Field
    start: int
    end: int


def spans(data: bytes, start: int = 0) -> Iterator[Span]:
    """
    Yield the fields of a struct one by one, in the order they lie in. Raise `DecodeError` if it is none.

    A caller that stops early reads no more than it took.
    """
    reader = _Reader(data, start)
    last = 0
    while header := reader.header(last):
        last, kind = header
        begin = reader.position
        value = reader.member(kind, 0)
        yield Span(Field(last, kind, value), begin, reader.position)


def write_value(kind: int, value: object) -> bytes:
    """Return the bytes of a value without its field header."""
    out = bytearray()
    _write(out, kind, value)
    return bytes(out)


class _Reader:
    """A position in the input, and the values read from there."""

    def __init__(self, data: bytes, position: int) -> None:
        self._data, self.position = data, position
        self._left = MOST_VALUES

    def header(self, last: int) -> tuple[int, int] | None:
        """Read a field's header; ``last`` is the id of the field before it. None at the struct's end."""
        byte = self._byte()
        kind = byte & 15
        if not byte:
            return None
        if not 1 <= kind <= STRUCT:
            raise _damaged("an unknown type of field")
        self._spend(1)
        return (last + (byte >> 4) if byte >> 4 else self._zigzag()), kind

    def member(self, kind: int, depth: int) -> object:
        """Read a field's value: a boolean has been told by its type already."""
        return kind == TRUE if kind in (TRUE, FALSE) else self._value(kind, depth)

    def struct(self, depth: int) -> list[Field]:
        """Read a struct to its end."""
        if depth > DEEPEST:
            raise _damaged(f"structures nested deeper than {DEEPEST}")
        fields: list[Field] = []
        last = 0
        while header := self.header(last):
            last, kind = header
            fields.append(Field(last, kind, self.member(kind, depth)))
        return fields

    def _value(self, kind: int, depth: int) -> object:
        """Read a value by its type code."""
        match kind:
            case 1 | 2:  # TRUE, FALSE: an element of a list takes a byte of its own
                return self._byte() == TRUE
            case 3:  # BYTE
                return int.from_bytes(self._take(1), signed=True)
            case 4 | 5 | 6:  # I16, I32, I64
                return self._zigzag()
            case 7:  # DOUBLE
                return struct.unpack("<d", self._take(8))[0]
            case 8:  # BINARY
                return self._take(self._varint())
            case 9 | 10:  # LIST, SET
                return self._items(depth + 1)
            case 11:  # MAP
                return self._entries(depth + 1)
            case 12:  # STRUCT
                return self.struct(depth + 1)
        raise _damaged("an unknown type of value")

    def _items(self, depth: int) -> Items:
        """Read a list or set."""
        byte = self._byte()
        count = byte >> 4 if byte >> 4 < 15 else self._varint()
        self._plausible(count, depth)
        return Items(byte & 15, [self._value(byte & 15, depth) for _ in range(count)])

    def _entries(self, depth: int) -> Entries:
        """Read a map."""
        count = self._varint()
        if not count:
            return Entries(0, 0, [])
        self._plausible(count, depth)
        kinds = self._byte()
        key, value = kinds >> 4, kinds & 15
        return Entries(key, value, [(self._value(key, depth), self._value(value, depth)) for _ in range(count)])

    def _plausible(self, count: int, depth: int) -> None:
        """Refuse more elements than bytes are left (each takes at least one), and endless nesting."""
        if count > len(self._data) - self.position:
            raise _damaged("a list longer than the input")
        if depth > DEEPEST:
            raise _damaged(f"structures nested deeper than {DEEPEST}")
        self._spend(count)

    def _spend(self, count: int) -> None:
        """Count values, so that a few bytes each cannot fill the memory."""
        self._left -= count
        if self._left < 0:
            raise _damaged(f"more than {MOST_VALUES:,} values")

    def _varint(self) -> int:
        """Read an unsigned integer of seven bits a byte, the lowest first."""
        result = 0
        for shift in range(0, 7 * _LONGEST_VARINT, 7):
            byte = self._byte()
            result |= (byte & 0x7F) << shift
            if byte < 0x80:
                return result
        raise _damaged("an integer without end")

    def _zigzag(self) -> int:
        """Read a signed integer (0, -1, 1, -2, ... are 0, 1, 2, 3, ...)."""
        value = self._varint()
        return value >> 1 ^ -(value & 1)

    def _byte(self) -> int:
        """Read one byte."""
        if self.position >= len(self._data):
            raise _damaged("an end too early")
        self.position += 1
        return self._data[self.position - 1]

    def _take(self, count: int) -> bytes:
        """Read this many bytes."""
        end = self.position + count
        if end > len(self._data):
            raise _damaged("an end too early")
        taken = self._data[self.position : end]
        self.position = end
        return taken


def _damaged(what: str) -> DecodeError:
    """Name what no Thrift writer would have written."""
    return DecodeError(f"the metadata is damaged: it has {what}")


def _write_struct(out: bytearray, fields: Sequence[Field]) -> None:
    """Append a struct."""
    last = 0
    for number, kind, value in fields:
        step = number - last
        if 1 <= step <= 15:
            out.append(step << 4 | kind)
        else:
            out.append(kind)
            _write_zigzag(out, number)
        last = number
        if kind not in (TRUE, FALSE):
            _write(out, kind, value)
    out.append(0)


def _write(out: bytearray, kind: int, value: object) -> None:
    """Append a value without header."""
    match kind, value:
        case 1 | 2, bool():
            out.append(TRUE if value else FALSE)
        case 3, int():
            out += value.to_bytes(1, signed=True)
        case 4 | 5 | 6, int():
            _write_zigzag(out, value)
        case 7, float():
            out += struct.pack("<d", value)
        case 8, bytes():
            _write_varint(out, len(value))
            out += value
        case 9 | 10, Items():
            _write_items(out, value)
        case 11, Entries():
            _write_entries(out, value)
        case 12, list():
            _write_struct(out, value)
        case _:
            raise TypeError(f"a {type(value).__name__} is no value of Thrift type {kind}")


def _write_items(out: bytearray, items: Items) -> None:
    """Append a list or set."""
    count = len(items.values)
    if count < 15:
        out.append(count << 4 | items.type)
    else:
        out.append(0xF0 | items.type)
        _write_varint(out, count)
    for value in items.values:
        _write(out, items.type, value)


def _write_entries(out: bytearray, entries: Entries) -> None:
    """Append a map."""
    _write_varint(out, len(entries.pairs))
    if entries.pairs:
        out.append(entries.key_type << 4 | entries.value_type)
    for key, value in entries.pairs:
        _write(out, entries.key_type, key)
        _write(out, entries.value_type, value)


def _write_zigzag(out: bytearray, value: int) -> None:
    """Append a signed integer."""
    _write_varint(out, value << 1 if value >= 0 else (-value << 1) - 1)


def _write_varint(out: bytearray, value: int) -> None:
    """Append an unsigned integer."""
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
