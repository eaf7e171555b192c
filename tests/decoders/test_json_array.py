from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.decoders import envelope, json_array
from auditor.decoders.options import ReadOptions
from auditor.errors import DecodeError

OPTIONS = ReadOptions()
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet='"\\[]{},:\n aé', max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet='"\\[{a', max_size=3), inner, max_size=3),
    max_leaves=8,
)
rows = st.dictionaries(st.text(alphabet='ab"{', min_size=1, max_size=4), values, max_size=4)


def read(data, cuts=()):
    layout = json_array.recognise(data[: 1 << 16], "-", OPTIONS)
    assert layout is not None
    found, bad, carry, rest = [], [], b"", data[layout.preamble :]
    for size in [*cuts, len(rest)]:
        carry, rest = carry + rest[:size], rest[size:]
        end = layout.cut(carry, final=not rest)
        framed = layout.frame(carry[:end])
        bad += framed.bad
        start = 0
        for stop in framed.ends.tolist():
            found.append(framed.data[start:stop])
            start = stop
        carry = carry[end:]
    return layout, found, bad


@given(st.lists(rows, min_size=1, max_size=6), st.sampled_from([None, 1, 2]), st.lists(st.integers(1, 40), max_size=6))
def test_the_elements_of_an_array_are_its_records(messages, indent, cuts):
    """Compact or indented, cut anywhere, every element decodes as the message that it is."""
    data = json.dumps(messages, indent=indent, ensure_ascii=False).encode() + b"\n"
    layout, found, bad = read(data, cuts)
    assert not bad
    assert [layout.decode(record) for record in found] == [envelope.row(message) for message in messages]


@given(st.lists(rows.filter(bool), min_size=1, max_size=5), st.lists(st.integers(1, 40), max_size=6))
def test_documents_over_several_lines_are_records(messages, cuts):
    """Indented documents one after another are one record each, cut anywhere."""
    data = "\n".join(json.dumps(message, indent=2) for message in messages).encode()
    layout, found, bad = read(data, cuts)
    assert not bad
    assert [layout.decode(record) for record in found] == [envelope.row(message) for message in messages]


def of_cli(*results):
    return "".join(
        "[" + ",".join(f"\n  {json.dumps(row, separators=(',', ':'))}" for row in rows) + "\n]\n" for rows in results
    ).encode()


@given(st.lists(st.integers(1, 30), max_size=8))
def test_the_json_of_the_cli_is_read(cuts):
    """The form that `cockroach sql --format=json` prints is an array, also of several statements."""
    one = [{"id": "1", "t": "a\\]"}, {"id": "2", "t": '"'}]
    two = [{"key": "x"}, {"key": "y,["}]
    layout, found, bad = read(of_cli(one, two), cuts)
    assert not bad
    assert [layout.decode(record) for record in found] == [envelope.row(message) for message in [*one, *two]]


def test_one_row_of_the_cli_is_an_array():
    """A single element over three lines is not taken for JSON lines."""
    layout, found, _ = read(of_cli([{"id": "1"}]))
    assert (layout.format, len(found)) == ("json array", 1)


def test_an_empty_array_has_no_rows():
    """An array without elements has no record."""
    _, found, bad = read(b"[\n]\n")
    assert (found, bad) == ([], [])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text",
        b'{"a": 1}\n{"a": 2}\n',
        b"[1]\n[2]\n",
        b'{"a": {"b":\n{"a": 2}\n',
        b"[section]\nkey=value\n",
        b"[I] started\n",
        b'{"after": {"a": "' + b"x" * 70000,
    ],
)
def test_other_text_is_left_to_others(data):
    """JSON lines, also with a broken or endless first one, INI files and logs are no arrays."""
    assert json_array.recognise(data[: 1 << 16], "-", OPTIONS) is None


def test_a_cut_off_array_is_named_at_its_last_element():
    """An array that ends inside an element keeps what came before and names the element."""
    layout, found, bad = read(b'[\n  {"a": "1"},\n  {"a": "2"},\n  {"a": "3')
    assert bad == [(2, "the JSON ends before its last bracket")]
    assert [cell.text for record in found[:2] for cell in layout.decode(record).cells] == ["1", "2"]
    with pytest.raises(DecodeError, match="invalid JSON"):
        layout.decode(found[2])


def test_broken_json_is_read_line_by_line():
    """A string with a raw line feed is reported, and the elements on lines of their own are still read."""
    layout, found, bad = read(b'[\n  {"a": "1"},\n  {"a": "2},\n  {"a": "3"},\n  {"a": "4"}\n]\n')
    assert len(bad) == 1
    assert [cell.text for record in (found[1], found[3]) for cell in layout.decode(record).cells] == ["1", "3"]


def test_invalid_utf_8_is_replaced():
    """An element with bytes that are no UTF-8 is still decoded."""
    layout, found, _ = read(b'[{"a": "caf\xe9"}]')
    assert [cell.text for cell in layout.decode(found[0]).cells] == ["caf\ufffd"]
