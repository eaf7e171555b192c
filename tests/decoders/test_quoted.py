from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.decoders import quoted

COMMA = ord(",")
# Every character that means something in csv, and some that do not.
wild_text = st.text(alphabet='",\nab é', max_size=60).map(str.encode)
fields = st.text(alphabet='",\r\n;\t ab é', max_size=12)
tables = st.lists(st.lists(fields, min_size=2, max_size=4), min_size=1, max_size=12)


def written(rows: list[list[str]], delimiter: str = ",", terminator: str = "\n") -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator=terminator).writerows(rows)
    return out.getvalue().encode()


def python_rows(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(), newline="")))


def split(data: bytes, ends: np.ndarray) -> list[bytes]:
    return [data[start:end] for start, end in zip([0, *ends], ends, strict=False)]


@given(tables, st.sampled_from(",;|\t"), st.sampled_from(["\n", "\r\n"]))
def test_well_formed_csv_has_the_records_and_fields_that_were_written(rows, delimiter, terminator):
    """Embedded line feeds, doubled quotes and quoted delimiters never end a record or a field."""
    data = written(rows, delimiter, terminator)
    found = quoted.records(data, ord(delimiter))
    assert int(found.ends[-1]) == len(data)
    assert found.fields.tolist() == [len(row) for row in rows]
    assert not len(found.suspect)
    for record, row in zip(split(data, found.ends), rows, strict=True):
        assert record == written([row], delimiter, terminator)


@given(wild_text)
def test_any_text_is_framed_as_the_csv_module_frames_it(data):
    """Quotes inside unquoted fields are text, as for Python's reader; only what is never closed differs."""
    found, unclosed = quoted.all_records(data, COMMA)
    assert b"".join(split(data, found.ends)) == data
    if not unclosed:
        rows = python_rows(data)
        assert len(found.ends) == len(rows)
        # Python reads a blank line as a record without fields.
        assert found.fields.tolist() == [max(1, len(row)) for row in rows]


@given(wild_text)
def test_a_quote_that_is_never_closed_costs_one_line(data):
    """After an unclosed quote the next line is read as a record of its own."""
    found, unclosed = quoted.all_records(data, COMMA)
    for index in unclosed:
        start = int(found.ends[index - 1]) if index else 0
        assert b"\n" not in data[start : int(found.ends[index])].rpartition(b'"')[2][:-1]


@given(wild_text, st.data())
def test_cutting_a_csv_at_record_ends_changes_nothing(data, draw):
    """Framing a csv in pieces, each cut at the end of its last record, gives the records of framing it whole."""
    whole, _ = quoted.all_records(data, COMMA)
    ends, base, carry = [], 0, b""
    position = 0
    while position < len(data):
        step = draw.draw(st.integers(1, 20))
        carry += data[position : position + step]
        position += step
        if position >= len(data):
            break
        found = quoted.records(carry, COMMA).ends
        cut = int(found[-1]) if len(found) else 0
        piece, unclosed = quoted.all_records(carry[:cut], COMMA)
        assert not unclosed
        ends += [base + int(end) for end in piece.ends]
        base, carry = base + cut, carry[cut:]
    rest, _ = quoted.all_records(carry, COMMA)
    ends += [base + int(end) for end in rest.ends]
    assert ends == whole.ends.tolist()


@given(
    st.lists(st.tuples(st.integers(0, 99), st.text('",\nab', max_size=30), st.text("xyz", min_size=1)), min_size=30, max_size=60),
    st.data(),
)
def test_a_guessed_start_is_a_true_one(rows, draw):
    """From a window that begins anywhere, a record start is named only where one is, and mostly is."""
    data = written([[str(number), text, word] for number, text, word in rows])
    starts = {0, *quoted.records(data, COMMA).ends.tolist()}
    at = draw.draw(st.integers(0, len(data)))
    guess = quoted.likely_start(data[at:], COMMA, 3, at_least=8)
    assert guess == -1 or at + guess in starts


def test_a_window_inside_a_long_text_is_recognised_by_what_follows():
    """A window that begins inside a quoted text of several lines starts with the record behind it."""
    text = "one line\nand, more, of it\n" * 3
    data = written([["1", text, "x"]] + [[str(n), "plain", "y"] for n in range(20)])
    assert quoted.likely_start(data[10:], COMMA, 3) == data.index(b"0,plain") - 10
    assert quoted.likely_start(data[data.index(b"3,plain") + 2 :], COMMA, 3) == len(b"plain,y\n")


@pytest.mark.parametrize(
    ("data", "unclosed"),
    [(b'1,"open\n2,two\n3,three\n', [0]), (b'1,one\n2,"open', [1]), (b'1,"open\n2,"two"\n3,three\n', []), (b"", [])],
)
def test_unclosed_quotes_are_named(data, unclosed):
    """The record with a quote that is never closed is named; one that a later quote closes is a suspect instead."""
    found, named = quoted.all_records(data, COMMA)
    assert named == unclosed
    if b'"two"' in data:
        assert found.suspect.tolist() == [0]


def test_many_unclosed_quotes_stay_quick():
    """Data that is all unclosed quotes is read as lines after some."""
    data = b'a,"b\n' * 2000 + b'"'
    found, unclosed = quoted.all_records(data, COMMA)
    assert int(found.ends[-1]) == len(data)
    assert len(unclosed) <= 65
