from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.decoders import delimited
from auditor.decoders.options import ReadOptions
from auditor.errors import ConfigError
from auditor.model import Cell

PLAIN = ReadOptions()
texts = st.text(alphabet=st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=20)


def written(rows, delimiter=",", terminator="\n", quoting=csv.QUOTE_MINIMAL):
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator=terminator, quoting=quoting).writerows(rows)
    return out.getvalue().encode()


def layout_of(data, name="t.csv", **options):
    layout = delimited.recognise(data[: 1 << 16], name, ReadOptions(**options))
    assert layout is not None
    return layout


def rows_of(layout, data):
    framed = layout.frame(data[layout.preamble :])
    starts = [0, *framed.ends.tolist()]
    return [layout.decode(framed.data[start:end]) for start, end in zip(starts, framed.ends.tolist(), strict=False)], framed


def named(row):
    return {cell.column: cell.text for cell in row.cells}


@given(st.lists(st.tuples(texts, texts, texts), min_size=1, max_size=8), st.sampled_from(",;|\t"), st.booleans())
def test_what_the_csv_module_writes_is_read_back(rows, delimiter, quote_all):
    """Every field of a written csv comes back under its column, quoted or not; empty ones are no cells."""
    if not quote_all:  # Python's writer, unlike CockroachDB's, leaves a carriage return unquoted
        rows = [tuple(field.replace("\r", " ") for field in row) for row in rows]
    data = written([("id", "note", "more"), *rows], delimiter, quoting=csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL)
    layout = layout_of(data, header=True, delimiter=delimiter)
    read, framed = rows_of(layout, data)
    assert not framed.bad
    assert layout.columns == ("id", "note", "more")
    expected = [{n: t for n, t in zip(("id", "note", "more"), row, strict=True) if t} for row in rows]
    assert [named(row) for row in read] == expected


def test_an_export_has_no_header_and_columns_by_number():
    """Without --header or --columns the first record of an EXPORT is a row and columns are numbered."""
    data = b'1,{"a": 1},x\n2,\\x6162,"two, ""quoted""\nlines"\n'
    layout = layout_of(data, "export16808a04292505c80000000000000001-n1.0.csv.gz")
    rows, framed = rows_of(layout, data)
    assert (layout.format, layout.columns, layout.preamble, layout.notes) == ("csv", ("col1", "col2", "col3"), 0, ())
    assert framed.total == 2
    assert rows[1].cells == [
        Cell("after", "col1", "", "2"),
        Cell("after", "col2", "", "\\x6162"),
        Cell("after", "col3", "", 'two, "quoted"\nlines'),
    ]


def test_the_output_of_the_cli_looks_like_an_export_and_says_so():
    """A first record of names is a row unless --header says otherwise, and a note names the flag."""
    data = b"id,token\n1,a1\n2,NULL\n"
    layout = layout_of(data)
    assert layout.preamble == 0
    assert "--header" in layout.notes[0]
    layout = layout_of(data, header=True, nullas="NULL")
    rows, _ = rows_of(layout, data)
    assert (layout.preamble, layout.notes) == (9, ())
    assert [named(row) for row in rows] == [{"id": "1", "token": "a1"}, {"id": "2"}]


def test_columns_name_the_fields_and_are_recognised_as_header():
    """Names from --columns are used, and a first record equal to them is the header."""
    assert layout_of(b"1,x\n2,y\n", columns=("id", "t")).columns == ("id", "t")
    assert layout_of(b"1,x\n2,y\n", columns=("id", "t")).preamble == 0
    assert layout_of(b"id,t\n1,x\n", columns=("id", "t")).preamble == 5


def test_columns_of_another_number_are_refused_with_a_note():
    """Names that do not fit the records are not used."""
    layout = layout_of(b"1,x\n2,y\n", columns=("id", "a", "b"))
    assert layout.columns == ("col1", "col2")
    assert "--columns names 3 columns, but the records have 2" in layout.notes[0]


@pytest.mark.parametrize(
    ("name", "data", "delimiter", "format_"),
    [
        ("t.tsv", b"a,b\tc\n1\t2\n", "\t", "tsv"),
        ("-", b"1;2,5;x\n2;3,5;y\n", ";", "csv"),
        ("-", b"1|a\n2|b\n", "|", "csv"),
        ("t.csv", b"one column\nof text\n", ",", "csv"),
        ("t.csv", b"header,only\n", ",", "csv"),
    ],
)
def test_the_delimiter_is_found(name, data, delimiter, format_):
    """The delimiter that makes records of one length is taken; a csv of one column by its name."""
    layout = layout_of(data, name)
    assert (layout.delimiter, layout.format) == (delimiter, format_)


@pytest.mark.parametrize(
    "data", [b"", b"\n\n", b"plain text, of some lines\nwithout, any, order\nat all\n", b"# no columns\n", b"a,b\0\n1,2\n"]
)
def test_other_text_is_left_to_others(data):
    """Text without an even number of fields, without records or with NUL bytes is no csv."""
    assert delimited.recognise(data, "-", PLAIN) is None


@pytest.mark.parametrize("delimiter", ["", ",,", "é", '"'][1:])
def test_a_delimiter_is_one_ascii_character(delimiter):
    """Other delimiters are refused with what to write."""
    with pytest.raises(ConfigError, match="one ASCII character"):
        delimited.recognise(b"a,b\n", "t.csv", ReadOptions(delimiter=delimiter))


def test_marks_before_the_first_record_are_no_rows():
    """A byte order mark and the CLI's # lines belong to the preamble, with the header behind them."""
    data = b"\xef\xbb\xbf# Server version: x\nid,token\n1,abc\n"
    layout = layout_of(data, header=True)
    assert layout.columns == ("id", "token")
    assert data[layout.preamble :] == b"1,abc\n"


VALUE = '{"after": {"id": 1, "note": "it\'s \\\\ \\"x\\" \\u000b"}, "updated": "1.0000000002"}'
ESCAPED = VALUE.replace("\\", "\\\\")


@pytest.mark.parametrize(
    ("key", "value"),
    [("[1]", ESCAPED), ("\\x" + b"[1]".hex(), "\\x" + VALUE.encode().hex())],
    ids=["bytea_output=escape", "bytea_output=hex"],
)
@pytest.mark.parametrize("delimiter", [",", "\t"])
@pytest.mark.parametrize("table", ["users", "odd, name"])
def test_a_captured_changefeed_is_decoded_to_its_envelopes(key, value, delimiter, table):
    """Messages that the CLI printed give table, key, columns and time, in either form of bytea."""
    resolved = '{"resolved":"3.0000000000"}'
    resolved = resolved if value == ESCAPED else "\\x" + resolved.encode().hex()
    data = written([("table", "key", "value"), (table, key, value), ("NULL", "NULL", resolved), (table, key, "")], delimiter)
    layout = layout_of(data, "-")
    assert layout.format == ("csv (sinkless)" if delimiter == "," else "tsv (sinkless)")
    rows, framed = rows_of(layout, data)
    assert not framed.bad
    assert rows[0].table == table
    assert [part for _, part in rows[0].key] == [1]
    assert Cell("after", "note", "", 'it\'s \\ "x" \v') in rows[0].cells
    assert rows[0].updated == "1.0000000002"
    assert rows[1].resolved is not None
    assert rows[2].table == table


def test_a_capture_in_hex_form_is_scanned_as_text():
    """What the prefilter sees of a capture in hex form is the JSON itself, on the same number of lines."""
    message = b'{"after": {"t": "' + b"x" * 40 + b'"}}'
    data = b"table,key,value\nusers,\\x5b315d,\\x" + message.hex().encode() + b"\r\n"
    layout = layout_of(data)
    framed = layout.frame(data[layout.preamble :])
    assert b"x" * 40 in framed.data
    assert framed.ends.tolist() == [len(framed.data)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"3,c,d\n", "3 fields where 2 are expected"),
        (b"3\n", "1 fields where 2 are expected"),
        (b'3,an "inch\n', "a quote stands inside a field that is not quoted"),
        (b'3,"an" inch\n', "a quote stands inside a field that is not quoted"),
        (b'3,"open\n', "a quoted field is not closed"),
    ],
)
def test_a_broken_record_is_named_and_the_rest_is_read(line, reason):
    """Ragged rows and misplaced quotes are named by record; records around them keep their columns."""
    data = b"1,a\n2,b\n" + line + b"4,d\n"
    layout = layout_of(data, columns=("id", "t"))
    rows, framed = rows_of(layout, data)
    assert framed.bad == [(2, reason)]
    assert named(rows[0]) == {"id": "1", "t": "a"}
    assert named(rows[3]) == {"id": "4", "t": "d"}
    assert len(rows) == 4


def test_a_broken_record_keeps_its_fields_as_nameless_text():
    """The fields of a ragged row are unquoted and scanned, under no column."""
    data = b'1,a\n2,b\n3,"c ""x""",d\n'
    rows, _ = rows_of(layout_of(data), data)
    assert rows[2].cells == [Cell("after", "", "", text) for text in ("3", 'c "x"', "d")]


def test_blank_lines_and_remarks_are_nothing_to_report():
    """A blank line or a # line among records is no gap."""
    data = b"1,a\n\n2,b\r\n\r\n# 2 rows\n"
    _, framed = rows_of(layout_of(data), data)
    assert not framed.bad


def test_invalid_utf_8_is_replaced_and_read():
    """A record with bytes that are no UTF-8 keeps its fields."""
    data = b"1,caf\xe9 token\n2,b\n"
    rows, framed = rows_of(layout_of(data), data)
    assert named(rows[0]) == {"col1": "1", "col2": "caf\ufffd token"}
    assert not framed.bad


def test_a_header_alone_is_no_row():
    """A file that holds only its header has columns and no rows."""
    layout = layout_of(b"id,token\n", header=True)
    rows, framed = rows_of(layout, b"id,token\n")
    assert (rows, framed.total, layout.columns) == ([], 0, ("id", "token"))


@pytest.mark.parametrize("terminator", ["\n", "\r\n"])
def test_a_last_record_without_line_end_is_a_record(terminator):
    """The input may end without a line end."""
    data = f"1,a{terminator}2,b".encode()
    rows, framed = rows_of(layout_of(data), data)
    assert [named(row)["col2"] for row in rows] == ["a", "b"]
    assert not framed.bad
