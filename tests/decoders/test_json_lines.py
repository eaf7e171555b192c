"""JSON lines: recognised by their first message, framed by line, decoded one at a time."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.decoders.json_lines import JsonLines, recognise
from auditor.decoders.options import ReadOptions
from auditor.errors import DecodeError

OPTIONS = ReadOptions()


@pytest.mark.parametrize(
    ("head", "shape"),
    [
        (b'{"after": {"a": 1}}\n{"after": nul', "wrapped"),
        (b'\n\n{"a": 1}', "bare"),
        (b'\xef\xbb\xbf{"payload":[],"length":0}\n', "webhook"),
        (b'{"after": {"a": "' + b"x" * 100, "long lines"),
        (b'{"broken": \n{"after": {"a": 1}}\n', "wrapped"),
    ],
)
def test_recognised_by_content(head: bytes, shape: str) -> None:
    """The first whole line names the envelope; a first line longer than the head is taken on trust."""
    layout = recognise(head, "any.name", OPTIONS)
    assert layout is not None
    assert layout.format == f"ndjson ({shape})"


@pytest.mark.parametrize("head", [b"a,b\n1,2\n", b"[1]\n", b'{\n  "a": 1\n}\n', b"", b"{not json}\n"])
def test_other_text_is_left_alone(head: bytes) -> None:
    """Csv, arrays and pretty-printed documents are for other formats."""
    assert recognise(head, "x.ndjson", OPTIONS) is None


@given(rows=st.lists(st.dictionaries(st.text(max_size=3), st.text(max_size=9)), min_size=1, max_size=9), newline=st.booleans())
def test_frames_every_line(rows: list[dict[str, str]], *, newline: bool) -> None:
    """Each line is a record, with or without a line feed at the end; none of them is bad."""
    data = b"\n".join(json.dumps(row).encode() for row in rows) + (b"\n" if newline else b"")
    framed = JsonLines("bare").frame(data)
    assert (len(framed.ends), framed.total, list(framed.bad)) == (len(rows), len(rows), [])
    start = 0
    for row, end in zip(rows, framed.ends.tolist(), strict=True):
        assert json.loads(data[start:end]) == row
        start = end


def test_bad_lines_are_named() -> None:
    """Lines that are no JSON objects are named by index; blank and padded ones are not."""
    data = b'{"a": 1}\n\n  {"a": 1}  \r\nplain text\n{"cut": "of\n'
    assert [index for index, _ in JsonLines("bare").frame(data).bad] == [3, 4]


def test_invalid_utf8_is_still_read() -> None:
    """A bad byte is replaced, and the rest of the line decoded."""
    row = JsonLines("bare").decode(b'{"a": "x\xffy"}')
    assert row.cells[0].text == "x\ufffdy"


def test_the_error_says_where_and_not_what() -> None:
    """A line that cannot be parsed is an error with its place only."""
    with pytest.raises(DecodeError, match="character") as caught:
        JsonLines("bare").decode(b'{"a": "topsecret')
    assert "topsecret" not in repr(caught.value)
    assert caught.value.__cause__ is None
