"""Thrift's compact protocol: what is read is written again byte for byte, and junk is an error."""

from __future__ import annotations

import contextlib
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from auditor.decoders.thrift import (
    BINARY,
    BYTE,
    DOUBLE,
    FALSE,
    I16,
    I32,
    I64,
    LIST,
    MAP,
    SET,
    STRUCT,
    TRUE,
    Entries,
    Field,
    Items,
    spans,
    write_value,
)
from auditor.errors import DecodeError
from tests.decoders.parquet_examples import footer_of, with_footer, written

SCALARS = {
    TRUE: st.booleans(),
    BYTE: st.integers(-128, 127),
    I16: st.integers(-(2**15), 2**15 - 1),
    I32: st.integers(-(2**31), 2**31 - 1),
    I64: st.integers(-(2**63), 2**63 - 1),
    DOUBLE: st.floats(allow_nan=False),
    BINARY: st.binary(max_size=200),
}


def values(kind: int) -> st.SearchStrategy[object]:
    """Return values of one scalar type."""
    return SCALARS[kind]


ITEMS = st.sampled_from(sorted(SCALARS)).flatmap(
    lambda kind: st.lists(values(kind), max_size=20).map(lambda items: Items(kind, items))
)
ENTRIES = st.tuples(st.sampled_from(sorted(SCALARS)), st.sampled_from(sorted(SCALARS))).flatmap(
    lambda kinds: st.lists(st.tuples(values(kinds[0]), values(kinds[1])), min_size=1, max_size=5).map(
        lambda pairs: Entries(*kinds, pairs)
    )
)


def structs(inner: st.SearchStrategy[tuple[int, object]]) -> st.SearchStrategy[list[Field]]:
    """Return structs of some (type, value) pairs, with ascending ids, small and large steps."""
    return st.lists(st.tuples(st.integers(1, 40), inner), max_size=6).map(
        lambda parts: [Field(sum(step for step, _ in parts[: index + 1]), *member) for index, (_, member) in enumerate(parts)]
    )


MEMBERS = st.recursive(
    st.one_of(
        *(values(kind).map(lambda value, kind=kind: (kind, value)) for kind in SCALARS if kind != TRUE),
        st.sampled_from([(TRUE, True), (FALSE, False)]),
        st.tuples(st.sampled_from([LIST, SET]), ITEMS),
        ENTRIES.map(lambda entries: (MAP, entries)),
        st.just((MAP, Entries(0, 0, []))),
    ),
    lambda inner: structs(inner).map(lambda fields: (STRUCT, fields)),
    max_leaves=12,
)


def read(data: bytes) -> list[Field]:
    """Return all fields of a struct."""
    return [span.field for span in spans(data)]


@given(structs(MEMBERS))
def test_any_tree_comes_back(fields: list[Field]):
    """A tree that is written and read is the same tree, and the spans lie end to end."""
    data = write_value(STRUCT, fields)
    assert read(data) == fields
    for span in spans(data):
        if span.field.type not in (TRUE, FALSE):
            assert data[span.start : span.end] == write_value(span.field.type, span.field.value)


def _struct(members: dict[str, pa.DataType]) -> pa.DataType:
    return pa.struct(list(members.items()))


TYPES = st.recursive(
    st.sampled_from(
        [pa.int32(), pa.int64(), pa.string(), pa.binary(), pa.bool_(), pa.float64(), pa.date32(), pa.timestamp("us", "UTC"),
         pa.decimal128(20, 4), pa.binary(16), pa.uuid(), pa.time64("us"), pa.large_string(), pa.json_()]
    ),
    lambda inner: st.one_of(
        inner.map(pa.list_),
        st.dictionaries(st.text("abcxyz", min_size=1, max_size=4), inner, min_size=1, max_size=3).map(_struct),
        inner.map(lambda value: pa.map_(pa.string(), value)),
    ),
    max_leaves=5,
)  # fmt: skip


@given(
    st.dictionaries(st.text(min_size=1, max_size=8).filter(lambda name: "\0" not in name), TYPES, min_size=1, max_size=20),
    st.integers(0, 5),
    st.sampled_from(["snappy", "gzip", "zstd", "none"]),
    st.sampled_from(["1.0", "2.6"]),
)
@example({f"column_{number}": pa.string() for number in range(40)}, 3, "snappy", "2.6")
def test_any_footer_is_written_again_byte_for_byte(schema: dict[str, pa.DataType], rows: int, compression: str, version: str):
    """The footer of any file is read to a tree that is written as the same bytes, which open as the same metadata."""
    table = pa.table({name: pa.nulls(rows, kind) for name, kind in schema.items()}, metadata={"made": "by a test"})
    body = written(table, compression=compression, version=version, row_group_size=2)
    footer = footer_of(body)
    again = write_value(STRUCT, read(footer))
    assert again == footer
    assert pq.read_metadata(io.BytesIO(with_footer(body, again))).equals(pq.read_metadata(io.BytesIO(body)))


@given(st.binary(max_size=300))
def test_junk_is_an_error_not_a_crash(junk: bytes):
    """Whatever the bytes, they are a struct or a `DecodeError`."""
    with contextlib.suppress(DecodeError):
        read(junk)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "end too early"),
        (b"\x18", "end too early"),
        (b"\x18\xff\xff\xff\xff\x0f", "end too early"),
        (b"\x1d\x00", "unknown type"),
        (b"\x16" + b"\x80" * 11, "integer without end"),
        (b"\x19\xf8\xff\xff\xff\xff\x07", "list longer"),
        (b"\x1b\xff\xff\xff\xff\x07\x88", "list longer"),
        (b"\x19\x1d\x00\x00", "unknown type"),
        (b"\x1c" * 5000, "nested deeper"),
        (b"\x19" + b"\x19" * 5000, "nested deeper"),
    ],
)
def test_damage_is_named(data: bytes, reason: str):
    """What cannot be is refused before memory is spent on it."""
    with pytest.raises(DecodeError, match=reason):
        read(data)


def test_a_few_bytes_each_cannot_fill_the_memory(monkeypatch: pytest.MonkeyPatch):
    """Fields and elements are counted, and too many of them are refused."""
    monkeypatch.setattr("auditor.decoders.thrift.MOST_VALUES", 1000)
    for many in (b"\x11" * 1001, b"\x19\xf1\xe9\x07" + bytes(1001)):
        with pytest.raises(DecodeError, match="more than 1,000 values"):
            read(many)


def test_a_caller_that_stops_early_reads_no_further():
    """Fields are read one at a time: damage behind the one that is wanted does not matter."""
    data = write_value(STRUCT, [Field(1, I32, 7)])[:-1] + b"\xff\xff\xff"
    assert next(iter(spans(data))).field == Field(1, I32, 7)


def test_a_value_of_the_wrong_kind_is_a_programming_error():
    """A value that does not fit its type code is refused."""
    with pytest.raises(TypeError, match="a str is no value"):
        write_value(BINARY, "text")
