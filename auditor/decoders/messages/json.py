"""JSON messages: of every envelope, whole webhook bodies, and what Pub/Sub wraps around them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import orjson

from auditor.decoders import envelope
from auditor.decoders.json_values import JsonValues
from auditor.decoders.members import members_of
from auditor.errors import DecodeError
from auditor.hlc import Timestamp
from auditor.model import Members, Row
from auditor.protocols import Framed, Values

#: A resolved message is shorter: its longest form is `{"__crdb__":{"resolved":"<19 digits>.<10 digits>"}}`.
_LONGEST_RESOLVED = 256
#: How a webhook body begins (changefeed-sinks docs, "Webhook sink").
_BODY = b'{"payload"'
#: What a payload carries that is one message and does not say of which table.
ONE: Mapping[str, int] = {"": 1}


class JsonCodec:
    """Reads JSON payloads; see `auditor.protocols.Codec`."""

    format = "json"

    def __init__(self, shape: str = "auto") -> None:
        """Take the envelope that the changefeed was created with; ``auto`` tells each message's by its shape."""
        self._shape = "" if shape == "auto" else shape

    def resolved(self, value: bytes) -> Timestamp | None:
        """Return the timestamp of a resolved message, None for any other."""
        if len(value) > _LONGEST_RESOLVED:
            return None
        try:
            message = orjson.loads(value)
        except orjson.JSONDecodeError:
            return None
        return envelope.row(message).resolved if envelope.shape_of(message) == "resolved" else None

    def carried(self, value: bytes) -> Mapping[str, int]:
        """Count the messages of a webhook body by their topics; any other payload is one message."""
        if not value.startswith(_BODY):
            return ONE
        try:
            messages = orjson.loads(value)["payload"]
        except (orjson.JSONDecodeError, KeyError):
            return ONE
        return Counter(map(envelope.topic_of, messages)) if type(messages) is list else ONE

    def row(self, key: bytes | None, value: bytes | None) -> Row:
        """Read a message and its key; no value is a deletion, or all there is in the key-only envelope."""
        row = envelope.row_of(_parsed(value), self._shape) if value else Row(())
        return envelope.keyed(row, _parsed(key)) if key else row

    def values(self, framed: Framed) -> Values | None:
        """Find texts by the quotes and brackets of their messages, unless their envelope is not told by its shape."""
        return None if self._shape in ("bare", "row") else JsonValues(framed)

    def members(self, key: bytes | None, value: bytes | None) -> Sequence[Members]:
        """Read the columns of a message's parts."""
        return members_of(_parsed(value) if value else None, self._shape, _parsed(key) if key else None)


def _parsed(payload: bytes) -> object:
    """Parse a payload. Invalid UTF-8 is replaced before it is given up."""
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError:
        pass
    try:
        return orjson.loads(payload.decode("utf-8", "replace"))
    except orjson.JSONDecodeError as error:
        raise DecodeError(f"invalid JSON at character {error.pos}") from None
