"""Payloads that are read as text: csv bodies of a webhook sink, whose rows older versions glue together, and unknown formats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from auditor.hlc import Timestamp
from auditor.model import Cell, Members, Row
from auditor.protocols import Framed, Values


class TextCodec:
    """Takes each payload for one cell; see `auditor.protocols.Codec`."""

    def __init__(self, form: str) -> None:
        """Take the name that coverage shows."""
        self.format = form

    def resolved(self, value: bytes) -> Timestamp | None:
        """Know no resolved message: csv feeds have none (changefeed docs, "format")."""
        del value
        return None

    def carried(self, value: bytes) -> Mapping[str, int]:
        """Count lines: what older versions glue together cannot be told apart."""
        return {"": value.count(b"\n") or 1}

    def row(self, key: bytes | None, value: bytes | None) -> Row:
        """Return the payload, and its key, as text."""
        parts = (("key", key), ("after", value))
        return Row([Cell(part, "", "", payload.decode("utf-8", "replace")) for part, payload in parts if payload])

    def values(self, framed: Framed) -> Values | None:
        """Have no places to tell."""
        del framed
        return None

    def members(self, key: bytes | None, value: bytes | None) -> Sequence[Members]:
        """Have no columns."""
        del key, value
        return ()
