"""What all text formats have in common, whatever they are given."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.decoders import crdb_log, delimited, json_array, json_lines, sql_inserts, sql_raw, sql_records, sql_table, text_lines
from auditor.decoders.options import ReadOptions
from auditor.errors import DecodeError

ROWS = [["1", 'one, "two"', "x|y"], ["2", "three\nfour", "z"], ["3", "five", "é漢"], ["4", "six", "w"]]
COLUMNS = ["id", "note", "more"]


def as_csv():
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(ROWS)
    return out.getvalue()


def as_table():
    lines = "".join(
        "\n".join(
            f"  {(row[0] if not n else ''):<2} | {part:<10} | {(row[2] if not n else ''):<4}"
            for n, part in enumerate(row[1].split("\n"))
        )
        + "\n"
        for row in ROWS
    )
    return f"  id |    note    | more\n-----+------------+-------\n{lines}(4 rows)\n"


def as_records():
    out = []
    for number, row in enumerate(ROWS, 1):
        out.append(f"-[ RECORD {number} ]\n")
        for name, value in zip(COLUMNS, row, strict=True):
            parts = value.split("\n")
            out += [f"{'' if n else name:<4} | {part}{'+' if n < len(parts) - 1 else ''}\n" for n, part in enumerate(parts)]
    return "".join(out)


def as_inserts():
    literals = [["e'" + value.replace('"', '\\"').replace("\n", "\\n") + "'" for value in row] for row in ROWS]
    names = ",\n".join(f"  {name} STRING" for name in COLUMNS)
    create, insert = "CREATE TABLE results", "INSERT INTO results VALUES"
    return f"{create} (\n{names}\n);\n\n" + "".join(f"{insert} ({', '.join(row)});\n" for row in literals)


def as_raw():
    rows = "".join(f"# row {n}\n" + "".join(f"## {len(v.encode())}\n{v}\n" for v in row) for n, row in enumerate(ROWS, 1))
    return f"# 3 columns\n{rows}# 4 rows\n"


def as_json():
    return "[" + ",".join("\n  " + json.dumps(dict(zip(COLUMNS, row, strict=True))) for row in ROWS) + "\n]\n"


def as_log():
    prefix = "I210116 21:49:1{}.083093 14 1@cli/start.go:690 ⋮ [n1] {} "
    return "".join(
        f"{prefix.format(n, n)} ‹{row[1].replace(chr(10), '›' + chr(10) + prefix.format(n, n) + '+‹')}›\n"
        for n, row in enumerate(ROWS, 1)
    )


def as_json_log():
    head = {"c": 1, "t": "1616525404.415644000", "s": 1, "g": 1, "f": "a.go", "l": 3, "n": 1, "r": 1}
    return "".join(json.dumps({**head, "message": row[1]}) + "\n" for row in ROWS)


FORMATS = {
    "csv": (delimited, as_csv()),
    "table": (sql_table, as_table()),
    "records": (sql_records, as_records()),
    "sql": (sql_inserts, as_inserts()),
    "raw": (sql_raw, as_raw()),
    "json array": (json_array, as_json()),
    "crdb log (crdb-v2)": (crdb_log, as_log()),
    "crdb log (json-compact)": (crdb_log, as_json_log()),
    "text": (text_lines, "some text\nof two lines\n"),
}
each_format = pytest.mark.parametrize("format_", FORMATS)


def layout_of(format_):
    module, text = FORMATS[format_]
    layout = module.recognise(text.encode(), "x.csv" if format_ == "csv" else "x", ReadOptions())
    assert layout is not None
    assert layout.format == format_
    return layout, text.encode()


def read(layout, data, cuts=()):
    """Read a whole input as the loop that reads files does; return the cells of all rows and what was bad."""
    rows, bad, carry, rest = [], [], b"", data
    while rest or carry:
        size = cuts[0] if cuts else len(rest)
        cuts = cuts[1:]
        carry, rest = carry + rest[:size], rest[size:]
        end = layout.cut(carry, final=False) if rest else len(carry)
        assert 0 <= end <= len(carry)
        if not end:
            continue
        framed = layout.frame(carry[:end])
        carry = carry[end:]
        ends = framed.ends.tolist()
        assert ends == sorted(set(ends))
        assert not ends or ends[-1] == len(framed.data)
        bad += framed.bad
        for start, stop in zip([0, *ends], ends, strict=False):
            try:
                rows.append([tuple(cell) for cell in layout.decode(framed.data[start:stop]).cells])
            except DecodeError as error:
                rows.append(str(error))
    return rows, bad


@each_format
def test_only_its_own_format_takes_a_text(format_):
    """Asked in the right order, no recogniser takes what is another's."""
    data = FORMATS[format_][1].encode()
    order = (crdb_log, json_array, json_lines, sql_inserts, sql_records, sql_table, sql_raw, delimited, text_lines)
    found = next(layout for module in order if (layout := module.recognise(data, "x", ReadOptions())) is not None)
    assert found.format == format_


@each_format
def test_a_format_that_is_asked_for_takes_anything_that_is_not_plainly_other(format_):
    """With --input-format a recogniser either takes the text or says no; it never fails."""
    module, _ = FORMATS[format_]
    for data in (b"", b"x", b"\0\xff", b"{", b"[", b"-", b"a,b\n1,2\n", b"# 1 column\n"):
        module.recognise(data, "x", ReadOptions(input_format="any"))


@each_format
@given(st.lists(st.integers(1, 50), max_size=10))
def test_blocks_may_end_anywhere(format_, cuts):
    """Reading in blocks of any size gives the rows of reading at once."""
    layout, data = layout_of(format_)
    whole = read(layout, data[layout.preamble :])
    assert not whole[1]
    layout, _ = layout_of(format_)
    assert read(layout, data[layout.preamble :], cuts) == whole


@each_format
@given(st.data())
def test_an_input_that_ends_early_keeps_what_came_before(format_, draw):
    """Cut off at any byte, all whole rows before the last one are as they were."""
    layout, data = layout_of(format_)
    whole, _ = read(layout, data[layout.preamble :])
    at = draw.draw(st.integers(layout.preamble, len(data)))
    layout, _ = layout_of(format_)
    rows, _ = read(layout, data[layout.preamble : at])
    kept = max(0, len(rows) - 2)
    assert rows[:kept] == whole[:kept]


@each_format
@given(st.data())
def test_damage_is_survived_and_nothing_is_quoted(format_, draw):
    """With bytes replaced by any others, reading ends, and neither gaps nor errors quote what was read."""
    layout, data = layout_of(format_)
    body = bytearray(data[layout.preamble :])
    for _ in range(draw.draw(st.integers(1, 4))):
        at = draw.draw(st.integers(0, len(body) - 1))
        body[at : at + draw.draw(st.integers(0, 3))] = draw.draw(
            st.binary(max_size=3) | st.sampled_from([b'"', b"\n", b"'", b"|", b"{", b"\\"])
        )
        body = body or bytearray(b"x")
    rows, bad = read(layout, bytes(body), draw.draw(st.lists(st.integers(1, 60), max_size=4)))
    for text in [*(row for row in rows if isinstance(row, str)), *(reason for _, reason in bad)]:
        assert not any(word in text for word in ("two", "five", "six", "four"))


@pytest.mark.parametrize("format_", [name for name in FORMATS if name != "raw"])
def test_carriage_returns_change_no_cell(format_):
    """The same text with CRLF line ends gives the same rows, except where lengths are counted."""
    layout, data = layout_of(format_)
    expected, _ = read(layout, data[layout.preamble :])
    module, text = FORMATS[format_]
    crlf = text.replace("\n", "\r\n").encode()
    layout = module.recognise(crlf, "x.csv", ReadOptions())
    rows, _ = read(layout, crlf[layout.preamble :])
    assert [[(*cell[:3], cell[3].replace("\r\n", "\n")) for cell in row] for row in rows] == expected
