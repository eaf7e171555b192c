from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from auditor.decoders import sql_table
from auditor.decoders.options import ReadOptions
from auditor.model import Cell

OPTIONS = ReadOptions()
words = st.text(alphabet="abz|+-é漢'\"\\ (", min_size=1, max_size=10).map(str.strip).filter(bool)
values = st.lists(words, min_size=1, max_size=3).map("\n".join)


def width(text: str) -> int:
    return sum(2 if character == "漢" else 1 for character in text)


def printed(columns: list[str], rows: list[list[str]], border: int = 0) -> str:
    """Print a table as the CLI's table writer does: cells padded, one line for each line of the highest cell."""
    table = [[cell.split("\n") for cell in row] for row in [columns, *rows]]
    widths = [max(width(line) for row in table for line in row[column]) for column in range(len(columns))]
    outside, inside = border >= 2, border in (1, 3)
    rule = "+".join("-" * (w + (2 if outside or number else 3)) for number, w in enumerate(widths))
    rule = f"+{rule}+" if outside else rule

    def lines(row: list[list[str]]) -> list[str]:
        out = []
        for index in range(max(map(len, row))):
            cells = [cell[index] if index < len(cell) else "" for cell in row]
            text = "|".join(f" {cell}{' ' * (w - width(cell))} " for cell, w in zip(cells, widths, strict=True))
            out.append((f"|{text}|" if outside else f" {text}").rstrip())
        return out

    body: list[str] = [rule] if outside else []
    body += [*lines(table[0]), rule]
    for number, row in enumerate(table[1:]):
        body += lines(row)
        if inside or (outside and number == len(rows) - 1):
            body.append(rule)
    return "\n".join(body) + f"\n({len(rows)} row{'s' * (len(rows) != 1)})\n"


def read(data: bytes, cuts: list[int] = ()) -> list[list[Cell]]:  # type: ignore[assignment]
    """Read an input in blocks of the given sizes."""
    layout = sql_table.recognise(data[: 1 << 16], "-", OPTIONS)
    assert layout is not None
    rows, carry, rest = [], b"", data[layout.preamble :]
    for size in [*cuts, len(rest)]:
        carry, rest = carry + rest[:size], rest[size:]
        end = layout.cut(carry, final=not rest)
        framed = layout.frame(carry[:end])
        assert not framed.bad
        start = 0
        for stop in framed.ends.tolist():
            rows.append(list(layout.decode(framed.data[start:stop]).cells))
            start = stop
        carry = carry[end:]
        if not rest:
            break
    return rows


def cells(columns, rows):
    return [[Cell("after", name, "", text) for name, text in zip(columns, row, strict=True)] for row in rows]


@given(
    st.lists(st.tuples(st.integers(0, 10**6).map(str), values, values), min_size=1, max_size=6),
    st.integers(0, 3),
    st.lists(st.integers(1, 90), max_size=6),
)
def test_a_printed_table_gives_back_its_cells(rows, border, cuts):
    """Values of one or more lines, with borders and wide characters in them, are read from every border style, cut anywhere."""
    columns = ["id", "note", "ünit"]
    rows = [list(row) for row in rows]
    assert read(printed(columns, rows, border).encode(), cuts) == cells(columns, rows)


@given(st.lists(st.tuples(values, words), min_size=1, max_size=5), st.sampled_from([1, 3]))
def test_rules_between_rows_tell_exactly_where_a_row_ends(rows, border):
    """With border 1 or 3 no value of a row can be taken for another row."""
    assume(len(rows) > 1 or border == 1)
    rows = [list(row) for row in rows]
    assert read(printed(["a", "b"], rows, border).encode()) == cells(["a", "b"], rows)


def test_the_form_of_old_versions_is_read():
    """A rule with outer crossings over rows without outer borders is the same table."""
    data = (
        b"       name      |  type\n"
        b"+----------------+-----------+\n"
        b'  f"oo           | INT\n'
        b"  short          | INT\n"
        b"  very very long |\n"
        b"(2 rows)\n"
    )
    assert read(data) == cells(["name", "type"], [['f"oo', "INT"], ["short\nvery very long", "INT"]])


def test_a_key_alone_in_its_line_is_a_row():
    """A row whose other cells are empty strings is a row of its own, not more of the row before."""
    data = b"  id | note\n-----+-------\n   1 |\n   2 | x\n     | y\n   3 |\n(3 rows)\n\n\nTime: 3ms\n"
    assert read(data)[:2] == [
        [Cell("after", "id", "", "1")],
        [Cell("after", "id", "", "2"), Cell("after", "note", "", "x\ny")],
    ]
    assert read(data)[2] == [Cell("after", "id", "", "3"), Cell("after", "", "", "Time: 3ms")]


@given(st.lists(st.integers(1, 60), max_size=8), st.integers(0, 3))
def test_further_tables_have_their_own_columns(cuts, border):
    """The output of several statements is read with each statement's columns, cut anywhere; text between is kept."""
    one = printed(["id", "a"], [["1", "x"], ["2", "y"]], border)
    two = printed(["key", "longer name", "c"], [["7", "u\nv", "w"], ["8", "p", "q"], ["9", "r", "s"]], border)
    data = f"{one}\n{two}SET\n{one}".encode()
    expected = cells(["id", "a"], [["1", "x"], ["2", "y"]])
    second = cells(["key", "longer name", "c"], [["7", "u\nv", "w"], ["8", "p", "q"], ["9", "r", "s"]])
    second[-1].append(Cell("after", "", "", "SET"))
    assert read(data, cuts) == [*expected, *second, *expected]


def test_an_empty_table_has_columns_and_no_rows():
    """A table without rows is recognised and read to its end as preamble."""
    data = b"  id | a\n-----+----\n(0 rows)\n"
    layout = sql_table.recognise(data, "-", OPTIONS)
    assert layout is not None
    assert (layout.columns, layout.preamble) == (("id", "a"), len(data))
    assert not len(layout.frame(b"").ends)


def test_a_table_of_one_column_says_what_it_cannot_tell():
    """Where several lines may be one value or several rows, a note says so."""
    layout = sql_table.recognise(b"  token\n---------\n  a\n  b\n(2 rows)\n", "-", OPTIONS)
    assert layout is not None
    assert "cannot be told" in layout.notes[0]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"Heading\n-------\n\ntext\n",
        b"  Heading\n---------\n  text\n",
        b"a | b\nc | d\n",
        b"-- comment\nSELECT 1;\n",
        b"-----BEGIN X-----\nabc\n-----END X-----\n",
    ],
)
def test_other_text_is_no_table(data):
    """Headings, comments and text with bars are left to others."""
    assert sql_table.recognise(data, "-", OPTIONS) is None


def test_a_line_without_borders_is_a_located_error():
    """A row that does not fit its table is an error that quotes nothing."""
    layout = sql_table.recognise(b"  id | a\n-----+----\n   1 | x\n(1 row)\n", "-", OPTIONS)
    assert layout is not None
    with pytest.raises(sql_table.DecodeError, match="no border where its header has one") as caught:
        layout.decode(b"  secret value\n")
    assert "secret" not in str(caught.value)
