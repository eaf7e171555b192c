"""
One changefeed message in Protobuf, read into cells.

Field numbers are those of CockroachDB's ``changefeedpb/changefeed.proto`` (package ``cockroach.ccl.changefeedccl``, v25.4).
Another version may know further fields, or others by the same number: whatever does not fit is scanned as text, nameless where it
has no name, so that nothing is lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from auditor.decoders import envelope
from auditor.decoders.messages.located import Place, Walked, cells_of
from auditor.decoders.messages.protobuf_texts import Texts
from auditor.decoders.messages.protobuf_value import column
from auditor.decoders.messages.protobuf_wire import SIZED, VARINT, WireField, signed
from auditor.model import Members, Row


class _Known(NamedTuple):
    """A field of an envelope: what it is, and its name (or the part of the event that its columns are)."""

    what: str
    name: str


# The fields of a Message, and those of its envelopes.
RESOLVED, BARE_RESOLVED = 4, 5
_METADATA = {
    1: _Known("text", "updated"),
    2: _Known("text", "mvcc_timestamp"),
    3: _Known("columns", "key"),
    4: _Known("topic", "topic"),
}
_RESOLVED = {1: _Known("text", "resolved")}
_ENVELOPES: Mapping[int, Mapping[int, _Known]] = {
    1: {
        1: _Known("columns", "after"),
        2: _Known("columns", "before"),
        4: _Known("text", "updated"),
        5: _Known("text", "mvcc_timestamp"),
        6: _Known("columns", "key"),
        7: _Known("topic", "topic"),
    },
    2: {1: _Known("column", "after"), 2: _Known("metadata", "")},
    3: {
        1: _Known("columns", "after"),
        2: _Known("columns", "before"),
        3: _Known("op", "op"),
        4: _Known("number", "ts_ns"),
        5: _Known("source", "source"),
    },
    RESOLVED: _RESOLVED,
    BARE_RESOLVED: {1: _Known("resolved", "")},
}
_INSIDE = {"metadata": _METADATA, "resolved": _RESOLVED}
_OPS = {1: "c", 2: "u", 3: "d"}
_SOURCE = (
    "job_id",
    "changefeed_sink",
    "db_version",
    "cluster_name",
    "cluster_id",
    "source_node_locality",
    "node_name",
    "node_id",
    "mvcc_timestamp",
    "ts_ns",
    "ts_hlc",
    "origin",
    "database_name",
    "schema_name",
    "table_name",
    "primary_keys",
)
_NOTHING = _Known("", "")


class Reading:
    """What was read of one message, or of a key. A key is a map, in any order: its columns are put in that of their names."""

    def __init__(self, data: bytes, *, whole: bool = False) -> None:
        """Take the payload that the message lies in; ``whole`` columns have their texts, others only those of keys."""
        self.texts = Texts(data, whole=whole)
        self._columns: dict[str, dict[str, object]] = {}
        self._metadata: dict[str, object] = {}

    def row(self) -> Row:
        """Return the row."""
        texts = self.texts
        return self.walked().row._replace(
            cells=[*(cell for span in texts.spans for cell in cells_of(texts.data, span)), *texts.cells]
        )

    def walked(self) -> Walked:
        """Return where the texts lie, and the row without them."""
        only_resolved = self._metadata.keys() == {"resolved"}
        row = envelope.row(self._metadata if only_resolved else {"after": None, **self._metadata})
        return Walked(self.texts.spans, row._replace(cells=(), key=sorted(self._columns.get("key", {}).items(), key=_name_of)))

    def members(self) -> list[Members]:
        """Return the columns of each part that was read, in the order of their names: rows of a table then look alike."""
        table = self.walked().row.table
        return [Members(table, part, dict(sorted(columns.items()))) for part, columns in self._columns.items()]

    def message(self, fields: Sequence[WireField]) -> None:
        """Read a `Message`."""
        for field in fields:
            inner = self.texts.inside(field) if field.number in _ENVELOPES else None
            if inner is None:
                self.texts.unknown(field, Place("after", "", ""))
            else:
                self._envelope(inner, _ENVELOPES[field.number])

    def columns(self, fields: Sequence[WireField], part: str) -> None:
        """Read the columns of a `Record` or a `Key`."""
        for field in fields:
            self._column(field, part)

    def _column(self, field: WireField, part: str) -> None:
        """Read one column."""
        named = column(self.texts, field, part)
        if named is not None:
            self._columns.setdefault(part, {})[named[0]] = named[1]

    def _envelope(self, fields: Sequence[WireField], known: Mapping[int, _Known]) -> None:
        """Read the fields of an envelope."""
        for field in fields:
            what, name = known.get(field.number, _NOTHING)
            if what == "column":
                self._column(field, name)
            elif what in ("text", "topic") and field.kind == SIZED:
                self._text(field, what, name)
            elif what in ("op", "number") and field.kind == VARINT:
                self._number(field, what, name)
            elif what in ("columns", "source", *_INSIDE) and (inner := self.texts.inside(field)) is not None:
                self._inner(inner, what, name)
            else:
                self.texts.unknown(field, Place(name if what == "columns" else "header", "", ""))

    def _inner(self, fields: Sequence[WireField], what: str, name: str) -> None:
        """Read a message inside an envelope."""
        if what == "columns":
            self.columns(fields, name)
        elif what == "source":
            self._source(fields)
        else:
            self._envelope(fields, _INSIDE[what])

    def _text(self, field: WireField, what: str, name: str) -> None:
        """Read a text of the envelope."""
        place = Place("topic", "", "") if what == "topic" else Place("header", name, "")
        if self.texts.is_binary(field):
            self.texts.unknown(field, place)
            return
        self.texts.text(field, place)
        self._metadata[name] = self.texts.read(field)

    def _number(self, field: WireField, what: str, name: str) -> None:
        """Read a number of the envelope; an operation as JSON names it."""
        if what == "number":
            self._metadata[name] = signed(field.begin)
        elif operation := _OPS.get(field.begin):
            self._metadata[name] = operation
            self.texts.made(operation, Place("header", name, ""))

    def _source(self, fields: Sequence[WireField]) -> None:
        """Read where an enriched message comes from."""
        source: dict[str, object] = {}
        for field in fields:
            name = _SOURCE[field.number - 1] if field.number <= len(_SOURCE) else ""
            if name and field.kind == SIZED:
                path = "$.primary_keys[*]" if name == "primary_keys" else f"$.{name}"
                self.texts.text(field, Place("header", "source", path))
                source[name] = self.texts.read(field)
            elif name != "ts_ns":
                self.texts.unknown(field, Place("header", "source", ""))
        self._metadata["source"] = source


def _name_of(part: tuple[str, object]) -> str:
    """Return the name of a part of a key."""
    return part[0]
