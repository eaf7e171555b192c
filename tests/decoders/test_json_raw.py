"""A column is found in a message's text only where parsing would find the same."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from auditor.decoders import envelope
from auditor.decoders.json_raw import row_holding

TEXT = "q7Zt3Lx9"
VALUES = st.recursive(
    st.none() | st.integers() | st.sampled_from([TEXT, f"a {TEXT} b", "x", "{", "}", "[{", '"', "\\", "é", "}, {", '": "']),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "topic", "{", TEXT]), inner, max_size=3),
    max_leaves=6,
)
COLUMNS = st.none() | st.dictionaries(st.sampled_from(["a", "b", "topic", "}", '"']), VALUES, max_size=4)


@given(after=COLUMNS, before=COLUMNS, topic=st.none() | st.sampled_from(["t", "db.s.t", "u}"]), key=VALUES, updated=st.booleans())
def test_agrees_with_the_parser(after: object, before: object, topic: str | None, key: object, *, updated: bool) -> None:
    """Whatever it returns is the one cell that holds the text, and the table, as parsing gives them."""
    message: dict[str, object] = {"after": after, "before": before, "key": [key]}
    if topic is not None:
        message["topic"] = topic
    if updated:
        message["updated"] = "1.0000000002"
    record = json.dumps(message, ensure_ascii=False).encode() + b"\n"
    found = row_holding(record, TEXT.encode())
    if found is None:
        return
    whole = envelope.row(message)
    assert list(found.cells) == [cell for cell in whole.cells if TEXT in cell.text]
    assert found.table == whole.table


def test_finds_the_usual_message() -> None:
    """A row as CockroachDB writes it, nested columns before the value included, needs no parser."""
    after = {"a": {"n": 1, "m": ["x", "y"]}, "b": "some words", "c": TEXT, "d": None}
    record = json.dumps({"after": after, "before": None, "key": ["k"], "topic": "t", "updated": "1.0"}).encode()
    found = row_holding(record, TEXT.encode())
    assert found is not None
    assert (found.cells[0].column, found.table) == ("c", "t")
