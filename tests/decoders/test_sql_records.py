from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.decoders import sql_records
from auditor.decoders.options import ReadOptions
from auditor.errors import DecodeError
from auditor.model import Cell

OPTIONS = ReadOptions()
words = st.text(alphabet="ab|é漢' -[", min_size=1, max_size=8)
values = st.lists(words, min_size=1, max_size=3).map("\n".join)
labels = st.lists(st.text(alphabet="ab_é", min_size=1, max_size=6), min_size=1, max_size=2).map("\n".join)


def printed(columns, rows):
    """Print records as the CLI does, names of several lines and all."""
    split = [column.split("\n") for column in columns]
    width = max(len(line) for lines in split for line in lines)
    out = []
    for number, row in enumerate(rows, 1):
        out.append(f"-[ RECORD {number} ]")
        for (label, *rest), value in zip(split, row, strict=True):
            lines = value.split("\n")
            for index, line in enumerate(lines):
                more = "+" if index < len(lines) - 1 else ""
                out.append(f"{'' if index else label:<{width}}{'+' if rest else ' '}| {line}{more}")
                out += [f"{part:<{width}}{' ' if part is rest[-1] else '+'}|" for part in rest]
    return ("\n".join(out) + "\n").encode()


def read(data, cuts=()):
    layout = sql_records.recognise(data[: 1 << 16], "x", OPTIONS)
    assert layout is not None
    rows, carry, rest = [], b"", data[layout.preamble :]
    for size in [*cuts, len(rest)]:
        carry, rest = carry + rest[:size], rest[size:]
        end = layout.cut(carry, final=not rest)
        framed = layout.frame(carry[:end])
        start = 0
        for stop in framed.ends.tolist():
            rows.append(list(layout.decode(framed.data[start:stop]).cells))
            start = stop
        carry = carry[end:]
        if not rest:
            break
    return rows


@given(
    st.lists(labels, min_size=1, max_size=3, unique_by=lambda label: label.split("\n")[0]).flatmap(
        lambda columns: st.tuples(st.just(columns), st.lists(st.tuples(*[values] * len(columns)), min_size=1, max_size=4))
    ),
    st.lists(st.integers(1, 60), max_size=5),
)
def test_printed_records_give_back_their_cells(case, cuts):
    """Names and values of one or more lines are put together again, cut anywhere."""
    columns, rows = case
    expected = [[Cell("after", name, "", text) for name, text in zip(columns, row, strict=True) if text] for row in rows]
    assert read(printed(columns, rows), cuts) == expected


def test_a_bar_in_a_name_is_no_border():
    """Names may hold bars: the border is the one that all lines share."""
    assert read(b"-[ RECORD 1 ]\na|b | 0\n") == [[Cell("after", "a|b", "", "0")]]


def test_a_value_may_end_in_a_plus():
    """A plus behind a value is its own where the next line has a name."""
    assert read(b"-[ RECORD 1 ]\na | x+\nb | y+\n") == [[Cell("after", "a", "", "x+"), Cell("after", "b", "", "y+")]]


def test_lines_without_a_border_are_an_error():
    """A record that is none is an error that quotes nothing."""
    layout = sql_records.recognise(b"SET\n-[ RECORD 1 ]\na | x\n", "x", OPTIONS)
    assert (layout.preamble, layout.columns) == (4, ())
    with pytest.raises(DecodeError, match="no border in common"):
        layout.decode(b"-[ RECORD 1 ]\nsecret\n")


@pytest.mark.parametrize("data", [b"", b"text\n", b" -[ RECORD 1 ]\n", b"line\n" * 20 + b"-[ RECORD 1 ]\n"])
def test_other_text_is_left_to_others(data):
    """Text that mentions a record somewhere else is not taken."""
    assert sql_records.recognise(data, "x", OPTIONS) is None
