"""Avro messages give the cells that the same rows give in JSON, and nothing they may hold does harm."""

from __future__ import annotations

import json
import traceback
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from auditor.decoders import envelope
from auditor.decoders.messages.avro import AvroCodec
from auditor.errors import AuditorError, ConfigError, DecodeError, SourceUnavailable
from auditor.hlc import Timestamp
from auditor.model import Cell, Row
from auditor.protocols import Framed
from tests.decoders.avro_examples import Registry, envelope_schema, escaped_row, table_schema

NAME = "größe token"
COLUMNS: Mapping[str, str] = {
    "id": "INT8",
    NAME: "STRING",
    "doc": "JSONB",
    "raw": "BYTES",
    "price": "DECIMAL(60,2)",
    "at": "TIMESTAMPTZ",
    "local": "TIMESTAMP",
    "day": "DATE",
    "hour": "TIME",
    "tags": "STRING[]",
    "blobs": "BYTES[]",
    "bits": "BIT",
    "rate": "FLOAT8",
    "ok": "BOOL",
}
KEY = {"id": "INT8", NAME: "STRING"}
WRAPPED = ["before", "after", "updated", "mvcc_timestamp"]
ROW: Mapping[str, Any] = {
    "id": 2**60 + 1,
    NAME: "plain",
    "doc": '{"a": ["b"]}',
    "raw": b"\xffraw text",
    "price": Decimal("1234567890123456789012345678901234567890.10"),
    "at": 1_700_000_000_120_000,
    "local": 1_700_000_000_000_000,
    "day": 19_000,
    "hour": 86_400_000_000,
    "tags": ["one", None, "two"],
    "blobs": [b"blob", None],
    "bits": [3, 2**62],
    "rate": 0.5,
    "ok": True,
}
TIMES = {"at": "2023-11-14T22:13:20.12Z", "local": "2023-11-14T22:13:20", "day": "2022-01-08", "hour": "24:00:00"}

VALUES: Mapping[str, st.SearchStrategy[Any]] = {
    "INT8": st.integers(-(2**63), 2**63 - 1),
    "STRING": st.text(max_size=70),
    "JSONB": st.recursive(
        st.none() | st.booleans() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=9), inner, max_size=2),
    ).map(lambda value: json.dumps(value, ensure_ascii=False)),
    "BYTES": st.binary(max_size=70),
    "DECIMAL(60,2)": st.integers(-(10**60) + 1, 10**60 - 1).map(lambda number: Decimal(number).scaleb(-2, _exact()))
    | st.sampled_from(["NaN", "Infinity"]),
    "TIMESTAMPTZ": st.integers(-(2**62), 2**62),
    "TIMESTAMP": st.integers(-(2**62), 2**62),
    "DATE": st.integers(-(2**31), 2**31 - 1),
    "TIME": st.integers(0, 86_400_000_000),
    "STRING[]": st.lists(st.none() | st.text(max_size=70), max_size=3),
    "BYTES[]": st.lists(st.none() | st.binary(max_size=40), max_size=3),
    "BIT": st.lists(st.integers(-(2**63), 2**63 - 1), max_size=3),
    "FLOAT8": st.floats(),
    "BOOL": st.booleans(),
}
ROWS = st.fixed_dictionaries({name: st.none() | VALUES[sql] for name, sql in COLUMNS.items()})


def _exact() -> Any:
    from decimal import Context

    return Context(prec=100)


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def codec(registry: Registry) -> AvroCodec:
    return AvroCodec(registry)


def wrapped(registry: Registry, after: Mapping[str, Any] | None, before: Mapping[str, Any] | None = None, **more: Any) -> bytes:
    """Return a wrapped message of the table db.public.users."""
    schema = envelope_schema("db.public.users", COLUMNS, WRAPPED)
    return registry.encode(schema, {"after": escaped_row(after), "before": escaped_row(before), **more})


def plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a JSON changefeed would say of a row, its times apart, its BYTES and JSONB as they are in Avro."""
    said: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, bytes):
            said[name] = value.decode("utf-8", "replace")
        elif isinstance(value, list):
            said[name] = [one.decode("utf-8", "replace") if isinstance(one, bytes) else one for one in value]
        elif name == "doc" and value is not None:
            said[name] = orjson.loads(value)
        else:
            said[name] = value
    return said


def without(cells: Any, *columns: str) -> list[Cell]:
    """Return the cells of other columns."""
    return [cell for cell in cells if cell.column not in columns]


def test_a_wrapped_message_reads_as_json_does(codec: AvroCodec, registry: Registry) -> None:
    """Cells, key, table and times are those of the same row in JSON; numbers keep every digit."""
    key = registry.encode(table_schema("db.public.users", KEY), escaped_row({"id": ROW["id"], NAME: ROW[NAME]}))
    times = {"updated": "1.0000000002", "mvcc_timestamp": "1.0000000001"}
    row = codec.row(key, wrapped(registry, ROW, {**ROW, NAME: "old"}, **times))
    message = {"after": plain(ROW) | TIMES, "before": plain({**ROW, NAME: "old"}) | TIMES, **times}
    expected = envelope.keyed(envelope.row(message), {"id": ROW["id"], NAME: ROW[NAME]})
    assert sorted(row.cells) == sorted(expected.cells)
    assert row._replace(cells=()) == expected._replace(cells=(), table="db.public.users")
    assert row.key == [("id", 2**60 + 1), (NAME, "plain")]


def test_decimals_of_a_key_keep_their_digits(codec: AvroCodec, registry: Registry) -> None:
    """No context of Python's rounds them."""
    key = registry.encode(table_schema("t", {"price": "DECIMAL(60,2)"}), {"price": ROW["price"]})
    assert codec.row(key, None).key == [("price", ROW["price"])]


def test_deletions_hold_what_was_before(codec: AvroCodec, registry: Registry) -> None:
    """After is null; with diff, before is the row."""
    cells = codec.row(None, wrapped(registry, None, ROW)).cells
    assert {cell.part for cell in cells} == {"before"}
    assert Cell("before", NAME, "", "plain") in cells


def test_no_value_leaves_the_key(codec: AvroCodec, registry: Registry) -> None:
    """A deletion without a value, or the key-only envelope: the key says the table."""
    key = registry.encode(table_schema("db.public.users", KEY), escaped_row({"id": 1, NAME: "k"}))
    for value in (None, b""):
        row = codec.row(key, value)
        assert (row.table, row.key) == ("db.public.users", [("id", 1), (NAME, "k")])
        assert Cell("key", NAME, "", "k") in row.cells


@pytest.mark.parametrize("column", ["after", "resolved", "payload", "topic", "record", "__crdb__"])
def test_bare_messages_may_have_columns_of_any_name(codec: AvroCodec, registry: Registry, column: str) -> None:
    """The envelope is a type of its own in Avro, so no column can be taken for it."""
    schema = envelope_schema("users", {column: "STRING", "b": "STRING"}, ["updated", "record"])
    row = codec.row(None, registry.encode(schema, {"updated": "5.0000000000", "record": {column: "x", "b": "y"}}))
    if column == "__crdb__":
        assert [cell.text for cell in row.cells if cell.part == "after"] == ["y"]
        return
    assert [cell for cell in row.cells if not cell.path and cell.part == "after"] == [
        Cell("after", column, "", "x"),
        Cell("after", "b", "", "y"),
    ]
    assert (row.table, row.updated) == ("users", "5.0000000000")


def test_enriched_messages_name_their_table(codec: AvroCodec, registry: Registry) -> None:
    """The source says database and schema; operation and commit time are kept."""
    schema = envelope_schema("users", {"a": "STRING"}, ["before", "after", "source", "ts_ns", "op"])
    source = {"database_name": "db", "schema_name": "public", "table_name": "users", "ts_hlc": "7.0000000000"}
    row = codec.row(None, registry.encode(schema, {"after": {"a": "x"}, "source": source, "ts_ns": 1, "op": "u"}))
    assert (row.table, row.op, row.updated) == ("db.public.users", "u", "7.0000000000")
    assert Cell("header", "source", "$.table_name", "users") in row.cells


def test_fields_that_no_envelope_has_yet_are_scanned(codec: AvroCodec, registry: Registry) -> None:
    """A later version may add to the envelope; the columns stay columns."""
    schema = envelope_schema("users", {"a": "STRING"}, ["after"])
    schema["fields"].append({"name": "later", "type": ["null", "string"], "default": None})
    row = codec.row(None, registry.encode(schema, {"after": {"a": "x"}, "later": "text"}))
    assert row.cells == [Cell("after", "a", "", "x"), Cell("header", "later", "", "text")]


@pytest.mark.parametrize(
    ("name", "namespace", "table"),
    [("users", "", "users"), ("users", "super", "users"), ("db.public.users", "super", "db.public.users"), ("a!b", "", "a!b")],
)
def test_the_table_is_what_the_records_are_named_after(
    codec: AvroCodec, registry: Registry, name: str, namespace: str, table: str
) -> None:
    """Without Avro's escapes and the prefix that is its namespace, too."""
    schema = envelope_schema(name, {"a": "STRING"}, ["after"], namespace)
    assert codec.row(None, registry.encode(schema, {"after": {"a": "x"}})).table == table


def test_messages_that_are_no_changefeeds_are_columns(codec: AvroCodec, registry: Registry) -> None:
    """Maps, enumerations, fixed bytes and named types of others are read, too, and their texts found."""
    digest = {"type": "fixed", "name": "digest", "size": 4}
    pair = {
        "type": "record",
        "name": "pair",
        "fields": [{"name": "left_side", "type": "string"}, {"name": "b", "type": "digest"}],
    }
    fields = [
        {"name": "sum", "type": digest},
        {"name": "kind", "type": {"type": "enum", "name": "kind", "symbols": ["A", "B"]}},
        {"name": "labels", "type": {"type": "map", "values": "bytes"}},
        {"name": "pair", "type": ["null", pair, "string"]},
        {"name": "ids", "type": {"type": "array", "items": {"type": "string", "logicalType": "uuid"}}},
    ]
    schema = {"type": "record", "name": "thing", "namespace": "com.acme", "fields": fields}
    message = {"sum": b"1234", "kind": "B", "labels": {"n": b"v"}, "pair": {"left_side": "l", "b": b"5678"}, "ids": ["x"]}
    row = codec.row(None, registry.encode(schema, message))
    assert {cell.text for cell in row.cells} == {"1234", "B", "v", "l", "left_side", "5678", "x"}
    assert row.table == "thing"
    assert codec.row(None, registry.encode("string", "text")).cells == [Cell("after", "", "", "text")]


def test_resolved_messages(codec: AvroCodec, registry: Registry) -> None:
    """They are told from rows that have a column of the same name."""
    value = registry.encode(envelope_schema("users", {}, ["resolved"]), {"resolved": "1784759045000000000.0000000003"})
    assert codec.resolved(value) == Timestamp(1784759045000000000, 3)
    assert codec.row(None, value).resolved == Timestamp(1784759045000000000, 3)
    named = registry.encode(table_schema("users", {"resolved": "STRING"}), {"resolved": "1.0000000000"})
    assert codec.resolved(named) is None
    assert codec.resolved(wrapped(registry, None)) is None


def test_a_resolved_message_waits_for_its_schema(codec: AvroCodec, registry: Registry) -> None:
    """While the schema of a resolved message is out of reach it is an error to be tried again: nothing is skipped."""
    value = registry.encode(envelope_schema("users", {}, ["resolved"]), {"resolved": "1.0000000003"})
    registry.down = SourceUnavailable("down")
    with pytest.raises(SourceUnavailable):
        codec.resolved(value)
    registry.down = None
    assert codec.resolved(value) == Timestamp(1, 3)


def test_a_schema_is_asked_for_once_and_new_ones_as_they_come(codec: AvroCodec, registry: Registry) -> None:
    """A column is added in mid-stream: both forms are read, each by its own schema."""
    old = envelope_schema("users", {"a": "STRING"}, ["after"])
    new = envelope_schema("users", {"a": "STRING", "b": "STRING"}, ["after"])
    for _ in range(2):
        assert len(codec.row(None, registry.encode(old, {"after": {"a": "x"}})).cells) == 1
        assert len(codec.row(None, registry.encode(new, {"after": {"a": "x", "b": "y"}})).cells) == 2
    assert registry.asked == [1, 2]


@pytest.mark.parametrize("error", [SourceUnavailable("down"), ConfigError("credentials")])
def test_a_registry_in_trouble_is_no_fault_of_the_message(codec: AvroCodec, registry: Registry, error: AuditorError) -> None:
    """The delivery is tried again, or the feed stops; nothing is quarantined."""
    value = wrapped(registry, ROW)
    registry.down = error
    with pytest.raises(type(error)):
        codec.row(None, value)
    framed = Framed(value + b"\n", np.array([len(value) + 1]), 1)
    with pytest.raises(type(error)):
        codec.values(framed).starts(np.array([9]), np.array([0]))
    registry.down = None
    assert codec.row(None, value).cells


@pytest.mark.parametrize(
    "schema",
    [
        "{",
        '"nothing"',
        "[]",
        "{}",
        "3",
        '{"type": "record", "name": "a"}',
        '{"type": "record", "fields": []}',
        '{"type": "record", "name": "a", "fields": [{"name": "next", "type": ["null", "a"]}]}',
        '{"type": "array", "items": "null"}',
        '{"type": "array", "items": {"type": "record", "name": "a", "fields": []}}',
        '{"type": "fixed", "name": "a", "size": -1}',
        "[" * 100 + "]" * 100,
        json.dumps({"type": {"type": {"type": "map", "values": {"type": "enum", "name": 3}}}}),
    ],
)
def test_schemas_that_cannot_be_read_safely_are_refused(codec: AvroCodec, registry: Registry, schema: str) -> None:
    """A type that holds itself would let a message end the process, an array of nothing let it fill the memory."""
    registry.texts.append(schema)
    with pytest.raises(DecodeError):
        codec.row(None, b"\0\0\0\0\1" + b"\2" * 100_000)


def test_schemas_that_unfold_without_end_are_refused(codec: AvroCodec, registry: Registry) -> None:
    """Thirty types, each twice in the next, would be a thousand million."""
    schema: object = {"type": "record", "name": "t0", "fields": [{"name": "a", "type": "string"}]}
    for level in range(1, 30):
        fields = [{"name": "a", "type": schema}, {"name": "b", "type": f"t{level - 1}"}]
        schema = {"type": "record", "name": f"t{level}", "fields": fields}
    registry.texts.append(json.dumps(schema))
    with pytest.raises(DecodeError, match="over"):
        codec.row(None, b"\0\0\0\0\1")


def test_bytes_behind_the_message_are_not_passed_over(codec: AvroCodec, registry: Registry) -> None:
    """Whatever they are, they would not be scanned."""
    with pytest.raises(DecodeError, match="longer"):
        codec.row(None, wrapped(registry, ROW) + b"x")


BASE = Registry()
MESSAGE = wrapped(BASE, ROW, ROW, updated="1.0000000002")


def _refusal(codec: AvroCodec, key: bytes | None, value: bytes | None) -> str:
    """Return all that is said of a message that cannot be read."""
    try:
        codec.row(key, value)
    except DecodeError as error:
        return "".join(traceback.format_exception(error))
    return ""


@given(payload=st.binary(max_size=200) | st.binary(max_size=100).map(lambda body: MESSAGE[:5] + body), cut=st.integers(0, 300))
def test_no_payload_does_harm(payload: bytes, cut: int) -> None:
    """Whatever comes is a row or a `DecodeError`, which does not repeat what was read."""
    codec = AvroCodec(BASE)
    for key, value in ((payload, None), (None, payload), (None, MESSAGE[:cut] + payload), (None, MESSAGE[:-cut])):
        assert "raw text" not in _refusal(codec, key, value)
        assert codec.resolved(value or b"") is None


@given(after=st.none() | ROWS, before=st.none() | ROWS)
@example(after=ROW, before={**ROW, "tags": ["x" * 33, "y" * 24, "é" * 20]})
def test_any_row_reads_as_json_does(after: Mapping[str, Any] | None, before: Mapping[str, Any] | None) -> None:
    """Every text of a row is a cell, at the place that JSON gives it; only times that Python lacks are left to their numbers."""
    registry = Registry()
    row = AvroCodec(registry).row(None, wrapped(registry, after, before))
    message = {part: plain(columns) if columns is not None else None for part, columns in (("after", after), ("before", before))}
    assert sorted(without(row.cells, *TIMES)) == sorted(without(envelope.row(message).cells, *TIMES))


@given(rows=st.lists(st.tuples(st.none() | ROWS, st.none() | ROWS), min_size=1, max_size=4))
def test_texts_are_found_where_they_lie(rows: list[tuple[Any, Any]]) -> None:
    """Asked for every byte of some messages, the walk gives the very cells that decoding gives, in the right rows."""
    registry = Registry()
    codec = AvroCodec(registry)
    messages = [wrapped(registry, after, before, updated="1.0000000002") for after, before in rows]
    data = b"".join(message + b"\n" for message in messages)
    framed = Framed(data, np.cumsum([len(message) + 1 for message in messages]), len(messages))
    values = codec.values(framed)
    positions = np.arange(len(data))
    owners = np.searchsorted(framed.ends, positions, side="right")
    starts = values.starts(positions, owners)
    for index, message in enumerate(messages):
        decoded = codec.row(None, message)
        whole = [cell for cell in decoded.cells if cell.column == "doc"]
        cells: list[Cell] = []
        for start in sorted({start for start in starts[owners == index].tolist() if start >= 0}):
            located = values.row(index, [start])
            if located is not None:
                assert located._replace(cells=()) == decoded._replace(cells=())
                cells += (cell for cell in located.cells if cell.column != "doc")
        assert sorted(cell for cell in [*cells, *whole] if cell.text) == _lying(decoded)


def _lying(row: Row) -> list[Cell]:
    """Return the cells whose text lies in the message."""
    return sorted(
        cell
        for cell in row.cells
        if cell.text and cell.column not in TIMES and not (cell.column != "doc" and cell.path.endswith("{name}"))
    )
