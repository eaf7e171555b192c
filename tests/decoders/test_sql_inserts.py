from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.decoders import sql_inserts
from auditor.decoders.options import ReadOptions
from auditor.errors import DecodeError
from auditor.model import Cell

OPTIONS = ReadOptions()
INSERT = "INSERT INTO results VALUES"
CONTROLS = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f", "\v": "\\v", "\a": "\\a"}


def literal(text):
    """Write a string as CockroachDB does: plain if it is, else e'...' with everything but printable ASCII escaped."""
    if all(" " <= character <= "~" and character not in "'\\" for character in text):
        return f"'{text}'"
    out = []
    for character in text:
        code = ord(character)
        if character in "'\\":
            out.append("\\" + character)
        elif " " <= character <= "~":
            out.append(character)
        else:
            out.append(
                CONTROLS.get(character)
                or (f"\\x{code:02x}" if code < 128 else f"\\u{code:04X}" if code < 65536 else f"\\U{code:08X}")
            )
    return f"e'{''.join(out)}'"


def printed(columns, rows):
    names = ",\n".join('  "' + name.replace('"', '""') + '" STRING' for name in columns)
    inserts = "".join(f"{INSERT} ({', '.join(map(literal, row))});\n" for row in rows)
    return f"CREATE TABLE results (\n{names}\n);\n\n{inserts}-- {len(rows)} rows\n".encode()


def read(data, cuts=()):
    layout = sql_inserts.recognise(data[: 1 << 16], "x", OPTIONS)
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


def cells(columns, row):
    return [Cell("after", name, "", text) for name, text in zip(columns, row, strict=True) if text]


texts = st.text(alphabet=st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=10)


@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=5), st.lists(st.integers(1, 60), max_size=6))
def test_what_the_cli_prints_is_read_back(rows, cuts):
    """Every string comes back from its literal, under the columns of the CREATE TABLE, cut anywhere."""
    columns = ("id", 'a "name"; (')
    layout, found, bad = read(printed(columns, rows), cuts)
    assert not bad
    assert layout.columns == columns
    assert [layout.decode(record).cells for record in found] == [cells(columns, row) for row in rows]
    assert {layout.decode(record).table for record in found} == {None}


@given(st.lists(st.integers(1, 80), max_size=8))
def test_further_results_have_their_own_columns(cuts):
    """The output of several statements is read with each statement's columns, cut anywhere."""
    one, two = (("a", "b"), [("1", "VALUES ("), ("2", "x")]), (("c", "d", "e"), [("3", "4", "it's"), ("5", "6", "7")])
    layout, found, bad = read(printed(*one) + printed(*two) + printed(*one), cuts)
    assert not bad
    expected = [cells(columns, row) for columns, rows in (one, two, one) for row in rows]
    assert [layout.decode(record).cells for record in found] == expected


def test_a_dump_is_read_with_its_tables_and_rows():
    """Statements with a list of columns, several rows, arrays, bytes and casts give their table and every string."""
    data = (
        b"CREATE TABLE public.users (id INT8, t STRING DEFAULT 'preset');\n"
        b"INSERT INTO public.users (id, t) VALUES\n\t(1, 'one; \nmore'),\n\t(2, e'two\\'s':::STRING);\n"
        b"UPSERT INTO public.users VALUES (3, ARRAY['x','y''z']:::STRING[]), (4, b'\\x01ab'), (5, x'6869'), (6, NULL);\n"
    )
    layout, found, bad = read(data)
    assert not bad
    first, second = map(layout.decode, found)
    assert first.table == second.table == "public.users"
    assert first.cells == [Cell("after", "", "", "preset"), Cell("after", "t", "", "one; \nmore")]
    assert [row.cells for row in first.also] == [[Cell("after", "t", "", "two's")]]
    assert second.cells == [Cell("after", "t", "$[*]", "x"), Cell("after", "t", "$[*]", "y'z")]
    assert [row.cells for row in second.also] == [[Cell("after", "t", "", "\x01ab")], [Cell("after", "t", "", "\\x6869")], []]


def test_a_statement_that_is_cut_off_is_named():
    """A file that ends inside a statement names it, and what is no INSERT is an error that quotes nothing."""
    layout, found, bad = read(printed(("a",), [("one",), ("secret",)])[:-25])
    assert bad == [(1, "the statement does not end")]
    with pytest.raises(DecodeError) as caught:
        layout.decode(found[1])
    assert "secret" not in str(caught.value)
    for broken in (b"INSERT INTO t (a) SELECT 'x';", b"INSERT INTO t VALUES;"):
        with pytest.raises(DecodeError):
            layout.decode(broken)


def test_a_result_without_rows_is_all_preamble():
    """The names of a result without rows are known."""
    data = printed(("a",), [])
    layout = sql_inserts.recognise(data, "x", OPTIONS)
    assert (layout.columns, layout.preamble) == (("a",), len(data))
    assert not len(layout.frame(b"").ends)


@pytest.mark.parametrize("data", [b"", b"text\nINSERT INTO t VALUES (1);\n", b"CREATE TABLE t (a INT8);\n"])
def test_other_text_is_left_to_others(data):
    """Text that quotes a statement, and DDL alone, are not taken."""
    assert sql_inserts.recognise(data, "x", OPTIONS) is None
