"""
Protobuf messages of a changefeed: bare bytes of a `Message`, no schema number before them; its key is a `Key`.

As CockroachDB writes them with ``format=protobuf`` (``encoder_protobuf.go``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from auditor.decoders.messages.located import LocatedValues, Walked
from auditor.decoders.messages.protobuf_reading import BARE_RESOLVED, RESOLVED, Reading
from auditor.decoders.messages.protobuf_wire import SIZED, WireField, fields_of
from auditor.errors import DecodeError
from auditor.hlc import Timestamp
from auditor.model import Members, Row
from auditor.protocols import Framed, Values

#: A resolved message is shorter: three tags and lengths, and a timestamp of 30 characters.
_LONGEST_RESOLVED = 64


class ProtobufCodec:
    """Reads Protobuf keys and values; see `auditor.protocols.Codec`."""

    format = "protobuf"

    def resolved(self, value: bytes) -> Timestamp | None:
        """Return the timestamp of a resolved message, None for any other."""
        if len(value) > _LONGEST_RESOLVED:
            return None
        try:
            fields = fields_of(value, 0, len(value))
        except DecodeError:
            return None
        if not fields or any(field.number not in (RESOLVED, BARE_RESOLVED) for field in fields):
            return None
        return _message(value, fields).row().resolved

    def carried(self, value: bytes) -> Mapping[str, int]:
        """Count the messages of a batch; one where that cannot be read."""
        try:
            return {"": len(_readings(value))}
        except DecodeError:
            return {"": 1}

    def row(self, key: bytes | None, value: bytes | None) -> Row:
        """
        Read a message, or a batch of them, and the key. No value is a deletion, or all there is in the key-only envelope.

        Raise `DecodeError` if it is no protobuf at all: other schemas are scanned field by field.
        """
        rows = [reading.row() for reading in _readings(value)] if value else [Row(())]
        first = rows[0]._replace(also=tuple(rows[1:]))
        if not key:
            return first
        reading = Reading(key)
        reading.columns(fields_of(key, 0, len(key)), "key")
        keyed = reading.row()
        return first._replace(cells=[*first.cells, *keyed.cells], key=keyed.key or first.key)

    def values(self, framed: Framed) -> Values:
        """Find texts by walking the messages that had a hit."""
        return LocatedValues(framed, _walked)

    def members(self, key: bytes | None, value: bytes | None) -> Sequence[Members]:
        """Read the columns of the messages' parts, and of the key."""
        found = [each for reading in (_readings(value, whole=True) if value else ()) for each in reading.members()]
        if not key:
            return found
        reading = Reading(key, whole=True)
        reading.columns(fields_of(key, 0, len(key)), "key")
        return [*found, *reading.members()]


def _readings(value: bytes, *, whole: bool = False) -> list[Reading]:
    """
    Read a `Message`, or the messages of a `MessageBatch` if that fits better.

    A batch of one bare message without metadata has the very bytes of a wrapped deletion, and is taken for that.
    """
    fields = fields_of(value, 0, len(value))
    one = _message(value, fields, whole=whole)
    if not one.texts.odd and len(fields) == 1:
        return [one]
    batch: list[Reading] = []
    for field in fields:
        try:
            inner = fields_of(value, field.begin, field.end) if field.number == 1 and field.kind == SIZED else None
        except DecodeError:
            inner = None
        if not inner:
            return [one]
        batch.append(_message(value, inner, whole=whole))
    several = len(fields) > 1 and not any(reading.texts.odd for reading in batch)
    return batch if several or sum(reading.texts.odd for reading in batch) < one.texts.odd else [one]


def _message(value: bytes, fields: list[WireField], *, whole: bool = False) -> Reading:
    """Read the fields of a message."""
    reading = Reading(value, whole=whole)
    reading.message(fields)
    return reading


def _walked(message: bytes) -> Walked | None:
    """Return where the texts of a message lie, if all of it is of the schema."""
    try:
        readings = _readings(message)
    except DecodeError:
        return None
    return readings[0].walked() if len(readings) == 1 and not readings[0].texts.odd else None
