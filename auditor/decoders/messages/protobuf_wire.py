"""
Protobuf's wire format: fields of a message with their numbers, without knowing its type (encoding docs, "Message Structure").

A reader of our own, since the library would not say where a text lies, and drops what its schema lacks unless each unknown
field is asked for by itself.
"""

from __future__ import annotations

from typing import NamedTuple

from auditor.errors import DecodeError

VARINT, WIDE, SIZED, NARROW = 0, 1, 2, 5
_WIDTHS = {WIDE: 8, NARROW: 4}
_LONGEST_VARINT = 10
#: Fields of one message: more than any row has, and few enough to hold.
_MOST_FIELDS = 1 << 20


class WireField(NamedTuple):
    """
    A field: for `SIZED` and fixed ones, where its bytes begin and end; for `VARINT`, its value in ``begin``.

    ``kind`` is one of `VARINT`, `WIDE` (8 bytes), `SIZED`, `NARROW` (4 bytes).
    """

    number: int
    kind: int
    begin: int
    end: int


def fields_of(data: bytes, begin: int, end: int) -> list[WireField]:
    """Return the fields of a message that lies between two places. Raise `DecodeError` if it is none."""
    found: list[WireField] = []
    at = begin
    while at < end:
        # Most tags and sizes are of one byte: read here, they cost a third.
        tag = data[at]
        at += 1
        if tag > 0x7F:
            tag, at = _varint(data, at - 1, end)
        number, kind = tag >> 3, tag & 7
        if not number or len(found) >= _MOST_FIELDS:
            raise DecodeError("not a protobuf message: a field has the number 0, or there are too many")
        if kind == SIZED and at < end:
            size = data[at]
            at += 1
            if size > 0x7F:
                size, at = _varint(data, at - 1, end)
        elif kind == VARINT:
            value, at = _varint(data, at, end)
            found.append(WireField(number, kind, value, at))
            continue
        elif kind in _WIDTHS:
            size = _WIDTHS[kind]
        else:
            raise DecodeError("not a protobuf message: a field is of a kind that proto3 lacks, or cut off")
        if at + size > end:
            raise DecodeError("not a protobuf message: a field is longer than what it is in")
        found.append(_new(WireField, (number, kind, at, at + size)))
        at += size
    return found


def _varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Read a number of up to 64 bits; return it and the place behind it."""
    value = shift = 0
    for _ in range(_LONGEST_VARINT):
        if at >= end:
            break
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at
        shift += 7
    raise DecodeError("not a protobuf message: a number does not end")


def signed(value: int) -> int:
    """Return an int32 or int64 that was written as a varint."""
    return value - (1 << 64) if value >> 63 else value


_new = tuple.__new__  # a third of the time that a named tuple's own constructor takes
