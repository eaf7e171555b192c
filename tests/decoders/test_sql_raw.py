from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.decoders import sql_raw
from auditor.decoders.options import ReadOptions
from auditor.errors import DecodeError
from auditor.model import Cell

OPTIONS = ReadOptions()
values = st.text(alphabet="#row 12\né", max_size=14)


def printed(rows):
    out = [f"# {len(rows[0])} columns\n"]
    for number, row in enumerate(rows, 1):
        out.append(f"# row {number}\n")
        out += [f"## {len(value.encode())}\n{value}\n" for value in row]
    return "".join([*out, f"# {len(rows)} rows\n"]).encode()


def read(data, cuts=()):
    layout = sql_raw.recognise(data[: 1 << 16], "x", OPTIONS)
    assert layout is not None
    rows, bad, carry, rest = [], [], b"", data[layout.preamble :]
    for size in [*cuts, len(rest)]:
        carry, rest = carry + rest[:size], rest[size:]
        end = layout.cut(carry, final=not rest)
        framed = layout.frame(carry[:end])
        bad += framed.bad
        start = 0
        for stop in framed.ends.tolist():
            rows.append(framed.data[start:stop])
            start = stop
        carry = carry[end:]
        if not rest:
            break
    return layout, rows, bad


@given(st.lists(st.tuples(values, values), min_size=1, max_size=5), st.lists(st.integers(1, 40), max_size=6))
def test_values_of_any_content_are_read_by_their_lengths(rows, cuts):
    """A value may hold lines that look like the format's own; blocks may be cut anywhere."""
    layout, found, bad = read(printed(rows), cuts)
    assert not bad
    assert layout.columns == ("col1", "col2")
    expected = [[Cell("after", f"col{n}", "", text) for n, text in enumerate(row, 1) if text] for row in rows]
    assert [list(layout.decode(record).cells) for record in found] == expected


def test_a_length_that_does_not_fit_costs_one_row():
    """After a wrong length the next row is found by its line."""
    data = printed([("one", "two"), ("three", "four")]).replace(b"## 3\none", b"## 9\none")
    layout, found, bad = read(data)
    assert bad == [(0, "a value's length does not fit")]
    assert [cell.text for cell in layout.decode(found[1]).cells] == ["three", "four"]
    with pytest.raises(DecodeError, match="length does not fit"):
        layout.decode(found[0])


def test_a_value_that_is_cut_off_is_named():
    """A file that ends inside a value names its row."""
    _, _, bad = read(printed([("one", "two")])[:-14])
    assert bad == [(0, "a value's length does not fit")]


def test_a_result_without_rows_is_all_preamble():
    """No rows, no records; other text is not taken."""
    data = b"# 1 column\n# 0 rows\n"
    layout = sql_raw.recognise(data, "x", OPTIONS)
    assert layout.preamble == len(data)
    assert not len(layout.frame(b"").ends)
    assert sql_raw.recognise(b"# a comment\n", "x", OPTIONS) is None
