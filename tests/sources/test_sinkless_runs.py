"""Rows that came together, as messages by table."""

from hypothesis import given
from hypothesis import strategies as st

from auditor.hlc import Timestamp
from auditor.sources.sinkless.connection import Rows
from auditor.sources.sinkless.runs import resolved_of, runs

TABLES = st.sampled_from([b"shop.public.users", b"shop.public.notes", "shop.public.\u00e9t\u00e9".encode(), b"\xff"])


@given(
    st.lists(st.tuples(TABLES, st.binary(max_size=4), st.none() | st.binary(max_size=4))), st.booleans(), st.integers(1, 10**12)
)
def test_every_row_is_handed_over_once_and_only_the_end_moves_the_position(rows, closing, first):
    """Within a table the order is kept; numbers count through; the last messages alone have the new position."""
    tables = [table for table, *_ in rows] + [None] * closing
    keys = [key for _, key, _ in rows] + [None] * closing
    values = [value for *_, value in rows] + [b"resolved"] * closing
    found = list(runs(Rows(tables, keys, values), first, "cockroachdb://h/d", {"is": "before"}, {"is": "after"}))
    topics = {table: table.decode("utf-8", "replace") for table, *_ in rows}
    seen = sorted(
        (number, part.topic, key, value)
        for part in found
        for number, key, value in zip(part.numbers, part.keys, part.values, strict=True)
    )
    wanted = [(first + place, topics[table], key, value) for place, (table, key, value) in enumerate(rows)]
    assert seen == wanted + [(first + len(rows), "", None, b"resolved")] * closing
    assert [part.position["is"] for part in found] == ["before"] * (len(found) - 1) + ["after"] * bool(found)
    assert all(list(part.numbers) == sorted(part.numbers) for part in found)


@given(st.integers(0, 9223372036854775807), st.integers(0, 2**31 - 1))
def test_both_forms_of_a_resolved_row_are_read(wall, logical):
    """The timestamp is read digit by digit."""
    moment = Timestamp(wall, logical)
    assert resolved_of(f'{{"resolved":"{moment}"}}'.encode()) == moment
    assert resolved_of(f'{{"__crdb__":{{"resolved":"{moment}"}}}}'.encode()) == moment


@given(
    st.none()
    | st.binary()
    | st.sampled_from([b'{"resolved":"1"}', b'{"resolved":"1.0000000002","a":1}', b'{"resolved":1.0000000002}'])
)
def test_nothing_else_is_taken_for_a_resolved_row(value):
    """Where the form is not known there is nothing to go on from."""
    assert resolved_of(value) is None
