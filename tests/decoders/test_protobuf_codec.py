"""Protobuf messages give the cells that the same rows give in JSON, and no other schema hides a text."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from auditor.decoders import envelope
from auditor.decoders.messages.protobuf import ProtobufCodec
from auditor.errors import DecodeError
from auditor.hlc import Timestamp
from auditor.model import Cell
from auditor.protocols import Framed
from tests.decoders import protobuf_examples as made

CODEC = ProtobufCodec()
AT = datetime(2024, 1, 2, 3, 4, 5, 120_000, tzinfo=UTC)
ROW: Mapping[str, Any] = {
    "a_long_name": "plain",
    "id": 2**60 + 1,
    "low": -(2**63),
    "none": None,
    "raw": b"\xffraw text",
    "price": Decimal("1234567890123456789012345678901234567890.10"),
    "odd": Decimal("NaN"),
    "at": AT,
    "uuid": UUID("63616665-6630-3064-6465-616462656562"),
    "tags": ["one", None, ["two"]],
    "pair": {"f1": "left", "a_long_label": {"f1": "deep"}},
    "doc": '{"a": ["b"]}',
    "rate": 0.5,
    "ok": True,
}
# A text with a control character in it may read as a message, and then its parts are offered, too.
CHARACTERS = st.characters(exclude_categories=["Cs", "Cc"]) | st.just("\n")
NAMES = st.text(CHARACTERS.filter(lambda char: char != "\n"), min_size=1, max_size=12)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text(CHARACTERS, max_size=140).filter(lambda text: not text.startswith("\n"))
    | st.binary(max_size=140)
    | st.decimals()
    | st.datetimes(timezones=st.just(UTC))
    | st.uuids()
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=6
)
ROWS = st.dictionaries(NAMES, VALUES, max_size=5)


def plain(value: Any) -> Any:
    """Return what a JSON changefeed would say of a value, its BYTES as they are in Protobuf."""
    match value:
        case bytes():
            return value.decode("utf-8", "replace")
        case datetime():
            text = value.replace(tzinfo=None).isoformat()
            return f"{text.rstrip('0') if '.' in text else text}Z"
        case UUID():
            return str(value)
        case Decimal():
            return value if value.is_finite() else str(value)
        case list():
            return [plain(one) for one in value]
        case dict():
            return {name: plain(one) for name, one in value.items()}
        case str() if value[:1] in ("{", "["):
            try:
                return orjson.loads(value)
            except orjson.JSONDecodeError:
                return value
    return value


def test_a_wrapped_message_reads_as_json_does() -> None:
    """Cells, key, table and times are those of the same row in JSON; numbers keep every digit."""
    texts = {"updated": "1.0000000002", "mvcc_timestamp": "1.0000000001", "topic": "db.public.users"}
    row = CODEC.row(made.key({"id": ROW["id"], "a_long_name": "plain"}), made.wrapped(ROW, {**ROW, "none": "old"}, **texts))
    message = {"after": plain(ROW), "before": plain({**ROW, "none": "old"}), **texts}
    expected = envelope.keyed(envelope.row(message), {"a_long_name": "plain", "id": ROW["id"]})
    assert sorted(row.cells) == sorted(expected.cells)
    assert row._replace(cells=()) == expected._replace(cells=())


def test_bare_messages_may_have_columns_of_any_name() -> None:
    """The envelope is a type of its own."""
    row = CODEC.row(None, made.bare({"after": "x", "resolved": "y"}, updated="5.0000000000", topic="t"))
    assert {cell for cell in row.cells if cell.part == "after" and not cell.path} == {
        Cell("after", "after", "", "x"),
        Cell("after", "resolved", "", "y"),
    }
    assert (row.table, row.updated) == ("t", "5.0000000000")


def test_enriched_messages_name_their_table_and_operation() -> None:
    """The source says database and schema."""
    source = {
        "database_name": "db",
        "schema_name": "public",
        "table_name": "users",
        "ts_hlc": "7.0000000000",
        "primary_keys": ["a"],
    }
    row = CODEC.row(None, made.enriched(None, {"a": "x"}, 3, source))
    assert (row.table, row.op, row.updated) == ("db.public.users", "d", "7.0000000000")
    assert Cell("before", "a", "", "x") in row.cells
    assert Cell("header", "source", "$.primary_keys[*]", "a") in row.cells


def test_no_value_leaves_the_key() -> None:
    """A deletion without a value, or the key-only envelope."""
    for value in (None, b""):
        row = CODEC.row(made.key({"b": "k", "a": Decimal("1.50")}), value)
        assert row.key == [("a", Decimal("1.50")), ("b", "k")]
        assert row.cells == [Cell("key", "b", "", "k")]


def test_decimals_are_exact() -> None:
    """A finite one is a number, as in JSON; the others are texts."""
    row = CODEC.row(made.key({"a": ROW["price"], "b": Decimal("Infinity")}), None)
    assert row.key == [("a", ROW["price"]), ("b", "Infinity")]


@pytest.mark.parametrize("is_bare", [False, True])
def test_resolved_messages(*, is_bare: bool) -> None:
    """Of both envelopes."""
    value = made.resolved("1784759045000000000.0000000003", is_bare=is_bare)
    assert CODEC.resolved(value) == Timestamp(1784759045000000000, 3)
    assert CODEC.row(None, value).resolved == Timestamp(1784759045000000000, 3)
    assert CODEC.resolved(made.wrapped({"resolved": "1.0000000000"})) is None


def test_batches_are_rows_that_share_a_number() -> None:
    """One message is one row, as many as there are are told apart from a single one."""
    row = CODEC.row(None, made.batch([{"a": "x"}, {"a": "y"}, {"a": "z"}]))
    assert [[cell.text for cell in one.cells] for one in (row, *row.also)] == [["x"], ["y"], ["z"]]
    alone = CODEC.row(None, made.batch([{"a": "x"}]))
    assert (alone.cells, alone.also) == ([Cell("after", "a", "", "x")], ())


def sized(number: int, body: bytes) -> bytes:
    """Return a length-delimited field of under 128 bytes."""
    tag = number << 3 | 2
    return (bytes((tag,)) if tag < 128 else bytes((tag & 127 | 128, tag >> 7))) + bytes((len(body),)) + body


TEXT = "T" * 48  # its length is the digit 0


@pytest.mark.parametrize(
    "message",
    [
        sized(9, TEXT.encode()),
        sized(1, sized(9, TEXT.encode())),
        sized(1, sized(1, sized(9, sized(3, TEXT.encode())))),
        sized(1, sized(1, sized(1, sized(1, b"name") + sized(2, sized(30, TEXT.encode()))))),
        sized(1, sized(1, sized(1, sized(1, b"name") + sized(2, sized(1, b"x") + sized(1, TEXT.encode()))))),
        sized(1, sized(1, sized(1, sized(1, b"name") + sized(1, TEXT.encode())))),
        sized(1, sized(1, sized(1, sized(1, b"name") + sized(2, sized(9, sized(7, TEXT.encode())))))),
        sized(1, sized(1, sized(1, sized(1, b"name") + sized(2, sized(8, sized(3, TEXT.encode())))))),
        sized(1, sized(1, sized(1, sized(1, b"name") + sized(2, sized(11, sized(2, TEXT.encode())))))),
        sized(3, sized(5, sized(17, TEXT.encode()))),
        sized(3, sized(5, sized(10, TEXT.encode()))),
        sized(7, sized(1, sized(2, sized(3, sized(4, TEXT.encode()))))),
        sized(4, sized(1, TEXT.encode())),
    ],
)
def test_other_schemas_lose_nothing(message: bytes) -> None:
    """Whatever field a text is in, there is a cell of that text alone, without the length before it."""
    assert TEXT in {cell.text for cell in CODEC.row(None, message).cells}
    assert TEXT in {cell.text for cell in CODEC.row(message, None).cells}
    framed = Framed(message + b"\n", np.array([len(message) + 1]), 1)
    values = CODEC.values(framed)
    starts = values.starts(np.array([len(message) - 1]), np.array([0])).tolist()
    assert starts == [-1] or TEXT in {cell.text for cell in values.row(0, starts).cells}


@pytest.mark.parametrize("payload", [b"\x0a\xff", b"\x0b\x0c", b"\x00", b"\x0d\x01", b"\x08" + b"\xff" * 11, b'{"after": null}'])
def test_what_is_no_protobuf_is_refused(payload: bytes) -> None:
    """It is scanned as text by whoever asked, and is a gap."""
    for key, value in ((payload, None), (None, payload)):
        with pytest.raises(DecodeError):
            CODEC.row(key, value)


def test_what_unfolds_is_bounded() -> None:
    """Fields in fields in fields are not offered again at every level without end."""
    payload = b"x" * 100_000
    for _ in range(60):
        size = len(payload)
        length = bytes(((size & 0x7F) | 0x80, (size >> 7 & 0x7F) | 0x80, size >> 14))
        payload = b"\x7a" + length + payload
    cells = CODEC.row(None, payload).cells
    assert sum(len(cell.text) for cell in cells) < 12 * len(payload)


@given(key=st.none() | st.binary(max_size=60), value=st.none() | st.binary(max_size=200))
@example(key=None, value=made.wrapped(ROW)[:-3])
def test_no_payload_does_harm(key: bytes | None, value: bytes | None) -> None:
    """Whatever comes is a row or a `DecodeError`."""
    with contextlib.suppress(DecodeError):
        assert all(isinstance(cell.text, str) for cell in CODEC.row(key, value).cells)
    if value:
        assert CODEC.resolved(value) is None or CODEC.row(None, value).resolved


@given(after=st.none() | ROWS, before=st.none() | ROWS)
@example(after=ROW, before=None)
def test_any_row_reads_as_json_does(after: Mapping[str, Any] | None, before: Mapping[str, Any] | None) -> None:
    """Every text of a row is a cell, at the place that JSON gives it."""
    row = CODEC.row(None, made.wrapped(after, before, updated="1.0000000002"))
    message = {"after": plain(after), "before": plain(before), "updated": "1.0000000002"}
    assert sorted(row.cells) == sorted(envelope.row(message).cells)


@given(rows=st.lists(ROWS, min_size=1, max_size=4))
@example(rows=[ROW])
def test_texts_are_found_where_they_lie(rows: list[Mapping[str, Any]]) -> None:
    """Asked for every byte of some messages, what is found is what decoding gives, in the right rows."""
    messages = [made.wrapped(row, None, updated="1.0000000002") for row in rows]
    data = b"".join(message + b"\n" for message in messages)
    framed = Framed(data, np.cumsum([len(message) + 1 for message in messages]), len(messages))
    values = CODEC.values(framed)
    owners = np.searchsorted(framed.ends, np.arange(len(data)), side="right")
    starts = values.starts(np.arange(len(data)), owners)
    for index, message in enumerate(messages):
        decoded = CODEC.row(None, message)
        found: list[Cell] = []
        for start in sorted(set(starts[owners == index].tolist()) - {-1}):
            located = values.row(index, [start])
            if located is not None:
                assert located._replace(cells=()) == decoded._replace(cells=())
                found += located.cells
        made_up = {cell for cell in decoded.cells if cell.text.endswith("Z") or _in_json(cell, rows[index])}
        assert {cell for cell in decoded.cells if cell.text} - made_up <= set(found) <= set(decoded.cells)


def _in_json(cell: Cell, row: Mapping[str, Any]) -> bool:
    """Tell whether a cell is of a column that holds JSON."""
    return any(text in json.dumps(row.get(cell.column), default=repr) for text in ("{", "["))
