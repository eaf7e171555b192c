"""Values of CockroachDB's ``changefeedpb.Value``, and the maps from names to them that rows, keys and tuples are."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

from auditor.decoders.messages.located import Json, Place
from auditor.decoders.messages.protobuf_texts import Texts
from auditor.decoders.messages.protobuf_wire import NARROW, SIZED, VARINT, WIDE, WireField, signed
from auditor.leaves import DEEPEST, member

#: string, bytes, date, interval, time, uuid.
_TEXTS = frozenset((1, 2, 12, 13, 14, 15))
#: JSONB is written as a string, too; bytes may be anything.
_STRING, _BYTES = 1, 2
_INT32, _INT64, _FLOAT, _DOUBLE, _BOOL, _TIMESTAMP, _ARRAY, _TUPLE, _DECIMAL = 3, 4, 5, 6, 7, 8, 9, 10, 11
_NAME, _VALUE = 1, 2
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBERS: dict[tuple[int, int], Callable[[bytes, WireField], object]] = {
    (_INT32, VARINT): lambda _data, field: signed(field.begin),
    (_INT64, VARINT): lambda _data, field: signed(field.begin),
    (_BOOL, VARINT): lambda _data, field: bool(field.begin),
    (_FLOAT, NARROW): lambda data, field: _unpacked("<f", data, field),
    (_DOUBLE, WIDE): lambda data, field: _unpacked("<d", data, field),
}


def column(texts: Texts, field: WireField, part: str) -> tuple[str, object] | None:
    """Read one column: an entry of a map. Return its name and its value (see `Reading`); None if it is no entry."""
    entry = texts.inside(field) if field.number == 1 else None
    if entry is None:
        texts.unknown(field, Place(part, "", ""))
        return None
    name = _name(entry)
    called = "" if name is None else texts.read(name)
    if name is not None:
        texts.name(name, called, Place(part, called, "$.{name}"))
    return called, _entry_value(texts, entry, name, Place(part, called, ""), 0)


def _label(texts: Texts, field: WireField, place: Place, depth: int) -> tuple[str, object] | None:
    """Read one part of a tuple."""
    entry = texts.inside(field) if field.number == 1 else None
    if entry is None:
        texts.unknown(field, place)
        return None
    name, base = _name(entry), place.path or "$"
    called = "" if name is None else texts.read(name)
    if name is not None:
        texts.name(name, called, place._replace(path=f"{base}.{{name}}"))
    return called, _entry_value(texts, entry, name, place._replace(path=member(base, called)), depth)


def _name(entry: Sequence[WireField]) -> WireField | None:
    """Return the name of a map's entry."""
    for field in entry:
        if field.number == _NAME and field.kind == SIZED:
            return field
    return None


def _entry_value(texts: Texts, entry: Sequence[WireField], name: WireField | None, place: Place, depth: int) -> object:
    """Read the value of a map's entry, NULL if it has none."""
    value: object = None
    for field in entry:
        if field.number == _VALUE:
            value = _value(texts, field, place, depth)
        elif field is not name:
            texts.unknown(field, place)
    return value


def _value(texts: Texts, field: WireField, place: Place, depth: int) -> object:
    """Read a value."""
    inner = texts.inside(field) if depth < DEEPEST else None
    if inner is None:
        texts.unknown(field, place)
        return None
    value: object = None
    for one in inner:
        if one.kind == SIZED and one.number in _COMPOUNDS:
            value = _compound(texts, one, place, depth)
        elif (one.number, one.kind) in _NUMBERS:
            value = _NUMBERS[one.number, one.kind](texts.data, one)
        elif one.kind != SIZED or one.number not in _TEXTS or (one.number != _BYTES and texts.is_binary(one)):
            texts.unknown(one, place)
        else:
            texts.text(one, place._replace(json=Json.IF_OBJECT) if one.number == _STRING else place)
            if one.number == _BYTES and texts.whole:
                value = f"\\x{texts.data[one.begin : one.end].hex()}"  # as JSON prints BYTES
            elif texts.whole or place.part == "key":
                value = texts.read(one)
    return value


def _compound(texts: Texts, field: WireField, place: Place, depth: int) -> object:
    """Read a value that is a message itself."""
    inner = texts.inside(field)
    if inner is None:
        texts.unknown(field, place)
        return None
    return _COMPOUNDS[field.number](texts, inner, place, depth + 1)


def _array(texts: Texts, fields: Sequence[WireField], place: Place, depth: int) -> object:
    """Read an array."""
    below = place._replace(path=f"{place.path or '$'}[*]")
    values = []
    for field in fields:
        if field.number == 1:
            values.append(_value(texts, field, below, depth))
        else:
            texts.unknown(field, place)
    return values if texts.whole else None


def _tuple(texts: Texts, fields: Sequence[WireField], place: Place, depth: int) -> object:
    """Read a tuple."""
    labels = [_label(texts, field, place, depth) for field in fields]
    return dict(filter(None, labels)) if texts.whole else None


def _decimal(texts: Texts, fields: Sequence[WireField], place: Place, _depth: int) -> object:
    """Return a decimal digit for digit; what is no finite number is text, as in JSON."""
    value: object = None
    for field in fields:
        if field.number != 1 or field.kind != SIZED:
            texts.unknown(field, place)
            continue
        text = texts.read(field)
        value = _finite(text)
        if value is None:
            texts.text(field, place)
            value = text
    return value


def _finite(text: str) -> Decimal | None:
    """Return a finite number, None for any other text."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _timestamp(texts: Texts, fields: Sequence[WireField], place: Place, _depth: int) -> object:
    """Note the text of a time, as JSON writes a TIMESTAMPTZ, and return it; of one that Python lacks, the seconds since 1970."""
    parts = {1: 0, 2: 0}
    for field in fields:
        if field.kind == VARINT and field.number in parts:
            parts[field.number] = signed(field.begin)
        else:
            texts.unknown(field, place)
    try:
        moment = _EPOCH + timedelta(seconds=parts[1], microseconds=parts[2] // 1000)
    except OverflowError:
        return parts[1]
    text = moment.replace(tzinfo=None).isoformat()
    text = f"{text.rstrip('0') if '.' in text else text}Z"
    texts.made(text, place)
    return text


def _unpacked(form: str, data: bytes, field: WireField) -> object:
    """Return a floating-point number."""
    return struct.unpack_from(form, data, field.begin)[0]


_COMPOUNDS: dict[int, Callable[[Texts, Sequence[WireField], Place, int], object]] = {
    _TIMESTAMP: _timestamp,
    _ARRAY: _array,
    _TUPLE: _tuple,
    _DECIMAL: _decimal,
}
