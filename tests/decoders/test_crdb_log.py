from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.decoders import crdb_log
from auditor.decoders.options import ReadOptions
from auditor.errors import DecodeError
from auditor.model import Cell

OPTIONS = ReadOptions()
TAGS = "n1,client=‹[::1]:49851›,hostnossl,user=root"


def entry(counter, payload, *, structured=False, longest=16000, marker=" ⋮", tags=TAGS, time="18:50:04.518707"):
    """Write an entry as CockroachDB does: `+` for a further line, `|` where a line is longer than allowed."""
    prefix = f"I210323 {time} 1182 8@util/log/event_log.go:32{marker} [{tags}] {counter} "
    out = []
    for number, line in enumerate(payload.split("\n")):
        pieces = [line[at : at + longest] for at in range(0, len(line), longest)] or [""]
        for place, piece in enumerate(pieces):
            out.append(f"{prefix}{'|' if place else '+' if number else '=' if structured else ' '}{piece}\n")
    return "".join(out)


def read(data, cuts=()):
    layout = crdb_log.recognise(data[: 1 << 16], "x.log", OPTIONS)
    assert layout is not None
    rows, numbers, line, carry, rest = [], [], 0, b"", data
    for size in [*cuts, len(rest)]:
        carry, rest = carry + rest[:size], rest[size:]
        end = layout.cut(carry, final=not rest)
        if not end:
            continue
        framed = layout.frame(carry[:end])
        start = 0
        for index, stop in enumerate(framed.ends.tolist()):
            rows.append(layout.decode(framed.data[start:stop]))
            numbers.append(line + (index + 1 if framed.numbers is None else int(framed.numbers[index])))
            start = stop
        line += framed.total
        carry = carry[end:]
        if not rest:
            break
    return layout, rows, numbers


def of(row):
    return {cell.column: cell.text for cell in row.cells if cell.column != "tags"}


texts = st.text(alphabet="ab |+=!é[]\\\n", min_size=1, max_size=30).filter(lambda text: text.strip() and not text.endswith("\n"))


@given(
    st.lists(texts, min_size=1, max_size=6),
    st.integers(3, 12),
    st.lists(st.integers(1, 150), max_size=8),
    st.booleans(),
    st.sampled_from([" ⋮", " "]),
)
def test_entries_are_joined_wherever_they_are_broken_and_cut(payloads, longest, cuts, same_time, marker):
    """Lines of a text and pieces of a long line come together again, in blocks cut anywhere; rows are numbered by lines."""
    entries = [
        entry(number, text, longest=longest, marker=marker, time="18:50:04.518707" if same_time else f"18:50:0{number}.518707")
        for number, text in enumerate(payloads, 1)
    ]
    _, rows, numbers = read("".join(entries).encode(), cuts)
    assert [of(row)["message"] for row in rows] == payloads
    lines = [text.count("\n") for text in entries]
    assert numbers == [1 + sum(lines[:index]) for index in range(len(lines))]


def test_a_token_that_a_break_goes_through_is_whole_in_what_is_scanned():
    """Where a long value was broken between markers, the value stands unbroken in the data and in the cell."""
    token = "tok_" + "x" * 40
    prefix = f"I210323 18:50:04.518707 1182 8@util/log/event_log.go:32 ⋮ [{TAGS}] 2 "
    event = f'={{"Statement":"‹SELECT {token[:20]}›\n{prefix}|‹{token[20:]}›","TableName":"‹defaultdb.public.customers›"}}'
    data = f"{prefix}{event}\n".encode()
    layout, rows, numbers = read(data)
    framed = layout.frame(data)
    assert token.encode() in framed.data
    assert framed.total == 2
    assert of(rows[0]) == {"Statement": f"SELECT {token}", "TableName": "defaultdb.public.customers"}
    assert rows[0].table == "defaultdb.public.customers"
    assert Cell("after", "tags", "", "n1,client=[::1]:49851,hostnossl,user=root") in rows[0].cells
    assert numbers == [1]


def test_carriage_returns_do_not_split_a_token():
    """A log with CRLF line ends is joined as one with LF."""
    data = entry(1, "abcdef", longest=3).replace("\n", "\r\n").encode()
    _, rows, _ = read(data)
    assert of(rows[0]) == {"message": "abcdef"}


def test_header_entries_have_no_counter():
    """The entries at the front of a file, without a counter, and entries without tags are read."""
    data = (
        "I210116 21:49:17.083093 1 util/log/file_sync_buffer.go:238 ⋮ [config]   file created at: 2021\n"
        "I210116 21:49:17.083094 14 (gostd) net/http/server.go:1 ⋮ [-] 40  text\n"
        "I210116 21:49:17.083095 14 1@(gostd) net/http/server.go:1  [-] 41  more\n"
    ).encode()
    layout, rows, _ = read(data)
    assert layout.format == "crdb log (crdb-v2)"
    assert [of(row)["message"] for row in rows] == [" file created at: 2021".strip(), "text", "more"]
    assert [len(row.cells) for row in rows] == [2, 1, 1]


def test_a_stack_trace_belongs_to_its_entry():
    """Lines marked `!` go on with the entry before them."""
    prefix = "F210116 21:49:17.083093 14 1@cli/start.go:690 ⋮ [-] 40 "
    _, rows, _ = read(f"{prefix} fatal\n{prefix}!goroutine 14\n{prefix}!main.go:1\n".encode())
    assert [of(row) for row in rows] == [{"message": "fatal\ngoroutine 14\nmain.go:1"}]


def test_the_older_format_has_lines_without_prefix():
    """In crdb-v1 the further lines of an entry are plain."""
    data = b"I210116 21:49:17.083093 14 cli/start.go:690  [n1] one\ntwo\nI210116 21:49:18.083093 14 cli/start.go:690  three\n"
    layout, rows, numbers = read(data, [60])
    assert layout.format == "crdb log (crdb-v1)"
    assert [of(row)["message"] for row in rows] == ["one\ntwo", "three"]
    assert numbers == [1, 3]


def test_entries_of_the_same_time_are_kept_apart():
    """Entries that differ in nothing but their counter are entries of their own."""
    data = (entry(1, "+a") + entry(2, "|b") + entry(3, "c")).encode()
    _, rows, _ = read(data)
    assert [of(row)["message"] for row in rows] == ["+a", "|b", "c"]


def test_a_broken_event_is_an_error_without_the_value():
    """An event that is no JSON is named; a file that begins inside an entry is read from there."""
    data = (entry(7, '{"Statement":"secret', structured=True)).encode()
    layout, _, _ = read(entry(1, "x").encode())
    with pytest.raises(DecodeError, match="no valid JSON") as caught:
        layout.decode(data)
    assert "secret" not in str(caught.value)
    rotated = entry(7, "ab", longest=1).splitlines(keepends=True)[1] + entry(8, "c")
    _, rows, _ = read(rotated.encode())
    assert [of(row)["message"] for row in rows] == ["b", "c"]


def test_invalid_utf_8_is_replaced():
    """Bytes that are no UTF-8 do not keep an event from being read."""
    data = entry(1, '{"Statement":"caf@ x"}', structured=True).encode().replace(b"@ x", b"\xe9 x")
    _, rows, _ = read(data)
    assert of(rows[0]) == {"Statement": "caf\ufffd x"}


FULL = {
    "channel_numeric": 8,
    "channel": "SENSITIVE_ACCESS",
    "timestamp": "1616525404.415644000",
    "severity_numeric": 1,
    "severity": "INFO",
    "goroutine": 1,
    "file": "util/log/event_log.go",
    "line": 32,
    "entry_counter": 2,
    "redactable": 1,
    "tags": {"client": "‹[::1]:49851›"},
}
COMPACT = {"c": 8, "t": "1616525404.415644000", "s": 1, "sev": "I", "g": 1, "f": "a.go", "l": 3, "n": 1, "r": 1}


@pytest.mark.parametrize(("head", "format_"), [(FULL, "json"), ({"tag": "cockroach.sql", **COMPACT}, "json-compact")])
def test_json_entries_are_read(head, format_):
    """Events give their members as columns and their table; messages and all other members are cells too."""
    event = {"EventType": "sensitive_table_access", "Statement": "‹SELECT 'a\"b'›", "TableName": "‹db.public.t›", "NumRows": 1}
    lines = [{**head, "event": event}, {**head, "message": "‹one›\ntwo", "stacks": "goroutine"}]
    data = "".join(
        json.dumps(line, ensure_ascii=escape) + "\n" for line, escape in zip(lines, (False, True), strict=True)
    ).encode()
    layout, rows, numbers = read(data, [10, 300])
    assert layout.format == f"crdb log ({format_})"
    assert rows[0].table == "db.public.t"
    assert of(rows[0]).items() >= {"Statement": "SELECT 'a\"b'", "TableName": "db.public.t"}.items()
    assert of(rows[1]).items() >= {"message": "one\ntwo", "stacks": "goroutine"}.items()
    assert numbers == [1, 2]
    assert layout.start(b'x"}\n{"c"') == 4


def test_a_line_of_a_json_log_that_is_none_is_an_error():
    """A broken line is an error, a blank one is nothing."""
    layout, _, _ = read(json.dumps({**COMPACT, "message": "x"}).encode())
    with pytest.raises(DecodeError):
        layout.decode(b'{"c": 1\n')
    assert layout.decode(b"\n").cells == ()


@pytest.mark.parametrize(
    "data", [b"", b'{"after": {"t": "1"}}\n', b"plain text\n", b'{"t":1,"g":1,"f":1,"l":1,"r":1,"message":"x"}\n', b"I am text\n"]
)
def test_other_text_is_no_log(data):
    """Changefeed messages and prose are left to others."""
    assert crdb_log.recognise(data, "x.log", OPTIONS) is None
