"""The body of a ``.RESOLVED`` file: a JSON message, or for a Parquet feed a Parquet file of one column."""

from __future__ import annotations

import io

import orjson

from auditor.decoders import envelope
from auditor.errors import DecodeError
from auditor.hlc import Timestamp
from auditor.model import Gap, Note

_COLUMN = "__crdb__resolved"
_PARQUET = b"PAR1"


def read_resolved(body: bytes) -> Timestamp:
    """Return the resolved timestamp that a body states. Raise `DecodeError` if it states none."""
    return _from_parquet(body) if body.startswith(_PARQUET) else _from_json(body)


def _from_json(body: bytes) -> Timestamp:
    """Read ``{"resolved": "..."}``, or the same inside ``__crdb__``."""
    try:
        resolved = envelope.row(orjson.loads(body)).resolved
    except orjson.JSONDecodeError as error:
        raise DecodeError(f"invalid JSON at character {error.pos} of a resolved message") from None
    if resolved is None:
        raise DecodeError("the message states no resolved timestamp")
    return resolved


def _from_parquet(body: bytes) -> Timestamp:
    """Read the first row of a DECIMAL column whose bytes are digits."""
    from auditor.decoders.parquet import open_parquet

    blob = open_parquet(io.BytesIO(body), "", "", _Strict())
    for batch in blob.batches(0, len(blob.groups)):
        for cell in batch.decode(0).cells:
            if cell.column == _COLUMN:
                try:
                    return Timestamp.parse(cell.text)
                except ValueError as error:
                    raise DecodeError(f"{_COLUMN} is {error}") from None
    raise DecodeError(f"the file has no row with {_COLUMN}")


class _Strict:
    """Takes no gap: a timestamp is read whole or not at all."""

    def gap(self, gap: Gap) -> None:
        raise DecodeError(gap.reason)

    def note(self, note: Note) -> None:
        """Have nothing to say."""
