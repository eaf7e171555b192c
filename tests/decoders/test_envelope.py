"""Messages of every envelope and wrapper to rows. Samples are shaped like those of the CockroachDB docs."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.decoders import envelope
from auditor.hlc import Timestamp
from auditor.model import Cell, Row

AFTER = {"a": 1, "name": "bar", "doc": {"x": ["y"]}}
CELLS = [Cell("after", "name", "", "bar"), Cell("after", "doc", "$.x[*]", "y")]


def values(row: Row, part: str = "after") -> list[Cell]:
    """Return the cells of one part."""
    return [cell for cell in row.cells if cell.part == part]


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ("wrapped", {"after": AFTER}),
        ("wrapped", {"after": AFTER, "before": None, "key": [1], "topic": "t", "updated": "1.0000000002"}),
        ("bare", AFTER),
        ("bare", {"__crdb__": {"updated": "1.0000000002", "topic": "t", "key": [1]}, **AFTER}),
        ("enriched", {"after": AFTER, "op": "c", "ts_ns": 1745525261013511000}),
        ("enriched", {"payload": {"after": AFTER, "op": "c", "ts_ns": 1}, "schema": {"type": "struct"}}),
        ("webhook", {"payload": [{"after": AFTER, "key": [1], "topic": "t"}], "length": 1}),
        ("pubsub", {"Key": [1], "Value": {"after": AFTER}, "Topic": "t"}),
        ("pubsub", {"key": [1], "value": {"after": AFTER}, "topic": "t"}),
        ("sinkless", {"key": "[1]", "table": "t", "value": json.dumps({"after": AFTER})}),
    ],
)
def test_every_envelope_gives_the_same_cells(shape: str, message: dict[str, object]) -> None:
    """The same row has the same cells in every envelope."""
    assert envelope.shape_of(message) == shape
    assert values(envelope.row(message)) == CELLS


def test_metadata_is_read() -> None:
    """Table, key, commit time and operation come from wherever the envelope keeps them."""
    wrapped = envelope.row({"after": {"id": "k"}, "key": ["k", 2], "topic": "db.public.t", "updated": "1.0000000002"})
    assert (wrapped.table, wrapped.key, wrapped.updated) == ("db.public.t", [("id", "k"), ("", 2)], "1.0000000002")
    source = {"database_name": "d", "schema_name": "s", "table_name": "t", "ts_hlc": "3.0000000000"}
    enriched = envelope.row({"after": AFTER, "op": "u", "ts_ns": 1, "source": source, "key": {"id": "k"}})
    assert (enriched.table, enriched.updated, enriched.op, enriched.key) == ("d.s.t", "3.0000000000", "u", [("id", "k")])
    assert Cell("key", "id", "", "k") in enriched.cells


def test_a_delete_has_only_its_past() -> None:
    """A delete's cells are in before and key."""
    row = envelope.row({"after": None, "before": {"name": "bar"}, "key": ["bar"]})
    assert row.cells == [Cell("before", "name", "", "bar"), Cell("key", "name", "", "bar")]


def test_a_webhook_body_holds_several_rows() -> None:
    """Each message of a batch is a row with its own table."""
    body = {"payload": [{"after": {"c": "one"}, "topic": "a"}, {"after": {"c": "two"}, "topic": "b"}], "length": 2}
    row = envelope.row(body)
    assert [(entry.table, values(entry)[0].text) for entry in (row, *row.also)] == [("a", "one"), ("b", "two")]


@pytest.mark.parametrize("message", [{"resolved": "5.0000000001"}, {"__crdb__": {"resolved": "5.0000000001"}}])
def test_resolved_messages(message: dict[str, object]) -> None:
    """A resolved message is a timestamp, whichever envelope it is of."""
    assert envelope.row(message).resolved == Timestamp(5, 1)


@given(text=st.text(max_size=30))
def test_captures_in_every_bytea_form(text: str) -> None:
    """Hex and escape form of printed bytea give the same row as plain JSON."""
    raw = json.dumps({"after": {"c": text}}, ensure_ascii=False)
    key = json.dumps([text])
    as_hex = "\\x" + raw.encode("utf-8", "surrogatepass").hex()
    escaped = raw.replace("\\", "\\\\")
    expected = [Cell("after", "c", "", text)]
    for value in (as_hex, escaped):
        row = envelope.captured("t", key.replace("\\", "\\\\"), value)
        assert values(row) == expected
        assert row.table == "t"


def test_a_captured_resolved_row() -> None:
    """In a capture, NULL table and key mark a resolved message."""
    row = envelope.captured("NULL", "NULL", '{"resolved":"7.0000000000"}')
    assert row.resolved == Timestamp(7)
    assert row.table is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["after", "before", "key", "payload", "topic", "value", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(message=JSON)
def test_any_json_is_a_row(message: object) -> None:
    """Whatever JSON arrives, there is a row with every text of it in some cell, or in the names."""
    row = envelope.row(message)
    texts = {cell.text for entry in (row, *row.also) for cell in entry.cells}
    for text in _texts(message):
        assert any(text in seen for seen in texts)


def _texts(value: object) -> list[str]:
    """Return the texts of a JSON value that carry data."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [text for child in value for text in _texts(child)]
    if isinstance(value, dict):
        return [text for child in value.values() for text in _texts(child)]
    return []
