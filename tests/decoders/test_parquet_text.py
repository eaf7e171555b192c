"""Text inside Arrow arrays: every value is in the joined bytes, and every position finds its row."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.decoders.parquet_text import TextLeaf, text_leaves
from auditor.errors import DecodeError
from auditor.leaves import leaves

TEXT = st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)
STRUCT = pa.struct({"name": pa.string(), "tags": pa.list_(pa.string()), "odd name": pa.large_string()})


def structs(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    """Return values of `STRUCT`."""
    return st.none() | st.fixed_dictionaries({"name": inner, "tags": st.none() | st.lists(inner, max_size=3), "odd name": inner})


def arrays(values: st.SearchStrategy[object], kind: pa.DataType) -> st.SearchStrategy[pa.Array]:
    """Return arrays of up to ten values."""
    return st.lists(values, max_size=10).map(lambda drawn: pa.array(drawn, kind))


LISTS = st.none() | st.lists(TEXT, max_size=4)
COLUMNS = st.one_of(
    *(arrays(TEXT, kind) for kind in (pa.string(), pa.large_string(), pa.string_view())),
    arrays(TEXT, pa.string()).map(lambda array: array.dictionary_encode()),
    arrays(TEXT, pa.large_string()).map(
        lambda array: array.dictionary_encode().cast(pa.dictionary(pa.int8(), pa.large_string()))
    ),
    arrays(LISTS, pa.list_(pa.string())),
    arrays(LISTS, pa.large_list(pa.large_string())),
    arrays(LISTS, pa.list_(pa.string())).map(lambda array: array.cast(pa.list_(pa.dictionary(pa.int32(), pa.string())))),
    arrays(st.none() | st.lists(TEXT, min_size=2, max_size=2), pa.list_(pa.string(), 2)),
    arrays(st.none() | st.lists(LISTS, max_size=3), pa.list_(pa.list_(pa.string()))),
    arrays(structs(TEXT), STRUCT),
    arrays(st.none() | st.lists(structs(TEXT), max_size=3), pa.list_(STRUCT)),
)


def expected(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Return path and text of every value that is not empty, by way of Python objects and the walker of JSON."""
    # Names of struct members are the schema's, not the row's: no cells.
    for cell in leaves("after", "", value):
        if cell.text and not cell.path.endswith(".{name}"):
            yield cell.path, cell.text


def texts(found: list[TextLeaf], row: int) -> list[tuple[str, str]]:
    """Return path and text of every value of a row."""
    return [(leaf.path, text) for leaf in found for text in leaf.texts(row)]


@given(COLUMNS, st.data())
def test_every_value_is_found_again(column: pa.Array, data: st.DataObject):
    """Of any column, whole or sliced: its rows' values are those that pyarrow gives, and each byte of them leads to its row."""
    start = data.draw(st.integers(0, len(column)))
    column = column.slice(start, data.draw(st.integers(0, len(column) - start)))
    found = list(text_leaves(column))
    rows = column.to_pylist()
    for row, value in enumerate(rows):
        assert sorted(texts(found, row)) == sorted(expected(value))
    for leaf in found:
        joined = leaf.joined()
        assert len(joined) == leaf.size
        for row in range(len(rows)):
            for text in leaf.texts(row):
                raw = text.encode()
                places = [place for place in range(len(joined)) if joined.startswith(raw, place)]
                assert row in leaf.rows(np.array([place + len(raw) - 1 for place in places], dtype=np.int64))[1].tolist()


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.binary_view(), pa.binary(4)])
def test_bytes_are_text_with_replacements(kind: pa.DataType):
    """Binary values keep their ASCII and valid UTF-8; other bytes become U+FFFD and cost their neighbours nothing."""
    array = pa.array([b"ab\xffc", None, b"\xc3\xa9\xe2x", b"wxyz"], kind)
    (leaf,) = text_leaves(array)
    assert [leaf.texts(row) for row in (0, 2, 3)] == [["ab\ufffdc"], ["\u00e9\ufffdx"], ["wxyz"]]
    which, rows = leaf.rows(np.array([0, 3, len(leaf.joined()) - 1]))
    assert (which.tolist(), rows.tolist()) == ([0, 1, 2], [0, 0, 3])


def test_invalid_utf8_in_a_view_is_no_error():
    """A string view that holds no UTF-8 is read like any other."""
    (leaf,) = text_leaves(
        pa.array([b"a\xff"], pa.binary()).cast(pa.large_binary()).view(pa.large_string()).cast(pa.string_view(), safe=False)
    )
    assert leaf.texts(0) == ["a\ufffd"]


def test_a_dictionary_is_scanned_once_and_leads_to_all_its_rows():
    """A value that many rows share lies in the joined bytes once; a hit in it is a hit in each of the rows."""
    array = pa.array(["red", "blue", None, "red", "blue", "red"]).dictionary_encode()
    (leaf,) = text_leaves(array)
    assert leaf.joined() == b"redblue"
    which, rows = leaf.rows(np.array([1]))
    assert (which.tolist(), rows.tolist()) == ([0, 0, 0], [0, 3, 5])
    which, rows = leaf.rows(np.array([6, 2]))
    assert (which.tolist(), rows.tolist()) == ([0, 0, 1, 1, 1], [1, 4, 0, 3, 5])
    assert leaf.texts(2) == []


def test_a_dictionary_larger_than_its_rows_is_not_scanned_for_them():
    """Of a dictionary that serves many batches, a small one scans only the values that it refers to."""
    array = pa.DictionaryArray.from_arrays(pa.array([7, 7]), pa.array([f"value {number}" for number in range(1000)]))
    (leaf,) = text_leaves(array)
    assert leaf.joined() == b"value 7value 7"


def test_maps_give_keys_and_values_their_paths():
    """A map's keys and values are leaves below the column."""
    array = pa.array([[("a", "b"), ("c", None)], None, [("d", "e")]], pa.map_(pa.string(), pa.string()))
    found = list(text_leaves(array))
    assert texts(found, 0) == [("$[*].key", "a"), ("$[*].key", "c"), ("$[*].value", "b")]
    assert texts(found, 1) == []
    assert texts(found, 2) == [("$[*].key", "d"), ("$[*].value", "e")]


def test_extension_types_are_read_as_what_they_store():
    """JSON as an extension type is its text."""
    (leaf,) = text_leaves(pa.array(['{"a": 1}'], pa.json_()))
    assert leaf.texts(0) == ['{"a": 1}']


def test_an_unknown_type_is_refused():
    """A type that is not known to be read whole is an error, never a silence."""
    with pytest.raises(DecodeError, match="int64"):
        list(text_leaves(pa.array([1])))


def test_the_span_of_a_value_is_known():
    """Each position leads to where the value around it begins and ends, so that a match across two values can be told."""
    array = pa.array(["skipped", "ab", None, "", "cdef"]).slice(1)
    (leaf,) = text_leaves(array)
    assert leaf.joined() == b"abcdef"
    begins, ends = leaf.spans(np.array([0, 1, 2, 5]))
    assert (begins.tolist(), ends.tolist()) == ([0, 0, 2, 2], [2, 2, 6, 6])
    assert leaf.ends().tolist() == [2, 2, 2, 6]
