"""A text is found in a message's own text only where parsing would find the same."""

from __future__ import annotations

import json
import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from auditor.decoders import envelope
from auditor.decoders.excerpt import FEWEST
from auditor.decoders.framing import line_ends
from auditor.decoders.json_values import JsonValues
from auditor.model import Row
from auditor.protocols import Framed

TEXT = "q7Zt3Lx9"
NAMES = st.sampled_from(["a", "topic", "{", TEXT, "kty", "größe", 'x"y', "after"])
TEXTS = [TEXT, f"a {TEXT} b", f'"{TEXT}" \\ \n', f"{TEXT}\\", "x", "{", "}", "[{", '"', "\\", "é", "}, {", '": "']
VALUES = st.recursive(
    st.none() | st.integers() | st.sampled_from(TEXTS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
COLUMNS = st.none() | st.dictionaries(NAMES, VALUES, max_size=4)
MESSAGES = st.fixed_dictionaries(
    {"after": COLUMNS},
    optional={
        "before": COLUMNS,
        "key": VALUES,
        "topic": st.sampled_from(["t", "db.s.t", "u}", ""]),
        "updated": st.just("1.0000000002"),
        "source": st.just({"table_name": "s"}),
        "__crdb__": st.just({"topic": "u"}),
        "other": VALUES,
    },
) | st.dictionaries(NAMES, VALUES, max_size=4)


def located(lines: list[bytes]) -> list[tuple[int, Row | None]]:
    """Return, for each line that holds the text, what is found at all its places."""
    data = b"".join(lines) + b'{"after": {"x": "%b"}}\n' % TEXT.encode() * FEWEST
    framed = Framed(data, line_ends(data), len(line_ends(data)))
    positions = np.array([match.end() - 1 for match in re.finditer(TEXT.encode(), data)], dtype=np.int64)
    rows = np.searchsorted(framed.ends, positions, side="right")
    values = JsonValues(framed)
    starts = values.starts(positions, rows)
    by_row: dict[int, set[int]] = {}
    for row, start in zip(rows.tolist(), starts.tolist(), strict=True):
        by_row.setdefault(row, set()).add(start)
    assert len(by_row) >= FEWEST
    return [(row, None if -1 in found else values.row(row, sorted(found))) for row, found in by_row.items() if row < len(lines)]


@given(messages=st.lists(MESSAGES, max_size=5), ascii_only=st.booleans(), compact=st.booleans())
def test_agrees_with_the_parser(messages: list[dict[str, object]], *, ascii_only: bool, compact: bool) -> None:
    """Whatever is found without parsing is every cell that holds the text, and the table, as parsing gives them."""
    marks = (",", ":") if compact else (", ", ": ")
    lines = [json.dumps(message, ensure_ascii=ascii_only, separators=marks).encode() + b"\n" for message in messages]
    for index, found in located(lines):
        whole = envelope.row(messages[index])
        if found is not None:
            assert sorted(found.cells) == sorted(cell for cell in whole.cells if TEXT in cell.text)
            assert found.table == whole.table


@given(
    data=st.lists(
        st.sampled_from([b'"', b"{", b"}", b"[", b"]", b":", b",", b"\\", TEXT.encode(), b'{"a": "', b"\n"]), max_size=30
    )
)
def test_no_text_is_too_broken(data: list[bytes]) -> None:
    """Quotes and brackets in any order raise nothing; a line that is no JSON object is found only if it is taken for one."""
    for _, found in located([line + b"\n" for line in b"".join(data).split(b"\n")]):
        assert found is None or all(TEXT in cell.text for cell in found.cells)


def test_finds_the_usual_message() -> None:
    """A row as CockroachDB writes it needs no parser, whatever the depth and the part."""
    after = {"a": {"n": 1, "m": ["x", {"y": TEXT}]}, "b": "some words", "c": f'say "{TEXT}"', "d": None}
    message = {"after": after, "before": {"c": TEXT}, "key": ["k"], "topic": "t", "updated": "1.0"}
    ((_, found),) = located([json.dumps(message).encode() + b"\n"])
    assert found is not None
    assert [cell[:3] for cell in found.cells] == [("after", "a", "$.m[*].y"), ("after", "c", ""), ("before", "c", "")]
    assert found.table == "t"
