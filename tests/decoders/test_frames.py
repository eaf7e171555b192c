"""Rows as columns: what policies and profiles see is the same in every format, envelope and cut."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.decoders import layout_of
from auditor.decoders.batch import TextBatch
from auditor.decoders.messages.batch import MessageBatch
from auditor.decoders.messages.json import JsonCodec
from auditor.decoders.options import ReadOptions
from auditor.decoders.parquet import open_parquet
from auditor.delivery import Messages
from auditor.model import Receipt
from auditor.pipeline import Partial
from auditor.protocols import Frame, RowBatch


def problems() -> Partial:
    """Return what takes problems."""
    return Partial(Receipt("", 0, "", "", "", "", 0, 0))


def text_batch(data: bytes, name: str = "users.ndjson", taking: Partial | None = None, **options: Any) -> TextBatch:
    """Return the only batch of a text."""
    layout = layout_of(data, name, ReadOptions(**options))
    framed = layout.frame(data[layout.preamble :])
    return TextBatch(framed, layout, uri="u", table="shop.public.users", first_row=1, problems=taking or problems())


def as_rows(batch: Iterable[Sequence[Frame]]) -> list[tuple[int, str, str, dict[str, object]]]:
    """Turn frames back into rows."""
    found = [
        (row, frame.table, frame.part, {name: frame.columns[name][place] for name in frame.columns})
        for frames in batch
        for frame in frames
        for place, row in enumerate(frame.rows)
    ]
    return sorted(found, key=lambda one: one[:3])


def lines(*messages: object) -> bytes:
    """Return JSON lines."""
    return b"".join(orjson.dumps(message) + b"\n" for message in messages)


NUMBERS = st.integers(-(2**53), 2**53)
USERS = [{"id": number, "token": f"t{number}", "note": None if number % 3 else {"a": [number]}} for number in range(300)]
ALL = [(number, "shop.public.users", "after", user) for number, user in enumerate(USERS)]


@pytest.mark.parametrize(
    "make",
    [
        lambda user: {"after": user},
        lambda user: {"after": user, "updated": "1.0"},
        lambda user: {**user, "__crdb__": {"updated": "1.0"}},
        lambda user: user,
        lambda user: {"payload": {"after": user, "op": "c", "ts_ns": 1}, "schema": {}},
        lambda user: {"payload": [{"after": user}], "length": 1},
    ],
    ids=["wrapped", "wrapped with time", "bare", "row", "enriched", "webhook"],
)
def test_every_envelope_gives_the_same_columns(make: Any) -> None:
    """Whatever stands around a row, its columns are those of the table."""
    assert as_rows(text_batch(lines(*map(make, USERS))).frames()) == ALL


def test_csv_gives_the_same_columns_as_text() -> None:
    """Values of csv have no types, and NULL is what ``nullas`` says; a quoted line feed is part of its value."""
    data = b'id,token,note\n1,"a\nb",NULL\n2,"c""d",x\n3,,"e,f"\n'
    expected = [
        (0, "shop.public.users", "after", {"id": "1", "token": "a\nb", "note": None}),
        (1, "shop.public.users", "after", {"id": "2", "token": 'c"d', "note": "x"}),
        (2, "shop.public.users", "after", {"id": "3", "token": None, "note": "e,f"}),
    ]
    batch = text_batch(data, "users.csv", header=True, nullas="NULL")
    assert as_rows(batch.frames()) == expected
    assert as_rows(batch.frames([0, 2])) == [expected[0], expected[2]]


def test_messages_of_a_topic_have_their_keys_and_headers() -> None:
    """The names of a key's parts are those of the columns with the same values."""
    values = [orjson.dumps({"after": user}) for user in USERS]
    keys = [orjson.dumps([user["token"]]) for user in USERS]
    headers = [[("trace", b"x")]] + [[] for _ in USERS[1:]]
    messages = Messages("kafka://h/t", "users", keys, values, range(300), headers)
    frames = as_rows(MessageBatch(messages, JsonCodec(), uri="u", table="shop.public.users", problems=problems()).frames())
    assert [one for one in frames if one[2] == "after"] == ALL
    assert [one[3] for one in frames if one[2] == "key"] == [{"token": user["token"]} for user in USERS]
    assert [one for one in frames if one[2] == "header"] == [(0, "shop.public.users", "header", {"trace": "x"})]


def parquet_batches(table: Any, **options: Any) -> list[Any]:
    """Write a table and read it as batches."""
    body = io.BytesIO()
    pq.write_table(table, body, **options)
    blob = open_parquet(io.BytesIO(body.getvalue()), "u", "shop.public.users", problems())
    return list(blob.batches(0, len(blob.groups)))


def test_parquet_gives_the_same_columns() -> None:
    """Numbers are there although they are not scanned; bytes look as in JSON; a deletion has only its key."""
    before = [None, '{"id": 2, "token": "old"}', None]
    table = pa.table(
        {
            "id": pa.array([1, 2, 3], pa.int64()),
            "token": ["t1", "t2", None],
            "raw": pa.array([b"\x01\xff", None, None], pa.binary()),
            "__crdb__event_type": ["c", "u", "d"],
            "__crdb__before": before,
        }
    )
    (batch,) = parquet_batches(table)
    name = "shop.public.users"
    assert as_rows(batch.frames()) == [
        (0, name, "after", {"id": 1, "token": "t1", "raw": "\\x01ff"}),
        (1, name, "after", {"id": 2, "token": "t2", "raw": None}),
        (1, name, "before", {"id": 2, "token": "old"}),
        (2, name, "key", {"id": 3}),
    ]
    assert as_rows(batch.frames([1])) == [one for one in as_rows(batch.frames()) if one[0] == 1]


def test_the_previous_row_and_the_key_of_a_message() -> None:
    """A deletion has them alone; an unnamed key is named by the row before it."""
    message = {"after": None, "before": {"id": "k1", "token": "old"}, "key": ["k1"]}
    assert as_rows(text_batch(lines(message)).frames()) == [
        (0, "shop.public.users", "before", {"id": "k1", "token": "old"}),
        (0, "shop.public.users", "key", {"id": "k1"}),
    ]


def test_every_part_of_a_key_has_a_name_of_its_own() -> None:
    """A key of several parts that have no name keeps them all, in its order, beside those that have one."""
    keys = [[7, 1], [7, 2]]
    deleted = text_batch(lines(*({"after": None, "key": key} for key in keys)))
    assert as_rows(deleted.frames()) == [(row, "shop.public.users", "key", {"": 7, "[1]": row + 1}) for row in range(2)]
    named = text_batch(lines({"after": {"a": "x", "b": 1}, "key": ["x", 1, 2]}))
    assert as_rows(named.frames())[1][3] == {"a": "x", "": 1, "[2]": 2}


def test_rows_name_their_own_tables() -> None:
    """A topic or a source in a message wins over the name of the input."""
    source = {"database_name": "shop", "schema_name": "public", "table_name": "orders"}
    messages = ({"after": {"a": 1}, "topic": "carts"}, {"after": {"b": 2}, "source": source, "op": "c", "ts_ns": 1})
    tables = {table for _, table, _, _ in as_rows(text_batch(lines(*messages)).frames())}
    assert tables == {"carts", "shop.public.orders"}


def test_a_line_that_is_no_message_is_a_gap_and_no_row() -> None:
    """The rows around it are there."""
    taking = problems()
    batch = text_batch(lines({"after": {"a": 1}}) + b'{"after": {"a" 2}}\n' + lines({"after": {"a": 3}}), taking=taking)
    assert [row for row, *_ in as_rows(batch.frames())] == [0, 2]
    assert [gap.row for gap in taking.gaps] == [2]


def test_text_without_columns_has_no_frames() -> None:
    """Lines of a log are of no table."""
    assert as_rows(text_batch(b"one\ntwo\n", "x.log").frames()) == []


@given(
    st.lists(
        st.fixed_dictionaries(
            {"after": st.none() | st.dictionaries(st.sampled_from(["a", "b", "c"]), NUMBERS | st.text(max_size=3))},
            optional={
                "before": st.none() | st.fixed_dictionaries({"a": NUMBERS}),
                "key": st.lists(NUMBERS | st.text(max_size=3), max_size=2),
            },
        ),
        max_size=30,
    )
)
def test_chunks_and_single_rows_give_the_same(messages: list[dict[str, Any]]) -> None:
    """A chunk parsed at once, its rows asked for one by one, and each in a batch of its own."""
    data = lines(*messages)
    if not data:
        return
    whole = text_batch(data)
    expected = as_rows(whole.frames())
    assert as_rows(whole.frames(range(len(messages)))) == expected
    single = [
        (number, *one[1:]) for number, message in enumerate(messages) for one in as_rows(text_batch(lines(message)).frames())
    ]
    assert sorted(single, key=lambda one: one[:3]) == expected


def hashes_of(batches: Iterable[RowBatch]) -> list[int]:
    """Return the hashes of rows."""
    return [int(one) for batch in batches for one in batch.hashes()]


def test_a_row_has_the_same_hash_in_any_cut() -> None:
    """Hashes are of content alone, hardly ever equal for different rows, and evenly spread."""
    data = lines(*({"after": {**user, "note": "x" * (user["id"] % 7)}, "updated": f"{user['id']}.0"} for user in USERS))
    whole = hashes_of([text_batch(data)])
    parts = data.splitlines(keepends=True)
    assert hashes_of(text_batch(part) for part in parts) == whole
    assert hashes_of([text_batch(data.removesuffix(b"\n"))]) == whole
    assert len(set(whole)) > 290
    assert 0.4 < np.mean(np.array(whole, dtype=np.float64)) / 2**64 < 0.6
    messages = Messages("", "t", [None] * 300, [part.removesuffix(b"\n") for part in parts], range(300))
    assert len(set(hashes_of([MessageBatch(messages, JsonCodec(), uri="", table="", problems=problems())]))) > 290


def test_a_row_of_parquet_has_the_same_hash_in_any_cut() -> None:
    """Row groups, dictionaries and batches do not matter."""
    table = pa.table({"id": [f"id{number}" for number in range(300)], "kind": ["a", "bb", None] * 100})
    whole = hashes_of(parquet_batches(table))
    assert hashes_of(parquet_batches(table, row_group_size=7)) == whole
    assert hashes_of(parquet_batches(table, use_dictionary=False)) == whole
    assert len(set(whole)) == 300
